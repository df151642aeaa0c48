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
