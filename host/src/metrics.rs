//! Counters and histograms of the host, in OpenMetrics.

use std::sync::Arc;

use crate::check::Run;

/// Every metric of the host.
#[derive(Debug)]
pub struct Metrics {}

/// The series of one check, found once when the check is planned so that a run pays no lookup.
#[derive(Clone, Debug)]
pub struct CheckMetrics {}

impl Metrics {
    /// Metrics with series of their own for at most `max_checks` checks; the rest share `check="_other"`.
    #[must_use]
    pub fn new(max_checks: usize) -> Self {
        let _ = max_checks;
        Self {}
    }

    /// The series of a check.
    pub fn check(&self, name: &Arc<str>) -> CheckMetrics {
        let _ = name;
        CheckMetrics {}
    }

    /// A run started this long after it was due.
    pub fn lag(&self, lag: std::time::Duration) {
        let _ = lag;
    }

    /// A version became current after `load_time` of compiling and trying.
    pub fn plugin_loaded(&self, plugin: &str, load_time: std::time::Duration) {
        let _ = (plugin, load_time);
    }

    /// Bytes were refused.
    pub fn plugin_rejected(&self, plugin: &str) {
        let _ = plugin;
    }

    /// The configuration was reloaded, or refused.
    pub fn config_reloaded(&self, ok: bool) {
        let _ = ok;
    }

    /// Drops the series of a check that is gone.
    pub fn forget(&self, name: &str) {
        let _ = name;
    }
}

impl CheckMetrics {
    /// Counts one finished run.
    pub fn observe(&self, run: &Run) {
        let _ = run;
    }
}
