//! Runs a check natively against fake capabilities.
//!
//! A [`TestHost`] answers what it was told to; everything else is an error of
//! the kind the real host would give (`refused` for an unknown address,
//! `not-found` for an unknown path), so a forgotten fake fails a test loudly.
//!
//! ```
//! use probity_check::prelude::*;
//! use probity_check::testing::{Reply, TestHost};
//! # struct Up;
//! # impl Check for Up {
//! #     type Config = probity_check::serde_json::Value;
//! #     fn describe() -> Metadata { Metadata::new("up", "0.1.0") }
//! #     fn run(_: &Self::Config) -> Result<Outcome, Failure> {
//! #         let status = http::get("http://shop.test/health")?.status();
//! #         Ok(if status == 200 { Outcome::healthy("up") } else { Outcome::unhealthy("down") })
//! #     }
//! # }
//! let host = TestHost::new().http("GET", "http://shop.test/health", Reply::status(500));
//! assert_eq!(host.run::<Up>(serde_json::json!({})).unwrap().status, Status::Unhealthy);
//! assert_eq!(host.requests().len(), 1);
//! ```

mod fake;
pub(crate) mod host;
mod http;
mod names;
mod queue;
mod redis;
#[cfg(feature = "schema")]
mod schema;
mod secrets;
mod sql;
mod tcp;
mod udp;

use std::cell::RefCell;
use std::rc::Rc;

use crate::context::PreviousRun;
use crate::dns::Answer;
use crate::heartbeats::{Beat, OpenRun};
use crate::http::Request;
use crate::log::Level;
use crate::peers::Snapshot;
use crate::sql::Value;
use crate::system::{CpuInfo, DiskInfo, FileInfo, LoadAverage, MemoryInfo, PressureInfo, ProcessInfo};
use crate::tls::{Certificate, TlsInfo};
use crate::{Check, Error, Failure, Outcome, Status, entry};

use fake::Fake;
pub use http::Reply;
#[cfg(feature = "schema")]
pub use schema::assert_schema_matches;
pub use sql::Database;
pub use tcp::Script;

/// A fake host for one check. State, clock and logs live as long as it does,
/// so several runs on one host are several runs of one check.
#[derive(Clone, Debug, Default)]
pub struct TestHost {
    fake: Rc<RefCell<Fake>>,
}

/// A record that a check logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// Its level.
    pub level: Level,
    /// Its message.
    pub message: String,
    /// Its fields.
    pub fields: Vec<(String, String)>,
}

impl TestHost {
    /// A host that grants everything and has nothing: no reachable server, no
    /// state, all system values zero, the clock at 2025-01-01T00:00:00Z.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs a check with this configuration, through the same parsing as in a component.
    ///
    /// # Errors
    /// The check's [`Failure`], or [`Failure::InvalidConfig`] when `config` does not fit.
    pub fn run<C: Check>(&self, config: impl Into<serde_json::Value>) -> Result<Outcome, Failure> {
        let _installed = host::install(Rc::clone(&self.fake));
        entry::run::<C>(&config.into().to_string())
    }

    fn with(self, change: impl FnOnce(&mut Fake)) -> Self {
        change(&mut self.fake.borrow_mut());
        self
    }

    /// Answers `method url` with `reply`. Several replies for one target are
    /// given in turn, the last one for good. `url` is what the check wrote; for
    /// an endpoint it is `name:/path`.
    #[must_use]
    pub fn http(self, method: &str, url: &str, reply: Reply) -> Self {
        self.with(|fake| fake.http.push(method, url, Ok(reply)))
    }

    /// Fails `method url` with `error`.
    #[must_use]
    pub fn http_error(self, method: &str, url: &str, error: Error) -> Self {
        self.with(|fake| fake.http.push(method, url, Err(error)))
    }

    /// Accepts connections to `host:port`, which then follow `script`.
    #[must_use]
    pub fn tcp(self, target: &str, script: Script) -> Self {
        self.with(|fake| {
            fake.tcp.insert(target.to_owned(), Ok(script));
        })
    }

