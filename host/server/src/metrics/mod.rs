//! Counters and histograms of the host, in OpenMetrics.
//!
//! What a run or a request counts is found once and is an atomic addition from then on. What can be read from the board
//! or the plugins is read at the scrape, so that it costs a run nothing. Every label has a bound: checks by
//! `metrics.max-checks`, plugins by [`PLUGINS_MAX`], heartbeats by [`HEARTBEATS_MAX`], routes by the table of
//! routes, statuses and methods by the table of a route.

mod encode;

mod measurements;
mod route;
mod series;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

pub use route::RouteMetrics;
pub use series::CheckMetrics;
pub use text::to_prometheus_text;

use probity_core::clock::unix_ms;
use probity_core::meters::{CallTimes, Histogram, WORK_SECONDS};
use probity_sandbox::Turns;

use crate::board::Board;
use crate::plugins::Plugins;
use series::Series;

/// The label of what has no series of its own.
pub const OTHER: &str = "_other";

/// Plugins with reload counters of their own; the rest share `plugin="_other"`.
pub const PLUGINS_MAX: usize = 1_000;

/// Series of heartbeats; what configurations declared beyond that shares `heartbeat="_other"`.
pub const HEARTBEATS_MAX: usize = 3_000;

/// Every metric of the host.
#[derive(Debug)]
pub struct Metrics {
    checks_max: usize,
    checks: RwLock<BTreeMap<Arc<str>, Arc<Series>>>,
    other: Arc<Series>,
    calls: Arc<CallTimes>,
    lag: Histogram,
    /// None before there is a schedule.
    turns: OnceLock<Arc<Turns>>,
    compile: Histogram,
    plugins: Mutex<BTreeMap<String, PluginTotals>>,
    directory_readable: AtomicBool,
    config: ConfigReload,
    /// Bounded by the heartbeats that a configuration may declare.
    heartbeats: Mutex<BTreeMap<(String, &'static str), u64>>,
    /// Since when, by plugin. As many as there are threads for it, and one.
    compiling: Mutex<BTreeMap<String, Instant>>,
    /// By `sent`, `failed` and `dropped`.
    traces: Mutex<BTreeMap<&'static str, u64>>,
    routes: Mutex<BTreeMap<&'static str, Arc<RouteMetrics>>>,
    listeners: AtomicI64,
    state_writable: AtomicI64,
    connections: AtomicI64,
    /// Requests that were refused before a route saw them, by reason.
    refused: Mutex<BTreeMap<&'static str, u64>>,
    /// Connections that the host ended, by reason.
    closed: Mutex<BTreeMap<&'static str, u64>>,
    started_unix_ms: u64,
}

/// Totals of one plugin name since the start, also when its file is gone.
#[derive(Clone, Copy, Debug, Default)]
struct PluginTotals {
    loaded: u64,
    rejected: u64,
}

/// The latest configuration reload; the start counts as a good one.
#[derive(Debug)]
struct ConfigReload {
    ok: AtomicI64,
    ok_unix_ms: AtomicU64,
}

impl Metrics {
    /// Metrics with series of their own for at most `max_checks` checks; the rest share `check="_other"`.
    #[must_use]
    pub fn new(max_checks: usize) -> Self {
        let now = unix_ms();
        Self {
            checks_max: max_checks,
            checks: RwLock::default(),
            other: Arc::default(),
            calls: Arc::default(),
            lag: Histogram::new(&WORK_SECONDS),
            turns: OnceLock::new(),
            compile: Histogram::new(&WORK_SECONDS),
            plugins: Mutex::default(),
            directory_readable: AtomicBool::new(true),
            config: ConfigReload { ok: AtomicI64::new(1), ok_unix_ms: AtomicU64::new(now) },
            heartbeats: Mutex::default(),
            compiling: Mutex::default(),
            traces: Mutex::default(),
            routes: Mutex::default(),
            listeners: AtomicI64::new(0),
            state_writable: AtomicI64::new(0),
            connections: AtomicI64::new(0),
            refused: Mutex::default(),
            closed: Mutex::default(),
            started_unix_ms: now,
        }
    }

