//! The fake of `queue`.

use super::{TestHost, host};
use crate::queue::Stats;
use crate::{Error, ErrorKind};

impl TestHost {
    /// Declares a queue with what its broker says; others are `not-found`.
    #[must_use]
    pub fn queue(self, name: &str, stats: Stats) -> Self {
        self.with(|fake| {
            fake.queues.insert(name.to_owned(), Ok(stats));
        })
    }

    /// Fails every use of a queue with `error`.
    #[must_use]
    pub fn queue_error(self, name: &str, error: Error) -> Self {
        self.with(|fake| {
            fake.queues.insert(name.to_owned(), Err(error));
        })
    }

    /// The messages published so far, with their queues.
    pub fn published(&self) -> Vec<(String, Vec<u8>)> {
        self.fake.borrow().published.clone()
    }
}

pub(crate) fn inspect(name: &str) -> Result<Stats, Error> {
    let missing = || Err(Error::new(ErrorKind::NotFound, format!("the test host has no queue {name:?}")));
    host::fake(|fake| fake.queues.get(name).cloned()).unwrap_or_else(missing)
}

pub(crate) fn publish(name: &str, payload: &[u8]) -> Result<(), Error> {
    inspect(name)?;
    host::fake(|fake| fake.published.push((name.to_owned(), payload.to_vec())));
    Ok(())
}
