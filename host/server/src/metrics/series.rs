//! What one check counts.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use probity_core::check::{Capability, Reason, Run, Status};
use probity_core::meters::{Histogram, WORK_SECONDS};

/// The series of one check, found once when the check is planned so that a run pays no lookup.
#[derive(Clone, Debug)]
pub struct CheckMetrics(pub(super) Arc<Series>);

impl CheckMetrics {
    /// Counts one finished run.
    pub fn observe(&self, run: &Run) {
        self.0.observe(run);
    }
}

/// Totals since the check was planned first. Checks without series of their own share one.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) duration: Histogram,
    pub(super) healthy: AtomicU64,
    pub(super) degraded: AtomicU64,
    pub(super) unhealthy: AtomicU64,
    pub(super) fuel: AtomicU64,
    pub(super) memory_peak_bytes: AtomicU64,
    rare: Mutex<Rare>,
}

/// What most runs do not touch: failures, and calls into capabilities. Bounded by the closed lists of both.
#[derive(Clone, Debug, Default)]
pub(super) struct Rare {
    pub(super) failures: Vec<(Reason, u64)>,
    pub(super) calls: Vec<(Capability, &'static str, u64)>,
}

impl Default for Series {
    fn default() -> Self {
        Self {
            duration: Histogram::new(&WORK_SECONDS),
            healthy: AtomicU64::default(),
            degraded: AtomicU64::default(),
            unhealthy: AtomicU64::default(),
            fuel: AtomicU64::default(),
            memory_peak_bytes: AtomicU64::default(),
            rare: Mutex::default(),
        }
    }
}

impl Series {
    fn observe(&self, run: &Run) {
        self.duration.observe(run.duration);
        self.fuel.fetch_add(run.usage.fuel, Ordering::Relaxed);
        self.memory_peak_bytes.store(run.usage.memory_peak_bytes, Ordering::Relaxed);
        let failure = match &run.end {
            Ok(outcome) => {
                let count = match outcome.status {
                    Status::Healthy => &self.healthy,
                    Status::Degraded => &self.degraded,
                    // An outcome is never `Unknown`; should it be, it is not hidden among the good ones.
                    Status::Unhealthy | Status::Unknown => &self.unhealthy,
                };
                count.fetch_add(1, Ordering::Relaxed);
                None
            }
            Err(failure) => Some(failure.reason),
        };
        if failure.is_some() || !run.tally.is_empty() {
            self.rare_mut().observe(failure, run);
        }
    }

    /// Runs that ended in an outcome, by its status.
    pub(super) fn concluded(&self) -> [(&'static str, u64); 3] {
        [(Status::Healthy, &self.healthy), (Status::Degraded, &self.degraded), (Status::Unhealthy, &self.unhealthy)]
            .map(|(status, count)| (status.as_str(), count.load(Ordering::Relaxed)))
    }

    pub(super) fn rare(&self) -> Rare {
        self.rare_mut().clone()
    }

    fn rare_mut(&self) -> MutexGuard<'_, Rare> {
        self.rare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rare {
    fn observe(&mut self, failure: Option<Reason>, run: &Run) {
        if let Some(reason) = failure {
            match self.failures.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, count)) => *count += 1,
                None => self.failures.push((reason, 1)),
            }
        }
        for tally in &run.tally {
            let known = self.calls.iter_mut().find(|call| call.0 == tally.capability && call.1 == tally.result);
            match known {
                Some((_, _, count)) => *count += u64::from(tally.count),
                None => self.calls.push((tally.capability, tally.result, tally.count.into())),
            }
        }
    }
}
