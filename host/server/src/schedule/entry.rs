//! One check as the scheduler knows it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use probity_config::Timing;
use probity_core::clock::unix_ms;
use probity_sandbox::Lane;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::phase;
use crate::board::Slot;
use crate::plan::PlannedCheck;

/// The runs of one check: at most one at a time. Small, as there is one for each check.
#[derive(Debug, Default)]
pub struct Flight {
    running: AtomicBool,
    slow: AtomicBool,
    landed: Notify,
}

/// A run that took this long makes its check one that is known to wait for long. Runs that hang take at least this.
const SLOW: Duration = Duration::from_millis(500);

impl Flight {
    /// Takes off, unless in the air.
    pub(super) fn start(&self) -> bool {
        !self.running.swap(true, Ordering::AcqRel)
    }

    /// Lands; whoever waits is told.
    pub(super) fn land(&self) {
        self.running.store(false, Ordering::Release);
        self.landed.notify_waiters();
    }

    /// Notes how long the latest run took.
    pub(super) fn took(&self, duration: Duration) {
        self.slow.store(duration >= SLOW, Ordering::Release);
    }

    /// Whether the latest run took long: the next one is likely to wait for long as well.
    pub(super) fn is_slow(&self) -> bool {
        self.slow.load(Ordering::Acquire)
    }

    /// Whether a run is in the air.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.running.load(Ordering::Acquire)
    }

    /// Waits for the next landing after this call.
    pub fn landing(&self) -> Notified<'_> {
        self.landed.notified()
    }
}

/// A check and when it is due. Times count from the Unix epoch, by the schedule's clock.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) planned: Arc<PlannedCheck>,
    /// The check's place on the board.
    pub(super) slot: Arc<Slot>,
    /// The turns of its plugin.
    pub(super) lane: Arc<Lane>,
    pub(super) flight: Arc<Flight>,
    pub(super) rhythm: Rhythm,
    /// Heap items of another generation are leftovers.
    pub(super) generation: u32,
    pub(super) due: Duration,
    /// Due, and waits beside the heap: for a turn of its plugin, or for room to wait in.
    pub(super) parked: bool,
    /// Was replaced while it ran, so that the next run is wanted soon.
    pub(super) changed: bool,
}

/// What decides when a check is due.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rhythm {
    /// The grid of its interval, from this offset on.
    Grid(Duration),
    /// The calendar. Milliseconds since the Unix epoch.
    Calendar {
        /// The time that is waited for; none when it runs as soon as it is due.
        target: Option<u64>,
        /// The latest time that came.
        passed: u64,
    },
}

/// How soon a changed check is tried again while its old run is in the air.
const CHANGED_RETRY: Duration = Duration::from_millis(50);

impl Entry {
    /// The next due time after `now`, and the ticks that were missed since the last.
    pub(super) fn next(&self, now: Duration, traps: u32, backoff_max: Duration) -> Option<Next> {
        match (&self.planned.timing, self.rhythm) {
            (Timing::Every(_), Rhythm::Grid(_)) if self.changed => {
                Some(Next { due: now + CHANGED_RETRY, target: None, missed: 0, backoff: false })
            }
            (Timing::Every(every), Rhythm::Grid(offset)) => {
                let backoff = phase::backoff(traps, *every, backoff_max);
                let from = match backoff {
                    Some(pause) => now + pause.saturating_sub(*every),
                    None if self.on_grid(*every, offset) => now.max(self.due),
                    // After a run outside the grid the next is at least half an interval away.
                    None => now + *every / 2,
                };
                let missed = phase::missed(self.due, now, *every);
                let due = phase::next_on_grid(from, offset, *every);
                Some(Next { due, target: None, missed, backoff: backoff.is_some() })
            }
            (Timing::Cron(cron), Rhythm::Calendar { passed, .. }) => {
                let unix = unix_ms();
                let target = cron.next_after(phase::calendar_from(unix, passed))?;
                let due = now + phase::calendar_look(unix, target);
                Some(Next { due, target: Some(target), missed: 0, backoff: false })
            }
            // A timing and its rhythm are replaced together.
            (Timing::Every(_), Rhythm::Calendar { .. }) | (Timing::Cron(_), Rhythm::Grid(_)) => None,
        }
    }

    /// Whether it is only looked at: the time it waits for has not come by the calendar. If it has, that is noted.
    pub(super) fn is_early(&mut self) -> bool {
        let Rhythm::Calendar { target: Some(target), passed } = &mut self.rhythm else { return false };
        let early = unix_ms() < *target;
        if !early {
            *passed = *target;
        }
        early
    }

    /// Due at `due`, by the calendar at `target`.
    pub(super) fn wait_until(&mut self, due: Duration, at: Option<u64>) {
        self.due = due;
        if let Rhythm::Calendar { target, .. } = &mut self.rhythm {
            *target = at;
        }
    }

    fn on_grid(&self, every: Duration, offset: Duration) -> bool {
        self.due >= offset && (self.due - offset).as_nanos().is_multiple_of(every.as_nanos().max(1))
    }

    /// What decides when `planned` is due.
    pub(super) fn rhythm_of(planned: &PlannedCheck) -> Rhythm {
        match &planned.timing {
            Timing::Every(every) => Rhythm::Grid(phase::offset(&planned.name, *every)),
            Timing::Cron(_) => Rhythm::Calendar { target: None, passed: 0 },
        }
    }
}

/// When a check is due next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Next {
    pub(super) due: Duration,
    /// Of a cron check: the time it waits for, milliseconds since the Unix epoch.
    pub(super) target: Option<u64>,
    pub(super) missed: u64,
    pub(super) backoff: bool,
}
