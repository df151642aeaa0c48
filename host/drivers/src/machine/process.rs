//! Processes by name.

use std::ffi::OsStr;

use sysinfo::{ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System, UpdateKind};

use super::unsupported;
use crate::CallError;
#[cfg(target_os = "linux")]
use probity_config::grants::ProcessPattern;

use crate::ErrorKind;

/// Processes listed.
const PROCESSES_MAX: usize = 256;

/// One process.
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// As the kernel calls it.
    pub name: String,
    /// Milliseconds since the Unix epoch.
    pub started_unix_ms: u64,
    /// Resident bytes.
    pub rss: u64,
    /// Of one processor, since the previous look at processes; 0 at the first.
    pub cpu_percent: f64,
    /// On Linux.
    pub threads: Option<u32>,
    /// Where this user may see them.
    pub open_files: Option<u32>,
}

/// Which processes.
#[derive(Clone, Debug)]
pub(super) enum Wanted {
    /// Of exactly this name.
    Named(String),
    /// Of a name that matches.
    Matching(ProcessPattern),
}

impl Wanted {
    fn covers(&self, name: &str) -> bool {
        match self {
            Self::Named(own) => own == name,
            Self::Matching(pattern) => pattern.matches(name),
        }
    }
}

/// The process table, kept between looks because processor use is a difference.
#[derive(Debug, Default)]
pub(super) struct Table(Option<System>);

impl Table {
    pub(super) fn find(&mut self, wanted: &Wanted) -> Result<Vec<Process>, CallError> {
        #[cfg(target_os = "linux")]
        shown(std::fs::read("/proc/1/stat").map(drop))?;
        let system = match &mut self.0 {
            Some(system) => system,
            empty => empty.insert(System::new().map_err(|_| unsupported("the process table"))?),
        };
        let kind =
            ProcessRefreshKind::nothing().with_cpu().with_memory().with_exe(UpdateKind::OnlyIfNotSet).without_tasks();
        system.refresh_processes_specifics(ProcessesToUpdate::All, true, kind);
        let mut found: Vec<Process> = system
            .processes()
            .values()
            .filter(|process| process.thread_kind().is_none() && is_wanted(process, wanted) && runs(process))
            .map(describe)
            .collect();
        found.sort_by_key(|process| process.pid);
        found.truncate(PROCESSES_MAX);
        Ok(found)
    }
}

/// Whether this user sees the processes of others, by a look at the first one, which there always is. Without them a list
/// would look whole and not be.
#[cfg(target_os = "linux")]
fn shown(look: std::io::Result<()>) -> Result<(), CallError> {
    let Err(error) = look else { return Ok(()) };
    let message = format!(
        "processes of other users are hidden from this host ({error}): /proc is mounted with `hidepid`, or systemd's \
         `ProtectProc` is set; give the host the group of the mount's `gid`, or set `ProtectProc=default`"
    );
    Err(CallError::new(ErrorKind::Other, message))
}

/// Linux cuts names at 15 bytes, so the executable's own name counts as well.
fn is_wanted(process: &sysinfo::Process, wanted: &Wanted) -> bool {
    let covers = |name: &OsStr| wanted.covers(&name.to_string_lossy());
    covers(process.name()) || process.exe().and_then(|exe| exe.file_name()).is_some_and(covers)
}

/// Whether it does its work, or waits for something to do. One that ended and that nobody reaped, or that was stopped, has
/// its place in the table and does nothing. One that waits for a disk or is looked at by a debugger goes on by itself.
fn runs(process: &sysinfo::Process) -> bool {
    match process.status() {
        ProcessStatus::Dead | ProcessStatus::Stop => false,
        // The first thread may end before the others do.
        ProcessStatus::Zombie => has_living_thread(process.pid().as_u32()),
        _ => true,
    }
}

#[cfg(target_os = "linux")]
fn has_living_thread(pid: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return false };
    threads.flatten().any(|thread| {
        let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        // `PID (NAME) STATE …`, and the name may hold anything.
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X', 'x']))
    })
}

