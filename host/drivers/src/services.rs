//! What the host reaches on behalf of checks: made once per configuration, shared by all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use probity_config::{Config, Egress, NamedSecret};
use probity_core::meters::CallTimes;

use super::Peers;
use super::client::HttpClient;
use super::machine::Machine;
use super::net::{Net, Resolver};
use super::queue::QueueClient;
use super::redis::RedisClient;
use super::sql::Databases;
use super::tls_inspect::Inspector;

/// The network and the machine, as this configuration allows. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Services {
    /// TCP under the egress policy.
    pub net: Net,
    /// HTTP over it, with the connections.
    pub http: HttpClient,
    /// Databases.
    pub databases: Databases,
    /// The machine.
    pub machine: Machine,
    /// Redis, with the connections.
    pub redis: RedisClient,
    /// Queues, with their brokers.
    pub queues: QueueClient,
    /// Secrets by name.
    pub secrets: Arc<BTreeMap<String, NamedSecret>>,
    /// Handshakes that look at certificates.
    pub inspector: Inspector,
    /// Files with certificates, by name.
    pub certificates: Arc<BTreeMap<String, PathBuf>>,
    /// Name servers, by name.
    pub resolvers: Arc<BTreeMap<String, SocketAddr>>,
    /// Names of the heartbeats that are declared.
    pub heartbeats: Arc<BTreeSet<String>>,
    /// The latest results of all checks.
    pub peers: Peers,
    /// Whether runs are traces.
    pub traced: bool,
    /// The connection that spans go through.
    pub collector: Option<String>,
    /// How long calls take.
    pub times: Arc<CallTimes>,
}

impl Services {
    /// For `config`. A connection that cannot be used is logged, and fails only the checks that use it.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let net = Net::new(config.egress.clone(), Resolver::default());
        let http = HttpClient::new(net.clone(), &config.connections).keeping(&config.secrets);
        let redis = RedisClient::new(&net, &config.connections);
        let queues = QueueClient::new(&net, config, &redis);
        for (name, why) in http.unusable().chain(redis.unusable()).chain(queues.unusable()) {
            tracing::warn!(connection = name, why, "connection cannot be used");
        }
        let databases = Databases::new(&net, &config.connections);
        for (name, why) in databases.unusable() {
            tracing::warn!(connection = name, why, "connection cannot be used");
        }
        let secrets = Arc::new(config.named_secrets.clone());
        let heartbeats = Arc::new(config.heartbeats.keys().cloned().collect());
        Self {
            inspector: Inspector::default(),
            certificates: Arc::new(config.certificates.clone()),
            resolvers: Arc::new(config.resolvers.clone()),
            machine: Machine::default(),
            peers: Peers::default(),
            traced: config.tracing.enabled,
            collector: config.tracing.collector.clone(),
            times: Arc::default(),
            heartbeats,
            secrets,
            databases,
            redis,
            queues,
            http,
            net,
        }
    }

    /// The same with a board to look at: without one a check has no peers.
    #[must_use]
    pub fn with_peers(self, peers: Peers) -> Self {
        Self { peers, ..self }
    }

    /// The same with calls timed where they are shown.
    #[must_use]
    pub fn with_times(self, times: Arc<CallTimes>) -> Self {
        Self { times, ..self }
    }
}

impl Default for Services {
    /// No exceptions to the egress policy, no connections.
    fn default() -> Self {
        let net = Net::new(Egress::default(), Resolver::default());
        Self {
            http: HttpClient::new(net.clone(), &BTreeMap::new()),
            databases: Databases::new(&net, &BTreeMap::new()),
            net,
            machine: Machine::default(),
            redis: RedisClient::default(),
            queues: QueueClient::default(),
            secrets: Arc::default(),
            inspector: Inspector::default(),
            certificates: Arc::default(),
            resolvers: Arc::default(),
            heartbeats: Arc::default(),
            peers: Peers::default(),
            traced: false,
            collector: None,
            times: Arc::default(),
        }
    }
}
