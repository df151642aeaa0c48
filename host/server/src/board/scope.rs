//! Sets of checks with one status: all, a probe, a group.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use probity_core::check::{Aggregate, Counts, Probe, Status};

use super::View;
use crate::plan::PlannedCheck;

/// Which set.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ScopeId {
    /// Every check that counts: `/health`.
    All,
    /// Checks whose first conclusion the start waits for.
    Expected,
    /// Checks that joined a probe.
    Probe(Probe),
    /// Checks of a group: `/health/NAME`.
    Group(Arc<str>),
}

/// One set and its running aggregate.
#[derive(Debug)]
pub struct Scope {
    /// Which.
    pub id: ScopeId,
    aggregate: Mutex<Aggregate>,
    summary: ArcSwap<Summary>,
}

/// What a set adds up to. Immutable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The aggregate status.
    pub status: Status,
    /// Checks per status.
    pub counts: Counts,
    /// Checks that have not run yet; of those that the start waits for, checks without a first conclusion.
    pub pending: u32,
    /// When `status` was entered, milliseconds since the Unix epoch.
    pub since_unix_ms: u64,
}

impl Scope {
    pub(super) fn new(id: ScopeId) -> Self {
        let empty = Summary { status: Status::Healthy, counts: Counts::default(), pending: 0, since_unix_ms: 0 };
        Self { id, aggregate: Mutex::default(), summary: ArcSwap::from_pointee(empty) }
    }

    /// What it adds up to now.
    #[must_use]
    pub fn summary(&self) -> Arc<Summary> {
        self.summary.load_full()
    }

    pub(super) fn count_in(&self, view: &View, planned: &PlannedCheck) {
        let mut aggregate = self.aggregate.lock().unwrap_or_else(PoisonError::into_inner);
        aggregate.add(view.status, planned.severity, planned.on_unknown, self.pending(view, planned));
    }

    /// Whether a member is still waited for. The start waits for conclusions, whatever keeps them away.
    fn pending(&self, view: &View, planned: &PlannedCheck) -> bool {
        if self.id == ScopeId::Expected { !view.concluded } else { planned.awaits(view.pending) }
    }

    pub(super) fn shift(&self, before: &View, after: &View, planned: &PlannedCheck, now_unix_ms: u64) {
        {
            let mut aggregate = self.aggregate.lock().unwrap_or_else(PoisonError::into_inner);
            aggregate.remove(before.status, planned.severity, planned.on_unknown, self.pending(before, planned));
            aggregate.add(after.status, planned.severity, planned.on_unknown, self.pending(after, planned));
        }
        let old = self.summary.load_full();
        self.publish(now_unix_ms, Some(&old));
    }

    pub(super) fn publish(&self, now_unix_ms: u64, old: Option<&Summary>) {
        let aggregate = *self.aggregate.lock().unwrap_or_else(PoisonError::into_inner);
        let status = aggregate.status();
        let since_unix_ms = match old {
            Some(old) if old.status == status && old.since_unix_ms > 0 => old.since_unix_ms,
            _ => now_unix_ms,
        };
        let counts = aggregate.counts;
        self.summary.store(Arc::new(Summary { status, counts, pending: aggregate.pending, since_unix_ms }));
    }
}
