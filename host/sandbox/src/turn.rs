//! Who may compute: turns.
//!
//! A run holds a turn while its guest computes or is about to. While it waits (for an answer of the network, a file, a
//! clock) it gives the turn back, so that what hangs takes nothing from the others; before the guest goes on it takes a
//! turn again, ahead of runs that have not begun. A guest that computes for long lets those go first that come back from
//! waiting.
//!
//! Waiting is not free: the instance stays in memory. So [`Waiting`] bounds how many runs wait without a turn, and how
//! much memory they have together. Who finds no room keeps its turn while it waits. Half of the room is for whoever comes;
//! the other half is not for checks that are known to wait for long ([`Turns::has_room_for_slow`]).

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

use tokio::sync::futures::Notified;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::capabilities::Leash;

/// How many runs there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Runs that compute or are about to.
    pub runs: usize,
    /// Likewise, of one plugin.
    pub runs_per_plugin: usize,
    /// Runs that wait without a turn.
    pub waiting: usize,
    /// Bytes of memory that those have together.
    pub waiting_memory: u64,
}

/// The part of the turns, or of a plugin's, that has to be free before whoever starts runs is woken: one in so many. Waking
/// it for each single one would cost more than the runs.
const PART: usize = 4;

/// The turns of all runs.
#[derive(Debug)]
pub struct Turns {
    all: Lane,
    per_plugin: usize,
    waiting: Waiting,
    wake: Notify,
}

/// The turns of one plugin.
#[derive(Debug)]
pub struct Lane {
    free: Arc<Semaphore>,
    free_min: usize,
    /// Something is due that found no turn: the run that makes room wakes whoever starts runs.
    awaited: AtomicBool,
    /// Runs that come back from waiting and have no turn yet.
    returning: AtomicUsize,
}

/// The room for runs that wait without a turn.
#[derive(Debug)]
struct Waiting {
    runs: AtomicUsize,
    runs_max: usize,
    bytes: AtomicU64,
    bytes_max: u64,
}

/// One run's right to compute, which it gives back while it waits, and at the latest when it is dropped.
#[derive(Debug)]
pub struct Turn(Option<Place>);

#[derive(Debug)]
struct Place {
    turns: Arc<Turns>,
    lane: Arc<Lane>,
    held: Option<[OwnedSemaphorePermit; 2]>,
    /// Waits without a turn, with so many bytes of memory.
    waits: Option<u64>,
}

/// The time is up.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Elapsed;

impl Turns {
    /// Within `bounds`.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        let waiting = Waiting {
            runs: AtomicUsize::new(0),
            runs_max: bounds.waiting,
            bytes: AtomicU64::new(0),
            bytes_max: bounds.waiting_memory,
        };
        Self { all: Lane::new(bounds.runs), per_plugin: bounds.runs_per_plugin, waiting, wake: Notify::new() }
    }

    /// The turns of one plugin more.
    #[must_use]
    pub fn lane(&self) -> Lane {
        Lane::new(self.per_plugin)
    }

    /// A turn of all, for a run of whichever plugin; none when there is none free, and then [`Turns::woken`] tells when
    /// there is.
    #[must_use]
    pub fn any(&self) -> Option<OwnedSemaphorePermit> {
        self.all.begin()
    }

    /// Makes a run's turn of one of all and one of `lane`.
    #[must_use]
    pub fn turn(
        self: &Arc<Self>,
        lane: &Arc<Lane>,
        of_all: OwnedSemaphorePermit,
        of_lane: OwnedSemaphorePermit,
    ) -> Turn {
        let (turns, lane) = (Arc::clone(self), Arc::clone(lane));
        Turn(Some(Place { turns, lane, held: Some([of_lane, of_all]), waits: None }))
    }

    /// Whether a run that is known to wait for long may begin: less than half of the room to wait in is taken. The other
    /// half is kept for those that nobody knows to be slow.
    #[must_use]
    pub fn has_room_for_slow(&self) -> bool {
        let Waiting { runs, runs_max, bytes, bytes_max } = &self.waiting;
        let taken = |taken: u64, max: u64| taken > 0 && taken.saturating_mul(2) >= max;
        let runs = u64::try_from(runs.load(Ordering::SeqCst)).unwrap_or(u64::MAX);
        !taken(runs, u64::try_from(*runs_max).unwrap_or(u64::MAX)) && !taken(bytes.load(Ordering::SeqCst), *bytes_max)
    }

    /// Runs that wait without a turn.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.runs.load(Ordering::SeqCst)
    }

    /// Bytes of memory that those have together.
    #[must_use]
    pub fn waiting_memory(&self) -> u64 {
        self.waiting.bytes.load(Ordering::SeqCst)
    }

    /// Tells when something came free that [`Turns::any`] or [`Lane::begin`] did not find.
    pub fn woken(&self) -> Notified<'_> {
        self.wake.notified()
    }
}

