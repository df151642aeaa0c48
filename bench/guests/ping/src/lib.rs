//! One round trip to a server and nothing else, so that what is measured is what the sandbox adds to it.

use probity_check::prelude::*;
use serde::Deserialize;

/// Keys of `[check.config]`.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Config {
    /// The database of this name.
    Sql(String),
    /// The Redis server of this name.
    Redis(String),
}

/// The check.
struct Ping;

impl Check for Ping {
    type Config = Config;

    fn describe() -> Metadata {
        Metadata::new("ping", env!("CARGO_PKG_VERSION")).description("Pings a database or a Redis server")
    }

    fn run(config: &Config) -> Result<Outcome, Failure> {
        let ms = match config {
            Config::Sql(name) => sql::Connection::open(name)?.ping()?,
            Config::Redis(name) => redis::Connection::open(name)?.ping()?,
        };
        Ok(Outcome::healthy("answers").measure("latency", ms, "ms"))
    }
}

probity_check::export!(Ping);
