//! `clock`: time, and sleep that burns no fuel.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::HostState;
use super::bindings::probity::check::clock::Host;

/// The zero of `monotonic-ns`: constant within the host, as two reads of one run must compare.
static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Milliseconds since the Unix epoch.
#[must_use]
pub(crate) fn unix_ms() -> u64 {
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
    pub(super) fn monotonic_of(self, unix_ms: u64) -> u64 {
        self.monotonic_ms.saturating_add(unix_ms.saturating_sub(self.unix_ms))
    }
}

impl Host for HostState {
    fn now_unix_ms(&mut self) -> wasmtime::Result<u64> {
        Ok(unix_ms())
    }

    fn monotonic_ns(&mut self) -> wasmtime::Result<u64> {
        Ok(u64::try_from(EPOCH.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    /// The outer timeout of the run ends a sleep that is longer than it.
    async fn sleep_ms(&mut self, ms: u32) -> wasmtime::Result<()> {
        tokio::time::sleep(Duration::from_millis(ms.into())).await;
        Ok(())
    }
}
