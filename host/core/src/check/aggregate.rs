//! Many checks, one answer.

use serde::{Deserialize, Serialize};

use super::{Severity, Status};

/// How an `unknown` check counts once it has concluded before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnUnknown {
    /// Like `healthy`.
    Healthy,
    /// Like `degraded`: a bug in a check must not take a service out of rotation.
    #[default]
    Degraded,
    /// Like `unhealthy`.
    Unhealthy,
}

/// How many counted checks are in each status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Checks in status `healthy`.
    pub healthy: u32,
    /// Checks in status `degraded`.
    pub degraded: u32,
    /// Checks in status `unhealthy`.
    pub unhealthy: u32,
    /// Checks in status `unknown`.
    pub unknown: u32,
}

impl Counts {
    /// The count of one status.
    pub fn of(&mut self, status: Status) -> &mut u32 {
        match status {
            Status::Healthy => &mut self.healthy,
            Status::Degraded => &mut self.degraded,
            Status::Unhealthy => &mut self.unhealthy,
            Status::Unknown => &mut self.unknown,
        }
    }

    /// All checks.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.healthy + self.degraded + self.unhealthy + self.unknown
    }
}

/// A running aggregate: how many members push it to each status. Adding and removing one member is O(1), so that the
/// board keeps the aggregate of 10,000 checks current at every run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Aggregate {
    /// Members per status, as shown.
    pub counts: Counts,
    /// Members that expect a first conclusion and have none.
    pub pending: u32,
    degrading: u32,
    breaking: u32,
}

impl Aggregate {
    /// Counts a member in.
    pub fn add(&mut self, status: Status, severity: Severity, on_unknown: OnUnknown, pending: bool) {
        self.shift(status, severity, on_unknown, pending, 1);
    }

    /// Counts a member out, with the same arguments it was added with.
    pub fn remove(&mut self, status: Status, severity: Severity, on_unknown: OnUnknown, pending: bool) {
        self.shift(status, severity, on_unknown, pending, u32::MAX);
    }

    /// The aggregate status. An empty aggregate is healthy; one with only pending members is `Unknown`.
    #[must_use]
    pub fn status(&self) -> Status {
        if self.breaking > 0 {
            Status::Unhealthy
        } else if self.degrading > 0 {
            Status::Degraded
        } else if self.pending > 0 && self.pending == self.counts.total() {
            Status::Unknown
        } else {
            Status::Healthy
        }
    }

    fn shift(&mut self, status: Status, severity: Severity, on_unknown: OnUnknown, pending: bool, by: u32) {
        let add = |count: &mut u32| *count = count.wrapping_add(by);
        add(self.counts.of(status));
        if pending {
            add(&mut self.pending);
            return;
        }
        match weigh(status, severity, on_unknown) {
            Status::Unhealthy => add(&mut self.breaking),
            Status::Degraded => add(&mut self.degrading),
            Status::Healthy | Status::Unknown => {}
        }
    }
}

/// The status a set of checks adds up to; see [`Aggregate::status`].
#[must_use]
pub fn aggregate(members: impl IntoIterator<Item = (Status, Severity)>, on_unknown: OnUnknown) -> Status {
    let mut sum = Aggregate::default();
    for (status, severity) in members {
        sum.add(status, severity, on_unknown, false);
    }
    sum.status()
}

/// What one member contributes: its status, dampened by its severity.
fn weigh(status: Status, severity: Severity, on_unknown: OnUnknown) -> Status {
    let status = match (status, on_unknown) {
        (Status::Unknown, OnUnknown::Healthy) => Status::Healthy,
        (Status::Unknown, OnUnknown::Degraded) => Status::Degraded,
        (Status::Unknown, OnUnknown::Unhealthy) => Status::Unhealthy,
        (known, _) => known,
    };
    match (severity, status) {
        (Severity::Info, _) => Status::Healthy,
        (Severity::Warning, Status::Unhealthy) => Status::Degraded,
        (_, status) => status,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn member() -> impl Strategy<Value = (Status, Severity, OnUnknown, bool)> {
        (
            prop::sample::select(Status::ALL.to_vec()),
            prop::sample::select(vec![Severity::Critical, Severity::Warning, Severity::Info]),
            prop::sample::select(vec![OnUnknown::Healthy, OnUnknown::Degraded, OnUnknown::Unhealthy]),
            any::<bool>(),
        )
    }

    // A warning that fails degrades, a critical one breaks, an info one is never counted.
    #[test]
    fn severity_dampens_unhealthy() {
        let of = |severity| {
            aggregate([(Status::Unhealthy, severity), (Status::Healthy, Severity::Critical)], OnUnknown::Degraded)
        };
        assert_eq!(of(Severity::Critical), Status::Unhealthy);
        assert_eq!(of(Severity::Warning), Status::Degraded);
        assert_eq!(of(Severity::Info), Status::Healthy);
    }

    // A check that lost its conclusion degrades by default and never breaks the service.
    #[test]
    fn unknown_degrades_by_default() {
        assert_eq!(aggregate([(Status::Unknown, Severity::Critical)], OnUnknown::default()), Status::Degraded);
        assert_eq!(aggregate([(Status::Unknown, Severity::Critical)], OnUnknown::Unhealthy), Status::Unhealthy);
        assert_eq!(aggregate([(Status::Unknown, Severity::Critical)], OnUnknown::Healthy), Status::Healthy);
    }

    proptest! {
        // Adding and removing members in any order leaves what adding the rest alone would have given.
        #[test]
        fn removal_undoes_addition(kept in prop::collection::vec(member(), 0..20), gone in prop::collection::vec(member(), 0..20)) {
            let mut both = Aggregate::default();
            for m in gone.iter().chain(&kept) { both.add(m.0, m.1, m.2, m.3); }
            for m in &gone { both.remove(m.0, m.1, m.2, m.3); }
            let mut only = Aggregate::default();
            for m in &kept { only.add(m.0, m.1, m.2, m.3); }
            prop_assert_eq!(both, only);
        }

        // One more member never improves an aggregate without pending members.
        #[test]
        fn a_member_never_improves(members in prop::collection::vec(member(), 0..20), extra in member()) {
            let mut sum = Aggregate::default();
            for m in &members { sum.add(m.0, m.1, m.2, false); }
            let before = sum.status();
            sum.add(extra.0, extra.1, extra.2, false);
            prop_assert!(sum.status() >= before);
        }
    }
}
