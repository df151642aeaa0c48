//! Tasks that end with their owner: hyper wants its connection driven beside the request.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio::task::{AbortHandle, JoinSet};

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
    /// Starts one. Outside a runtime, as while the process ends, it is dropped.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> Option<AbortHandle> {
        let runtime = Handle::try_current().ok()?;
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that ended would pile up with an owner that lives long.
        while tasks.try_join_next().is_some() {}
        Some(tasks.spawn_on(work, &runtime))
    }
}

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Spawner {
    fn execute(&self, work: F) {
        self.spawn(work);
    }
}
