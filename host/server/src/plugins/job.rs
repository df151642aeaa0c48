//! One thing to be done for the loader elsewhere: bytes to be compiled and tried, which may take a minute.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use probity_sandbox::Sandbox;

use super::once;
use super::scan::Contents;
use super::version::{Refusal, Stage, Version};

/// Bytes that are to become a version.
#[derive(Debug)]
pub struct Job {
    pub(super) plugin: String,
    pub(super) contents: Contents,
}

/// What became of them. To be handed to [`super::Loader::land`].
#[derive(Debug)]
pub struct Landed {
    pub(super) plugin: String,
    pub(super) result: Result<Version, Refusal>,
}

impl Job {
    /// Does it. Blocks, for as long as a compilation may take; the trial call is driven through `runtime`.
    #[must_use]
    pub fn run(self, sandbox: &Sandbox, runtime: &tokio::runtime::Handle) -> Landed {
        let Self { plugin, contents } = self;
        // What is said below, as that it is compiled now, is said of this plugin.
        let _said_of = tracing::info_span!("load", plugin).entered();
        let brought = catch_unwind(AssertUnwindSafe(|| once::bring_up(sandbox, runtime, &contents)));
        let panicked = |_| Err(Refusal::new(Stage::Compile, "the host panicked while it loaded these bytes"));
        Landed { plugin, result: brought.unwrap_or_else(panicked) }
    }

    fn lost(self) -> Landed {
        let refusal = Refusal::passing(Stage::Compile, "the threads that load plugins are gone");
        Landed { plugin: self.plugin, result: Err(refusal) }
    }
}

/// The threads that do the jobs. They end with it, each after the job that it has.
#[derive(Debug)]
pub(crate) struct Pool {
    jobs: SyncSender<Job>,
    threads: usize,
}

/// Jobs that wait for a thread, so that none has to wait for the loader: each holds a plugin's bytes.
const WAITING_MAX: usize = 1;

impl Pool {
    /// Starts `threads` of them. `landed` is called from them and may block.
    pub(crate) fn start(
        threads: usize,
        sandbox: &Arc<Sandbox>,
        runtime: &tokio::runtime::Handle,
        landed: impl Fn(Landed) + Clone + Send + 'static,
    ) -> io::Result<Self> {
        let (jobs, inbox) = sync_channel(threads + WAITING_MAX);
        let inbox = Arc::new(Mutex::new(inbox));
        for number in 0..threads {
            let (inbox, sandbox, runtime) = (Arc::clone(&inbox), Arc::clone(sandbox), runtime.clone());
            let landed = landed.clone();
            let work = move || {
                while let Some(job) = next(&inbox) {
                    landed(job.run(&sandbox, &runtime));
                }
            };
            std::thread::Builder::new().name(format!("probity-load-{number}")).spawn(work)?;
        }
        Ok(Self { jobs, threads })
    }

    /// Jobs that it holds at most, those under way included.
    pub(crate) const fn places(&self) -> usize {
        self.threads + WAITING_MAX
    }

    /// Takes a job on. One for which there is no place comes back as landed.
    pub(crate) fn take(&self, job: Job) -> Option<Landed> {
        match self.jobs.try_send(job) {
            Ok(()) => None,
            Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) => Some(job.lost()),
        }
    }
}

/// The next job; none when no more will come. One thread at a time waits in here, the others for it.
fn next(inbox: &Mutex<Receiver<Job>>) -> Option<Job> {
    inbox.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}
