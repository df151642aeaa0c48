//! The loop.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};

use super::crew::{Crew, Ticket};
use super::entry::{Entry, Flight, Next};
use super::room::{Busy, Lane, Room};
use super::{Command, Commands};
use crate::board::Board;
use crate::capabilities::unix_ms;
use crate::metrics::Metrics;
use crate::plan::{Plan, PlannedCheck};
use crate::sandbox::Sandbox;

/// Bounds of the schedule.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Runs at once.
    pub concurrency: usize,
    /// Runs at once of one plugin.
    pub concurrency_per_plugin: usize,
    /// The longest pause of a check that keeps trapping.
    pub backoff_max: Duration,
}

/// Owns the due times.
#[derive(Debug)]
pub struct Scheduler {
    crew: Arc<Crew>,
    settings: Settings,
    commands: mpsc::Receiver<Command>,
    origin: Instant,
    heap: BinaryHeap<Reverse<Due>>,
    /// By index; a place that is empty is in `vacant`.
    entries: Vec<Option<Entry>>,
    vacant: Vec<u32>,
    indexes: HashMap<Arc<str>, u32>,
    /// The generation given out last: no two heap items share one, so a leftover never fits a later entry.
    generation: u32,
    lanes: HashMap<Arc<str>, Lane>,
}

/// One item of the heap, 16 bytes: a million checks stay cheap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    nanos: u64,
    index: u32,
    generation: u32,
}

/// The loop looks at the heap no more often than this, unless it is woken: what falls due meanwhile starts together, and
/// threads are woken once for all of it, which costs more than many a run. What is due alone is not late for it.
pub(super) const PACE: Duration = Duration::from_millis(4);

impl Scheduler {
    /// A scheduler without checks. Runs are spawned on `guests`.
    #[must_use]
    pub fn new(
        settings: Settings,
        commands: Commands,
        sandbox: Arc<Sandbox>,
        board: Arc<Board>,
        metrics: Arc<Metrics>,
        guests: tokio::runtime::Handle,
    ) -> Self {
        let slots = Arc::new(Semaphore::new(settings.concurrency.max(1)));
        let (starved, wake, room) = (AtomicBool::new(false), Notify::new(), Room::of(&settings));
        Self {
            crew: Arc::new(Crew { sandbox, board, metrics, guests, slots, starved, wake, room }),
            settings,
            commands: commands.0,
            origin: Instant::now(),
            heap: BinaryHeap::new(),
            entries: Vec::new(),
            vacant: Vec::new(),
            indexes: HashMap::new(),
            generation: 0,
            lanes: HashMap::new(),
        }
    }

