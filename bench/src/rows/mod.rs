//! The rows of the table, by what they look at.

mod absent;
mod backends;
mod deadline;
mod hanging;
mod http;
mod interpreters;
mod load;
mod memory;
mod process;
mod run;
mod schedule;

pub(crate) use hanging::{Targets, beside_hanging};
pub(crate) use run::under_load;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::clock;
use crate::report::Row;

/// What a row needs to know.
pub(crate) struct Bench {
    pub(crate) quick: bool,
    pub(crate) idle_wait: Duration,
    pub(crate) components: PathBuf,
    pub(crate) probity: PathBuf,
    /// Programs that do the same as the typical guest.
    pub(crate) peers: PathBuf,
    pub(crate) scratch: tempfile::TempDir,
}

type Group = fn(&Bench) -> Result<Vec<Row>>;

/// Rows that are measured together.
pub(crate) const GROUPS: [(&[u8], &str, Group); 17] = [
    (&[1], "a run through the whole runtime", run::whole),
    (&[2], "a raw fresh call as configured", run::pool),
    (&[3], "runs on two threads", run::threads),
    (&[4], "a process per run", process::spawned),
    (&[5], "Extism", absent::extism),
    (&[6], "all safety on", run::safety),
    (&[7], "a runaway is stopped", deadline::runaway),
    (&[8], "a bystander's timer", deadline::bystander),
    (&[9, 10], "answers", http::cost),
    (&[11], "answers under stress", http::stress),
    (&[12, 13], "the schedule with 100,000 checks", schedule::many),
    (&[14, 15, 16], "memory", memory::all),
    (&[17, 18], "loading", load::all),
    (&[19], "interpreters", interpreters::all),
    (&[20], "a ping of PostgreSQL", backends::sql),
    (&[21], "a ping of Redis", backends::redis),
    (&[22], "checks beside those that hang", hanging::all),
];

impl Bench {
    /// Batches of a pair.
    pub(crate) fn batches(&self) -> usize {
        if self.quick { 3 } else { 11 }
    }

    pub(crate) fn component(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.components.join(format!("{name}.wasm"));
        fs::read(&path).with_context(|| format!("read {}", path.display()))
    }

    /// A new, empty directory that lives as long as the benchmark.
    pub(crate) fn dir(&self, name: &str) -> Result<PathBuf> {
        let path = self.scratch.path().join(name);
        if path.exists() {
            fs::remove_dir_all(&path).with_context(|| format!("empty {}", path.display()))?;
        }
        fs::create_dir_all(&path).with_context(|| format!("make {}", path.display()))?;
        Ok(path)
    }

    /// Waits for an idle machine; the note says so when there was none.
    pub(crate) fn idle(&self) -> Option<String> {
        let (idle, share) = clock::wait_idle(self.idle_wait);
        (!idle).then(|| format!("the machine was not idle ({:.0} % idle, wanted 92 %)", share * 100.0))
    }
}

/// `component` with a custom section that makes its digest another.
pub(crate) fn distinct(component: &[u8], mark: u64) -> Vec<u8> {
    let name = b"mark";
    let mut bytes = component.to_vec();
    let mark = mark.to_le_bytes();
    // Section 0, its length, the length of its name: all below 128, so one byte each.
    bytes.extend([0, (1 + name.len() + mark.len()) as u8, name.len() as u8]);
    bytes.extend(name);
    bytes.extend(mark);
    bytes
}
