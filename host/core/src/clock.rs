//! The two clocks: the machine's, which may be set, and the process's own, which may not.

use std::sync::LazyLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The zero of the process's own clock: constant, as two reads of one run must compare.
static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Nanoseconds since this process first asked.
#[must_use]
pub fn monotonic_ns() -> u64 {
    u64::try_from(EPOCH.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Milliseconds since the Unix epoch.
#[must_use]
pub fn unix_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// This moment by both clocks: the one that people and other machines read, and may set, and the one of this process, which
/// nobody sets. Within the process the second says how much time has passed; the first is for what outlives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since the Unix epoch.
    pub unix_ms: u64,
    /// Milliseconds since this process first asked.
    pub monotonic_ms: u64,
}

impl Moment {
    /// Now.
    #[must_use]
    pub fn now() -> Self {
        let monotonic_ms = u64::try_from(EPOCH.elapsed().as_millis()).unwrap_or(u64::MAX);
        Self { unix_ms: unix_ms(), monotonic_ms }
    }

    /// When something ends by the clock of the process that ends at `unix_ms`, seen from now.
    #[must_use]
    pub fn monotonic_of(self, unix_ms: u64) -> u64 {
        self.monotonic_ms.saturating_add(unix_ms.saturating_sub(self.unix_ms))
    }
}
