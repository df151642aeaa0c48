//! Lines on their way to standard error, written by a thread of their own.
//!
//! Nobody who logs waits for a reader or sees an error: what does not fit is dropped and counted, and once lines flow again
//! the log says how many are missing. Not `tracing-appender`, which bounds lines and not bytes, tells nobody of what it
//! dropped or could not write, gives up on a pipe that is full for the moment (`EAGAIN`), and loses what is in flight where a
//! process ends without its guard.

use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Bytes of lines that wait to be written. As many again may be on their way.
const QUEUE_BYTES_MAX: usize = 1 << 20;

/// Room that is kept when nothing waits.
const QUEUE_BYTES_KEPT: usize = 64 << 10;

/// Until a pipe that does not block is tried again.
const NOT_READY_PAUSE: Duration = Duration::from_millis(10);

/// The one of standard error.
pub(super) static QUEUE: Queue = Queue::new();

/// Lines between those who log and the thread that writes.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Something waits.
    filled: Condvar,
    /// Nothing waits or is on its way.
    done: Condvar,
    dropped: AtomicU64,
}

#[derive(Debug)]
struct State {
    /// There is a thread that writes; without it lines are written by those who log.
    threaded: bool,
    waiting: Vec<u8>,
    /// Of what waits.
    lines: u64,
    /// Dropped, and not yet said to be.
    unsaid: u64,
    /// Something is on its way.
    writing: bool,
}

impl Queue {
    const fn new() -> Self {
        let state = State { threaded: false, waiting: Vec::new(), lines: 0, unsaid: 0, writing: false };
        Self { state: Mutex::new(state), filled: Condvar::new(), done: Condvar::new(), dropped: AtomicU64::new(0) }
    }

    /// Starts the thread, once.
    pub(super) fn start(&'static self) -> io::Result<()> {
        if std::mem::replace(&mut self.lock().threaded, true) {
            return Ok(());
        }
        let thread = std::thread::Builder::new().name("probity-log".into());
        let started = thread.spawn(|| self.run(io::stderr(), tell));
        started.map(drop).inspect_err(|_| self.lock().threaded = false)
    }

