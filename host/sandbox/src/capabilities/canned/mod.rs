//! A host side that answers from a script: what `probity test` links in place of the network and the machine.
//!
//! The same bindings, the same sandbox and the same limits; only what a call answers comes from the author's case. A call
//! that the script does not know is answered with `denied`, so that the check goes on as it would without a grant, and
//! is noted: the case fails and names the call. Nothing here reaches anything.

mod backends;
mod clocks;
mod http;
mod machine;
mod net;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use wasmtime::component::{HasData, Linker, Resource};

pub use self::backends::{shown, words};
use probity_core::check::Capability;
use probity_drivers::client::Timing;
use probity_drivers::{CallError, ErrorKind};

use super::bindings::probity::check::{context, log, queue, redis, sql, state, system, types};
use super::{HostError, HostState, bindings};

/// What a case's world answers. Made once per run: it notes what was asked.
#[derive(Debug, Default)]
pub struct Script {
    /// In the order of the file.
    pub entries: Vec<Entry>,
    /// Values of named secrets; whether they may be revealed.
    pub secrets: BTreeMap<String, (String, bool)>,
    /// The engine of each database that is not PostgreSQL.
    pub engines: BTreeMap<String, String>,
    /// What the clock says when the run starts, in milliseconds since 1970; the real time when `None`.
    pub now_unix_ms: Option<u64>,
    /// Notes of the run.
    pub notes: Mutex<Notes>,
}

/// One answer.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What has to be asked, in the words of [`Surprise::asked`].
    pub asked: String,
    /// The line of the case's file.
    pub line: u32,
    /// What is answered.
    pub answer: Result<Answer, CallError>,
}

/// What a call is answered with.
#[derive(Clone, Debug)]
pub enum Answer {
    /// An HTTP response.
    Http(Box<HttpAnswer>),
    /// Bytes that a peer sends, and those it has to hear.
    Peer {
        /// All that is read.
        says: Vec<u8>,
        /// All that must have been written by the end, when it matters.
        hears: Option<Vec<u8>>,
        /// How long the connection took.
        connect_ms: f64,
    },
    /// A handshake, and what it has to be asked for.
    Tls(types::TlsInfo, Wanted),
    /// Certificates of a file.
    Certificates(Vec<types::Certificate>),
    /// Records of a name.
    Records(Vec<bindings::probity::check::dns::Answer>),
    /// Rows of a query.
    Rows(sql::RowSet),
    /// Rows a statement changed.
    Affected(u64),
    /// A round trip, in milliseconds.
    Ms(f64),
    /// It worked.
    Done,
    /// A reply of Redis.
    Tokens(Vec<redis::Token>),
    /// Depth of a queue.
    Stats(queue::Stats),
    /// `system.memory`.
    Memory(system::MemoryInfo),
    /// `system.cpu`.
    Cpu(system::CpuInfo),
    /// `system.load`.
    Load(system::LoadAverage),
    /// `system.pressure`.
    Pressure(system::PressureInfo),
    /// `system.uptime-ms`.
    Uptime(u64),
    /// `system.disk`, `system.disks`.
    Disks(Vec<system::DiskInfo>),
    /// `system.processes`.
    Processes(Vec<system::ProcessInfo>),
    /// `system.stat`.
    File(system::FileInfo),
    /// `heartbeats`, newest first.
    Beats(Vec<bindings::probity::check::heartbeats::Beat>),
    /// `heartbeats.open`, oldest first.
    OpenRuns(Vec<bindings::probity::check::heartbeats::OpenRun>),
    /// `peers`, by name.
    Peers(Vec<(String, bindings::probity::check::peers::Snapshot)>),
}

/// A response, and what the request had to be.
#[derive(Clone, Debug)]
pub struct HttpAnswer {
    /// Status code.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body as the check reads it, or why it cannot.
    pub body: Result<Vec<u8>, CallError>,
    /// What comes after it, in the form of the headers.
    pub trailers: Vec<(String, Vec<u8>)>,
    /// How long it took; the session says for itself.
    pub timing: Timing,
    /// The body the check has to send.
    pub sent_body: Option<Vec<u8>>,
    /// Headers the check has to send, names in lower case.
    pub sent_headers: Vec<(String, String)>,
    /// The timeout it has to set.
    pub sent_timeout_ms: Option<u32>,
    /// The redirects it has to allow.
    pub sent_max_redirects: Option<u32>,
}

/// What a handshake has to be asked for, where that matters.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The name of the server.
    pub server_name: Option<String>,
    /// The authority that is trusted in place of the system's.
    pub authority: Option<String>,
}

/// What a run made of a [`Script`].
#[derive(Debug, Default)]
pub struct Notes {
    /// How often each entry answered.
    pub used: Vec<u32>,
    /// Calls that nothing answered, each once.
    pub surprises: Vec<Surprise>,
    /// What was sent and should not have been, with the entry's line.
    pub differences: Vec<(u32, String)>,
    /// Milliseconds slept.
    slept_ms: u64,
}

/// A call that the script does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surprise {
    /// What was asked: `GET http://service.test/stats`.
    pub asked: String,
    /// The lines that would answer it.
    pub hint: String,
}

