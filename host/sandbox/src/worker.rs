//! Processes of our own that look at what plugins say: one job each, confined, and gone with this one.
//!
//! A worker has a memory limit, a time limit, no environment, and a lower priority than guests and answers. Its input
//! stays open for as long as it is wanted: when the pipe closes, for whatever reason, it ends (`sandbox/inside.rs`). What it
//! hands back is trusted as the host's own: it is the same program.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use probity_core::text::clean_lines;

use super::job::{self, Answer, Order};

/// Bytes of an answer's body: compiled code is some five times its component, and the largest have 20 MB.
const ANSWER_BYTES_MAX: u64 = 256 << 20;

/// Bytes of a complaint that are shown.
const COMPLAINT_BYTES_MAX: usize = 2_048;

/// Threads of one worker. Two workers may be busy at once, beside guests and answers.
const THREADS_MAX: usize = 8;

/// How long a worker that gave no answer may take to end by itself, so that it can be told how.
const DYING: Duration = Duration::from_secs(1);

/// The hidden subcommand that is the other end.
pub const SUBCOMMAND: &str = "compile-worker";

/// A process that looks at one plugin.
#[derive(Clone, Debug)]
pub struct Worker {
    /// The program, which must know [`SUBCOMMAND`].
    pub program: PathBuf,
    /// When a compilation is stopped. Key `plugins.compile-timeout`.
    pub timeout: Duration,
    /// Bytes that a compilation may allocate. Key `plugins.compile-memory`.
    pub memory: u64,
}

/// What one job may spend.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    pub(super) time: Duration,
    pub(super) memory: u64,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// [`Jobs::stop`] was called.
    Stopped,
    /// Its time was up.
    TooLong,
    /// It died, most likely of its memory limit.
    Died { status: String, said: String },
    /// It could not be started or spoken to.
    Unusable(String),
}

/// The jobs that workers have right now.
#[derive(Debug, Default)]
pub(super) struct Jobs(Mutex<Running>);

#[derive(Debug, Default)]
struct Running {
    stopped: bool,
    next: u64,
    waiting: HashMap<u64, Sender<Event>>,
}

/// What whoever waits for a worker waits for.
enum Event {
    /// All that the worker will say.
    Answered(io::Result<(Answer, Vec<u8>)>),
    /// Nobody wants the answer any more.
    Stop,
}

/// One entry of [`Jobs`].
struct Job<'a> {
    jobs: &'a Jobs,
    id: u64,
    events: Receiver<Event>,
}

impl Jobs {
    /// Ends every worker; jobs that come later are not begun. Does not wait.
    pub(super) fn stop(&self) {
        let mut running = self.lock();
        running.stopped = true;
        for (_, waiting) in running.waiting.drain() {
            // Gone when it has just been answered.
            let _ = waiting.send(Event::Stop);
        }
    }

    /// Whether [`Self::stop`] was called.
    pub(super) fn are_stopped(&self) -> bool {
        self.lock().stopped
    }

    fn begin(&self) -> Option<(Job<'_>, Sender<Event>)> {
        let (sender, events) = channel();
        let mut running = self.lock();
        if running.stopped {
            return None;
        }
        let id = running.next;
        running.next += 1;
        running.waiting.insert(id, sender.clone());
        Some((Job { jobs: self, id, events }, sender))
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Job<'_> {
    fn drop(&mut self) {
        self.jobs.lock().waiting.remove(&self.id);
    }
}

impl Worker {
    /// Starts a worker, hands `order` and `body` to it, and waits for the answer; it is dead when this returns.
    pub(super) fn ask(
        &self,
        jobs: &Jobs,
        allowance: Allowance,
        order: &Order,
        body: &[u8],
    ) -> Result<(Answer, Vec<u8>), Unanswered> {
        let (job, sender) = jobs.begin().ok_or(Unanswered::Stopped)?;
        let unusable = |what: &str, error: &io::Error| Unanswered::Unusable(format!("{what}: {error}"));
        let mut process = self.start(allowance).map_err(|error| unusable("start the compiler's process", &error))?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (process.0.stdin.take(), process.0.stdout.take(), process.0.stderr.take())
        else {
            return Err(Unanswered::Unusable("the pipes of the compiler's process are missing".into()));
        };
        thread::scope(|scope| {
            // One thread per pipe, each ended by the end of the process.
            let begin = || thread::Builder::new().name("probity-compile".into());
            let listening = begin().spawn(move || answer(stdout, &sender)).and_then(|_| collect(stderr));
            // Its result is the open pipe, which stays open until the scope ends.
            let writing = begin().spawn_scoped(scope, move || hand_over(stdin, order, body));
            let heard = match (listening, &writing) {
                (Ok(complaint), Ok(_)) => Ok((job.events.recv_timeout(allowance.time), complaint)),
                (Err(error), _) => Err(unusable("start a thread", &error)),
                (_, Err(error)) => Err(unusable("start a thread", error)),
            };
            let early = matches!(heard, Ok((Ok(Event::Answered(Err(_))), _)));
            let status = process.end(if early { DYING } else { Duration::ZERO });
            let (event, complaint) = heard?;
            match event {
                Ok(Event::Answered(Ok(answer))) => Ok(answer),
                Ok(Event::Answered(Err(error))) => {
                    let said = complaint.recv_timeout(DYING).unwrap_or_default();
                    let said = clean_lines(&String::from_utf8_lossy(&said), COMPLAINT_BYTES_MAX);
                    Err(died(status, &said, &error))
                }
                Ok(Event::Stop) => Err(Unanswered::Stopped),
                Err(RecvTimeoutError::Timeout) => Err(Unanswered::TooLong),
                Err(RecvTimeoutError::Disconnected) => Err(Unanswered::Unusable("its answer was not heard".into())),
            }
        })
    }

