//! The closed list of what a check may ask the host for.

use serde::{Serialize, Serializer};

/// One interface of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    /// Facts about the run.
    Context,
    /// Log lines.
    Log,
    /// Time.
    Clock,
    /// Bytes that survive between runs.
    State,
    /// HTTP client; `wasi:http/outgoing-handler` counts as this.
    Http,
    /// Raw TCP.
    Tcp,
    /// Single datagrams.
    Udp,
    /// TLS inspection.
    Tls,
    /// Name resolution.
    Dns,
    /// SQL connections.
    Sql,
    /// Redis connections.
    Redis,
    /// Queue depths.
    Queue,
    /// Named secrets.
    Secrets,
    /// The machine.
    System,
    /// Pings from jobs.
    Heartbeats,
    /// Results of other checks.
    Peers,
}

impl Capability {
    /// Every capability of the contract.
    pub const ALL: [Self; 16] = [
        Self::Context,
        Self::Log,
        Self::Clock,
        Self::State,
        Self::Http,
        Self::Tcp,
        Self::Udp,
        Self::Tls,
        Self::Dns,
        Self::Sql,
        Self::Redis,
        Self::Queue,
        Self::Secrets,
        Self::System,
        Self::Heartbeats,
        Self::Peers,
    ];

    /// The interface's name, also the key under `grants`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Context => "context",
            Self::Log => "log",
            Self::Clock => "clock",
            Self::State => "state",
            Self::Http => "http",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Tls => "tls",
            Self::Dns => "dns",
            Self::Sql => "sql",
            Self::Redis => "redis",
            Self::Queue => "queue",
            Self::Secrets => "secrets",
            Self::System => "system",
            Self::Heartbeats => "heartbeats",
            Self::Peers => "peers",
        }
    }

    /// The capability whose interface is called `name`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|capability| capability.as_str() == name)
    }

    /// Whether a check needs the operator's word to use it.
    #[must_use]
    pub const fn needs_grant(self) -> bool {
        !matches!(self, Self::Context | Self::Log | Self::Clock | Self::State)
    }
}

impl Serialize for Capability {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
