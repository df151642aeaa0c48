//! The limits of the machine and of the process's cgroup, beside what the configuration asks for.

use probity_config::Config;
use probity_server::daemon::descriptors;

use super::{Finding, Level};
use crate::cli::terminal::size;

/// Threads of a host beside those that run guests: HTTP, blocking files and lookups, databases, workers that compile.
const THREADS_BESIDE: u64 = 64;

/// What a host takes without any run.
const MEMORY_BESIDE: u64 = 64 << 20;

/// Bytes of address space below which guests' memories are not reserved but grown, which is slower.
const ADDRESS_SPACE_WANTED: u64 = 64 << 30;

/// What limits this process. `None` is no limit, or one that cannot be seen here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Limits {
    descriptors: Option<u64>,
    file: Option<u64>,
    address_space: Option<u64>,
    threads: Option<u64>,
    memory: Option<u64>,
    has_proc: bool,
}

/// Looks at this process's limits.
pub(super) fn look(config: &Config) -> Vec<Finding> {
    judge(&Limits::of_this_process(), config)
}

fn judge(limits: &Limits, config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut compare = |what: &str, limit: Option<u64>, wanted: u64, shown: fn(u64) -> String, short: &str| {
        findings.push(match limit {
            Some(limit) if limit < wanted => Finding::new(
                Level::Note,
                what,
                format!("{} of {} that are wanted: {short}", shown(limit), shown(wanted)),
            ),
            Some(limit) => Finding::new(Level::Ok, what, format!("{}, {} are wanted", shown(limit), shown(wanted))),
            None => Finding::new(Level::Ok, what, "no limit"),
        });
    };
    let wanted = descriptors::needed(config) as u64;
    let few = "`server.max-connections` becomes smaller; raise LimitNOFILE or `ulimit -n`";
    compare("descriptors", limits.descriptors, wanted, |count| count.to_string(), few);
    let few = "the host may not get its threads; raise TasksMax, pids.max or `ulimit -u`";
    compare("threads", limits.threads, config.schedule.threads as u64 + THREADS_BESIDE, |count| count.to_string(), few);
    let wanted = MEMORY_BESIDE + config.limits.memory.saturating_mul(config.schedule.threads as u64);
    let few = "runs at their limit may end the host; raise memory.max, or lower `limits.memory` or `schedule.threads`";
    compare("memory", limits.memory, wanted, size, few);
    let few = "plugins may be rejected, compiled code and state are not kept; raise LimitFSIZE or `ulimit -f`";
    compare("file size", limits.file, crate::cli::serve::FILE_BYTES_WANTED, size, few);
    let few = "guests start more slowly; raise LimitAS or `ulimit -v`";
    compare("address space", limits.address_space, ADDRESS_SPACE_WANTED, size, few);
    let reads = ["cpu", "load", "memory", "pressure", "process"];
    let needs_proc = config.checks.values().any(|check| reads.contains(&check.plugin.as_str()));
    findings.push(match (limits.has_proc, needs_proc) {
        (true, _) => Finding::new(Level::Ok, "/proc", "can be read"),
        (false, true) => {
            Finding::new(Level::Bad, "/proc", "cannot be read, and checks of the machine need it: mount it")
        }
        (false, false) => Finding::new(Level::Note, "/proc", "cannot be read; checks of the machine would need it"),
    });
    findings
}

impl Limits {
    #[cfg(unix)]
    fn of_this_process() -> Self {
        use rustix::process::{Resource, getrlimit};
        // The host raises these itself, as far as it may.
        let hard = |resource| getrlimit(resource).maximum;
        let pids = cgroup("pids.max");
        let threads = [getrlimit(Resource::Nproc).current, pids].into_iter().flatten().min();
        Self {
            descriptors: hard(Resource::Nofile),
            file: hard(Resource::Fsize),
            address_space: getrlimit(Resource::As).current,
            threads,
            memory: cgroup("memory.max"),
            has_proc: !cfg!(target_os = "linux") || std::path::Path::new("/proc/self/stat").exists(),
        }
    }

    #[cfg(not(unix))]
    fn of_this_process() -> Self {
        Self { has_proc: true, ..Self::default() }
    }
}

/// The smallest limit of this name on the way from the process's cgroup (version 2) to the root.
#[cfg(unix)]
fn cgroup(name: &str) -> Option<u64> {
    let own = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let folder = std::path::Path::new("/sys/fs/cgroup").join(own);
    let folders = folder.ancestors().take_while(|folder| folder.starts_with("/sys/fs/cgroup"));
    let limits = folders.filter_map(|folder| std::fs::read_to_string(folder.join(name)).ok()?.trim().parse().ok());
    limits.min()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    // A limit below what the configuration asks for is told with what becomes of it; without limits all is well.
    #[test]
    fn limits_are_compared_with_the_configuration() {
        let config = Config::default_in(Path::new(""));
        let free = Limits { has_proc: true, ..Limits::default() };
        assert!(judge(&free, &config).iter().all(|finding| finding.level == Level::Ok));
        let tight = Limits {
            descriptors: Some(256),
            file: Some(1 << 20),
            address_space: Some(1 << 30),
            threads: Some(16),
            memory: Some(32 << 20),
            has_proc: false,
        };
        let findings = judge(&tight, &config);
        assert!(findings.iter().all(|finding| finding.level == Level::Note), "{findings:?}");
        assert!(findings[0].said.starts_with("256 of ") && findings[0].said.contains("LimitNOFILE"), "{findings:?}");
    }

    // This process has limits that can be read.
    #[test]
    fn this_process_can_be_looked_at() {
        assert!(look(&Config::default_in(Path::new(""))).iter().all(|finding| finding.level != Level::Bad));
    }
}