impl Lane {
    fn new(turns: usize) -> Self {
        let turns = turns.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            free: Arc::new(Semaphore::new(turns)),
            free_min: turns.div_ceil(PART),
            awaited: AtomicBool::new(false),
            returning: AtomicUsize::new(0),
        }
    }

    /// A turn for a run that begins; none when there is none that nobody waits for.
    #[must_use]
    pub fn begin(&self) -> Option<OwnedSemaphorePermit> {
        let take = || Arc::clone(&self.free).try_acquire_owned().ok();
        take().or_else(|| {
            self.awaited.store(true, Ordering::SeqCst);
            // A run that ended just before would not have told.
            take()
        })
    }

    /// Turns that are free.
    #[must_use]
    pub fn free(&self) -> usize {
        self.free.available_permits()
    }

    /// Asks to be told when there is room.
    pub fn await_room(&self) {
        self.awaited.store(true, Ordering::SeqCst);
    }

    /// Whether there is room now that somebody asked to be told of.
    fn tells(&self) -> bool {
        self.free() >= self.free_min && self.awaited.swap(false, Ordering::SeqCst)
    }

    /// A turn for a run that comes back, in the order of coming back.
    async fn come_back(&self) -> Option<OwnedSemaphorePermit> {
        let _returning = Returning::of(&self.returning);
        // Never closed.
        Arc::clone(&self.free).acquire_owned().await.ok()
    }

    fn is_wanted(&self) -> bool {
        self.returning.load(Ordering::SeqCst) > 0
    }
}

/// One more of a number, while it lives.
struct Returning<'a>(&'a AtomicUsize);

impl<'a> Returning<'a> {
    fn of(number: &'a AtomicUsize) -> Self {
        number.fetch_add(1, Ordering::SeqCst);
        Self(number)
    }
}

