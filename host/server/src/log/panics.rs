//! Panics as lines of the log: the hook of the standard library writes to standard error, where it may wait for ever.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{PanicHookInfo, set_hook};
use std::time::Duration;

use probity_core::panics::{is_expected, words};

use super::queue::QUEUE;

/// How long a panic waits for its line to be written: it may be the last one.
const LAST_LINE_MAX: Duration = Duration::from_millis(100);

/// From now on a panic is an event of the log.
pub(super) fn tell() {
    set_hook(Box::new(|info| {
        if is_expected() {
            return;
        }
        log(info);
        QUEUE.flush(LAST_LINE_MAX);
    }));
}

fn log(info: &PanicHookInfo<'_>) {
    let message = words(info.payload());
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or_default();
    // With `RUST_BACKTRACE`, as everywhere.
    let trace = Backtrace::capture();
    if trace.status() == BacktraceStatus::Captured {
        tracing::error!(place, thread, "a thread panicked, which is a fault of the host: {message}\n{trace}");
    } else {
        tracing::error!(place, thread, "a thread panicked, which is a fault of the host: {message}");
    }
}
