//! Time. Needs no grant.

use crate::host;

/// Wall-clock time in milliseconds since 1970.
pub fn now_unix_ms() -> u64 {
    host::now_unix_ms()
}

/// A clock that never goes back, in nanoseconds since an arbitrary start.
pub fn monotonic_ns() -> u64 {
    host::monotonic_ns()
}

/// Sleeps without spending fuel; ends early when the run is cancelled.
pub fn sleep_ms(ms: u32) {
    host::sleep_ms(ms);
}
