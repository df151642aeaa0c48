//! The sessions of one connection and one kind of access: a few at most, opened when they are needed, closed when
//! nobody needed them for a while.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout_at;

use super::database::Driver;
use crate::CallError;
use crate::net::timeout;
use crate::tasks::Spawner;

/// How long making a session as new may take, after the run that used it.
const RESET_TIME: Duration = Duration::from_secs(2);

/// Sessions of one kind.
#[derive(Clone)]
pub(super) struct Pool {
    places: Arc<Semaphore>,
    idle: Arc<Mutex<Idle>>,
    /// How long an unused session is kept.
    idle_max: Duration,
    spawner: Spawner,
}

/// The last one used comes first, so that the others grow old.
#[derive(Default)]
struct Idle {
    sessions: Vec<(Instant, Driver)>,
    /// A task looks after them.
    watched: bool,
}

impl Pool {
    pub(super) fn new(size: usize, idle_max: Duration, spawner: Spawner) -> Self {
        Self { places: Arc::new(Semaphore::new(size)), idle: Arc::default(), idle_max, spawner }
    }

    /// Waits for a place. A session is opened only by who finds none idle, so there are never more than places.
    pub(super) async fn place(&self, deadline: Instant) -> Result<OwnedSemaphorePermit, CallError> {
        let full = || timeout("all sessions of this connection are in use (key `pool`)".to_owned());
        let place = timeout_at(deadline.into(), Arc::clone(&self.places).acquire_owned()).await;
        place.map_err(|_elapsed| full())?.map_err(|_closed| full())
    }

    /// A session that was used before.
    pub(super) fn take(&self) -> Option<Driver> {
        self.lock().sessions.pop().map(|(_, driver)| driver)
    }

    /// Takes back what a run used; its state goes, on a task that ends soon.
    pub(super) fn give_back(&self, mut driver: Driver, place: OwnedSemaphorePermit) {
        let pool = self.clone();
        self.spawner.spawn(async move {
            let reset = tokio::time::timeout(RESET_TIME, driver.reset()).await;
            if matches!(reset, Ok(Ok(()))) && driver.is_usable() {
                pool.keep(driver);
            }
            drop(place);
        });
    }

    /// Keeps a session that is as new.
    pub(super) fn keep(&self, driver: Driver) {
        let mut idle = self.lock();
        idle.sessions.push((Instant::now(), driver));
        if !idle.watched {
            idle.watched = true;
            let pool = self.clone();
            self.spawner.spawn(async move { pool.watch().await });
        }
    }

    /// Closes sessions as they grow old; ends with the last one.
    async fn watch(&self) {
        loop {
            let next = {
                let mut idle = self.lock();
                let now = Instant::now();
                idle.sessions.retain(|(since, _)| now.duration_since(*since) < self.idle_max);
                let oldest = idle.sessions.iter().map(|(since, _)| *since + self.idle_max).min();
                idle.watched = oldest.is_some();
                oldest
            };
            let Some(next) = next else { return };
            tokio::time::sleep_until(next.into()).await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
