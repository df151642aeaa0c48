//! Processes by name.

use std::ffi::OsStr;

use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

use super::unsupported;
use crate::capabilities::CallError;
use crate::config::grants::ProcessPattern;

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
            .filter(|process| process.thread_kind().is_none() && is_wanted(process, wanted))
            .map(describe)
            .collect();
        found.sort_by_key(|process| process.pid);
        found.truncate(PROCESSES_MAX);
        Ok(found)
    }
}

/// Linux cuts names at 15 bytes, so the executable's own name counts as well.
fn is_wanted(process: &sysinfo::Process, wanted: &Wanted) -> bool {
    let covers = |name: &OsStr| wanted.covers(&name.to_string_lossy());
    covers(process.name()) || process.exe().and_then(|exe| exe.file_name()).is_some_and(covers)
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
