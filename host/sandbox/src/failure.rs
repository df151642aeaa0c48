//! Tells the ends of a run apart, by type and not by text.

use probity_config::{Limits, STACK_BYTES};
use probity_core::check::{Failure, Reason};
use probity_core::text::{clean, clean_lines, rough_count, rough_size};
use wasmtime::{Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use super::{backtrace, place};
use crate::capabilities::{HostState, LimitHit, RESOURCES_MAX};

/// Bytes of a failure's message and of its backtrace.
const MESSAGE_BYTES_MAX: usize = 1_024;
pub(super) const TRACE_BYTES_MAX: usize = 4_096;

/// The failure that `error` amounts to, given what the run's limiter saw.
pub(crate) fn classify(error: &wasmtime::Error, host: &HostState, fuel_used: u64) -> Failure {
    let limits = &host.env.limits;
    let mut failure = named(error, host, fuel_used).unwrap_or_else(|| plain(error, host, limits));
    failure.message.push_str(&whereabouts(&failure, error, host));
    failure.trace = error.downcast_ref::<WasmBacktrace>().map(backtrace::render);
    failure.message = clean(&host.env.secrets.redact(&failure.message), MESSAGE_BYTES_MAX);
    failure
}

/// The run was dropped because its time was up.
pub(crate) fn deadline(limits: &Limits) -> Failure {
    let ms = u64::try_from(limits.timeout.as_millis()).unwrap_or(u64::MAX);
    Failure::limit(Reason::Deadline, ms, None, format!("not finished after {ms} ms (key `timeout`)"))
}

/// Ends that name themselves.
fn named(error: &wasmtime::Error, host: &HostState, fuel_used: u64) -> Option<Failure> {
    let limits = &host.env.limits;
    if let Some(hit) = error.downcast_ref::<LimitHit>() {
        return Some(Failure::limit(hit.reason, hit.limit, Some(hit.used), hit.to_string()));
    }
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        return Some(Failure::new(Reason::Exit, format!("the guest called exit({}) instead of returning", exit.0)));
    }
    if error.is::<wasmtime::PoolConcurrencyLimitError>() {
        return Some(Failure::new(
            Reason::Capacity,
            "no instance slot was free; lower `concurrency` or the number of runs",
        ));
    }
    if error.is::<wasmtime::component::ResourceTableError>() {
        let text = format!("more than {RESOURCES_MAX} requests, responses, sockets or timers alive in one run");
        return Some(Failure::limit(Reason::Handles, RESOURCES_MAX as u64, None, text));
    }
    let failure = match error.downcast_ref::<Trap>()? {
        Trap::Interrupt => deadline(limits),
        Trap::OutOfFuel => {
            let text = format!("used up its fuel of {} (key `fuel`)", rough_count(limits.fuel));
            Failure::limit(Reason::Fuel, limits.fuel, Some(fuel_used), text)
        }
        Trap::StackOverflow => {
            let text = format!("call stack of {} KiB exhausted", STACK_BYTES / 1024);
            Failure::limit(Reason::Stack, STACK_BYTES as u64, None, text)
        }
        Trap::StringOutOfBounds
        | Trap::ListOutOfBounds
        | Trap::InvalidDiscriminant
        | Trap::InvalidChar
        | Trap::UnalignedPointer => {
            Failure::new(Reason::BadOutput, format!("the guest passed a malformed value: {}", cause(error)))
        }
        trap => trapped(*trap, host),
    };
    Some(failure)
}

/// A trap; when the limiter refused memory or table elements before, that is the better name for it.
fn trapped(trap: Trap, host: &HostState) -> Failure {
    let limits = &host.env.limits;
    if let Some(used) = host.limiter.memory_refused {
        return memory(used, limits);
    }
    if let Some((used, limit)) = host.limiter.tables_refused {
        return tables(used, limit);
    }
    let said = host.record.said.as_deref().unwrap_or_default();
    let text = match (place::last_words(said), said.lines().next()) {
        (Some(words), _) if trap == Trap::UnreachableCodeReached => words,
        (_, Some(said)) => format!("the guest trapped: {trap}; it said: {said}"),
        (_, None) => format!("the guest trapped: {trap}"),
    };
    Failure::new(Reason::Trap, text)
}

fn memory(used: u64, limits: &Limits) -> Failure {
    let (wanted, allowed) = (rough_size(used), rough_size(limits.memory));
    // What is just too much would read as if it were not.
    let wanted = if wanted == allowed { format!("{used} bytes") } else { wanted };
    let allowed = if used.abs_diff(limits.memory) < 1 << 20 { format!("{} bytes", limits.memory) } else { allowed };
    let text = format!("wanted {wanted} of memory, may use {allowed} (key `memory`)");
    Failure::limit(Reason::Memory, limits.memory, Some(used), text)
}

