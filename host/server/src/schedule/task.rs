//! The loop.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use probity_config::Timing;
use probity_sandbox::{Bounds, Lane, Sandbox, Turns};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::clock::Clock;
use super::crew::{Crew, Ticket};
use super::entry::{Entry, Flight, Next, Rhythm};
use super::{Command, Commands, phase};
use crate::board::Board;
use crate::metrics::Metrics;
use crate::plan::{Plan, PlannedCheck};
use crate::trace::Spans;

/// Bounds of the schedule.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many runs there may be.
    pub bounds: Bounds,
    /// The longest pause of a check that keeps trapping.
    pub backoff_max: Duration,
    /// Where runs are left for a collector.
    pub spans: Option<Spans>,
}

/// Owns the due times.
#[derive(Debug)]
pub struct Scheduler {
    crew: Arc<Crew>,
    settings: Settings,
    commands: mpsc::Receiver<Command>,
    clock: Clock,
    heap: BinaryHeap<Reverse<Due>>,
    /// By index; a place that is empty is in `vacant`.
    entries: Vec<Option<Entry>>,
    vacant: Vec<u32>,
    indexes: HashMap<Arc<str>, u32>,
    /// The generation given out last: no two heap items share one, so a leftover never fits a later entry.
    generation: u32,
    queues: HashMap<Arc<str>, Queue>,
    /// Checks that are due and known to wait for long, while there is no room for that.
    slow: VecDeque<u32>,
    /// When it was said last that there is none.
    said: Option<Instant>,
}

