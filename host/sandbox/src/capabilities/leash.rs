//! What a run and whoever polls it tell each other, while neither can reach the other's state.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

/// Shared by a run's state and by what carries the run out. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leash(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    base: Instant,
    /// The guest was computing when it was stopped last: it waits for nothing.
    interrupted: AtomicBool,
    /// Bytes of the guest's memory.
    memory: AtomicU64,
    /// Nanoseconds that the run wanted to go on and had no turn, as far as they are over.
    late: AtomicU64,
    /// Since when it wants to: nanoseconds from `base`, plus one; 0 when it does not.
    wanting: AtomicU64,
    /// The longest time without a turn that does not count against the run, in nanoseconds.
    late_max: AtomicU64,
    /// What the guest waits for.
    errand: Errand,
    /// Whether whoever carries the run out does its errands. Where nobody does, the guest's future does them itself.
    attended: AtomicBool,
}

/// What the host does for a guest that waits: it is polled by whoever carries the run out, on a thread's own stack. On
/// the guest's stack, which is its own for as long as it waits, each run would keep what the deepest of these polls
/// touched: five times what the guest itself needs.
#[derive(Default)]
struct Errand(Mutex<Option<BoxFuture<'static, ()>>>);

impl Errand {
    fn held(&self) -> MutexGuard<'_, Option<BoxFuture<'static, ()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Errand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Errand").field(&self.held().is_some()).finish()
    }
}

impl Default for Inner {
    fn default() -> Self {
        let zero = || AtomicU64::new(0);
        let interrupted = AtomicBool::new(false);
        let (base, errand, attended) = (Instant::now(), Errand::default(), AtomicBool::new(false));
        Self { base, interrupted, memory: zero(), late: zero(), wanting: zero(), late_max: zero(), errand, attended }
    }
}

impl Leash {
    /// Of a run that may take `timeout`: as long again may it be kept from going on.
    pub(crate) fn begin(&self, timeout: Duration) {
        self.0.late.store(0, Ordering::Relaxed);
        self.0.late_max.store(nanos(timeout), Ordering::Relaxed);
    }

    /// The guest computes and lets others go first.
    pub(crate) fn interrupt(&self) {
        self.0.interrupted.store(true, Ordering::Relaxed);
    }

    /// Whether it does, since this was asked last.
    pub(crate) fn was_interrupted(&self) -> bool {
        self.0.interrupted.swap(false, Ordering::Relaxed)
    }

    /// The guest's memory is this large now.
    pub(crate) fn grown(&self, memory: u64) {
        self.0.memory.store(memory, Ordering::Relaxed);
    }

    /// Bytes of the guest's memory.
    pub(crate) fn memory(&self) -> u64 {
        self.0.memory.load(Ordering::Relaxed)
    }

    /// Whoever carries the run out does its errands from now on.
    pub(crate) fn attend(&self) {
        self.0.attended.store(true, Ordering::Relaxed);
    }

    /// What comes of `work`, which is done while the guest waits. Dropped with the future that this returns.
    pub(crate) async fn errand<T: Send + 'static>(&self, work: BoxFuture<'static, T>) -> T {
        if self.0.errand.held().is_some() {
            // A guest that asks for two things at once: there is one place beside it.
            return work.await;
        }
        let (done, mut result) = oneshot::channel();
        // Nobody hears it when the guest ended meanwhile.
        *self.0.errand.held() = Some(Box::pin(async move { drop(done.send(work.await)) }));
        let _recalled = Recalled(self);
        std::future::poll_fn(|cx| {
            if !self.0.attended.load(Ordering::Relaxed) {
                let _ = self.poll_errand(cx);
            }
            // It is only dropped unfinished after this future.
            Pin::new(&mut result).poll(cx).map(Result::ok)
        })
        .await
        .unwrap_or_else(|| unreachable!("an errand ended without a result"))
    }

    /// Does what the guest waits for, as far as it goes: ready when it is done, none when it waits for nothing of ours.
    pub(crate) fn poll_errand(&self, cx: &mut Context<'_>) -> Option<Poll<()>> {
        let mut work = self.0.errand.held().take()?;
        let polled = work.as_mut().poll(cx);
        if polled.is_pending() {
            *self.0.errand.held() = Some(work);
        }
        Some(polled)
    }

    /// Notes that the run wants to go on, for as long as the guard lives.
    pub(crate) fn wanting(&self) -> Wanting<'_> {
        self.0.wanting.store(nanos(self.0.base.elapsed()).saturating_add(1), Ordering::Relaxed);
        Wanting(self)
    }

    /// How long the run could have gone on and was kept waiting for its turn. It is not the run's own time, and moves its
    /// deadline; but no further than by the whole time of the run.
    pub(crate) fn late(&self) -> Duration {
        let late = self.0.late.load(Ordering::Relaxed).saturating_add(self.so_far());
        Duration::from_nanos(late.min(self.0.late_max.load(Ordering::Relaxed)))
    }

    fn so_far(&self) -> u64 {
        match self.0.wanting.load(Ordering::Relaxed) {
            0 => 0,
            since => nanos(self.0.base.elapsed()).saturating_add(1).saturating_sub(since),
        }
    }
}

/// Drops what is left of an errand with whoever waits for it.
struct Recalled<'a>(&'a Leash);

impl Drop for Recalled<'_> {
    fn drop(&mut self) {
        let left = self.0.0.errand.held().take();
        drop(left);
    }
}

/// A run that wants to go on.
#[derive(Debug)]
pub(crate) struct Wanting<'a>(&'a Leash);

impl Drop for Wanting<'_> {
    fn drop(&mut self) {
        let so_far = self.0.so_far();
        self.0.0.wanting.store(0, Ordering::Relaxed);
        self.0.0.late.fetch_add(so_far, Ordering::Relaxed);
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Time without a turn is counted while it lasts and after it, and moves a deadline by the run's own time at most.
    #[test]
    fn time_without_a_turn_is_counted_and_bounded() {
        let leash = Leash::default();
        leash.begin(Duration::from_millis(20));
        assert_eq!(leash.late(), Duration::ZERO);
        let wanting = leash.wanting();
        while leash.late() < Duration::from_millis(2) {
            std::hint::spin_loop();
        }
        drop(wanting);
        let late = leash.late();
        assert!(late >= Duration::from_millis(2), "{late:?}");
        assert_eq!(leash.late(), late, "it goes on after the turn came");
        let _wanting = leash.wanting();
        while leash.late() < Duration::from_millis(20) {
            std::hint::spin_loop();
        }
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!(leash.late(), Duration::from_millis(20));
    }
}
