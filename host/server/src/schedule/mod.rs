//! When checks run: what is due, one run of a check at a time, bounded in number.
//!
//! One task owns the heap of due times; each run is a task on the guests' runtime. The task waits for a free turn
//! *before* it takes a check off the heap, so there is no queue of runs, and a plugin that is at its own bound waits
//! beside the heap without holding a turn. A run that waits for an answer holds none either (see the sandbox's turns).

mod clock;
mod crew;
mod entry;
mod phase;
mod task;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

pub use entry::Flight;
pub use phase::backoff;
pub use task::{Scheduler, Settings};

use crate::plan::Plan;

/// What the scheduler is told.
#[derive(Debug)]
enum Command {
    /// Run these from now on.
    Plan(Arc<Plan>),
    /// Run this one now; the answer is its flight, to wait for.
    Now(Arc<str>, oneshot::Sender<Option<Arc<Flight>>>),
}

/// Commands that may wait for the scheduler.
const COMMANDS_MAX: usize = 64;

/// The way to the scheduler.
#[derive(Clone, Debug)]
pub struct Handle {
    commands: mpsc::Sender<Command>,
}

impl Handle {
    /// A handle and what [`Scheduler::new`] listens to.
    #[must_use]
    pub fn channel() -> (Self, Commands) {
        let (commands, receiver) = mpsc::channel(COMMANDS_MAX);
        (Self { commands }, Commands(receiver))
    }

    /// Replaces the plan. Blocks while the scheduler is busy; for threads outside the runtimes.
    pub fn plan_blocking(&self, plan: Arc<Plan>) {
        // Fails only when the host is going away.
        let _ = self.commands.blocking_send(Command::Plan(plan));
    }

    /// Makes a check due now, or finds its run in flight.
    pub async fn run_now(&self, check: Arc<str>) -> Option<Arc<Flight>> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::Now(check, reply)).await.ok()?;
        answer.await.ok().flatten()
    }
}

/// The scheduler's end of a [`Handle`].
#[derive(Debug)]
pub struct Commands(mpsc::Receiver<Command>);

/// The longest a run that was asked for may wait for its slot.
pub const WAIT_MAX: Duration = Duration::from_secs(30);