    fn start(&self, allowance: Allowance) -> io::Result<Process> {
        let threads = thread::available_parallelism().map_or(1, |threads| threads.get().min(THREADS_MAX));
        // The limit of CPU time is for a worker that nobody can stop any more; its threads spend it together.
        let cpu = allowance.time.as_secs().saturating_add(1).saturating_mul(threads as u64);
        let start = |program: &PathBuf| {
            Command::new(program)
                .args([SUBCOMMAND, &allowance.memory.to_string(), &cpu.to_string()])
                .env_clear()
                .env("RAYON_NUM_THREADS", threads.to_string())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
        };
        let child = start(&self.program).or_else(|error| match super::itself::path() {
            // The link in `/proc` is gone when that was unmounted after the start.
            Some(path) if error.kind() == io::ErrorKind::NotFound && path != self.program => start(&path),
            _ => Err(error),
        });
        child.map(Process)
    }
}

/// A child that never outlives this value.
struct Process(Child);

impl Process {
    /// Waits at most `patience`, then kills it.
    fn end(&mut self, patience: Duration) -> io::Result<ExitStatus> {
        const LOOK_EVERY: Duration = Duration::from_millis(1);
        let until = Instant::now() + patience;
        while Instant::now() < until {
            if let Some(status) = self.0.try_wait()? {
                return Ok(status);
            }
            thread::sleep(LOOK_EVERY);
        }
        // Fails only when it has just ended by itself.
        let _ = self.0.kill();
        self.0.wait()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nobody is left to tell; after `end` there is nothing to do.
        let _ = self.end(Duration::ZERO);
    }
}

/// Writes the job, and answers the pipe: as long as it is open, the worker is wanted.
fn hand_over(mut stdin: ChildStdin, order: &Order, body: &[u8]) -> Option<ChildStdin> {
    // A worker that died early closes the pipe; its end says why.
    job::write(&mut stdin, order, body).is_ok().then_some(stdin)
}

fn died(status: io::Result<ExitStatus>, said: &str, heard: &io::Error) -> Unanswered {
    let said = said.trim_end();
    match status {
        // It is alive and well, and what it said cannot be kept.
        Ok(status) if status.success() => Unanswered::Unusable(format!("its answer is of no use: {heard}")),
        Ok(status) => Unanswered::Died { status: status.to_string(), said: said.to_owned() },
        Err(error) => Unanswered::Unusable(format!("wait for the compiler's process: {error}")),
    }
}

/// Reads the one answer.
fn answer(mut stdout: ChildStdout, to: &Sender<Event>) {
    let heard = job::read(&mut stdout, ANSWER_BYTES_MAX);
    // Whoever waited may have given up.
    let _ = to.send(Event::Answered(heard));
}

/// Reads what the worker complains about.
fn collect(pipe: impl Read + Send + 'static) -> io::Result<Receiver<Vec<u8>>> {
    let (sender, receiver) = channel();
    thread::Builder::new().name("probity-compile".into()).spawn(move || {
        let mut bytes = Vec::new();
        let mut pipe = pipe.take(COMPLAINT_BYTES_MAX as u64);
        if pipe.read_to_end(&mut bytes).is_ok() {
            // The receiver may have given up on a worker that took too long.
            let _ = sender.send(bytes);
        }
    })?;
    Ok(receiver)
}
