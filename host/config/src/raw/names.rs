//! Tables of things that grants name: heartbeats, certificates, resolvers, secrets.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::decode::{Key, Own};
use crate::leaf::{Int, Text};

/// One job that reports to the host: `POST /heartbeats/NAME`, `/heartbeats/NAME/start`, `/heartbeats/NAME/fail`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Heartbeat {
    #[serde(rename = "$own")]
    #[schemars(skip)]
    pub(crate) own: Own,
    /// Beats kept, over restarts when the host has a state directory.
    #[schemars(extend("default" = 20))]
    pub(crate) history: Key<Int<1, 1_000>>,
    /// A bearer token that opens this heartbeat and nothing else, so that a job needs none of `server.auth.tokens`, which
    /// open it as well. At least 8 visible ASCII characters.
    pub(crate) token: Key<Text>,
}

/// Certificates in a file, for checks that watch when they expire.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("required" = ["file"]))]
pub(crate) struct Certificates {
    #[serde(rename = "$own")]
    #[schemars(skip)]
    pub(crate) own: Own,
    /// PEM or DER, at most 1 MiB. Read at each look, so that a renewed file is seen; it need not exist yet. Relative paths
    /// start at the configuration file. Required.
    #[schemars(extend("x-kind" = "path"))]
    pub(crate) file: Key<Text>,
}

/// A name server that checks may ask by name, beside the system's own.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("required" = ["address"]))]
pub(crate) struct Resolver {
    #[serde(rename = "$own")]
    #[schemars(skip)]
    pub(crate) own: Own,
    /// Its IP address, with a port unless that is 53: `10.0.0.53`, `[fd00::53]:5353`. The egress policy does not apply:
    /// checks only name it. Required.
    #[schemars(extend("x-kind" = "`address:port`"))]
    pub(crate) address: Key<Text>,
}

/// One secret.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("required" = ["value"]))]
pub(crate) struct Secret {
    #[serde(rename = "$own")]
    #[schemars(skip)]
    pub(crate) own: Own,
    /// The secret, best taken from the environment or a file: `"${WEBHOOK_KEY}"`. At least 5 bytes. It is removed from
    /// messages, logs and answers. Required.
    pub(crate) value: Key<Text>,
}
