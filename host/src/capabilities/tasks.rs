//! Tasks that end with their owner: hyper wants its connection driven beside the request.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinSet;

/// Owns tasks; dropping it ends them, and with them the sockets they hold.
#[derive(Debug, Default)]
pub(super) struct Tasks(Spawner);

/// Starts tasks of a [`Tasks`]. The tasks themselves may hold it, which is why it does not own them.
#[derive(Clone, Debug, Default)]
pub(super) struct Spawner(Arc<Mutex<JoinSet<()>>>);

impl Tasks {
    pub(super) fn spawner(&self) -> Spawner {
        self.0.clone()
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }
}

impl Spawner {
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).spawn(work);
    }
}

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Spawner {
    fn execute(&self, work: F) {
        self.spawn(work);
    }
}