    /// The series of a check, made when there is room.
    pub fn check(&self, name: &Arc<str>) -> CheckMetrics {
        let mut checks = self.checks.write().unwrap_or_else(PoisonError::into_inner);
        let full = checks.len() >= self.checks_max;
        let series = match checks.get(name) {
            Some(series) => series,
            None if full => &self.other,
            None => checks.entry(Arc::clone(name)).or_default(),
        };
        CheckMetrics(Arc::clone(series))
    }

    /// What is being compiled now, since when.
    pub fn compiling(&self, now: BTreeMap<String, Instant>) {
        *self.compiling.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// Drops the series of a check that is gone.
    pub fn forget(&self, name: &str) {
        self.checks.write().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// Where calls into capabilities leave their time.
    #[must_use]
    pub fn calls(&self) -> Arc<CallTimes> {
        Arc::clone(&self.calls)
    }

    /// A run started this long after it was due.
    pub fn lag(&self, lag: Duration) {
        self.lag.observe(lag);
    }

    /// Whose runs that wait are told. The first ones given are kept.
    pub fn turns(&self, turns: &Arc<Turns>) {
        self.turns.get_or_init(|| Arc::clone(turns));
    }

    /// A version became current after `load_time` of compiling and trying.
    pub fn plugin_loaded(&self, plugin: &str, load_time: Duration) {
        self.compile.observe(load_time);
        self.plugin(plugin, |totals| totals.loaded += 1);
    }

    /// Bytes were refused.
    pub fn plugin_rejected(&self, plugin: &str) {
        self.plugin(plugin, |totals| totals.rejected += 1);
    }

    /// The plugin directory was looked at.
    pub fn directory(&self, readable: bool) {
        self.directory_readable.store(readable, Ordering::Relaxed);
    }

    /// The configuration was reloaded, or refused.
    pub fn config_reloaded(&self, ok: bool) {
        self.config.ok.store(i64::from(ok), Ordering::Relaxed);
        if ok {
            self.config.ok_unix_ms.store(unix_ms(), Ordering::Relaxed);
        }
    }

    /// A job reported `result`. `name` is one that the configuration declares.
    pub fn heartbeat(&self, name: &str, result: &'static str) {
        let mut heartbeats = self.heartbeats.lock().unwrap_or_else(PoisonError::into_inner);
        let full = heartbeats.len() >= HEARTBEATS_MAX && !heartbeats.contains_key(&(name.to_owned(), result));
        *heartbeats.entry((if full { OTHER } else { name }.to_owned(), result)).or_default() += 1;
    }

    /// `count` runs were sent to the collector, could not be, or were dropped before.
    pub fn traces(&self, result: &'static str, count: u64) {
        *self.traces.lock().unwrap_or_else(PoisonError::into_inner).entry(result).or_default() += count;
    }

    /// The series of a route. `pattern` comes from the table of routes, never from a request.
    pub fn route(&self, pattern: &'static str) -> Arc<RouteMetrics> {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(routes.entry(pattern).or_default())
    }

    /// One listener more or less on the event stream.
    pub fn listeners(&self, change: i64) {
        self.listeners.fetch_add(change, Ordering::Relaxed);
    }

    /// What checks keep is written, or stays in memory for now or for good.
    pub fn state_writable(&self, writable: bool) {
        self.state_writable.store(i64::from(writable), Ordering::Relaxed);
    }

    /// One connection more or less.
    pub fn connections(&self, change: i64) {
        self.connections.fetch_add(change, Ordering::Relaxed);
    }

    /// A request was refused, whatever it asked for.
    pub fn refused(&self, reason: &'static str) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner).entry(reason).or_default() += 1;
    }

    /// The host ended a connection.
    pub fn connection_closed(&self, reason: &'static str) {
        *self.closed.lock().unwrap_or_else(PoisonError::into_inner).entry(reason).or_default() += 1;
    }

    /// Everything in OpenMetrics 1.0 text.
    #[must_use]
    pub fn render(self: &Arc<Self>, board: &Board, plugins: &Arc<Plugins>) -> String {
        encode::encode(self, board, plugins)
    }

    fn plugin(&self, name: &str, change: impl FnOnce(&mut PluginTotals)) {
        let mut plugins = self.plugins.lock().unwrap_or_else(PoisonError::into_inner);
        let name = if plugins.len() < PLUGINS_MAX || plugins.contains_key(name) { name } else { OTHER };
        change(plugins.entry(name.to_owned()).or_default());
    }
}
