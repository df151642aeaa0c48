//! One check as the scheduler knows it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::phase;
use super::room::Busy;
use crate::board::Slot;
use crate::config::Timing;
use crate::plan::PlannedCheck;

/// The runs of one check: at most one at a time. Small, as there is one for each check.
#[derive(Debug, Default)]
pub struct Flight {
    running: AtomicBool,
    landed: Notify,
}

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

/// A check and when it is due. Times count from the scheduler's origin.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) planned: Arc<PlannedCheck>,
    /// The check's place on the board.
    pub(super) slot: Arc<Slot>,
    /// Runs in flight of its plugin.
    pub(super) lane: Arc<Busy>,
    pub(super) flight: Arc<Flight>,
    /// Where in its interval it is due.
    pub(super) offset: Duration,
    /// Heap items of another generation are leftovers.
    pub(super) generation: u32,
    pub(super) due: Duration,
    /// Waits for its plugin to have a free slot.
    pub(super) parked: bool,
    /// Was replaced while it ran, so that the next run is wanted soon.
    pub(super) changed: bool,
}

/// How soon a changed check is tried again while its old run is in the air.
const CHANGED_RETRY: Duration = Duration::from_millis(50);

impl Entry {
    /// The next due time after `now`, and the ticks that were missed since the last.
    pub(super) fn next(&self, now: Duration, traps: u32, backoff_max: Duration) -> Option<Next> {
        match &self.planned.timing {
            Timing::Every(_) if self.changed => Some(Next { due: now + CHANGED_RETRY, missed: 0, backoff: false }),
            Timing::Every(every) => {
                let offset = self.offset;
                let backoff = phase::backoff(traps, *every, backoff_max);
                let from = match backoff {
                    Some(pause) => now + pause.saturating_sub(*every),
                    None if self.on_grid(*every, offset) => now.max(self.due),
                    // After a run outside the grid the next is at least half an interval away.
                    None => now + *every / 2,
                };
                let missed = phase::missed(self.due, now, *every);
                Some(Next { due: phase::next_on_grid(from, offset, *every), missed, backoff: backoff.is_some() })
            }
            Timing::Cron(cron) => {
                let unix = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
                let wait = cron.next_after(unix)?;
                Some(Next { due: now + wait, missed: 0, backoff: false })
            }
        }
    }

    fn on_grid(&self, every: Duration, offset: Duration) -> bool {
        self.due >= offset && (self.due - offset).as_nanos().is_multiple_of(every.as_nanos().max(1))
    }

    /// Where in its interval `planned` is due; nothing to cron checks.
    pub(super) fn offset_of(planned: &PlannedCheck) -> Duration {
        match &planned.timing {
            Timing::Every(every) => phase::offset(&planned.name, *every),
            Timing::Cron(_) => Duration::ZERO,
        }
    }

    /// Whether a check that is new or changed should run at once. Cron checks wait for their time.
    pub(super) fn runs_at_once(&self) -> bool {
        matches!(self.planned.timing, Timing::Every(_))
    }
}

/// When a check is due next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Next {
    pub(super) due: Duration,
    pub(super) missed: u64,
    pub(super) backoff: bool,
}
