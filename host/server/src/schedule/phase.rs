//! The arithmetic of due times. Pure.

use std::time::Duration;

use sha2::{Digest, Sha256};

/// Traps in a row before the schedule backs off.
const BACKOFF_AFTER: u32 = 3;

/// Offset of a check within its interval, so that checks of one interval spread evenly: the first eight bytes of its
/// name's SHA-256, most significant first, in nanoseconds, modulo the interval. Every host and every build has the same.
pub(super) fn offset(name: &str, every: Duration) -> Duration {
    let nanos = u64::try_from(every.as_nanos()).unwrap_or(u64::MAX).max(1);
    let digest = Sha256::digest(name);
    let hash = digest.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte));
    Duration::from_nanos(hash % nanos)
}

/// The first tick, a point of the grid `offset + k × every`, that is later than `after`. All count from the Unix epoch.
pub(super) fn next_on_grid(after: Duration, offset: Duration, every: Duration) -> Duration {
    let (after, offset, every) = (after.as_nanos(), offset.as_nanos(), every.as_nanos().max(1));
    let steps = if after < offset { 0 } else { (after - offset) / every + 1 };
    Duration::from_nanos(u64::try_from(offset + steps * every).unwrap_or(u64::MAX))
}

/// Checks that begin in one second, when many begin together.
const BEGINNING_PER_SECOND: u32 = 500;

/// When a check is due first that begins at `now` together with so many in all: in the order of their grid, spread over the
/// time that [`BEGINNING_PER_SECOND`] asks for. A few run at once, and none waits longer than for the grid.
pub(super) fn first(now: Duration, offset: Duration, every: Duration, together: usize) -> Duration {
    let wait = next_on_grid(now, offset, every).saturating_sub(now);
    let together = u32::try_from(together).unwrap_or(u32::MAX);
    let window = Duration::from_secs(1) * together / BEGINNING_PER_SECOND;
    now + wait.mul_f64(window.div_duration_f64(every.max(window)))
}

/// When what was due at `due` is due after the clock was set by so much, either way, and is `now`. Set by less than an
/// interval, the same tick is waited for: none comes twice, none is left out. Set by more, the grid is entered anew.
pub(super) fn after_set(due: Duration, now: Duration, by: Duration, offset: Duration, every: Duration) -> Duration {
    if by < every { due } else { next_on_grid(now, offset, every) }
}

/// Ticks that passed unused between `due` and `now`.
pub(super) fn missed(due: Duration, now: Duration, every: Duration) -> u64 {
    u64::try_from(now.saturating_sub(due).as_nanos() / every.as_nanos().max(1)).unwrap_or(u64::MAX)
}

/// The pause after `traps` in a row: none up to three, then doubling from the interval up to `max`, but never shorter
/// than the interval.
#[must_use]
pub fn backoff(traps: u32, every: Duration, max: Duration) -> Option<Duration> {
    if traps < BACKOFF_AFTER {
        return None;
    }
    let factor = 1u32.checked_shl(traps - BACKOFF_AFTER + 1).unwrap_or(u32::MAX);
    Some(every.saturating_mul(factor).min(max.max(every)))
}

/// The calendar is looked at this often: it may be set, and it goes on while the machine sleeps.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// How long to sleep at `unix` before the next look at the calendar, waiting for `target`. Milliseconds since the epoch.
pub(super) fn calendar_look(unix: u64, target: u64) -> Duration {
    Duration::from_millis(target.saturating_sub(unix)).min(LOOK_EVERY)
}

