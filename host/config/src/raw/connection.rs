//! Tables of endpoints, databases, brokers and the queues on them.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::decode::{Key, Own};
use crate::leaf::{Bool, Int, Map, Text, Word};
use crate::valid::{SecretPlace, Verify};

/// One named resource with its credentials. The scheme of `url` says what it is.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("required" = ["url"]))]
pub(crate) struct Connection {
    #[serde(rename = "$own")]
    #[schemars(skip)]
    pub(crate) own: Own,
    /// Where it is: `http(s)://` for endpoints, `postgres://`, `mysql://` (also `mariadb://`) and `sqlite://` for
    /// databases, `redis(s)://`, `amqp(s)://` and `nats://` (`tls://`) for brokers, `redis(s)+sentinel://host,host/PRIMARY/0` for
    /// the primary that the sentinels at these hosts know (`?sentinel-user=…&sentinel-password=…` for themselves). User and password in it stay in the
    /// host; for endpoints they become basic authentication. Databases on other machines are spoken to over TLS with
    /// chain and name verified: `?sslmode=disable` goes without, `?sslmode=require` (or `verify-full`; `prefer` and
    /// `verify-ca` are no less strict), or a `client-cert`, asks for it on this machine, too. Required.
    #[schemars(extend("x-kind" = "URL"))]
    pub(crate) url: Key<Text>,
    /// For endpoints: headers sent with every request; they win over the guest's. Values may hold `${NAME}`.
    #[schemars(extend("default" = {}))]
    pub(crate) headers: Key<Map<Text, 64>>,
    /// PEM file of the authorities to trust for this connection instead of the system's. Relative paths start at the
    /// configuration file.
    #[schemars(extend("x-kind" = "path"))]
    pub(crate) ca: Key<Text>,
    /// For connections over TLS: PEM file with the certificate that the host shows to the server, and those between it and
    /// its authority. With `client-key`.
    #[schemars(extend("x-kind" = "path"))]
    pub(crate) client_cert: Key<Text>,
    /// PEM file with the private key of `client-cert`: PKCS #8, PKCS #1 or SEC 1, not encrypted. It stays in the host.
    #[schemars(extend("x-kind" = "path"))]
    pub(crate) client_key: Key<Text>,
    /// For endpoints: `http://proxy:3128`, through which every request goes, by CONNECT for `https`. User and password
    /// in it are for the proxy. `[egress]` judges the address of the proxy; where the name of the endpoint leads is the
    /// proxy's business.
    #[schemars(extend("x-kind" = "URL"))]
    pub(crate) proxy: Key<Text>,
    /// For `https` endpoints: how much of the server's certificate is verified. `full`: that a trusted authority signed it,
    /// for this name, and that it is in time. `chain`: all but the name. `none`: nothing, so that whoever sits in between
    /// can read and answer everything, credentials included; a name under `ca` is the better way. Results say what was not
    /// verified.
    #[schemars(extend("default" = "full"))]
    pub(crate) verify: Key<Word<Verify>>,
    /// For endpoints: where to connect to instead of where the name in `url` leads: one node behind a balancer, a new
    /// server before the name moves. The name stays what is asked for (`Host`), announced (SNI) and verified.
    /// `[egress]` judges this address. Not with `proxy`.
    #[schemars(extend("x-kind" = "`host:port`"))]
    pub(crate) address: Key<Text>,
    pub(crate) oauth2: OAuth2,
    /// For endpoints: whether requests carry the header `traceparent` of the call that sends them, when `tracing.enabled`
    /// is true. It wins over the guest's. Requests to bare URLs never get one.
    #[schemars(extend("default" = false))]
    pub(crate) traceparent: Key<Bool>,
    /// For databases: sessions kept open at once, and as many again for checks granted `:write`. Opened when needed,
    /// closed after 60 s without use.
    #[schemars(extend("default" = 4))]
    pub(crate) pool: Key<Int<1, 64>>,
    /// For databases: rows that one query returns at most; the rest is cut off, and the check told so.
    #[schemars(extend("default" = 1000))]
    pub(crate) rows_max: Key<Int<1, 100_000>>,
}

/// For endpoints: OAuth 2.0 client credentials. The host fetches a token, keeps it, renews it before it ends, and sends it
/// as `Authorization: Bearer …`; checks never see it. Where the server answers 401 to one that was kept, a new one is
/// fetched, once per request.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("required" = ["token-url", "client-id", "client-secret"]))]
pub(crate) struct OAuth2 {
    #[serde(rename = "$own")]
    #[schemars(skip)]
    pub(crate) own: Own,
    /// The token endpoint, `https://…`. `[egress]` judges its address; it is asked through the connection's `proxy`, if
    /// there is one. Required.
    #[schemars(extend("x-kind" = "URL"))]
    pub(crate) token_url: Key<Text>,
    /// Who asks. Required.
    pub(crate) client_id: Key<Text>,
    /// Its secret: `"${NAME}"` or `"${file:/run/secrets/x}"`. Required.
    pub(crate) client_secret: Key<Text>,
    /// What the token is for: scopes with spaces between them. Default: the endpoint's own choice.
    pub(crate) scope: Key<Text>,
    /// Whom the token is for, where the endpoint wants to know. Default: none is sent.
    pub(crate) audience: Key<Text>,
    /// Where id and secret are sent: in the `header` `Authorization`, as the standard prefers, or in the `body`.
    #[schemars(extend("default" = "header"))]
    pub(crate) secret_in: Key<Word<SecretPlace>>,
    /// PEM file of the authorities to trust for the token endpoint instead of the system's. It is always verified in full.
    #[schemars(extend("x-kind" = "path"))]
    pub(crate) ca: Key<Text>,
}

/// One queue or stream of a broker.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("required" = ["connection"]))]
pub(crate) struct Queue {
    #[serde(rename = "$own")]
    #[schemars(skip)]
    pub(crate) own: Own,
    /// The broker's name under `[connections]`: its URL starts with `amqp(s)://`, `nats://` (`tls://`) or `redis(s)://`.
    /// Required.
    pub(crate) connection: Key<Text>,
    /// For `amqp`: the queue, in the virtual host of the URL. Required there.
    pub(crate) name: Key<Text>,
    /// For `redis`: the key of a list. There, either `list` or `stream` is required.
    pub(crate) list: Key<Text>,
    /// For `redis` and `nats`: the key or name of a stream. Required for `nats`.
    pub(crate) stream: Key<Text>,
    /// For a `stream` of `redis`: the consumer group whose backlog counts. Default: all entries count.
    pub(crate) group: Key<Text>,
    /// For `nats`: the JetStream consumer whose backlog counts. Default: all messages of the stream count.
    pub(crate) consumer: Key<Text>,
    /// For `nats`: the subject of probe messages. Default: none, and publishing is not possible.
    pub(crate) subject: Key<Text>,
}
