//! What management routes ask for.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use tokio::sync::oneshot;

use super::Host;
use super::reload::{Command, RELOAD_MAX};
use crate::board::View;
use crate::http::{Control, ReloadReport, RunRefusal};
use crate::schedule::WAIT_MAX;

/// The way from a request to the loader and the scheduler.
pub(super) struct Controls {
    host: Arc<Host>,
    loader: SyncSender<Command>,
}

impl Controls {
    pub(super) fn new(host: Arc<Host>, loader: SyncSender<Command>) -> Self {
        Self { host, loader }
    }

    async fn run(&self, check: &str) -> Result<Arc<View>, RunRefusal> {
        let slot = self.host.board.slot(check).ok_or(RunRefusal::Unknown)?;
        if let Some(failure) = &slot.planned().blocked {
            return Err(RunRefusal::Blocked(failure.clone()));
        }
        let before = slot.view().counters.runs;
        let name = Arc::clone(&slot.planned().name);
        let timeout = slot.planned().env.limits.timeout + WAIT_MAX;
        let landed = async {
            let flight = self.host.schedule.run_now(name).await.ok_or(RunRefusal::Busy)?;
            loop {
                let landing = flight.landing();
                let view = self.host.board.slot(check).ok_or(RunRefusal::Unknown)?.view();
                // The run may have landed before anyone listened.
                if view.counters.runs > before {
                    return Ok(view);
                }
                // Landings are counted after results: a lost one is found at the next look.
                let _ = tokio::time::timeout(LOOK_EVERY, landing).await;
            }
        };
        tokio::time::timeout(timeout, landed).await.unwrap_or(Err(RunRefusal::Busy))
    }
}

/// How long the answer to a reload may take beyond the wait that it has anyway.
const ANSWER_MAX: std::time::Duration = std::time::Duration::from_secs(5);

/// How long a landing that was missed goes unnoticed.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(100);

impl Control for Controls {
    fn run_now(&self, check: &str) -> Pin<Box<dyn Future<Output = Result<Arc<View>, RunRefusal>> + Send + '_>> {
        let check = check.to_owned();
        Box::pin(async move { self.run(&check).await })
    }

    fn reload(&self) -> Pin<Box<dyn Future<Output = ReloadReport> + Send + '_>> {
        Box::pin(async {
            let (reply, report) = oneshot::channel();
            let busy = || ReloadReport { config: "busy", ..ReloadReport::default() };
            if self.loader.try_send(Command::Reload(reply)).is_err() {
                return busy();
            }
            // Nothing comes from a thread that hangs in a file system, or has ended.
            tokio::time::timeout(RELOAD_MAX + ANSWER_MAX, report).await.ok().and_then(Result::ok).unwrap_or_else(busy)
        })
    }
}
