//! The host side of each import, one file per interface of the contract, and the one place that every call goes through.
//!
//! [`HostState`] is the data of one run's store. `HostState::call` bounds, times, counts and records a capability
//! call; nothing reaches a network or a machine without it.

pub mod bindings;
pub mod canned;
mod clock;
mod context;
mod dns;
mod heartbeats;
pub mod http;
mod leash;
mod limiter;
mod log;
mod peers;
pub mod queue;
mod quota;
pub mod redis;
mod secrets;
pub mod sql;
mod state;
mod system;
pub mod tcp;
mod tls_calls;
mod udp;
mod wasi;
mod wasi_http;

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use wasmtime::component::{HasSelf, Linker, ResourceTable};

pub(crate) use leash::Leash;
pub(crate) use limiter::MemoryLimiter;
pub use peers::told;

use probity_config::{Grants, Limits, Secrets};
use probity_core::SpanId;
use probity_core::check::{CallTally, Capability, HostCall, LogLine, Reason, Run};
use probity_core::clock::Moment;
use probity_drivers::{CallError, ErrorKind, Services, StateStore, cookies};

/// What is the same for every run of one check.
#[derive(Debug)]
pub struct CheckEnv {
    /// The check's name, what `context.check-id` answers.
    pub name: Arc<str>,
    /// The check's `config` table, for `context.get`.
    pub config: serde_json::Value,
    /// The same as the text that `run` gets.
    pub config_text: String,
    /// What the operator allows.
    pub grants: Arc<Grants>,
    /// What a run may spend.
    pub limits: Limits,
    /// Values to remove from whatever the guest emits.
    pub secrets: Secrets,
    /// The bytes that survive between runs.
    pub state: Arc<StateStore>,
    /// The network and the machine.
    pub services: Services,
    /// What answers in their place, in a sandbox for cases; elsewhere none.
    pub script: Option<Arc<canned::Script>>,
}

impl CheckEnv {
    /// What `describe` sees: no name, no configuration, no grant.
    #[must_use]
    pub fn for_describe() -> Self {
        Self {
            name: "".into(),
            config: serde_json::Value::Null,
            config_text: String::new(),
            grants: Arc::default(),
            limits: Limits::DESCRIBE,
            secrets: Secrets::default(),
            state: Arc::new(StateStore::in_memory()),
            services: Services::default(),
            script: None,
        }
    }
}

/// What differs from run to run.
#[derive(Clone, Debug)]
pub struct RunFacts {
    /// Version 7.
    pub id: uuid::Uuid,
    /// When the host gives up.
    pub deadline: Instant,
    /// Runs in a row before this one that were unhealthy or failed.
    pub consecutive_failures: u32,
    /// The previous run, for `context.previous`.
    pub previous: Option<Arc<Run>>,
}

/// The data of one store: of one run, or of the runs in a row that one instance serves.
pub struct HostState {
    pub(crate) env: Arc<CheckEnv>,
    pub(crate) facts: RunFacts,
    /// What it tells whoever polls it, and hears from there.
    pub(crate) leash: Leash,
    /// What the guest holds of ours: requests, sockets, connections.
    pub(crate) table: ResourceTable,
    /// What it holds of WASI. Apart, because a language's own library keeps its streams for good.
    wasi_table: ResourceTable,
    pub(crate) limiter: MemoryLimiter,
    pub(crate) record: Record,
    quota: quota::Quota,
    wasi: Option<Box<wasi::Wasi>>,
    wasi_http: Option<Box<wasi_http::WasiHttp>>,
    cookies: cookies::Jar,
}

/// What a run did, for its report.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) calls: Vec<HostCall>,
    pub(crate) tally: Vec<CallTally>,
    pub(crate) count: u32,
    pub(crate) log: Vec<LogLine>,
    pub(crate) log_bytes: usize,
    pub(crate) log_dropped: u32,
    /// The last line at level `error`, as it came: what a language kit says of an uncaught exception, with its stack.
    pub(crate) said: Option<String>,
    /// The last error handed to the guest, to tell why it gave up.
    pub(crate) quota_hit: bool,
    /// What the host has to add to the outcome.
    pub(crate) notes: Vec<String>,
}

/// A host function's way out: an error for the guest, or the end of the run.
#[derive(Debug)]
pub enum HostError {
    /// The guest gets it as a value.
    Answer(CallError),
    /// The run ends.
    Trap(wasmtime::Error),
}

