//! How many runs there may be, and when one that ends tells the loop.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::Settings;

/// The runs of one plugin, and the checks that wait for some of them to end.
#[derive(Debug, Default)]
pub(super) struct Lane {
    pub(super) busy: Arc<Busy>,
    pub(super) parked: VecDeque<u32>,
}

/// What a lane shares with its runs.
#[derive(Debug, Default)]
pub(super) struct Busy {
    /// Runs in flight.
    pub(super) running: AtomicUsize,
    /// Checks are parked: the run that makes room wakes the loop.
    pub(super) awaited: AtomicBool,
}

/// How much must be free before a run that ends wakes a loop that has to wait: waking it for each single place would
/// cost more than the runs. What becomes free below that is found at the next look, one [`super::task::PACE`] later.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) slots_free_min: usize,
    lane_running_max: usize,
}

/// The part of the slots, or of a plugin's bound, that has to be free: one in so many.
const PART: usize = 4;

impl Room {
    pub(super) fn of(settings: &Settings) -> Self {
        let (slots, lane) = (settings.concurrency.max(1), settings.concurrency_per_plugin.max(1));
        Self { slots_free_min: slots.div_ceil(PART), lane_running_max: lane - lane.div_ceil(PART) }
    }

    /// Notes the end of a run; whether the loop waits for the room there is now.
    pub(super) fn left(self, lane: &Busy) -> bool {
        let running = lane.running.fetch_sub(1, Ordering::SeqCst) - 1;
        running <= self.lane_running_max && lane.awaited.swap(false, Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn room(concurrency: usize, concurrency_per_plugin: usize) -> Room {
        Room::of(&Settings { concurrency, concurrency_per_plugin, backoff_max: Duration::ZERO })
    }

    // Whatever the bounds are, the last run that ends always tells: nothing waits for ever.
    #[test]
    fn the_last_run_always_makes_room() {
        for bound in 1..100 {
            let room = room(bound, bound);
            assert!((1..=bound).contains(&room.slots_free_min), "{bound}: {room:?}");
            let lane = Busy { running: AtomicUsize::new(1), awaited: AtomicBool::new(true) };
            assert!(room.left(&lane), "{bound}: {room:?}");
        }
    }

    // A full lane tells once a quarter of it is free, and once only.
    #[test]
    fn a_lane_tells_once_a_quarter_is_free() {
        let room = room(64, 16);
        let lane = Busy { running: AtomicUsize::new(16), awaited: AtomicBool::new(true) };
        let told: Vec<bool> = (0..6).map(|_| room.left(&lane)).collect();
        assert_eq!(told, [false, false, false, true, false, false]);
    }
}