/// The turns of one plugin, and its checks that are due and wait for one.
#[derive(Debug)]
struct Queue {
    lane: Arc<Lane>,
    parked: VecDeque<u32>,
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

/// The machine's clock is looked at this often, also when nothing is due.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// How often it is said that checks that are slow wait for room.
const SAID_EVERY: Duration = Duration::from_secs(60);

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
        let turns = Arc::new(Turns::new(settings.bounds));
        metrics.turns(&turns);
        Self {
            crew: Arc::new(Crew { sandbox, board, metrics, guests, turns, spans: settings.spans.clone() }),
            settings,
            commands: commands.0,
            clock: Clock::new(),
            heap: BinaryHeap::new(),
            entries: Vec::new(),
            vacant: Vec::new(),
            indexes: HashMap::new(),
            generation: 0,
            queues: HashMap::new(),
            slow: VecDeque::new(),
            said: None,
        }
    }

    /// Runs checks until every handle is gone.
    pub async fn run(mut self) {
        let crew = Arc::clone(&self.crew);
        loop {
            let look = self.dispatch();
            tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    Some(Command::Plan(plan)) => self.apply(&plan),
                    // The asker may have given up.
                    Some(Command::Now(name, reply)) => drop(reply.send(self.make_due(&name))),
                    None => return,
                },
                () = crew.turns.woken() => {}
                () = tokio::time::sleep_until(look) => {}
            }
        }
    }

    /// Starts everything that is due and has room. Answers when to look again, unless woken before.
    fn dispatch(&mut self) -> tokio::time::Instant {
        if let Some(by) = self.clock.look() {
            self.was_set(by);
        }
        self.unpark();
        let next = self.start_due();
        let now = self.clock.now();
        let soon = now + PACE;
        let next = if !self.slow.is_empty() || self.queues.values().any(|queue| !queue.parked.is_empty()) {
            soon
        } else {
            // The clock may be set while nothing is due, and the machine may sleep.
            next.map_or(now + LOOK_EVERY, |due| due.clamp(soon, now + LOOK_EVERY))
        };
        self.clock.instant(next)
    }

    /// The machine's clock was set by so much, or the machine slept: checks keep to their ticks by the new time.
    fn was_set(&mut self, by: Duration) {
        let now = self.clock.now();
        tracing::info!(?by, checks = self.indexes.len(), "the machine's clock was set: checks keep to its time");
        for index in self.indexes.values().copied().collect::<Vec<_>>() {
            let Some(entry) = entry_of(&mut self.entries, index).filter(|entry| !entry.parked) else { continue };
            let (due, target) = match (&entry.planned.timing, entry.rhythm) {
                (Timing::Every(every), Rhythm::Grid(offset)) => {
                    (phase::after_set(entry.due, now, by, offset, *every), None)
                }
                // Looked at at once.
                (_, Rhythm::Calendar { target, .. }) => (now, target),
                (Timing::Cron(_), Rhythm::Grid(_)) => continue,
            };
            if due != entry.due {
                entry.slot.scheduled(Some(target.unwrap_or_else(|| in_ms(due))), 0, None);
            }
            self.arm(index, due, target);
        }
    }

    /// Starts what is due until no turn is free. Answers the earliest due time that is left.
    fn start_due(&mut self) -> Option<Duration> {
        let mut now = self.clock.now();
        loop {
            let due = self.peek()?;
            if due > now {
                // Only what looks to be in the future is worth another look at the clock.
                now = self.clock.now();
                if due > now {
                    return Some(due);
                }
            }
            let Some(of_all) = self.crew.turns.any() else { return Some(due) };
            if let Some(Reverse(item)) = self.heap.pop() {
                self.take(item, now, of_all);
            }
        }
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

    fn take(&mut self, item: Due, now: Duration, of_all: OwnedSemaphorePermit) {
        let turns = &self.crew.turns;
        let Some(entry) = entry_of(&mut self.entries, item.index) else { return };
        if entry.is_early() {
            return self.reschedule(item.index, now, 0);
        }
        // Those that hang give way to those that do not.
        if entry.flight.is_slow() && !turns.has_room_for_slow() {
            entry.parked = true;
            self.slow.push_back(item.index);
            if self.said.is_none_or(|at| at.elapsed() >= SAID_EVERY) {
                self.said = Some(Instant::now());
                let (waiting, check) = (turns.waiting(), &entry.planned.name);
                tracing::warn!(waiting, %check, "half of the runs that may wait do: checks that were slow are late (keys `schedule.waiting`, `schedule.waiting-memory`)");
            }
            return;
        }
        let Some(of_lane) = entry.lane.begin() else {
            entry.parked = true;
            if let Some(queue) = self.queues.get_mut(&entry.planned.plugin) {
                queue.parked.push_back(item.index);
            }
            return;
        };
        let starts = entry.flight.start();
        if starts {
            let ticket = Ticket { flight: Arc::clone(&entry.flight), turn: turns.turn(&entry.lane, of_all, of_lane) };
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
                let at = target.unwrap_or_else(|| in_ms(due));
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

    /// Puts checks back on the heap that there is room for again.
    fn unpark(&mut self) {
        let turns = &self.crew.turns;
        let mut back = Vec::new();
        for queue in self.queues.values_mut() {
            let count = queue.lane.free().min(queue.parked.len());
            back.extend(queue.parked.drain(..count));
            if !queue.parked.is_empty() {
                queue.lane.await_room();
            }
        }
        if turns.has_room_for_slow() {
            // Some at a time: each that starts takes room once it waits.
            let count = self.slow.len().min(self.settings.bounds.runs);
            back.extend(self.slow.drain(..count));
        }
        for index in back {
            if let Some(entry) = entry_of(&mut self.entries, index) {
                entry.parked = false;
                self.heap.push(Reverse(Due { nanos: nanos(entry.due), index, generation: entry.generation }));
            }
        }
    }

    /// Makes a check due now; none when it is not planned or cannot run.
    fn make_due(&mut self, name: &str) -> Option<Arc<Flight>> {
        let index = *self.indexes.get(name)?;
        let now = self.clock.now();
        let entry = entry_of(&mut self.entries, index)?;
        let flight = Arc::clone(&entry.flight);
        if !entry.parked && !flight.is_running() {
            self.arm(index, now, None);
        }
        Some(flight)
    }

    /// Takes a plan over. What is new or changed runs at once; the rest keeps its times.
    fn apply(&mut self, plan: &Plan) {
        let now = self.clock.now();
        let runnable = |planned: &&Arc<PlannedCheck>| planned.blocked.is_none() && planned.version.is_some();
        let gone: Vec<Arc<str>> =
            self.indexes.keys().filter(|name| plan.checks.get(*name).filter(runnable).is_none()).cloned().collect();
        for name in gone {
            if let Some(index) = self.indexes.remove(&name) {
                self.entries[index as usize] = None;
                self.vacant.push(index);
                self.slow.retain(|parked| *parked != index);
                self.queues.values_mut().for_each(|queue| queue.parked.retain(|parked| *parked != index));
                if let Some(slot) = self.crew.board.slot(&name) {
                    slot.scheduled(None, 0, None);
                }
            }
        }
        // Turns that entries or runs still share are kept.
        self.queues.retain(|_, queue| !queue.parked.is_empty() || Arc::strong_count(&queue.lane) > 1);
        let mut beginning = Vec::new();
        for planned in plan.checks.values().filter(runnable) {
            let begins = match self.indexes.get(&planned.name).copied() {
                Some(index) => self.replace(index, planned).then_some(index),
                None => self.add(planned, now),
            };
            beginning.extend(begins);
        }
        self.begin(&beginning, now);
        self.crew.sandbox.sweep();
    }

    /// Makes checks due that are new or changed: at once where they are few, spread where they are many.
    fn begin(&mut self, indexes: &[u32], now: Duration) {
        for index in indexes {
            let Some(entry) = entry_of(&mut self.entries, *index) else { continue };
            match (&entry.planned.timing, entry.rhythm) {
                (Timing::Every(every), Rhythm::Grid(offset)) => {
                    let due = phase::first(now, offset, *every, indexes.len());
                    self.arm(*index, due, None);
                }
                // These wait for their time.
                (Timing::Cron(_), _) | (_, Rhythm::Calendar { .. }) => self.reschedule(*index, now, 0),
            }
        }
    }

    /// Takes a new check in, which is still to begin.
    fn add(&mut self, planned: &Arc<PlannedCheck>, now: Duration) -> Option<u32> {
        // The board has every check of a plan before the schedule hears of it; unless a newer plan is on its way.
        let slot = self.crew.board.slot(&planned.name)?;
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
        let index = self.vacant.pop().unwrap_or_else(|| {
            self.entries.push(None);
            u32::try_from(self.entries.len() - 1).expect("four billion checks do not fit in memory")
        });
        self.entries[index as usize] = Some(entry);
        self.indexes.insert(Arc::clone(&planned.name), index);
        Some(index)
    }

    /// Whether the check is another now, so that it is to begin.
    fn replace(&mut self, index: u32, planned: &Arc<PlannedCheck>) -> bool {
        let (slot, lane) = (self.crew.board.slot(&planned.name), self.lane(&planned.plugin));
        let Some(entry) = entry_of(&mut self.entries, index) else { return false };
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
        changed && !entry.parked
    }

    /// The turns of a plugin.
    fn lane(&mut self, plugin: &Arc<str>) -> Arc<Lane> {
        let turns = &self.crew.turns;
        let new = || Queue { lane: Arc::new(turns.lane()), parked: VecDeque::new() };
        Arc::clone(&self.queues.entry(Arc::clone(plugin)).or_insert_with(new).lane)
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

fn in_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn nanos(due: Duration) -> u64 {
    u64::try_from(due.as_nanos()).unwrap_or(u64::MAX)
}
