//! Queues and streams of brokers, by the names that the host's configuration
//! gives them.

use crate::{Error, host};

/// What a broker says about a queue; `None` where it does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Messages waiting to be delivered.
    pub depth: Option<u64>,
    /// Delivered, not yet acknowledged.
    pub in_flight: Option<u64>,
    /// Who takes messages from it.
    pub consumers: Option<u32>,
    /// How long the oldest waiting message has waited, in milliseconds.
    pub oldest_age_ms: Option<u64>,
    /// How far the consumers are behind, for logs (JetStream, Redis streams).
    pub lag: Option<u64>,
}

/// Looks at the queue `name`.
///
/// # Errors
/// `denied` without a grant, `not-found` for a name that is not declared;
/// `remote` when the broker has no such queue; otherwise as for a connection.
pub fn inspect(name: &str) -> Result<Stats, Error> {
    host::queue_inspect(name)
}

/// Sends a probe message to the queue `name` and waits until the broker has it.
///
/// # Errors
/// As [`inspect`]; `denied` also when the grant does not say `NAME:publish`.
pub fn publish(name: &str, payload: &[u8]) -> Result<(), Error> {
    host::queue_publish(name, payload)
}
