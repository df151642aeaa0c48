//! Endpoints, databases, brokers and the queues on them, with their credentials.

use std::path::PathBuf;
use std::time::Duration;

use probity_core::check::Capability;

use crate::grants::Host;

/// A named resource with its credentials inside. Printed without them.
#[derive(Clone, Debug)]
pub enum Connection {
    /// `http://`, `https://`: an endpoint.
    Http(HttpConnection),
    /// `postgres://`, `postgresql://`.
    Postgres(ServerConnection, SqlBounds),
    /// `mysql://`, `mariadb://`.
    MySql(ServerConnection, SqlBounds),
    /// `sqlite://`: the file.
    Sqlite(PathBuf, SqlBounds),
    /// `redis://`, `rediss://`, `valkey://`, `valkeys://`.
    Redis(ServerConnection),
    /// `redis+sentinel://`, `rediss+sentinel://`.
    Sentinel(SentinelConnection),
    /// `amqp://`, `amqps://`.
    Amqp(ServerConnection),
    /// `nats://`, `tls://`.
    Nats(ServerConnection),
}

impl Connection {
    /// The capability that uses it; none for brokers, which are used through queues.
    #[must_use]
    pub const fn capability(&self) -> Option<Capability> {
        match self {
            Self::Http(_) => Some(Capability::Http),
            Self::Postgres(..) | Self::MySql(..) | Self::Sqlite(..) => Some(Capability::Sql),
            Self::Redis(_) | Self::Sentinel(_) => Some(Capability::Redis),
            Self::Amqp(_) | Self::Nats(_) => None,
        }
    }
}

/// How much of a database checks may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqlBounds {
    /// Key `pool`, default 4: sessions at once, and as many again for checks granted `:write`.
    pub pool: usize,
    /// Key `rows-max`, default 1,000: rows of one reply.
    pub rows_max: usize,
    /// How long a session is kept that nobody uses; [`Self::IDLE`] unless a test says otherwise.
    pub idle: Duration,
}

impl SqlBounds {
    /// Long enough for checks that run every half a minute, the default.
    pub const IDLE: Duration = Duration::from_secs(60);
}

/// An HTTP endpoint.
#[derive(Clone)]
pub struct HttpConnection {
    /// Key `url` without its user information, which is among `headers` as basic authentication.
    pub url: url::Url,
    /// Key `headers`: sent with every request through this endpoint; they win over the guest's.
    pub headers: Vec<(String, String)>,
    /// Key `ca`: PEM bytes of the authorities trusted for this endpoint, instead of the system's.
    pub ca: Option<Vec<u8>>,
    /// Keys `client-cert` and `client-key`: what the host shows to the server.
    pub identity: Option<Identity>,
    /// Key `proxy`: scheme `http`, with its credentials.
    pub proxy: Option<url::Url>,
    /// Key `address`: where to connect to instead of where the name leads.
    pub address: Option<(Host, u16)>,
    /// Key `verify`, default `full`.
    pub verify: Verify,
    /// Table `oauth2`.
    pub oauth2: Option<Box<OAuth2>>,
    /// Key `traceparent`, default false: requests carry the trace context of the call that sends them.
    pub traceparent: bool,
}

/// How much of a server's certificate is verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verify {
    /// Authority, name and time.
    #[default]
    Full,
    /// Authority and time.
    Chain,
    /// Nothing.
    None,
}

/// OAuth 2.0 client credentials. Printed without them.
#[derive(Clone)]
pub struct OAuth2 {
    /// Key `token-url`.
    pub token_url: url::Url,
    /// Key `client-id`.
    pub client_id: String,
    /// Key `client-secret`.
    pub client_secret: String,
    /// Key `scope`.
    pub scope: Option<String>,
    /// Key `audience`.
    pub audience: Option<String>,
    /// Key `secret-in`, default `header`.
    pub secret_in: SecretPlace,
    /// Key `ca`: PEM bytes.
    pub ca: Option<Vec<u8>>,
}

/// Where a client says its secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecretPlace {
    /// As basic authentication.
    #[default]
    Header,
    /// As `client_id` and `client_secret` of the form.
    Body,
}

impl std::fmt::Debug for OAuth2 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OAuth2").field("token_url", &bare(&self.token_url)).finish_non_exhaustive()
    }
}

/// A client certificate with its key.
#[derive(Clone)]
pub struct Identity {
    /// PEM bytes of the certificate and of those above it.
    pub certificate: Vec<u8>,
    /// PEM bytes of the private key.
    pub key: Vec<u8>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for HttpConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let headers: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("HttpConnection")
            .field("url", &bare(&self.url))
            .field("headers", &headers)
            .field("identity", &self.identity)
            .field("proxy", &self.proxy.as_ref().map(bare))
            .field("address", &self.address)
            .field("verify", &self.verify)
            .field("oauth2", &self.oauth2)
            .finish_non_exhaustive()
    }
}

/// A server with a protocol of its own.
#[derive(Clone)]
pub struct ServerConnection {
    /// Key `url`, credentials included.
    pub url: url::Url,
    /// Whether it is spoken to over TLS, as the URL says.
    pub tls: bool,
    /// Key `ca`: as for endpoints.
    pub ca: Option<Vec<u8>>,
    /// Keys `client-cert` and `client-key`: as for endpoints.
    pub identity: Option<Identity>,
}

impl std::fmt::Debug for ServerConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerConnection")
            .field("url", &bare(&self.url))
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

/// A primary of Redis that sentinels know the address of.
#[derive(Clone, Debug)]
pub struct SentinelConnection {
    /// The sentinels in the order of the URL, as `redis://` and `rediss://`, with the credentials for them.
    pub sentinels: Vec<ServerConnection>,
    /// What they call the primary.
    pub primary: String,
    /// Credentials and database of the servers; its host is a sentinel's, in the place of the one that they name.
    pub server: ServerConnection,
}

/// One queue or stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Key `connection`: a name of [`Config::connections`](super::Config::connections).
    pub connection: String,
    /// What to look at there; of the same kind of broker as the connection.
    pub source: QueueSource,
}

/// What a queue is on its broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueueSource {
    /// A queue of an AMQP broker.
    Amqp {
        /// Key `name`.
        queue: String,
    },
    /// A list of Redis.
    RedisList {
        /// Key `list`.
        key: String,
    },
    /// A stream of Redis.
    RedisStream {
        /// Key `stream`.
        key: String,
        /// Key `group`.
        group: Option<String>,
    },
    /// A stream of NATS JetStream.
    JetStream {
        /// Key `stream`.
        stream: String,
        /// Key `consumer`.
        consumer: Option<String>,
        /// Key `subject`.
        subject: Option<String>,
    },
}

/// What of a URL may be shown.
fn bare(url: &url::Url) -> (&str, Option<&str>, Option<u16>) {
    (url.scheme(), url.host_str(), url.port())
}
