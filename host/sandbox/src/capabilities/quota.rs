//! What one run may hold of the host at once: sockets, and bytes of requests and responses, by whichever interface.

use std::sync::Arc;
use std::time::{Duration, Instant};

use probity_config::Limits;
use probity_drivers::budget::Budgets;
use probity_drivers::{CallError, ErrorKind};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::HostState;

/// What is left to one run.
#[derive(Debug)]
pub(super) struct Quota {
    sockets: Arc<Semaphore>,
    budgets: Budgets,
}

impl Quota {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            sockets: Arc::new(Semaphore::new(limits.sockets as usize)),
            budgets: Budgets::of_run(limits.response_bytes),
        }
    }

    /// Sockets that may still be opened.
    pub(super) fn sockets_left(&self) -> usize {
        self.sockets.available_permits()
    }

    /// The bytes that may be held, for whatever holds some.
    pub(super) fn budgets(&self) -> Budgets {
        self.budgets.clone()
    }

    /// The place of one socket, held while it is open.
    pub(super) fn socket(&self) -> Result<OwnedSemaphorePermit, CallError> {
        Arc::clone(&self.sockets)
            .try_acquire_owned()
            .map_err(|_| CallError::new(ErrorKind::Quota, "all sockets of this run are open (key `sockets`)"))
    }

    /// The places themselves, for work that outlives a borrow of this.
    pub(super) fn sockets(&self) -> Arc<Semaphore> {
        Arc::clone(&self.sockets)
    }
}

impl HostState {
    /// When a call has to end: after the guest's own timeout, and with the run.
    pub(super) fn deadline(&self, timeout_ms: Option<u32>) -> Instant {
        let own = timeout_ms.and_then(|ms| Instant::now().checked_add(Duration::from_millis(ms.into())));
        let end = self.calls_end();
        own.map_or(end, |own| own.min(end))
    }
}
