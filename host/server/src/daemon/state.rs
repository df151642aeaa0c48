//! What checks keep, on its way to a disk that may be full, hang or be gone.
//!
//! Nothing waits for the disk but the thread that writes. Whoever has to know whether it does looks at a clock.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use probity_config::files::private_dir;
use probity_drivers::StateStore;

use super::Host;

/// How long looking at the state directory may take: a host starts without a disk that hangs.
const LOOK_MAX: Duration = Duration::from_secs(5);

/// How long reading the file may take; the largest has 4 GiB.
const READ_MAX: Duration = Duration::from_secs(60);

/// How much state `kill -9` may lose.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// The longest pause between two tries of a disk that cannot be written. It begins at [`FLUSH_EVERY`] and doubles.
const FLUSH_RETRY_MAX: Duration = Duration::from_secs(5);

/// A disk that has not taken what was written for this long hangs.
const HANGS_AFTER: Duration = Duration::from_secs(5);

/// How often the end tries to write what is left, and the pause between.
const LAST_FLUSHES: u32 = 3;
const LAST_FLUSH_PAUSE: Duration = Duration::from_millis(100);

/// How long the end waits for a disk that hangs.
const LAST_FLUSHES_MAX: Duration = Duration::from_secs(10);

/// The state directory, if it can be used; without it the host runs, and forgets.
pub(super) fn usable(dir: &Path) -> Option<&Path> {
    let look = dir.to_owned();
    let looked = within(LOOK_MAX, move || private_dir(&look).map_err(|error| error.to_string()));
    match looked.unwrap_or_else(|| Err(hangs(LOOK_MAX))) {
        Ok(()) => Some(dir),
        Err(error) => {
            tracing::warn!(dir = %dir.display(), %error, "the state directory cannot be used: no code cache, state is not kept (key `state.dir`)");
            None
        }
    }
}

pub(super) fn open_state(dir: Option<&Path>) -> StateStore {
    let Some(dir) = dir else { return StateStore::in_memory() };
    let path = dir.join("state.redb");
    let file = path.clone();
    let opened = within(READ_MAX, move || StateStore::open(&file).map_err(|error| error.to_string()));
    opened.unwrap_or_else(|| Err(hangs(READ_MAX))).unwrap_or_else(|error| {
        tracing::warn!(file = %path.display(), %error, "state of checks cannot be read, starting empty and keeping it in memory");
        StateStore::in_memory()
    })
}

fn hangs(after: Duration) -> String {
    format!("its file system has not answered for {} s", after.as_secs())
}

/// What `work` answers, on a thread that is left behind where that takes longer than `max`.
fn within<T: Send + 'static>(max: Duration, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (sender, answer) = channel();
    // Whoever asked may have given up.
    let thread = Builder::new().name("probity-state".into()).spawn(move || drop(sender.send(work())));
    thread.ok().and_then(|_| answer.recv_timeout(max).ok())
}

/// Whether state is being written, and for how long.
#[derive(Debug, Default)]
pub(super) struct Writing(Mutex<Write>);

#[derive(Debug, Default)]
struct Write {
    since: Option<Instant>,
    /// It was said that it hangs.
    told: bool,
}

impl Writing {
    fn begin(&self) {
        *self.lock() = Write { since: Some(Instant::now()), told: false };
    }

    /// Whether it was said meanwhile that it hangs.
    fn end(&self) -> bool {
        std::mem::take(&mut *self.lock()).told
    }

    /// For how long it hangs, if it does and that was not said.
    fn hangs(&self) -> Option<Duration> {
        let mut write = self.lock();
        let age = write.since.filter(|_| !write.told)?.elapsed();
        write.told = age >= HANGS_AFTER;
        write.told.then_some(age)
    }

    fn lock(&self) -> MutexGuard<'_, Write> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says it once when the disk hangs. Call about once a second.
pub(super) fn tell_if_hanging(host: &Host) {
    if let Some(age) = host.writing.hangs() {
        host.metrics.state_writable(false);
        let seconds = age.as_secs();
        tracing::warn!(seconds, "state of checks is not written, the disk hangs: it is kept in memory meanwhile");
    }
}

/// Writes state behind the runs.
pub(super) struct Flusher {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
    /// Closed once the thread has ended.
    ended: Receiver<()>,
}

impl Flusher {
    pub(super) fn start(host: Arc<Host>) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let (alive, ended) = channel();
        let thread = Builder::new().name("probity-state".into()).spawn(move || {
            let _alive = alive;
            let mut disk = Disk::of(&host);
            while !stopped.load(Ordering::Acquire) {
                std::thread::park_timeout(disk.pause);
                if !stopped.load(Ordering::Acquire) {
                    disk.flush();
                }
            }
            disk.flush_last();
        })?;
        Ok(Self { stop, thread, ended })
    }

    /// Ends it once everything is written. A disk that hangs holds up no end: its thread is left behind.
    pub(super) fn stop(self) {
        self.stop.store(true, Ordering::Release);
        self.thread.thread().unpark();
        // Nobody ever sends: it is closed, or the time is up.
        if self.ended.recv_timeout(LAST_FLUSHES_MAX) == Err(RecvTimeoutError::Timeout) {
            tracing::error!(
                "the disk hangs: what changed last of the state of checks is lost, its writing is left behind"
            );
            return;
        }
        if self.thread.join().is_err() {
            tracing::error!("the thread that writes state panicked: what changed last is lost");
        }
    }
}

/// Whether the state can be written, and when that is tried next.
struct Disk<'a> {
    host: &'a Host,
    writable: bool,
    pause: Duration,
}

impl<'a> Disk<'a> {
    fn of(host: &'a Host) -> Self {
        host.metrics.state_writable(host.state.has_file());
        Self { host, writable: true, pause: FLUSH_EVERY }
    }

    /// Tells a change, not each try.
    fn flush(&mut self) -> bool {
        self.host.writing.begin();
        let flushed = self.host.state.flush();
        if self.host.writing.end() {
            self.writable = false;
        }
        self.pause = match &flushed {
            Ok(()) => FLUSH_EVERY,
            Err(_) => (self.pause * 2).min(FLUSH_RETRY_MAX),
        };
        match &flushed {
            Ok(()) if !self.writable => tracing::info!("state of checks is written again, nothing was lost"),
            Err(error) if self.writable => {
                tracing::warn!(%error, "state of checks cannot be written: it is kept in memory, and tried again");
            }
            Ok(()) | Err(_) => {}
        }
        if self.writable != flushed.is_ok() {
            self.writable = flushed.is_ok();
            self.host.metrics.state_writable(self.writable);
        }
        self.writable
    }

    fn flush_last(&mut self) {
        for _ in 0..LAST_FLUSHES {
            if self.flush() {
                return;
            }
            std::thread::sleep(LAST_FLUSH_PAUSE);
        }
        let lost = self.host.state.pending();
        tracing::error!(lost, "the last state of so many checks and heartbeats could not be written and is lost");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // What hangs is left behind when its time is up; what answers in time is heard.
    #[test]
    fn what_hangs_is_left_behind() {
        let (hold, wait) = channel::<()>();
        assert_eq!(within(Duration::from_millis(10), move || wait.recv().is_ok()), None);
        drop(hold);
        assert_eq!(within(Duration::from_secs(60), || 7), Some(7));
    }
}