impl From<CallError> for HostError {
    fn from(error: CallError) -> Self {
        Self::Answer(error)
    }
}

impl From<wasmtime::component::ResourceTableError> for HostError {
    fn from(error: wasmtime::component::ResourceTableError) -> Self {
        Self::Trap(error.into())
    }
}

/// A limit of ours that ends the run; found again by downcast.
#[derive(Clone, Debug, thiserror::Error)]
#[error("limit {} of {limit} reached", reason.as_str())]
pub struct LimitHit {
    /// Which.
    pub reason: Reason,
    /// Its value.
    pub limit: u64,
    /// What was used.
    pub used: u64,
}

/// The work of a call, on the heap. It is made on the guest's stack, where what a run that waits has touched stays in
/// memory, so it must not be large: what it awaits and is large is boxed where it is called.
pub(crate) fn small<T, W: Future<Output = T> + Send + 'static>(work: W) -> BoxFuture<'static, T> {
    const { assert!(size_of::<W>() <= WORK_BYTES_MAX, "box what is large in what this call awaits") };
    Box::pin(work)
}

fn used_up<T>() -> Result<T, CallError> {
    Err(CallError::new(ErrorKind::Timeout, "the run's time was used up in this call"))
}

/// The time kept back from host calls for the guest's own judgement: a tenth of the run's, at most this.
const JUDGEMENT_MAX: Duration = Duration::from_millis(100);

fn calls_end(deadline: Instant, timeout: Duration) -> Instant {
    let kept = (timeout / 10).min(JUDGEMENT_MAX);
    deadline.checked_sub(kept).unwrap_or(deadline)
}

/// Calls beyond the quota that are answered with `quota` before the run ends, as a multiple of the quota.
const QUOTA_PATIENCE: u32 = 10;

/// Links everything the host offers. Grants are enforced at every call, not here: one prepared plugin serves many checks.
pub(crate) fn add_to_linker(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
    bindings::Offered::add_to_linker::<_, HasSelf<HostState>>(linker, |host| host)?;
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
    Ok(())
}

impl HostState {
    pub(crate) fn new(env: Arc<CheckEnv>, facts: RunFacts) -> Self {
        let (mut table, mut wasi_table) = (ResourceTable::new(), ResourceTable::new());
        table.set_max_capacity(RESOURCES_MAX);
        wasi_table.set_max_capacity(RESOURCES_MAX);
        let limiter = MemoryLimiter::new(&env.limits);
        let quota = quota::Quota::new(&env.limits);
        let record = Record::default();
        let leash = limiter.leash().clone();
        leash.begin(env.limits.timeout);
        let (wasi, wasi_http, cookies) = (None, None, cookies::Jar::default());
        Self { env, facts, leash, table, wasi_table, limiter, record, quota, wasi, wasi_http, cookies }
    }

    /// Starts the next run of a kept instance, with its whole budget.
    pub(crate) fn begin(&mut self, facts: RunFacts) {
        self.leash.begin(self.env.limits.timeout);
        self.facts = facts;
        self.quota = quota::Quota::new(&self.env.limits);
        self.cookies = cookies::Jar::default();
        self.limiter.begin();
    }

    /// Whether the instance may serve another run: it holds nothing of ours, has room left, and did not fetch through
    /// `wasi:http`, whose resources cannot be told from the others of WASI.
    pub(crate) fn may_go_on(&self) -> bool {
        self.table.is_empty() && self.wasi_http.is_none() && self.limiter.has_room()
    }

    /// When the run is over. Moves while it waits for a turn, which is not its own time.
    pub(crate) fn ends_at(&self) -> Instant {
        self.facts.deadline + self.leash.late()
    }

    /// When host calls time out: a little before the run does, so that the guest can still judge a target that hangs.
    pub(crate) fn calls_end(&self) -> Instant {
        calls_end(self.ends_at(), self.env.limits.timeout)
    }

    /// Time left for this run; zero when it is over.
    pub(crate) fn remaining(&self) -> Duration {
        self.ends_at().saturating_duration_since(Instant::now())
    }

    /// The time by which state expires: the case's, where there is one.
    fn moment(&self) -> Moment {
        self.env.script.as_ref().map_or_else(Moment::now, |script| script.moment())
    }

