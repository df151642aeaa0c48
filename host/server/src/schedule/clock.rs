//! The schedule's clock: Unix time, so that every host and every start has the same ticks. Between two looks at the
//! machine's clock, which may be set, it is counted on by the process's own.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// What the machine's clock was set by less is left alone: ticks come early or late by it. It is less than clocks of one
/// fleet may differ.
const SET_MIN: Duration = Duration::from_millis(100);

/// Unix time without jumps.
#[derive(Debug)]
pub(super) struct Clock {
    origin: Instant,
    /// Unix time at `origin`.
    unix: Duration,
    machine: fn() -> Duration,
}

impl Clock {
    /// That of the machine.
    pub(super) fn new() -> Self {
        Self::reading(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
    }

    fn reading(machine: fn() -> Duration) -> Self {
        Self { origin: Instant::now(), unix: machine(), machine }
    }

    /// Now, since the Unix epoch.
    pub(super) fn now(&self) -> Duration {
        self.unix + self.origin.elapsed()
    }

    /// When it is `at` by this clock, unless the machine's is set until then.
    pub(super) fn instant(&self, at: Duration) -> Instant {
        self.origin + at.saturating_sub(self.unix)
    }

    /// Looks at the machine's clock. If it was set, or the machine slept, that is taken over: by how much.
    pub(super) fn look(&mut self) -> Option<Duration> {
        let machine = (self.machine)();
        let by = machine.abs_diff(self.now());
        if by < SET_MIN {
            return None;
        }
        (self.origin, self.unix) = (Instant::now(), machine);
        Some(by)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    thread_local! {
        static START: Instant = Instant::now();
        /// What the machine's clock said then, as somebody set it later.
        static SET: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    }

    fn machine() -> Duration {
        SET.get() + START.with(Instant::elapsed)
    }

    fn near(one: Duration, other: Duration) -> bool {
        one.abs_diff(other) < Duration::from_secs(60)
    }

    // The clock goes on by the process's own while nothing is set, and takes a set clock over once, whichever way.
    #[test]
    fn a_set_clock_is_taken_over_once() {
        SET.set(20_000 * DAY);
        let mut clock = Clock::reading(machine);
        SET.set(SET.get() + SET_MIN / 2);
        assert_eq!(clock.look(), None, "a little is left alone");
        assert!(near(clock.instant(clock.now() + DAY) - Instant::now(), DAY));
        for set in [20_001 * DAY, 19_000 * DAY, Duration::from_secs(3)] {
            let by = SET.replace(set).abs_diff(set);
            assert!(clock.look().is_some_and(|said| near(said, by)), "{set:?}");
            assert_eq!(clock.look(), None, "{set:?} twice");
            assert!(near(clock.now(), set) && near(clock.instant(set + DAY) - Instant::now(), DAY), "{set:?}");
            assert!(clock.instant(Duration::ZERO) <= Instant::now(), "what is over is due");
        }
    }
}
