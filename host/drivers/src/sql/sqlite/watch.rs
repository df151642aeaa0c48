//! When a statement of SQLite has to stop, asked from inside of SQLite.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Functions that one statement may name. What a statement computes without a loop is not interrupted in between.
pub(super) const FUNCTIONS_MAX: usize = 64;

/// Shared by a session and what SQLite calls back.
#[derive(Debug)]
pub(super) struct Watch {
    born: Instant,
    /// Microseconds from then to the end of the statement's time.
    ends_us: AtomicU64,
    given_up: AtomicBool,
    functions: AtomicUsize,
}

impl Watch {
    pub(super) fn new() -> Self {
        Self {
            born: Instant::now(),
            ends_us: AtomicU64::new(u64::MAX),
            given_up: AtomicBool::new(false),
            functions: AtomicUsize::new(0),
        }
    }

    /// Begins a statement that may take `budget`.
    pub(super) fn begin(&self, budget: Duration) {
        let ends = self.born.elapsed().saturating_add(budget).as_micros();
        self.ends_us.store(u64::try_from(ends).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.functions.store(0, Ordering::Relaxed);
    }

    /// Nobody waits for the statement any more, nor for another one.
    pub(super) fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    /// Whether the statement has to stop.
    pub(super) fn is_over(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
            || self.born.elapsed().as_micros() >= u128::from(self.ends_us.load(Ordering::Relaxed))
    }

    /// Counts a function that the statement names; whether it may.
    pub(super) fn admits_function(&self) -> bool {
        self.functions.fetch_add(1, Ordering::Relaxed) < FUNCTIONS_MAX
    }

    /// Whether the statement named too many functions.
    pub(super) fn had_too_many_functions(&self) -> bool {
        self.functions.load(Ordering::Relaxed) > FUNCTIONS_MAX
    }
}
