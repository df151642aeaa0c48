//! Everything a fake host knows.

use std::collections::{BTreeMap, HashMap};

use super::http::FakeHttp;
use super::names::Names;
use super::redis::FakeRedis;
use super::sql::FakeSql;
use super::udp::FakeUdp;
use super::{LogRecord, Script};
use crate::Error;
use crate::context::PreviousRun;
use crate::queue::Stats;
use crate::system::{CpuInfo, DiskInfo, FileInfo, LoadAverage, MemoryInfo, PressureInfo, ProcessInfo};

/// 2025-01-01T00:00:00Z.
const START_UNIX_MS: u64 = 1_735_689_600_000;

/// A run may take.
const RUN_MS_MAX: u32 = 2_000;

#[derive(Debug)]
pub(crate) struct Fake {
    pub(crate) check_id: String,
    pub(crate) previous: Option<PreviousRun>,
    pub(crate) consecutive_failures: u32,
    pub(crate) now_unix_ms: u64,
    pub(crate) monotonic_ns: u64,
    /// What `monotonic_ns` was when the run began.
    run_began_ns: u64,
    /// Value and, when it expires, when.
    pub(crate) state: BTreeMap<String, (Vec<u8>, Option<u64>)>,
    pub(crate) logs: Vec<LogRecord>,
    pub(crate) http: FakeHttp,
    pub(crate) tcp: HashMap<String, Result<Script, Error>>,
    pub(crate) tcp_written: HashMap<String, Vec<u8>>,
    pub(crate) udp: FakeUdp,
    pub(crate) redis: HashMap<String, FakeRedis>,
    pub(crate) queues: HashMap<String, Result<Stats, Error>>,
    pub(crate) published: Vec<(String, Vec<u8>)>,
    pub(crate) secrets: HashMap<String, Result<String, Error>>,
    pub(crate) names: Names,
    pub(crate) sql: FakeSql,
    pub(crate) memory: MemoryInfo,
    pub(crate) cpu: CpuInfo,
    pub(crate) load: LoadAverage,
    pub(crate) pressure: PressureInfo,
    pub(crate) uptime_ms: u64,
    pub(crate) disks: BTreeMap<String, DiskInfo>,
    pub(crate) files: BTreeMap<String, FileInfo>,
    pub(crate) processes: Vec<ProcessInfo>,
    pub(crate) system_error: Option<Error>,
}

impl Default for Fake {
    fn default() -> Self {
        Self {
            check_id: "test".to_owned(),
            previous: None,
            consecutive_failures: 0,
            now_unix_ms: START_UNIX_MS,
            monotonic_ns: 0,
            run_began_ns: 0,
            state: BTreeMap::new(),
            logs: Vec::new(),
            http: FakeHttp::default(),
            tcp: HashMap::new(),
            tcp_written: HashMap::new(),
            udp: FakeUdp::default(),
            redis: HashMap::new(),
            queues: HashMap::new(),
            published: Vec::new(),
            secrets: HashMap::new(),
            names: Names::default(),
            sql: FakeSql::default(),
            memory: MemoryInfo::default(),
            cpu: CpuInfo { logical: 1, ..CpuInfo::default() },
            load: LoadAverage::default(),
            pressure: PressureInfo::default(),
            uptime_ms: 0,
            disks: BTreeMap::new(),
            files: BTreeMap::new(),
            processes: Vec::new(),
            system_error: None,
        }
    }
}

impl Fake {
    pub(crate) fn advance_ms(&mut self, ms: u64) {
        self.now_unix_ms += ms;
        self.monotonic_ns += ms * 1_000_000;
    }

    /// Gives a run all of its time.
    pub(crate) fn begin_run(&mut self) {
        self.run_began_ns = self.monotonic_ns;
    }

    /// What this run did not sleep of its time.
    pub(crate) fn remaining_ms(&self) -> u32 {
        let slept = (self.monotonic_ns - self.run_began_ns) / 1_000_000;
        RUN_MS_MAX.saturating_sub(u32::try_from(slept).unwrap_or(u32::MAX))
    }

    pub(crate) fn state_get(&self, key: &str) -> Option<Vec<u8>> {
        self.state_entry(key).map(|(value, _)| value.clone())
    }

    /// The keys that start with `prefix` and have not expired.
    pub(crate) fn state_keys(&self, prefix: &str) -> Vec<String> {
        let keys = self.state.keys().filter(|key| key.starts_with(prefix) && self.state_entry(key).is_some());
        keys.cloned().collect()
    }

    /// When `key` expires; `None` for never, or when there is none.
    pub(crate) fn state_expiry(&self, key: &str) -> Option<u64> {
        self.state_entry(key)?.1
    }

    fn state_entry(&self, key: &str) -> Option<&(Vec<u8>, Option<u64>)> {
        self.state.get(key).filter(|(_, expires)| expires.is_none_or(|at| at > self.now_unix_ms))
    }

    /// What `read` gives, unless the test made `system` fail.
    pub(crate) fn system<T>(&self, read: impl FnOnce(&Self) -> Result<T, Error>) -> Result<T, Error> {
        self.system_error.clone().map_or_else(|| read(self), Err)
    }
}