    /// Fails connections to `host:port` with `error`.
    #[must_use]
    pub fn tcp_error(self, target: &str, error: Error) -> Self {
        self.with(|fake| {
            fake.tcp.insert(target.to_owned(), Err(error));
        })
    }

    /// Answers datagrams to `host:port` as `answer` says.
    #[must_use]
    pub fn udp(self, target: &str, answer: impl Fn(&[u8]) -> Result<crate::udp::Reply, Error> + 'static) -> Self {
        self.with(|fake| fake.udp.insert(target, answer))
    }

    /// Shakes hands at `host:port`, or at `host:port/server-name` when the check asks for another name;
    /// with ` trusting NAME` after it when the check trusts a declared authority only.
    #[must_use]
    pub fn tls(self, target: &str, answer: Result<TlsInfo, Error>) -> Self {
        self.with(|fake| drop(fake.names.tls.insert(target.to_owned(), answer)))
    }

    /// Declares the certificates `name`; others are `not-found`.
    #[must_use]
    pub fn certificates(self, name: &str, answer: Result<Vec<Certificate>, Error>) -> Self {
        self.with(|fake| drop(fake.names.certificates.insert(name.to_owned(), answer)))
    }

    /// Answers a question, written `MX example.org`, or `MX example.org @resolver`; others are `dns` with the code
    /// `NXDOMAIN`.
    #[must_use]
    pub fn dns(self, question: &str, answer: Result<&[&str], Error>) -> Self {
        let records = |data: &[&str]| data.iter().map(|data| Answer { data: (*data).to_owned(), ttl: 300 }).collect();
        self.with(|fake| drop(fake.names.dns.insert(question.to_owned(), answer.map(records))))
    }

    /// Declares the heartbeat `name` with these beats, the newest first; others are `not-found`. Ages are counted from
    /// their `at_unix_ms`.
    #[must_use]
    pub fn heartbeat(self, name: &str, answer: Result<Vec<Beat>, Error>) -> Self {
        self.with(|fake| drop(fake.names.heartbeats.insert(name.to_owned(), answer)))
    }

    /// Runs of the heartbeat `name` that have not ended, the oldest first; ages are counted from their `started_unix_ms`.
    #[must_use]
    pub fn open_runs(self, name: &str, runs: Vec<OpenRun>) -> Self {
        self.with(|fake| drop(fake.names.open_runs.insert(name.to_owned(), runs)))
    }

    /// Adds another check, in `groups`, with its latest status (`None` is `unknown`); others are `not-found`.
    #[must_use]
    pub fn peer(self, name: &str, groups: &[&str], status: Option<Status>) -> Self {
        self.with(|fake| {
            let now = fake.now_unix_ms;
            let message = status.map_or("unknown", Status::as_str).to_owned();
            let peer = Snapshot { status, message, at_unix_ms: now, stale: false };
            fake.names.peers.insert(name.to_owned(), Ok(peer));
            for group in groups {
                fake.names.groups.entry((*group).to_owned()).or_default().push(name.to_owned());
            }
        })
    }

    /// Fails looks at the check `name` with `error`.
    #[must_use]
    pub fn peer_error(self, name: &str, error: Error) -> Self {
        self.with(|fake| drop(fake.names.peers.insert(name.to_owned(), Err(error))))
    }

    /// Declares the database `name`.
    #[must_use]
    pub fn sql(self, name: &str, database: Database) -> Self {
        self.with(|fake| {
            fake.sql.databases.insert(name.to_owned(), database);
        })
    }

    /// Sets memory; see also [`TestHost::system_error`].
    #[must_use]
    pub fn memory(self, info: MemoryInfo) -> Self {
        self.with(|fake| fake.memory = info)
    }

    /// Sets the load averages.
    #[must_use]
    pub fn load(self, one: f64, five: f64, fifteen: f64) -> Self {
        self.with(|fake| fake.load = LoadAverage { one, five, fifteen })
    }

