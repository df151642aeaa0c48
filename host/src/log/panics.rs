//! Panics as lines of the log: the hook of the standard library writes to standard error, where it may wait for ever.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook};
use std::time::Duration;

use super::queue::QUEUE;

/// How long a panic waits for its line to be written: it may be the last one.
const LAST_LINE_MAX: Duration = Duration::from_millis(100);

thread_local! {
    /// Somebody waits for it and tells it in words of its own.
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// From now on a panic is an event of the log.
pub(super) fn tell() {
    set_hook(Box::new(|info| {
        if EXPECTED.get() {
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

/// What `work` answers, or the words with which it panicked: for libraries that panic over what is in a file.
///
/// Whatever `work` touched may be in any state after that, and is to be dropped.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let before = EXPECTED.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    EXPECTED.set(before);
    done.map_err(|payload| words(&*payload).to_owned())
}

fn words(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a word")
}