    /// When the run started.
    fn began(&self) -> Instant {
        self.facts.deadline.checked_sub(self.env.limits.timeout).unwrap_or(self.facts.deadline)
    }

    /// The run's span, when runs are traces.
    fn span(&self) -> Option<SpanId> {
        self.env.services.traced.then(|| SpanId::of_run(self.facts.id))
    }

    /// The span of the call that is `ahead` calls from now; the run's own for those that the report has no place for.
    fn span_of_call(&self, ahead: usize) -> Option<SpanId> {
        let at = self.record.calls.len() + ahead;
        self.span().map(|run| if at < HostCall::KEPT_MAX { run.call(at) } else { run })
    }

    /// Keeps what an operator should see beside what the guest says, each text once.
    pub(crate) fn note(&mut self, notes: &[String]) {
        for note in notes {
            if self.record.notes.len() < NOTES_MAX && !self.record.notes.contains(note) {
                self.record.notes.push(note.clone());
            }
        }
    }

    /// Makes one capability call: within the quota, within the run's remaining time, recorded.
    ///
    /// `target` is what the report shows; it must not hold credentials or a query string.
    pub(crate) async fn call<T: Send + 'static>(
        &mut self,
        capability: Capability,
        operation: &'static str,
        target: &str,
        work: BoxFuture<'static, Result<T, CallError>>,
    ) -> Result<T, HostError> {
        self.admit(capability)?;
        let (answer, when) = self.errand(work).await;
        self.finish(capability, operation, target, when, answer.unwrap_or_else(used_up))
    }

    /// The same with something that the guest holds, which the call has meanwhile: it comes back unless the run's time
    /// was used up.
    pub(crate) async fn call_with<H: Send + 'static, T: Send + 'static>(
        &mut self,
        capability: Capability,
        operation: &'static str,
        target: &str,
        mut held: H,
        work: impl for<'a> FnOnce(&'a mut H) -> BoxFuture<'a, Result<T, CallError>> + Send + 'static,
    ) -> (Option<H>, Result<T, HostError>) {
        if let Err(error) = self.admit(capability) {
            return (Some(held), Err(error));
        }
        let work = async move {
            let answer = work(&mut held).await;
            (held, answer)
        };
        let (ended, when) = self.errand(small(work)).await;
        let (held, answer) = ended.map_or_else(|| (None, used_up()), |(held, answer)| (Some(held), answer));
        (held, self.finish(capability, operation, target, when, answer))
    }

    /// Has `work` done within the run's time, and tells when it was.
    async fn errand<T: Send + 'static>(&mut self, work: BoxFuture<'static, T>) -> (Option<T>, Range<Instant>) {
        let (start, end) = (Instant::now(), self.calls_end().into());
        let work = async move { (tokio::time::timeout_at(end, work).await.ok(), Instant::now()) };
        let (done, at) = self.leash.errand(Box::pin(work)).await;
        (done, start..at)
    }

    /// The same for a call that does not wait.
    pub(crate) fn call_now<T>(
        &mut self,
        capability: Capability,
        operation: &'static str,
        target: &str,
        work: impl FnOnce(&mut Self) -> Result<T, CallError>,
    ) -> Result<T, HostError> {
        self.admit(capability)?;
        let start = Instant::now();
        let answer = work(self);
        self.finish(capability, operation, target, start..Instant::now(), answer)
    }

    /// Counts a call against `host-calls`; the guest may get `quota` a while before the run ends.
    fn admit(&mut self, capability: Capability) -> Result<(), HostError> {
        let limit = self.env.limits.host_calls;
        self.record.count = self.record.count.saturating_add(1);
        let count = self.record.count.saturating_add(self.fetched());
        if count <= limit {
            return Ok(());
        }
        self.record.quota_hit = true;
        if count > limit.saturating_mul(QUOTA_PATIENCE).saturating_add(QUOTA_PATIENCE) {
            let used = u64::from(count);
            let hit = LimitHit { reason: Reason::HostCalls, limit: limit.into(), used };
            return Err(HostError::Trap(wasmtime::Error::from(hit)));
        }
        self.tally(capability, ErrorKind::Quota.as_str(), 1);
        Err(CallError::new(ErrorKind::Quota, format!("more than {limit} host calls in one run (key `host-calls`)"))
            .into())
    }

    fn finish<T>(
        &mut self,
        capability: Capability,
        operation: &'static str,
        target: &str,
        when: Range<Instant>,
        answer: Result<T, CallError>,
    ) -> Result<T, HostError> {
        let duration = when.end.saturating_duration_since(when.start);
        self.env.services.times.observe(capability, duration);
        let result = answer.as_ref().map_or_else(|error| error.kind.as_str(), |_| "ok");
        self.tally(capability, result, 1);
        if self.record.calls.len() < HostCall::KEPT_MAX {
            self.record.calls.push(HostCall {
                operation: format!("{}.{operation}", capability.as_str()),
                target: probity_core::text::clean(&self.env.secrets.redact(target), TARGET_BYTES_MAX),
                result,
                duration_ms: duration.as_secs_f64() * 1e3,
                after: when.start.saturating_duration_since(self.began()),
            });
        }
        Ok(answer?)
    }

    fn tally(&mut self, capability: Capability, result: &'static str, times: u32) {
        match self.record.tally.iter_mut().find(|tally| tally.capability == capability && tally.result == result) {
            Some(tally) => tally.count = tally.count.saturating_add(times),
            None => self.record.tally.push(CallTally { capability, result, count: times }),
        }
    }
}

