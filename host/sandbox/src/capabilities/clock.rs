//! `clock`: time, and sleep that burns no fuel.

use std::time::Duration;

use probity_core::clock::{monotonic_ns, unix_ms};

use super::HostState;
use super::bindings::probity::check::clock::Host;

impl Host for HostState {
    fn now_unix_ms(&mut self) -> wasmtime::Result<u64> {
        Ok(unix_ms())
    }

    fn monotonic_ns(&mut self) -> wasmtime::Result<u64> {
        Ok(monotonic_ns())
    }

    /// The outer timeout of the run ends a sleep that is longer than it.
    async fn sleep_ms(&mut self, ms: u32) -> wasmtime::Result<()> {
        tokio::time::sleep(Duration::from_millis(ms.into())).await;
        Ok(())
    }
}
