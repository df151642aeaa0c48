//! What one run may hold of the host at once: sockets, and bytes of requests and responses.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{CallError, ErrorKind, HostState};
use crate::config::Limits;

/// Bodies that a run may hold at their full size; guests with garbage collection let go of them late.
const BODIES_MAX: u64 = 16;

/// What is left to one run.
#[derive(Debug)]
pub(super) struct Quota {
    sockets: Arc<Semaphore>,
    /// Bytes of bodies.
    bytes: u64,
}

impl Quota {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            sockets: Arc::new(Semaphore::new(limits.sockets as usize)),
            bytes: limits.response_bytes.saturating_mul(BODIES_MAX),
        }
    }

    /// Sockets that may still be opened.
    pub(super) fn sockets_left(&self) -> usize {
        self.sockets.available_permits()
    }

    /// Bytes that may still be held.
    pub(super) const fn bytes_left(&self) -> u64 {
        self.bytes
    }

    /// Charges for a body that is now held.
    pub(super) const fn hold(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes as u64);
    }

    /// Gives back what [`Self::hold`] charged.
    pub(super) const fn release(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes as u64);
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
        own.map_or(self.calls_end, |own| own.min(self.calls_end))
    }
}
