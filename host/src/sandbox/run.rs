//! Runs one call inside a fresh store.
//!
//! Never fails: a trap, an exhausted limit and a bad answer are [`Failure`]s, because to the operator they are answers
//! about the plugin. Knows nothing of schedules, HTTP or files.
//!
//! A store is used once. After a trap a component instance is poisoned, and memory left over from a run would be state
//! that no limit and no reload covers; a prepared instance makes the fresh start cost microseconds.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt;
use wasmtime::{Store, UpdateDeadline};

use super::program::Program;
use super::{Metadata, Sandbox, failure, metadata, outcome};
use crate::capabilities::bindings::Offered;
use crate::capabilities::{CheckEnv, HostState, RunFacts, unix_ms};
use crate::check::{Failure, LogLine, Reason, Run, Usage};
use crate::config::{EPOCH_TICK, Limits};

/// How a call ended, whatever it was.
struct Ended<T> {
    end: Result<T, Failure>,
    usage: Usage,
    record: Option<crate::capabilities::Record>,
}

impl Sandbox {
    /// Runs a check once, within the limits of `env`.
    pub async fn run(&self, program: &Program, env: &Arc<CheckEnv>, facts: RunFacts) -> Run {
        let id = facts.id;
        let started_unix_ms = unix_ms();
        let start = Instant::now();
        let host = HostState::new(Arc::clone(env), facts);
        let ended = self
            .enter(program, host, async |store, guest| {
                let returned = guest.probity_check_checker().call_run(&mut *store, &env.config_text).await?;
                Ok(outcome::convert(store.data(), returned))
            })
            .await;
        let record = ended.record.unwrap_or_default();
        Run {
            id,
            started_unix_ms,
            duration: start.elapsed(),
            end: ended.end.and_then(|judged| judged),
            usage: ended.usage,
            log: record.log,
            calls: record.calls,
            tally: record.tally,
            digest: Arc::clone(&program.digest),
        }
    }

    /// Asks a plugin what it is, with no capability and a tight budget. The lines are what it logged meanwhile.
    ///
    /// # Errors
    /// The failure of the call: the plugin is not fit to load.
    pub async fn describe(&self, program: &Program) -> Result<(Metadata, Vec<LogLine>), Failure> {
        let env = Arc::new(CheckEnv::for_describe());
        let facts = RunFacts {
            id: uuid::Uuid::nil(),
            deadline: Instant::now() + Limits::DESCRIBE.timeout,
            consecutive_failures: 0,
            previous: None,
        };
        let ended = self
            .enter(program, HostState::new(env, facts), async |store, guest| {
                guest.probity_check_checker().call_describe(&mut *store).await
            })
            .await;
        let log = ended.record.map(|record| record.log).unwrap_or_default();
        Ok((metadata::convert(ended.end?), log))
    }

    /// Instantiates and calls under every limit. A panic of the host inside the call becomes a failure.
    async fn enter<T>(
        &self,
        program: &Program,
        host: HostState,
        call: impl AsyncFnOnce(&mut Store<HostState>, &Offered) -> wasmtime::Result<T>,
    ) -> Ended<T> {
        let limits = host.env.limits;
        let deadline = host.facts.deadline;
        let work = async {
            let mut store = self.store(program, host);
            let _ticking = self.ticker.ticking();
            let within = async {
                let guest = program.pre.instantiate_async(&mut store).await?;
                call(&mut store, &guest).await
            };
            // The epoch callback stops what computes, this stops what waits. One tick later, so that a guest which
            // spins is told so with its backtrace.
            let outer = tokio::time::Instant::from_std(deadline + EPOCH_TICK);
            let result = tokio::time::timeout_at(outer, within).await;
            finish(store, result, &limits)
        };
        match AssertUnwindSafe(work).catch_unwind().await {
            Ok(ended) => ended,
            Err(panic) => Ended {
                end: Err(Failure::new(Reason::Panic, format!("the host panicked: {}", panic_text(&*panic)))),
                usage: Usage::default(),
                record: None,
            },
        }
    }

    fn store(&self, program: &Program, host: HostState) -> Store<HostState> {
        let limits = host.env.limits;
        let deadline = host.facts.deadline;
        let mut store = Store::new(program.pre.engine(), host);
        store.limiter(|host| &mut host.limiter);
        store.set_fuel(limits.fuel).expect("every engine of the sandbox meters fuel");
        store.set_hostcall_fuel(usize::try_from(limits.hostcall_bytes).unwrap_or(usize::MAX));
        store.set_max_component_handles(limits.handles as usize);
        // Before instantiation: a store starts with its deadline passed.
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| {
            Ok(if Instant::now() >= deadline { UpdateDeadline::Interrupt } else { UpdateDeadline::Yield(1) })
        });
        store
    }
}

/// Reads the meters and names the end.
fn finish<T>(
    mut store: Store<HostState>,
    result: Result<wasmtime::Result<T>, tokio::time::error::Elapsed>,
    limits: &Limits,
) -> Ended<T> {
    let fuel = limits.fuel.saturating_sub(store.get_fuel().unwrap_or(0));
    let printed = store.data_mut().log_printed();
    store.data_mut().log_truncation();
    let host = store.data();
    let end = match result {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            let mut failure = failure::classify(&error, host, fuel);
            if failure.reason == Reason::Trap
                && let Some(printed) = printed
            {
                failure.trace = Some(failure::trace(host, &printed, failure.trace.as_deref()));
            }
            Err(failure)
        }
        Err(_elapsed) => Err(failure::deadline(limits)),
    };
    let usage = Usage { fuel, memory_peak_bytes: host.limiter.memory_peak, host_calls: host.record.count };
    Ended { end, usage, record: Some(store.into_data().record) }
}

/// What a panic said, if it said text.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