impl bindings::probity::check::types::Host for HostState {
    fn convert_error(&mut self, error: HostError) -> wasmtime::Result<bindings::probity::check::types::Error> {
        match error {
            HostError::Answer(error) => Ok(error.into()),
            HostError::Trap(error) => Err(error),
        }
    }
}

impl From<CallError> for bindings::probity::check::types::Error {
    fn from(error: CallError) -> Self {
        Self { kind: error.kind.into(), message: error.message, code: error.code }
    }
}

impl From<ErrorKind> for bindings::probity::check::types::ErrorKind {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Denied => Self::Denied,
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::InvalidArgument => Self::InvalidArgument,
            ErrorKind::Timeout => Self::Timeout,
            ErrorKind::Dns => Self::Dns,
            ErrorKind::Refused => Self::Refused,
            ErrorKind::Unreachable => Self::Unreachable,
            ErrorKind::Tls => Self::Tls,
            ErrorKind::Auth => Self::Auth,
            ErrorKind::Protocol => Self::Protocol,
            ErrorKind::Remote => Self::Remote,
            ErrorKind::TooLarge => Self::TooLarge,
            ErrorKind::Quota => Self::Quota,
            ErrorKind::Unsupported => Self::Unsupported,
            ErrorKind::Other => Self::Other,
        }
    }
}

/// Host resources (requests, responses, sockets) alive in one run.
pub(crate) const RESOURCES_MAX: usize = 256;

/// Bytes of the work of one call, without what it has on the heap.
const WORK_BYTES_MAX: usize = 4 << 10;

/// Notes of one run.
const NOTES_MAX: usize = 8;

/// Bytes of a host call's target in the report.
const TARGET_BYTES_MAX: usize = 200;

#[cfg(test)]
pub(crate) mod tests {
    //! What guests call, called as the generated code calls it.

    use probity_config::grants::{HttpGrant, SystemGrant, TcpGrant};

    use super::*;

    /// The state of a run with these grants and limits, two seconds long.
    pub(crate) fn state(http: &[&str], tcp: &[&str], system: &[&str], limits: Limits) -> HostState {
        let grants = Grants {
            http: http.iter().map(|text| HttpGrant::parse(text).unwrap()).collect(),
            tcp: tcp.iter().map(|text| TcpGrant::parse(text).unwrap()).collect(),
            system: system.iter().map(|text| SystemGrant::parse(text).unwrap()).collect(),
            ..Grants::default()
        };
        let env = CheckEnv { name: "test".into(), grants: Arc::new(grants), limits, ..CheckEnv::for_describe() };
        let deadline = Instant::now() + Duration::from_secs(2);
        let facts = RunFacts { id: uuid::Uuid::nil(), deadline, consecutive_failures: 0, previous: None };
        HostState::new(Arc::new(env), facts)
    }

    /// The error that a guest would get.
    pub(crate) fn answer(error: HostError) -> CallError {
        match error {
            HostError::Answer(error) => error,
            HostError::Trap(error) => panic!("the run would end: {error:?}"),
        }
    }
}