    /// Sets the number of logical processors.
    #[must_use]
    pub fn cpus(self, logical: u32) -> Self {
        self.with(|fake| fake.cpu.logical = logical)
    }

    /// Sets everything about processors.
    #[must_use]
    pub fn cpu(self, info: CpuInfo) -> Self {
        self.with(|fake| fake.cpu = info)
    }

    /// Sets pressure, the same for all kinds.
    #[must_use]
    pub fn pressure(self, info: PressureInfo) -> Self {
        self.with(|fake| fake.pressure = info)
    }

    /// Sets the time since the machine started.
    #[must_use]
    pub fn uptime_ms(self, ms: u64) -> Self {
        self.with(|fake| fake.uptime_ms = ms)
    }

    /// Sets the file system of `path`; others are `not-found`.
    #[must_use]
    pub fn disk(self, path: &str, info: DiskInfo) -> Self {
        self.with(|fake| {
            fake.disks.insert(path.to_owned(), info);
        })
    }

    /// Sets the file at `path`; others are `not-found`.
    #[must_use]
    pub fn file(self, path: &str, info: FileInfo) -> Self {
        self.with(|fake| {
            fake.files.insert(path.to_owned(), info);
        })
    }

    /// Adds a process.
    #[must_use]
    pub fn process(self, info: ProcessInfo) -> Self {
        self.with(|fake| fake.processes.push(info))
    }

    /// Fails every call of `system` with `error`.
    #[must_use]
    pub fn system_error(self, error: Error) -> Self {
        self.with(|fake| fake.system_error = Some(error))
    }

    /// Sets the wall clock, in milliseconds since 1970.
    #[must_use]
    pub fn now_unix_ms(self, ms: u64) -> Self {
        self.with(|fake| fake.now_unix_ms = ms)
    }

    /// Sets the check's name.
    #[must_use]
    pub fn check_id(self, id: &str) -> Self {
        self.with(|fake| id.clone_into(&mut fake.check_id))
    }

    /// Sets what the previous run concluded.
    #[must_use]
    pub fn previous(self, run: PreviousRun) -> Self {
        self.with(|fake| fake.previous = Some(run))
    }

    /// Sets how many runs failed in a row.
    #[must_use]
    pub fn consecutive_failures(self, runs: u32) -> Self {
        self.with(|fake| fake.consecutive_failures = runs)
    }

    /// Sets a key of the check's state.
    #[must_use]
    pub fn state(self, key: &str, value: impl Into<Vec<u8>>) -> Self {
        self.with(|fake| {
            fake.state.insert(key.to_owned(), (value.into(), None));
        })
    }

    /// Lets time pass between runs.
    pub fn advance_ms(&self, ms: u64) {
        self.fake.borrow_mut().advance_ms(ms);
    }

    /// The value of a key of the check's state.
    pub fn state_value(&self, key: &str) -> Option<Vec<u8>> {
        self.fake.borrow().state_get(key)
    }

    /// The requests sent so far.
    pub fn requests(&self) -> Vec<Request> {
        self.fake.borrow().http.sent.clone()
    }

    /// The bytes written to `host:port` so far, over all connections.
    pub fn tcp_written(&self, target: &str) -> Vec<u8> {
        self.fake.borrow().tcp_written.get(target).cloned().unwrap_or_default()
    }

    /// The statements that `name` got so far with their parameters; `BEGIN`, `COMMIT` and `ROLLBACK` are among them.
    pub fn sql_statements(&self, name: &str) -> Vec<(String, Vec<Value>)> {
        let fake = self.fake.borrow();
        let of_name = fake.sql.statements.iter().filter(|(database, ..)| database == name);
        of_name.map(|(_, statement, params)| (statement.clone(), params.clone())).collect()
    }

    /// The records logged so far.
    pub fn logs(&self) -> Vec<LogRecord> {
        self.fake.borrow().logs.clone()
    }
}