/// `, at check.py:13` where the guest said so before its end, else `, in loop (check.c:13)` where its functions do; nothing
/// for an end that is no matter of a line, or that has one.
fn whereabouts(failure: &Failure, error: &wasmtime::Error, host: &HostState) -> String {
    let said = host.record.said.as_deref();
    let place = match failure.reason {
        Reason::Memory => said.and_then(place::innermost).map(|place| format!("at {place}")),
        Reason::Trap if said.and_then(place::innermost).is_some() => return String::new(),
        Reason::Trap | Reason::Fuel | Reason::Deadline | Reason::Stack | Reason::Tables => None,
        _ => return String::new(),
    };
    let names = |trace: &WasmBacktrace| place::of_frames(trace.frames().iter().filter_map(|frame| frame.func_name()));
    let place = place.or_else(|| error.downcast_ref().and_then(names));
    place.map_or_else(String::new, |place| format!(", {place}"))
}

fn tables(used: u64, limit: u64) -> Failure {
    let text = format!("wanted {used} table elements, may use {limit} (key `table-elements`)");
    Failure::limit(Reason::Tables, limit, Some(used), text)
}

/// Errors that carry no type of their own. Three of wasmtime's limits are private types, told by their text; the tests of
/// hostile guests fail when that text changes.
fn plain(error: &wasmtime::Error, host: &HostState, limits: &Limits) -> Failure {
    let text = cause(error);
    if text.contains("fuel allocated for hostcalls has been exhausted") {
        let said = format!(
            "passed more than {} in one call or outcome (key `hostcall-bytes`)",
            rough_size(limits.hostcall_bytes)
        );
        return Failure::limit(Reason::HostCallBytes, limits.hostcall_bytes, None, said);
    }
    if text.contains("handle limit exceeded") {
        let said = format!("more than {} resource handles alive (key `handles`)", limits.handles);
        return Failure::limit(Reason::Handles, limits.handles.into(), None, said);
    }
    if let Some(used) = host.limiter.memory_refused {
        return memory(used, limits);
    }
    if let Some((used, limit)) = host.limiter.tables_refused {
        return tables(used, limit);
    }
    if text.contains("resource limit exceeded: instance count") {
        let said = format!("more than {} core instances (key `instances`)", limits.instances);
        return Failure::limit(Reason::Tables, limits.instances.into(), None, said);
    }
    Failure::new(Reason::BadOutput, format!("the guest broke the contract: {text}"))
}

/// What went wrong. The backtrace, which may be a link of the chain, is kept apart: in `trace`, and never as wasmtime
/// writes it, which is as long as the guest likes.
fn cause(error: &wasmtime::Error) -> String {
    match error.is::<WasmBacktrace>() {
        true => error.root_cause().to_string(),
        false => format!("{error:#}"),
    }
}

/// The guest's own stack: what its kit logged, else what it printed on standard error (a Python traceback, a JavaScript
/// stack). Once: some print what they logged. None when there is neither.
pub(crate) fn trace(host: &HostState, printed: Option<&str>) -> Option<String> {
    let said = host.record.said.as_deref().filter(|said| said.trim_end().contains('\n'));
    let printed = printed.map(|printed| of_the_author(printed).trim()).filter(|printed| !printed.is_empty());
    let text = match (said, printed) {
        // A traceback has more frames than the place that its kit logged.
        (Some(said), Some(printed)) if !printed.contains(said.lines().next().unwrap_or_default().trim()) => {
            format!("{}\n{printed}", said.trim_end())
        }
        (_, Some(printed)) => printed.to_owned(),
        (Some(said), None) => said.trim_end().to_owned(),
        (None, None) => return None,
    };
    Some(clean_lines(&host.env.secrets.redact(&text), TRACE_BYTES_MAX))
}

/// What a runtime printed of a panic that no kit could log: in Go, one of a goroutine that the check did not start. None for
/// a run whose kit said something.
pub(crate) fn printed_words(host: &HostState, printed: &str) -> Option<String> {
    let words = printed.lines().find(|line| line.starts_with("panic: ")).filter(|_| host.record.said.is_none())?;
    Some(clean(&host.env.secrets.redact(words), MESSAGE_BYTES_MAX))
}

/// What was printed before the runtime that carries an interpreter panicked in its turn: that says nothing of the check.
fn of_the_author(printed: &str) -> &str {
    let panicked = printed.lines().find(|line| line.starts_with("thread '") && line.contains("panicked at"));
    let before = panicked.and_then(|line| printed.split(line).next());
    before.filter(|before| !before.trim().is_empty()).unwrap_or(printed)
}
