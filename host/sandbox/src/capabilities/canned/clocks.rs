//! Time from a script: the contract's clock, and WASI's, which runtimes of languages read and sleep by.
//!
//! With `now`, time stands still but for sleeping, which takes none: cases are quick and always the same. Without, it is
//! real.

use std::sync::Arc;
use std::time::{Duration, Instant};

use probity_core::clock::{Moment, unix_ms};
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi::async_trait;
use wasmtime_wasi::clocks::WasiClocksView;
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock;
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};

use super::super::HostState;
use super::super::bindings::probity::check::clock;
use super::{Acting, Actor, Script};

const MONOTONIC_START_NS: u64 = 1_000_000_000;

const MS_NS: u64 = 1_000_000;

/// Puts WASI's clock under the script; its wall clock is there already.
pub(super) fn add_to_linker(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    monotonic_clock::add_to_linker::<_, Acting>(linker, |host| Actor(host))?;
    linker.allow_shadowing(false);
    Ok(())
}

impl Script {
    /// The clock of the case.
    pub fn now(&self) -> u64 {
        self.now_unix_ms.unwrap_or_else(unix_ms).saturating_add(self.notes().slept_ms)
    }

    /// The same by both clocks.
    pub fn moment(&self) -> Moment {
        Moment { unix_ms: self.now(), monotonic_ms: self.monotonic_ns() / MS_NS }
    }

    fn monotonic_ns(&self) -> u64 {
        MONOTONIC_START_NS.saturating_add(self.notes().slept_ms.saturating_mul(MS_NS))
    }
}

impl Actor<'_> {
    /// The script, when time is in it.
    pub(super) fn timed(&self) -> Option<Arc<Script>> {
        self.0.env.script.clone().filter(|script| script.now_unix_ms.is_some())
    }

    /// A sleep in the time of the script.
    fn nap(&self, script: Arc<Script>, ms: u64) -> Nap {
        let until_ms = script.notes().slept_ms.saturating_add(ms);
        Nap { script, until_ms, timeout: self.0.env.limits.timeout, deadline: self.0.facts.deadline }
    }
}

/// A sleep that takes no time.
struct Nap {
    script: Arc<Script>,
    until_ms: u64,
    timeout: Duration,
    deadline: Instant,
}

#[async_trait]
impl Pollable for Nap {
    async fn ready(&mut self) {
        let slept_ms = {
            let mut notes = self.script.notes();
            notes.slept_ms = notes.slept_ms.max(self.until_ms);
            notes.slept_ms
        };
        // A sleep past the end of the run ends it, as a real one would.
        if Duration::from_millis(slept_ms) >= self.timeout {
            tokio::time::sleep_until((self.deadline + Duration::from_secs(1)).into()).await;
        }
    }
}

impl clock::Host for Actor<'_> {
    fn now_unix_ms(&mut self) -> wasmtime::Result<u64> {
        match self.timed() {
            Some(script) => Ok(script.now()),
            None => clock::Host::now_unix_ms(self.0),
        }
    }

    fn monotonic_ns(&mut self) -> wasmtime::Result<u64> {
        match self.timed() {
            Some(script) => Ok(script.monotonic_ns()),
            None => clock::Host::monotonic_ns(self.0),
        }
    }

    async fn sleep_ms(&mut self, ms: u32) -> wasmtime::Result<()> {
        match self.timed() {
            Some(script) => {
                self.nap(script, ms.into()).ready().await;
                Ok(())
            }
            None => clock::Host::sleep_ms(self.0, ms).await,
        }
    }
}

impl monotonic_clock::Host for Actor<'_> {
    fn now(&mut self) -> wasmtime::Result<u64> {
        match self.timed() {
            Some(script) => Ok(script.monotonic_ns()),
            None => monotonic_clock::Host::now(&mut self.0.clocks()),
        }
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        match self.timed() {
            Some(_) => Ok(MS_NS),
            None => monotonic_clock::Host::resolution(&mut self.0.clocks()),
        }
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        match self.timed() {
            Some(script) => {
                let ns = when.saturating_sub(script.monotonic_ns());
                self.subscribe_duration(ns)
            }
            None => monotonic_clock::Host::subscribe_instant(&mut self.0.clocks(), when),
        }
    }

    fn subscribe_duration(&mut self, ns: u64) -> wasmtime::Result<Resource<DynPollable>> {
        match self.timed() {
            Some(script) => {
                let nap = self.nap(script, ns.div_ceil(MS_NS));
                let nap = self.0.wasi_table.push(nap)?;
                subscribe(&mut self.0.wasi_table, nap)
            }
            None => monotonic_clock::Host::subscribe_duration(&mut self.0.clocks(), ns),
        }
    }
}