impl Script {
    /// The notes; they are consistent even after a panic.
    pub fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers `asked`: with the entries for it in their order, the last of them again and again.
    fn take(&self, asked: &str, hint: impl FnOnce() -> String) -> Result<(u32, Answer), CallError> {
        let mut notes = self.notes();
        notes.used.resize(self.entries.len(), 0);
        let fitting = || self.entries.iter().enumerate().filter(|(_, entry)| entry.asked == asked);
        let next = fitting().find(|(index, _)| notes.used[*index] == 0).or_else(|| fitting().next_back());
        if let Some((index, entry)) = next {
            notes.used[index] += 1;
            return entry.answer.clone().map(|answer| (entry.line, answer));
        }
        let surprise = Surprise { asked: asked.to_owned(), hint: hint() };
        if !notes.surprises.contains(&surprise) && notes.surprises.len() < SURPRISES_MAX {
            notes.surprises.push(surprise);
        }
        Err(CallError::new(ErrorKind::Denied, format!("the case has no answer for: {asked}")))
    }

    /// Whether anything of this case speaks of `asked` or what begins with it.
    fn knows(&self, beginning: &str) -> bool {
        self.entries.iter().any(|entry| entry.asked.starts_with(beginning))
    }

    fn differs(&self, line: u32, text: String) {
        self.notes().differences.push((line, text));
    }
}

/// Calls noted; a check that loops over unknown calls shows the same over and over.
const SURPRISES_MAX: usize = 20;

/// The host of a run, acting from its script.
pub(crate) struct Actor<'a>(pub(super) &'a mut HostState);

struct Acting;

impl HasData for Acting {
    type Data<'a> = Actor<'a>;
}

/// Links the contract to scripts, and WASI as always, but for its clock: there is nothing in it.
pub(crate) fn add_to_linker(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
    bindings::Offered::add_to_linker::<_, Acting>(linker, |host| Actor(host))?;
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    clocks::add_to_linker(linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
    Ok(())
}

impl Actor<'_> {
    fn script(&self) -> Result<std::sync::Arc<Script>, HostError> {
        let missing = || CallError::new(ErrorKind::Other, "this run has no script");
        Ok(self.0.env.script.clone().ok_or_else(missing)?)
    }

    /// One call: counted, bounded and recorded as in a real run.
    fn play(
        &mut self,
        (capability, operation): (Capability, &'static str),
        target: &str,
        asked: &str,
        hint: impl FnOnce() -> String,
    ) -> Result<(u32, Answer), HostError> {
        let script = self.script()?;
        self.0.call_now(capability, operation, target, |_| script.take(asked, hint))
    }
}

/// The same error for an answer of another kind, which the reader of cases does not let through.
fn stray() -> CallError {
    CallError::new(ErrorKind::Other, "the script answers with something else")
}

fn misfit() -> HostError {
    stray().into()
}

/// A resource of ours under the contract's type.
fn disguise<T: 'static, U: 'static>(resource: &Resource<T>) -> Resource<U> {
    Resource::new_own(resource.rep())
}

fn peek<T: 'static, U: 'static>(resource: &Resource<T>) -> Resource<U> {
    Resource::new_borrow(resource.rep())
}

impl types::Host for Actor<'_> {
    fn convert_error(&mut self, error: HostError) -> wasmtime::Result<types::Error> {
        types::Host::convert_error(self.0, error)
    }
}

impl log::Host for Actor<'_> {
    fn write(&mut self, level: log::Level, message: String, fields: Vec<(String, String)>) -> wasmtime::Result<()> {
        log::Host::write(self.0, level, message, fields)
    }
}

impl context::Host for Actor<'_> {
    fn check_id(&mut self) -> wasmtime::Result<String> {
        context::Host::check_id(self.0)
    }

    fn run_id(&mut self) -> wasmtime::Result<String> {
        context::Host::run_id(self.0)
    }

    fn traceparent(&mut self) -> wasmtime::Result<Option<String>> {
        context::Host::traceparent(self.0)
    }

    fn remaining_ms(&mut self) -> wasmtime::Result<u32> {
        let slept_ms = self.timed().map_or(0, |script| script.notes().slept_ms);
        let real_ms = context::Host::remaining_ms(self.0)?;
        Ok(real_ms.saturating_sub(u32::try_from(slept_ms).unwrap_or(u32::MAX)))
    }

    fn consecutive_failures(&mut self) -> wasmtime::Result<u32> {
        context::Host::consecutive_failures(self.0)
    }

    fn previous(&mut self) -> wasmtime::Result<Option<context::PreviousRun>> {
        context::Host::previous(self.0)
    }

    fn get(&mut self, pointer: String) -> wasmtime::Result<Option<String>> {
        context::Host::get(self.0, pointer)
    }
}

impl state::Host for Actor<'_> {
    fn get(&mut self, key: String) -> Result<Option<Vec<u8>>, HostError> {
        state::Host::get(self.0, key)
    }

    fn set(&mut self, key: String, value: Vec<u8>, ttl_ms: Option<u64>) -> Result<(), HostError> {
        state::Host::set(self.0, key, value, ttl_ms)
    }

    fn delete(&mut self, key: String) -> Result<(), HostError> {
        state::Host::delete(self.0, key)
    }

    fn increment(&mut self, key: String, delta: i64) -> Result<i64, HostError> {
        state::Host::increment(self.0, key, delta)
    }

    fn keys(&mut self, prefix: String) -> Result<Vec<String>, HostError> {
        state::Host::keys(self.0, prefix)
    }
}
