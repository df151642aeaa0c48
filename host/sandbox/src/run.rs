//! Runs one call inside a fresh store.
//!
//! Never fails: a trap, an exhausted limit and a bad answer are [`Failure`]s, because to the operator they are answers
//! about the plugin. Knows nothing of schedules, HTTP or files.
//!
//! A store is used once, unless the operator says otherwise. After a trap a component instance is poisoned, and memory
//! left over from a run would be state that no limit and no reload covers; a prepared instance makes the fresh start cost
//! microseconds. For interpreters it costs a millisecond, so `runs-per-instance` keeps theirs for a while.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt;
use probity_config::{EPOCH_TICK, Limits};
use probity_core::check::{Failure, Internals, LogLine, Reason, Run, Usage};
use probity_core::clock::unix_ms;
use probity_core::text::clean;
use wasmtime::{Store, UpdateDeadline};

use super::program::Program;
use super::shelf::Live;
use super::turn::{Elapsed, Turn};
use super::{Metadata, Sandbox, failure, metadata, outcome};
use crate::capabilities::bindings::Offered;
use crate::capabilities::{CheckEnv, HostState, RunFacts};

/// Bytes of what a panic of the host says: it may quote the guest.
const PANIC_BYTES_MAX: usize = 512;

/// How a call ended, whatever it was.
struct Ended<T> {
    end: Result<T, Failure>,
    usage: Usage,
    record: Option<crate::capabilities::Record>,
    /// The instance, when its call returned and left nothing that the next one should not find.
    instance: Option<(Store<HostState>, Offered)>,
}

impl Sandbox {
    /// Runs a check once, within the limits of `env`: in a fresh instance, or in that of the run before as often as
    /// `runs-per-instance` allows.
    pub async fn run(&self, program: &Program, env: &Arc<CheckEnv>, facts: RunFacts) -> Run {
        self.run_in_turn(program, env, facts, &mut Turn::alone()).await
    }

    /// The same for one run among many: computes only with its `turn`, and gives it back while it waits.
    pub async fn run_in_turn(&self, program: &Program, env: &Arc<CheckEnv>, facts: RunFacts, turn: &mut Turn) -> Run {
        let id = facts.id;
        let started_unix_ms = unix_ms();
        let start = Instant::now();
        let (store, kept, runs_before) = match self.shelf.take(program, env) {
            Some(Live { mut store, guest, runs, .. }) => {
                store.data_mut().begin(facts);
                (store, Some(guest), runs)
            }
            None => (new_store(program, HostState::new(Arc::clone(env), facts)), None, 0),
        };
        let ended = self
            .enter(program, store, kept, turn, async |store, guest| {
                let returned = guest.probity_check_checker().call_run(&mut *store, &env.config_text).await?;
                Ok(outcome::convert(store.data(), returned))
            })
            .await;
        let record = ended.record.unwrap_or_default();
        let run = Run {
            id,
            started_unix_ms,
            duration: start.elapsed(),
            end: ended.end.and_then(|judged| judged),
            usage: ended.usage,
            log: record.log,
            calls: record.calls,
            tally: record.tally,
            digest: Arc::clone(&program.digest),
        };
        let runs = runs_before + 1;
        if let Some((store, guest)) = ended.instance
            && run.end.is_ok()
            && runs < env.limits.runs_per_instance
        {
            self.shelf.put(Live { store, guest, runs, digest: Arc::clone(&program.digest) });
        }
        run
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
            .enter(
                program,
                new_store(program, HostState::new(env, facts)),
                None,
                &mut Turn::alone(),
                async |store, guest| guest.probity_check_checker().call_describe(&mut *store).await,
            )
            .await;
        let log = ended.record.map(|record| record.log).unwrap_or_default();
        Ok((metadata::convert(ended.end?)?, log))
    }

