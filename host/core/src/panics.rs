//! Panics of libraries, turned into values.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    /// Somebody waits for it and tells it in words of its own.
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// Whether somebody waits for a panic of this thread and tells it in words of its own.
#[must_use]
pub fn is_expected() -> bool {
    EXPECTED.get()
}

/// What `work` answers, or the words with which it panicked: for libraries that panic over what is in a file.
///
/// Whatever `work` touched may be in any state after that, and is to be dropped.
///
/// # Errors
/// The words of the panic.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let before = EXPECTED.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    EXPECTED.set(before);
    done.map_err(|payload| words(&*payload).to_owned())
}

/// What a panic said, if it said text.
#[must_use]
pub fn words(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a word")
}