impl Drop for Returning<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Waiting {
    /// Lets in a run with `bytes` of memory, if it fits. One alone always does, however large it is.
    fn enter(&self, bytes: u64) -> bool {
        let one = |runs: usize| (runs < self.runs_max).then_some(runs + 1);
        if self.runs.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one).is_err() {
            return false;
        }
        let more = |taken: u64| Some(taken.saturating_add(bytes)).filter(|sum| taken == 0 || *sum <= self.bytes_max);
        let fits = self.bytes.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).is_ok();
        if !fits {
            self.runs.fetch_sub(1, Ordering::SeqCst);
        }
        fits
    }

    fn leave(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::SeqCst);
        self.runs.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Place {
    /// Gives the turn back, if there is one.
    fn give_back(&mut self) {
        if self.held.take().is_none() {
            return;
        }
        let (of_lane, of_all) = (self.lane.tells(), self.turns.all.tells());
        if of_lane || of_all {
            self.turns.wake.notify_one();
        }
    }

    /// Stops waiting.
    fn come(&mut self) {
        if let Some(bytes) = self.waits.take() {
            self.turns.waiting.leave(bytes);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.come();
        self.give_back();
    }
}

impl Turn {
    /// That of a run with no others beside it.
    #[must_use]
    pub const fn alone() -> Self {
        Self(None)
    }

    /// Waits until the run may go on.
    async fn take(&mut self, leash: &Leash) {
        let Some(place) = &mut self.0 else { return };
        if place.held.is_some() {
            return;
        }
        // Those that wait in front of `all` hold one of their lane; those that hold one of `all` wait for nothing.
        let _wanting = leash.wanting();
        let Some(of_lane) = place.lane.come_back().await else { return };
        let Some(of_all) = place.turns.all.come_back().await else { return };
        place.held = Some([of_lane, of_all]);
        place.come();
    }

    /// The run waits: others may have its turn, as long as there is room to wait without.
    fn leave(&mut self, memory: u64) {
        let Some(place) = &mut self.0 else { return };
        if place.held.is_some() && place.waits.is_none() && place.turns.waiting.enter(memory) {
            place.waits = Some(memory);
            place.give_back();
        }
    }

    /// The run computes for long: those that come back from waiting go first.
    fn let_others(&mut self) {
        let Some(place) = &mut self.0 else { return };
        if place.lane.is_wanted() || place.turns.all.is_wanted() {
            place.give_back();
        }
    }

    /// Carries `work` out, which computes only while it is polled, until `end`. That moves by the time that the run could
    /// have gone on and had no turn.
    pub(super) async fn spend<T>(
        &mut self,
        leash: &Leash,
        end: Instant,
        work: impl Future<Output = T>,
    ) -> Result<T, Elapsed> {
        leash.attend();
        let turns = async {
            let mut work = pin!(work);
            loop {
                self.take(leash).await;
                leash.was_interrupted();
                if let Some(value) = once(|cx| work.as_mut().poll(cx)).await {
                    return value;
                }
                let interrupted = leash.was_interrupted();
                let mut errand = errand(leash).await;
                if errand == Some(Poll::Ready(())) {
                    // Without having waited: the turn is still its own.
                    continue;
                }
                match interrupted {
                    true => self.let_others(),
                    false => self.leave(leash.memory()),
                }
                woken().await;
                // An errand needs no turn, and the guest has nothing to do before it is done.
                while errand == Some(Poll::Pending) {
                    errand = self::errand(leash).await;
                    if errand == Some(Poll::Pending) {
                        woken().await;
                    }
                }
            }
        };
        let (mut turns, mut sleep) = (pin!(turns), pin!(tokio::time::sleep_until(end.into())));
        std::future::poll_fn(|cx| {
            if let Poll::Ready(value) = turns.as_mut().poll(cx) {
                return Poll::Ready(Ok(value));
            }
            loop {
                ready!(sleep.as_mut().poll(cx));
                let later = tokio::time::Instant::from(end + leash.late());
                if later <= sleep.deadline() + LATER_MIN {
                    return Poll::Ready(Err(Elapsed));
                }
                sleep.as_mut().reset(later);
            }
        })
        .await
    }
}

/// A deadline that moves by less is over: it is a few nanoseconds more each time that a run without a turn is asked.
const LATER_MIN: Duration = Duration::from_micros(100);

/// Polls once, whatever comes of it.
async fn once<T>(mut poll: impl FnMut(&mut std::task::Context<'_>) -> Poll<T>) -> Option<T> {
    std::future::poll_fn(|cx| match poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// Does what the guest waits for, as far as it goes.
async fn errand(leash: &Leash) -> Option<Poll<()>> {
    std::future::poll_fn(|cx| Poll::Ready(leash.poll_errand(cx))).await
}

/// Waits until what was polled before wakes this task.
async fn woken() {
    let mut asleep = true;
    std::future::poll_fn(|_| if std::mem::take(&mut asleep) { Poll::Pending } else { Poll::Ready(()) }).await;
}

#[cfg(test)]
mod tests;
