//! The clock that interrupts guests: one OS thread that advances every engine's epoch while something runs.
//!
//! A thread, not a task: an executor that is busy polling a guest would starve the very task that should stop it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use probity_config::EPOCH_TICK;
use wasmtime::Engine;

/// Idle ticks before the thread sleeps until the next run: back-to-back runs then pay no wake-up.
const IDLE_TICKS: u32 = 2;

/// A tick this late means the thread is gone or starved.
const HEARTBEAT_MAX: Duration = Duration::from_secs(2);

/// Owns the thread; dropping it stops and joins it.
#[derive(Debug)]
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    base: Instant,
    /// Runs that need ticks.
    active: AtomicUsize,
    asleep: AtomicBool,
    stop: AtomicBool,
    /// Milliseconds since `base` of the last sign of life.
    beat_ms: AtomicU64,
}

/// Keeps the ticks coming while it lives.
#[derive(Debug)]
pub(crate) struct Ticking(Arc<Shared>);

impl Ticker {
    /// Starts the thread for `engines`.
    ///
    /// # Errors
    /// When the operating system refuses a thread.
    pub(crate) fn start(engines: Vec<Engine>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            base: Instant::now(),
            active: AtomicUsize::new(0),
            asleep: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            beat_ms: AtomicU64::new(0),
        });
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("probity-ticker".into()).spawn(move || theirs.tick(&engines))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Asks for ticks until the guard is dropped.
    pub(crate) fn ticking(&self) -> Ticking {
        let before = self.shared.active.fetch_add(1, Ordering::SeqCst);
        if before == 0 && self.shared.asleep.swap(false, Ordering::SeqCst) {
            self.shared.beat();
            if let Some(thread) = &self.thread {
                thread.thread().unpark();
            }
        }
        Ticking(Arc::clone(&self.shared))
    }

    /// Whether deadlines are still enforced: nothing runs, or the last tick is recent.
    pub(crate) fn is_alive(&self) -> bool {
        let silent = self.shared.now_ms().saturating_sub(self.shared.beat_ms.load(Ordering::Relaxed));
        self.shared.active.load(Ordering::SeqCst) == 0
            || self.shared.asleep.load(Ordering::SeqCst)
            || u128::from(silent) < HEARTBEAT_MAX.as_millis()
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panicked ticker has nothing left to clean up.
            drop(thread.join());
        }
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Shared {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.base.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn beat(&self) {
        self.beat_ms.store(self.now_ms(), Ordering::Relaxed);
    }

    fn tick(&self, engines: &[Engine]) {
        let mut idle = 0;
        while !self.stop.load(Ordering::SeqCst) {
            self.beat();
            if self.active.load(Ordering::SeqCst) > 0 {
                idle = 0;
            } else {
                idle += 1;
            }
            if idle > IDLE_TICKS {
                self.asleep.store(true, Ordering::SeqCst);
                // Looked at again after `asleep` is visible: a run that came in between sees it and unparks.
                if self.active.load(Ordering::SeqCst) == 0 && !self.stop.load(Ordering::SeqCst) {
                    std::thread::park();
                }
                self.asleep.store(false, Ordering::SeqCst);
                idle = 0;
                continue;
            }
            std::thread::sleep(EPOCH_TICK);
            for engine in engines {
                engine.increment_epoch();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A ticker that fell asleep wakes for the next run, and stops when dropped.
    #[test]
    fn wakes_after_idling() {
        let ticker = Ticker::start(vec![]).unwrap();
        let asleep_by = Instant::now() + Duration::from_secs(5);
        while !ticker.shared.asleep.load(Ordering::SeqCst) {
            assert!(Instant::now() < asleep_by, "the ticker never fell asleep");
            std::thread::yield_now();
        }
        let before = ticker.shared.beat_ms.load(Ordering::Relaxed);
        let _ticking = ticker.ticking();
        let ticks_by = Instant::now() + Duration::from_secs(5);
        while ticker.shared.beat_ms.load(Ordering::Relaxed) < before + 20 {
            assert!(Instant::now() < ticks_by, "the ticker did not wake");
            std::thread::yield_now();
        }
        assert!(ticker.is_alive());
    }
}
