//! `queue`: depth of queues and streams, whatever the broker behind the name is, and probe messages.

mod amqp;
mod nats;
mod streams;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use probity_config::{Config, Connection, Queue, QueueSource};
use tokio::time::timeout_at;

use super::net::{Net, timeout};
use super::redis::RedisClient;
use super::server::{self, Server};
use super::tls::Trust;
use super::{CallError, ErrorKind};

/// What a broker tells; none where it does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Messages waiting to be delivered.
    pub depth: Option<u64>,
    /// Delivered, not yet acknowledged.
    pub in_flight: Option<u64>,
    /// Consumers.
    pub consumers: Option<u32>,
    /// How long the oldest waiting message has waited, in milliseconds.
    pub oldest_age_ms: Option<u64>,
    /// How far the consumers of a log are behind.
    pub lag: Option<u64>,
}

/// The queues of one configuration. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct QueueClient {
    queues: Arc<BTreeMap<String, Queue>>,
    /// Brokers of AMQP and NATS; a connection is made for each look.
    brokers: Arc<BTreeMap<String, Result<Server, String>>>,
    redis: RedisClient,
}

impl QueueClient {
    /// For one configuration; Redis queues go through `redis`.
    #[must_use]
    pub fn new(net: &Net, config: &Config, redis: &RedisClient) -> Self {
        let trust = Trust::default();
        let brokers = config.connections.iter().filter_map(|(name, connection)| {
            let (connection, ports) = match connection {
                Connection::Amqp(connection) => (connection, amqp::PORTS),
                Connection::Nats(connection) => (connection, nats::PORTS),
                _ => return None,
            };
            Some((name.clone(), Server::new(name, connection, ports, net, &trust)))
        });
        let brokers = Arc::new(brokers.collect());
        Self { queues: Arc::new(config.queues.clone()), brokers, redis: redis.clone() }
    }

    /// The connections that cannot be used, and why.
    pub fn unusable(&self) -> impl Iterator<Item = (&str, &str)> {
        self.brokers.iter().filter_map(|(name, server)| Some((name.as_str(), server.as_ref().err()?.as_str())))
    }

    /// Looks at the queue `name`, which the caller found granted. A broker's reply has at most `bytes_max`.
    ///
    /// # Errors
    /// `not-found`; what connecting says; `remote` when the broker has no such queue.
    pub async fn inspect(&self, name: &str, bytes_max: u64, deadline: Instant) -> Result<Stats, CallError> {
        let queue = self.queue(name)?;
        let connection = queue.connection.as_str();
        match &queue.source {
            QueueSource::Amqp { queue } => {
                let server = self.server(connection)?;
                within(server, deadline, amqp::inspect(server, queue, deadline)).await
            }
            QueueSource::JetStream { stream, consumer, .. } => {
                let server = self.server(connection)?;
                let work = nats::inspect(server, stream, consumer.as_deref(), bytes_max, deadline);
                within(server, deadline, work).await
            }
            source => streams::inspect(&self.redis, connection, source, bytes_max, deadline).await,
        }
    }

    /// Sends a probe message to the queue `name` and waits until the broker has it.
    ///
    /// # Errors
    /// As [`Self::inspect`]; `unsupported` where the configuration does not say where to send it.
    pub async fn publish(&self, name: &str, payload: &[u8], deadline: Instant) -> Result<(), CallError> {
        let queue = self.queue(name)?;
        let connection = queue.connection.as_str();
        match &queue.source {
            QueueSource::Amqp { queue } => {
                let server = self.server(connection)?;
                within(server, deadline, amqp::publish(server, queue, payload, deadline)).await
            }
            QueueSource::JetStream { subject: Some(subject), .. } => {
                let server = self.server(connection)?;
                within(server, deadline, nats::publish(server, subject, payload, deadline)).await
            }
            QueueSource::JetStream { .. } => {
                let message = format!("queue `{name}` has no subject to publish to; add `subject` to [queues.{name}]");
                Err(CallError::new(ErrorKind::Unsupported, message))
            }
            source => streams::publish(&self.redis, connection, source, payload, deadline).await,
        }
    }

    fn queue(&self, name: &str) -> Result<&Queue, CallError> {
        self.queues.get(name).ok_or_else(|| {
            let message = format!("no queue `{name}`; to declare it, add: [queues.{name}]");
            CallError::new(ErrorKind::NotFound, message)
        })
    }

    fn server(&self, connection: &str) -> Result<&Server, CallError> {
        match self.brokers.get(connection) {
            Some(Ok(server)) => Ok(server),
            Some(Err(why)) => Err(server::unusable(connection, Some(why))),
            None => Err(server::unusable(connection, None)),
        }
    }
}

/// `work` with the broker's name in its errors, until `deadline`.
async fn within<T>(
    server: &Server,
    deadline: Instant,
    work: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    match timeout_at(deadline.into(), work).await {
        Ok(answer) => answer.map_err(|error| server.named(error)),
        Err(_elapsed) => Err(server.named(timeout("no answer in the time given".to_owned()))),
    }
}