    /// Takes one event, if there is room.
    pub(super) fn send(&self, event: &[u8]) {
        let mut state = self.lock();
        if !state.threaded {
            drop(state);
            // Whoever reads it may be gone; that must not end a command.
            let _ = io::stderr().write_all(event);
            return;
        }
        if state.waiting.len() + event.len() > QUEUE_BYTES_MAX {
            state.unsaid += 1;
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        state.waiting.extend_from_slice(event);
        state.lines += 1;
        drop(state);
        self.filled.notify_one();
    }

    /// Waits until everything is written, at most this long.
    pub(super) fn flush(&self, max: Duration) {
        let end = Instant::now() + max;
        let mut state = self.lock();
        while state.threaded && (state.writing || !state.waiting.is_empty()) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.done.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Lines that were dropped since the start.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Writes what comes to `out`, for ever. `tell` says in the log that so many lines are missing.
    fn run(&self, mut out: impl Write, tell: impl Fn(u64)) {
        let mut batch = Vec::new();
        // Whether the last batch went out, and whether it ended within a line.
        let (mut flows, mut torn) = (true, false);
        loop {
            let (lines, missing) = self.take(&mut batch, flows);
            if missing > 0 {
                // Behind what waited, before what comes: where they are missing.
                tell(missing);
            }
            if torn {
                batch.insert(0, b'\n');
            }
            let left = write(&mut out, &batch);
            flows = left.is_empty();
            torn = !flows && (torn || left.len() < batch.len());
            let lost = lines.min(left.iter().filter(|byte| **byte == b'\n').count() as u64);
            batch.clear();
            batch.shrink_to(QUEUE_BYTES_KEPT);
            self.dropped.fetch_add(lost, Ordering::Relaxed);
            let mut state = self.lock();
            state.unsaid += lost;
            state.writing = false;
            if state.waiting.is_empty() {
                self.done.notify_all();
            }
        }
    }

    /// Waits for lines and puts them in `batch`. Answers how many, and how many are missing behind them, if that can be said.
    fn take(&self, batch: &mut Vec<u8>, flows: bool) -> (u64, u64) {
        let mut state = self.lock();
        while state.waiting.is_empty() {
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::swap(&mut state.waiting, batch);
        state.writing = true;
        let missing = if flows { std::mem::take(&mut state.unsaid) } else { 0 };
        (std::mem::take(&mut state.lines), missing)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell(lines: u64) {
    tracing::warn!(
        lines,
        "lines of the log were dropped: standard error was not read in time, or could not be written"
    );
}

/// Writes `bytes` and answers what could not be.
fn write<'a>(out: &mut impl Write, bytes: &'a [u8]) -> &'a [u8] {
    let mut left = bytes;
    while !left.is_empty() {
        match out.write(left) {
            Ok(0) => break,
            Ok(written) => left = &left[written..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(NOT_READY_PAUSE),
            Err(_) => break,
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

    use super::*;

    /// How long something may take that takes no time.
    const PATIENCE: Duration = Duration::from_secs(10);

    /// Shows each write and waits for what is to be answered.
    struct Slow {
        seen: Sender<String>,
        answers: Receiver<io::Result<()>>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.seen.send(String::from_utf8(bytes.to_vec()).unwrap()).unwrap();
            // A test that is over.
            self.answers.recv().unwrap_or_else(|_| Err(ErrorKind::BrokenPipe.into())).map(|()| bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn slow() -> (&'static Queue, Receiver<String>, SyncSender<io::Result<()>>) {
        let queue: &'static Queue = Box::leak(Box::new(Queue::new()));
        queue.lock().threaded = true;
        let ((seen, written), (answer, answers)) = (channel(), sync_channel(16));
        std::thread::spawn(move || {
            queue.run(Slow { seen, answers }, |lines| queue.send(format!("{lines} dropped\n").as_bytes()));
        });
        (queue, written, answer)
    }

    // A reader that stopped costs those who log nothing but lines, and the log says how many once it reads again.
    #[test]
    fn a_full_queue_drops_and_says_so() {
        let (queue, written, answer) = slow();
        queue.send(b"first\n");
        assert_eq!(written.recv_timeout(PATIENCE).unwrap(), "first\n");
        let line = [b'x'; 1024];
        let room = QUEUE_BYTES_MAX / line.len();
        for _ in 0..room + 7 {
            queue.send(&line);
        }
        assert_eq!(queue.dropped(), 7);
        let begin = Instant::now();
        queue.flush(Duration::from_millis(20));
        assert!(begin.elapsed() < PATIENCE / 2, "a flush ends");
        answer.send(Ok(())).unwrap();
        assert_eq!(written.recv_timeout(PATIENCE).unwrap().len(), room * line.len());
        queue.send(b"after\n");
        answer.send(Ok(())).unwrap();
        assert_eq!(written.recv_timeout(PATIENCE).unwrap(), "7 dropped\nafter\n");
        answer.send(Ok(())).unwrap();
        queue.flush(PATIENCE);
        assert_eq!(queue.dropped(), 7);
    }

    // A reader that went away costs lines, which are counted; the next one hears of them, on a line of its own.
    #[test]
    fn a_broken_pipe_is_outlived() {
        let (queue, written, answer) = slow();
        for line in ["one\n", "two\n"] {
            queue.send(line.as_bytes());
            assert_eq!(written.recv_timeout(PATIENCE).unwrap(), line);
            answer.send(Err(ErrorKind::BrokenPipe.into())).unwrap();
            queue.flush(PATIENCE);
        }
        assert_eq!(queue.dropped(), 2);
        for line in ["three\n", "four\n2 dropped\n"] {
            queue.send(&line.as_bytes()[..line.find('\n').unwrap() + 1]);
            answer.send(Ok(())).unwrap();
            let mut seen = written.recv_timeout(PATIENCE).unwrap();
            if seen == "four\n" {
                answer.send(Ok(())).unwrap();
                seen.push_str(&written.recv_timeout(PATIENCE).unwrap());
            }
            assert_eq!(seen, line);
        }
    }

    // A pipe that is full for the moment is no reason to drop anything.
    #[test]
    fn a_pipe_that_does_not_block_is_waited_for() {
        let (queue, written, answer) = slow();
        queue.send(b"line\n");
        for ready in [Err(ErrorKind::WouldBlock.into()), Err(ErrorKind::Interrupted.into()), Ok(())] {
            answer.send(ready).unwrap();
            assert_eq!(written.recv_timeout(PATIENCE).unwrap(), "line\n");
        }
        queue.flush(PATIENCE);
        assert_eq!(queue.dropped(), 0);
    }
}