/// From when on to search for the next time at `unix`, after `passed` came: a clock that was set back a little does not
/// make it come again; one that was set back far was wrong before.
pub(super) fn calendar_from(unix: u64, passed: u64) -> u64 {
    let back = Duration::from_millis(passed.saturating_sub(unix));
    if back <= LOOK_EVERY { unix.max(passed) } else { unix }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // Ten thousand checks of an interval of a minute begin over twenty seconds, evenly; one begins at once, and none later
    // than its interval asks for.
    #[test]
    fn many_begin_one_after_the_other() {
        let (now, every) = (Duration::from_secs(7), Duration::from_secs(60));
        let firsts = |count: usize, every: Duration| -> Vec<Duration> {
            (0..count).map(|at| first(now, offset(&format!("check-{at}"), every), every, count) - now).collect()
        };
        let many = firsts(10_000, every);
        assert!(many.iter().all(|wait| *wait <= Duration::from_secs(20)));
        for second in 0..20 {
            let within = |wait: &&Duration| wait.as_secs() == second;
            let begin = many.iter().filter(within).count();
            assert!((400..600).contains(&begin), "{begin} begin in second {second}");
        }
        assert!(firsts(1, every)[0] <= Duration::from_millis(2));
        assert!(firsts(500, every).iter().all(|wait| *wait <= Duration::from_secs(1)));
        assert!(firsts(10_000, Duration::from_secs(5)).iter().all(|wait| *wait <= Duration::from_secs(5)));
    }

    proptest! {
        // The next point is later than now, no more than one interval away, and on the grid.
        #[test]
        fn grid_points_are_one_interval_apart(after in 0u64..1 << 50, every in 1u64..1 << 40, name in "[a-z]{1,8}") {
            let (after, every) = (Duration::from_nanos(after), Duration::from_nanos(every));
            let offset = offset(&name, every);
            let next = next_on_grid(after, offset, every);
            prop_assert!(offset < every);
            prop_assert!(next > after && next <= after + every + offset);
            prop_assert_eq!((next - offset).as_nanos() % every.as_nanos(), 0);
        }
    }

    // The offset is that of every other build: the values are those of `printf NAME | sha256sum`.
    #[test]
    fn offsets_are_the_same_everywhere() {
        let day = Duration::from_secs(86_400);
        for (name, hash) in [("database", 0x3549_b002_8b75_d981_u64), ("a", 0xca97_8112_ca1b_bdca)] {
            let nanos = u64::try_from(day.as_nanos()).unwrap();
            assert_eq!(offset(name, day), Duration::from_nanos(hash % nanos), "{name}");
        }
    }

    // A clock that is set moves no check by more than its interval, and takes or repeats no tick where it was set by less.
    #[test]
    fn a_set_clock_takes_no_tick() {
        let (every, offset) = (Duration::from_secs(10), Duration::from_secs(3));
        let at = |seconds: u64| Duration::from_secs(seconds);
        let due = at(1_003);
        for (now, by) in [(990, 8), (1_001, 3), (1_006, 9)] {
            assert_eq!(after_set(due, at(now), at(by), offset, every), due, "{now}");
        }
        assert_eq!(after_set(due, at(9_999), at(9_000), offset, every), at(10_003));
        assert_eq!(after_set(due, at(100), at(900), offset, every), at(103));
    }

    // A time by the calendar is never slept through for long, whatever the clock is set to, and comes once.
    #[test]
    fn the_calendar_may_be_set() {
        let day = 86_400_000;
        assert_eq!(calendar_look(day, day + 5_000), Duration::from_secs(5));
        assert_eq!(calendar_look(day, 9 * day), LOOK_EVERY);
        assert_eq!(calendar_look(day + 1, day), Duration::ZERO);
        assert_eq!(calendar_from(day + 3, day), day + 3);
        assert_eq!(calendar_from(day - 1_000, day), day, "set back by a second");
        assert_eq!(calendar_from(day, 400 * day), day, "was a year ahead");
    }

    // The pause doubles from the fourth trap on and stops growing at the bound.
    #[test]
    fn backoff_doubles_up_to_its_bound() {
        let (every, max) = (Duration::from_secs(10), Duration::from_secs(60));
        let pauses: Vec<_> =
            [2, 3, 4, 5, 40].map(|traps| backoff(traps, every, max).map(|pause| pause.as_secs())).into();
        assert_eq!(pauses, [None, Some(20), Some(40), Some(60), Some(60)]);
        assert_eq!(backoff(9, Duration::from_secs(3600), max), Some(Duration::from_secs(3600)));
    }
}
