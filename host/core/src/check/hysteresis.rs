//! Thresholds: how many runs it takes to change the status that counts.

use super::Status;

/// When a status is believed: `failures` bad runs among the last `of`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// Runs of the kind that must be seen, at least 1.
    pub failures: u8,
    /// Among how many of the latest runs, `failures ..= 64`. Equal to `failures` means consecutive.
    pub of: u8,
}

impl Window {
    /// `n` in a row.
    #[must_use]
    pub const fn consecutive(n: u8) -> Self {
        Self { failures: n, of: n }
    }
}

/// The memory that turns run statuses into the status that counts. Survives reloads: it belongs to the check's name.
///
/// A run that is not healthy moves the status at once to `degraded` or `unknown` unless it is `unhealthy`, which waits
/// for `unhealthy_after`; recovery from `unhealthy` waits for `healthy_after` runs that are not unhealthy.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hysteresis {
    /// The last 64 runs, newest in bit 0; 1 = unhealthy.
    bad: u64,
    /// Runs seen, saturating at 64.
    seen: u8,
    good_in_a_row: u8,
    failures_in_a_row: u32,
    current: Option<Status>,
}

impl Hysteresis {
    /// Takes one run's status in and returns the status that counts now.
    ///
    /// The first conclusion is believed at once, whatever it is: before it there is nothing to hold on to. `Unknown`
    /// neither counts as bad nor as good, it only shows.
    pub fn record(&mut self, run: Status, unhealthy_after: Window, healthy_after: u8) -> Status {
        self.failures_in_a_row = match run {
            Status::Healthy | Status::Degraded => 0,
            Status::Unhealthy | Status::Unknown => self.failures_in_a_row.saturating_add(1),
        };
        if run == Status::Unknown {
            let shown = if self.current == Some(Status::Unhealthy) { Status::Unhealthy } else { Status::Unknown };
            return shown;
        }
        let unhealthy = run == Status::Unhealthy;
        self.bad = self.bad << 1 | u64::from(unhealthy);
        self.seen = self.seen.saturating_add(1).min(64);
        self.good_in_a_row = if unhealthy { 0 } else { self.good_in_a_row.saturating_add(1) };
        let next = match self.current {
            Some(Status::Unhealthy) if unhealthy || self.good_in_a_row < healthy_after => Status::Unhealthy,
            Some(before) if unhealthy => {
                if self.bad_of(unhealthy_after.of) >= unhealthy_after.failures {
                    Status::Unhealthy
                } else {
                    before
                }
            }
            Some(_) | None => run,
        };
        self.current = Some(next);
        next
    }

    /// Runs in a row, up to now, that were unhealthy or failed.
    #[must_use]
    pub const fn consecutive_failures(&self) -> u32 {
        self.failures_in_a_row
    }

    /// Whether any run has concluded.
    #[must_use]
    pub const fn concluded(&self) -> bool {
        self.current.is_some()
    }

    fn bad_of(&self, of: u8) -> u8 {
        let of = of.min(self.seen).min(64);
        let mask = if of >= 64 { u64::MAX } else { (1 << of) - 1 };
        u8::try_from((self.bad & mask).count_ones()).expect("at most 64 bits are set")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Status::{Degraded, Healthy, Unhealthy, Unknown};
    use super::*;

    fn feed(runs: &[Status], unhealthy_after: Window, healthy_after: u8) -> Vec<Status> {
        let mut hysteresis = Hysteresis::default();
        runs.iter().map(|run| hysteresis.record(*run, unhealthy_after, healthy_after)).collect()
    }

    // Two bad runs do not change a healthy check that needs three, the third does.
    #[test]
    fn unhealthy_waits_for_its_threshold() {
        let seen = feed(&[Healthy, Unhealthy, Unhealthy, Unhealthy], Window::consecutive(3), 1);
        assert_eq!(seen, [Healthy, Healthy, Healthy, Unhealthy]);
    }

    // A good run between bad ones starts the consecutive count again, but not the count of a window.
    #[test]
    fn window_counts_sporadic_failures() {
        let runs = [Healthy, Unhealthy, Healthy, Unhealthy, Healthy, Unhealthy];
        assert_eq!(feed(&runs, Window::consecutive(3), 1)[5], Healthy);
        assert_eq!(feed(&runs, Window { failures: 3, of: 5 }, 1)[5], Unhealthy);
    }

    // Recovery needs as many good runs in a row as configured; degraded counts as good.
    #[test]
    fn recovery_waits_for_its_threshold() {
        let seen = feed(&[Unhealthy, Healthy, Unhealthy, Degraded, Healthy], Window::consecutive(1), 2);
        assert_eq!(seen, [Unhealthy, Unhealthy, Unhealthy, Unhealthy, Healthy]);
    }

    // The first conclusion is believed at once.
    #[test]
    fn first_conclusion_counts() {
        assert_eq!(feed(&[Unhealthy], Window::consecutive(5), 5), [Unhealthy]);
    }

    // A failed run shows as unknown, does not hide a known outage, and leaves the thresholds as they were.
    #[test]
    fn unknown_neither_heals_nor_breaks() {
        assert_eq!(feed(&[Healthy, Unknown, Healthy], Window::consecutive(1), 1), [Healthy, Unknown, Healthy]);
        assert_eq!(feed(&[Unhealthy, Unknown, Unhealthy], Window::consecutive(1), 1), [Unhealthy; 3]);
        let seen = feed(&[Healthy, Unhealthy, Unknown, Unhealthy], Window::consecutive(2), 1);
        assert_eq!(seen[3], Unhealthy);
    }

    proptest! {
        // With thresholds of one, the status that counts is always the last run's.
        #[test]
        fn thresholds_of_one_change_nothing(runs in prop::collection::vec(prop::sample::select(vec![Healthy, Degraded, Unhealthy]), 1..80)) {
            prop_assert_eq!(feed(&runs, Window::consecutive(1), 1), runs);
        }
    }
}