    /// Runs checks until every handle is gone.
    pub async fn run(mut self) {
        let crew = Arc::clone(&self.crew);
        loop {
            let due = self.dispatch();
            tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    Some(Command::Plan(plan)) => self.apply(&plan),
                    // The asker may have given up.
                    Some(Command::Now(name, reply)) => drop(reply.send(self.make_due(&name))),
                    None => return,
                },
                () = crew.wake.notified() => {}
                () = sleep_until(due, self.origin), if due.is_some() => {}
            }
        }
    }

    /// Starts everything that is due and has room. Answers when to look again; none = when woken.
    fn dispatch(&mut self) -> Option<Duration> {
        self.unpark();
        let next = self.start_due();
        let soon = self.origin.elapsed() + PACE;
        if self.lanes.values().any(|lane| !lane.parked.is_empty()) {
            return Some(soon);
        }
        next.map(|due| due.max(soon))
    }

    /// Starts what is due until no slot is free. Answers the earliest due time that is left.
    fn start_due(&mut self) -> Option<Duration> {
        let mut now = self.origin.elapsed();
        loop {
            let due = self.peek()?;
            if due > now {
                // Only what looks to be in the future is worth another look at the clock.
                now = self.origin.elapsed();
                if due > now {
                    return Some(due);
                }
            }
            let Some(slot) = self.slot() else { return Some(due) };
            if let Some(Reverse(item)) = self.heap.pop() {
                self.take(item, now, slot);
            }
        }
    }

    fn slot(&self) -> Option<OwnedSemaphorePermit> {
        let take = || Arc::clone(&self.crew.slots).try_acquire_owned().ok();
        take().or_else(|| {
            self.crew.starved.store(true, Ordering::SeqCst);
            // A run that ended just before would not have woken the loop.
            take()
        })
    }

    /// The earliest due time that still counts.
    fn peek(&mut self) -> Option<Duration> {
        while let Some(Reverse(item)) = self.heap.peek().copied() {
            if entry_of(&mut self.entries, item.index).is_some_and(|entry| entry.generation == item.generation) {
                return Some(Duration::from_nanos(item.nanos));
            }
            self.heap.pop();
        }
        None
    }

    fn take(&mut self, item: Due, now: Duration, slot: OwnedSemaphorePermit) {
        let Some(entry) = entry_of(&mut self.entries, item.index) else { return };
        if entry.is_early() {
            return self.reschedule(item.index, now, 0);
        }
        let is_full = || entry.lane.running.load(Ordering::SeqCst) >= self.settings.concurrency_per_plugin;
        if is_full() {
            entry.lane.awaited.store(true, Ordering::SeqCst);
            // Looked at again for the run that ended just before.
            if is_full() {
                entry.parked = true;
                self.lanes.entry(Arc::clone(&entry.planned.plugin)).or_default().parked.push_back(item.index);
                return;
            }
        }
        let starts = entry.flight.start();
        if starts {
            entry.lane.running.fetch_add(1, Ordering::SeqCst);
            let ticket = Ticket {
                crew: Arc::clone(&self.crew),
                flight: Arc::clone(&entry.flight),
                lane: Arc::clone(&entry.lane),
                slot: Some(slot),
            };
            let lag = now.saturating_sub(entry.due);
            self.crew.spawn(Arc::clone(&entry.planned), Arc::clone(&entry.slot), lag, ticket);
            entry.changed = false;
        }
        self.reschedule(item.index, now, u64::from(!starts));
    }

    fn reschedule(&mut self, index: u32, now: Duration, missed: u64) {
        let Some(entry) = entry_of(&mut self.entries, index) else { return };
        let traps = entry.slot.view().counters.consecutive_traps;
        let next = entry.next(now, traps, self.settings.backoff_max);
        let (due_unix_ms, backoff_unix_ms) = match next {
            Some(Next { due, target, backoff, .. }) => {
                let in_ms = || u64::try_from(due.saturating_sub(now).as_millis()).unwrap_or(u64::MAX / 2);
                let at = target.unwrap_or_else(|| unix_ms() + in_ms());
                (Some(at), backoff.then_some(at))
            }
            None => (None, None),
        };
        let missed = missed + next.map_or(0, |next| next.missed);
        entry.slot.scheduled(due_unix_ms, missed, backoff_unix_ms);
        if let Some(next) = next {
            self.arm(index, next.due, next.target);
        }
    }

    /// Puts checks back on the heap whose plugin has room again.
    fn unpark(&mut self) {
        for lane in self.lanes.values_mut() {
            let room = self.settings.concurrency_per_plugin.saturating_sub(lane.busy.running.load(Ordering::SeqCst));
            let count = room.min(lane.parked.len());
            for index in lane.parked.drain(..count) {
                if let Some(entry) = entry_of(&mut self.entries, index) {
                    entry.parked = false;
                    self.heap.push(Reverse(Due { nanos: nanos(entry.due), index, generation: entry.generation }));
                }
            }
            if !lane.parked.is_empty() {
                lane.busy.awaited.store(true, Ordering::SeqCst);
            }
        }
    }

    /// Makes a check due now; none when it is not planned or cannot run.
    fn make_due(&mut self, name: &str) -> Option<Arc<Flight>> {
        let index = *self.indexes.get(name)?;
        let now = self.origin.elapsed();
        let entry = entry_of(&mut self.entries, index)?;
        let flight = Arc::clone(&entry.flight);
        if !entry.parked && !flight.is_running() {
            self.rearm(index, now, true);
        }
        Some(flight)
    }

    /// Takes a plan over. What is new or changed runs at once; the rest keeps its times.
    fn apply(&mut self, plan: &Plan) {
        let now = self.origin.elapsed();
        let runnable = |planned: &&Arc<PlannedCheck>| planned.blocked.is_none() && planned.version.is_some();
        let gone: Vec<Arc<str>> =
            self.indexes.keys().filter(|name| plan.checks.get(*name).filter(runnable).is_none()).cloned().collect();
        for name in gone {
            if let Some(index) = self.indexes.remove(&name) {
                self.entries[index as usize] = None;
                self.vacant.push(index);
                self.lanes.values_mut().for_each(|lane| lane.parked.retain(|parked| *parked != index));
                if let Some(slot) = self.crew.board.slot(&name) {
                    slot.scheduled(None, 0, None);
                }
            }
        }
        // A count that entries or runs still share is kept.
        self.lanes.retain(|_, lane| !lane.parked.is_empty() || Arc::strong_count(&lane.busy) > 1);
        for planned in plan.checks.values().filter(runnable) {
            match self.indexes.get(&planned.name) {
                Some(index) => self.replace(*index, planned, now),
                None => self.add(planned, now),
            }
        }
        self.crew.sandbox.sweep();
    }

    fn add(&mut self, planned: &Arc<PlannedCheck>, now: Duration) {
        // The board has every check of a plan before the schedule hears of it; unless a newer plan is on its way.
        let Some(slot) = self.crew.board.slot(&planned.name) else { return };
        let entry = Entry {
            planned: Arc::clone(planned),
            slot,
            lane: self.lane(&planned.plugin),
            flight: Arc::default(),
            rhythm: Entry::rhythm_of(planned),
            generation: 0,
            due: now,
            parked: false,
            changed: false,
        };
        let at_once = entry.runs_at_once();
        let index = self.vacant.pop().unwrap_or_else(|| {
            self.entries.push(None);
            u32::try_from(self.entries.len() - 1).expect("four billion checks do not fit in memory")
        });
        self.entries[index as usize] = Some(entry);
        self.indexes.insert(Arc::clone(&planned.name), index);
        self.rearm(index, now, at_once);
    }

    fn replace(&mut self, index: u32, planned: &Arc<PlannedCheck>, now: Duration) {
        let (slot, lane) = (self.crew.board.slot(&planned.name), self.lane(&planned.plugin));
        let Some(entry) = entry_of(&mut self.entries, index) else { return };
        let changed = entry.planned.runs_differently(planned);
        entry.planned = Arc::clone(planned);
        if changed {
            entry.rhythm = Entry::rhythm_of(planned);
        }
        entry.lane = lane;
        if let Some(slot) = slot {
            entry.slot = slot;
        }
        entry.changed |= changed;
        let at_once = entry.runs_at_once();
        if changed && !entry.parked {
            self.rearm(index, now, at_once);
        }
    }

    /// The runs of a plugin in flight.
    fn lane(&mut self, plugin: &Arc<str>) -> Arc<Busy> {
        Arc::clone(&self.lanes.entry(Arc::clone(plugin)).or_default().busy)
    }

    fn rearm(&mut self, index: u32, now: Duration, at_once: bool) {
        if at_once {
            self.arm(index, now, None);
        } else {
            self.reschedule(index, now, 0);
        }
    }

    /// Puts a check on the heap, and makes what is there of it a leftover.
    fn arm(&mut self, index: u32, due: Duration, target: Option<u64>) {
        if let Some(entry) = entry_of(&mut self.entries, index) {
            self.generation = self.generation.wrapping_add(1);
            entry.wait_until(due, target);
            entry.generation = self.generation;
            self.heap.push(Reverse(Due { nanos: nanos(due), index, generation: entry.generation }));
        }
    }
}

fn entry_of(entries: &mut [Option<Entry>], index: u32) -> Option<&mut Entry> {
    entries.get_mut(index as usize)?.as_mut()
}

async fn sleep_until(due: Option<Duration>, origin: Instant) {
    if let Some(due) = due {
        tokio::time::sleep_until((origin + due).into()).await;
    }
}

fn nanos(due: Duration) -> u64 {
    u64::try_from(due.as_nanos()).unwrap_or(u64::MAX)
}