    /// Instantiates, unless there is an instance in the store, and calls under every limit. A panic of the host inside
    /// the call becomes a failure.
    async fn enter<T>(
        &self,
        program: &Program,
        mut store: Store<HostState>,
        kept: Option<Offered>,
        turn: &mut Turn,
        call: impl AsyncFnOnce(&mut Store<HostState>, &Offered) -> wasmtime::Result<T>,
    ) -> Ended<T> {
        let work = async {
            let limits = store.data().env.limits;
            let (deadline, leash) = (store.data().facts.deadline, store.data().leash.clone());
            store.set_fuel(limits.fuel).expect("every engine of the sandbox meters fuel");
            // Before instantiation: a store starts with its deadline passed.
            store.set_epoch_deadline(1);
            let _ticking = self.ticker.ticking();
            let within = async {
                let guest = match kept {
                    Some(guest) => guest,
                    None => program.pre.instantiate_async(&mut store).await?,
                };
                let value = call(&mut store, &guest).await?;
                Ok((value, guest))
            };
            // The epoch callback stops what computes, this stops what waits. One tick later, so that a guest which
            // spins is told so with its backtrace.
            let result = turn.spend(&leash, deadline + EPOCH_TICK, within).await;
            finish(store, result, &limits)
        };
        match AssertUnwindSafe(work).catch_unwind().await {
            Ok(ended) => ended,
            Err(panic) => Ended {
                end: Err(Failure::new(
                    Reason::Panic,
                    format!("the host panicked: {}", clean(panic_text(&*panic), PANIC_BYTES_MAX)),
                )),
                usage: Usage::default(),
                record: None,
                instance: None,
            },
        }
    }
}

fn new_store(program: &Program, host: HostState) -> Store<HostState> {
    let limits = host.env.limits;
    let mut store = Store::new(program.pre.engine(), host);
    store.limiter(|host| &mut host.limiter);
    store.set_hostcall_fuel(usize::try_from(limits.hostcall_bytes).unwrap_or(usize::MAX));
    store.set_max_component_handles(limits.handles as usize);
    store.epoch_deadline_callback(|store| {
        if Instant::now() >= store.data().ends_at() {
            return Ok(UpdateDeadline::Interrupt);
        }
        store.data().leash.interrupt();
        Ok(UpdateDeadline::Yield(1))
    });
    store
}

/// Reads the meters and names the end.
fn finish<T>(
    mut store: Store<HostState>,
    result: Result<wasmtime::Result<(T, Offered)>, Elapsed>,
    limits: &Limits,
) -> Ended<T> {
    let fuel = limits.fuel.saturating_sub(store.get_fuel().unwrap_or(0));
    // Before the record is closed, which forgets what went through `wasi:http`.
    let may_go_on = store.data().may_go_on();
    let printed = store.data_mut().take_printed();
    let (end, guest) = match result {
        Ok(Ok((value, guest))) => (Ok(value), Some(guest)),
        Ok(Err(error)) => (Err(failure::classify(&error, store.data(), fuel)), None),
        Err(_elapsed) => (Err(failure::deadline(limits)), None),
    };
    let crashed = end.as_ref().is_err_and(|failure| matches!(failure.reason, Reason::Trap | Reason::Exit));
    store.data_mut().log_printed(&printed, !crashed);
    store.data_mut().log_truncation();
    let host = store.data();
    let end = end.map_err(|mut failure| {
        if crashed && let Some(words) = failure::printed_words(host, &printed.err) {
            failure.message = words;
        }
        if crashed && let Some(own) = failure::trace(host, Some(&printed.err)) {
            failure.internals = failure.trace.replace(own).map(|frames| Box::new(Internals(frames)));
        }
        failure
    });
    let usage = Usage { fuel, memory_peak_bytes: host.limiter.memory_peak, host_calls: host.record.count };
    let record = Some(std::mem::take(&mut store.data_mut().record));
    Ended { end, usage, record, instance: guest.filter(|_| may_go_on).map(|guest| (store, guest)) }
}

/// What a panic said, if it said text.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