#[cfg(not(target_os = "linux"))]
const fn has_living_thread(_pid: u32) -> bool {
    false
}

fn describe(process: &sysinfo::Process) -> Process {
    let pid = process.pid().as_u32();
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Process {
        pid,
        name: process.name().to_string_lossy().into_owned(),
        started_unix_ms: process.start_time().saturating_mul(1_000),
        rss: process.memory(),
        cpu_percent: process.cpu_usage().into(),
        threads: std::fs::read_dir(format!("/proc/{pid}/task")).ok().map(|tasks| count(tasks.count())),
        open_files: process.open_files().map(count),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::path::Path;
    use std::process::{Child, Command};
    use std::time::{Duration, Instant};

    use rustix::process::{Pid, Signal, kill_process};

    use super::*;

    /// A program of a name that nobody else has.
    fn program(dir: &Path, name: &str) -> Command {
        let file = dir.join(name);
        // No copy: a file that somebody may still write cannot be run, and other tests start processes meanwhile.
        std::os::unix::fs::symlink("/bin/sleep", &file).expect("the directory can be written");
        Command::new(file)
    }

    fn signal(child: &Child, signal: Signal) {
        kill_process(Pid::from_child(child), signal).expect("it runs");
    }

    // Where others' processes are hidden there is no list, since an absent process and a hidden one look alike.
    #[test]
    fn hidden_processes_are_not_absent() {
        assert_eq!(shown(Ok(())), Ok(()));
        for kind in [std::io::ErrorKind::NotFound, std::io::ErrorKind::PermissionDenied] {
            let error = shown(Err(kind.into())).unwrap_err();
            assert!(error.message.contains("hidepid"), "{error}");
        }
    }

    /// Looks until `count` processes of `name` run.
    fn wait_for(table: &mut Table, name: &str, count: usize) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let found = table.find(&Wanted::Named(name.to_owned())).expect("processes can be listed");
            if found.len() == count {
                return;
            }
            assert!(Instant::now() < deadline, "{count} of {name} expected: {found:?}");
            std::thread::sleep(Duration::from_millis(10)); // the distance of two looks
        }
    }

    // One that is stopped does not run until it may go on; one that ended does not, reaped or not.
    #[test]
    fn only_what_runs_counts() {
        let dir = tempfile::tempdir().unwrap();
        let mut table = Table::default();
        let mut child = program(dir.path(), "prb-states").arg("600").spawn().unwrap();
        wait_for(&mut table, "prb-states", 1);
        signal(&child, Signal::STOP);
        wait_for(&mut table, "prb-states", 0);
        signal(&child, Signal::CONT);
        wait_for(&mut table, "prb-states", 1);
        signal(&child, Signal::KILL);
        wait_for(&mut table, "prb-states", 0);
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
        assert!(stat.contains(" Z "), "it waits to be reaped: {stat}");
        child.wait().unwrap();
        wait_for(&mut table, "prb-states", 0);
    }

    // A process whose first thread ended goes on with the others.
    #[test]
    fn threads_outlive_the_first() {
        let code = "import ctypes, threading, time; threading.Thread(target=time.sleep, args=(600,)).start(); \
                    ctypes.CDLL(None).prctl(15, b'prb-threads'); ctypes.CDLL(None).pthread_exit(None)";
        let mut child = Command::new("python3").args(["-c", code]).spawn().unwrap();
        let mut table = Table::default();
        let path = format!("/proc/{}/stat", child.id());
        let deadline = Instant::now() + Duration::from_secs(20);
        while !std::fs::read_to_string(&path).unwrap().contains("(prb-threads) Z ") {
            assert!(Instant::now() < deadline, "{}", std::fs::read_to_string(&path).unwrap());
            std::thread::sleep(Duration::from_millis(10)); // the distance of two looks
        }
        wait_for(&mut table, "prb-threads", 1);
        signal(&child, Signal::KILL);
        wait_for(&mut table, "prb-threads", 0);
        child.wait().unwrap();
    }
}
