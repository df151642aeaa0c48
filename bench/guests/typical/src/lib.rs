//! What most checks do around the question they ask: read a configuration, log a line, answer with a message and three
//! measurements. It asks nobody, so that the time is the runtime's.

use probity_check::prelude::*;
use serde::Deserialize;

/// Keys of `[check.config]`; all optional, so that it also runs without a `[[check]]`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Config {
    service: String,
    latency: AtMost,
    backlog_max: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { service: "orders".into(), latency: AtMost::new(50.0, 200.0), backlog_max: 100 }
    }
}

/// The check.
struct Typical;

impl Check for Typical {
    type Config = Config;

    fn describe() -> Metadata {
        Metadata::new("typical", env!("CARGO_PKG_VERSION"))
            .description("Reads a configuration, logs a line, answers with three measurements")
            .config_schema(SCHEMA)
    }

    fn run(config: &Config) -> Result<Outcome, Failure> {
        log::info("asked the service");
        let backlog = config.backlog_max / 8;
        Ok(Outcome::healthy(format!("{} answered, {backlog} waiting", config.service))
            .judge("latency", 12.5, "ms", &config.latency)
            .measure("backlog", backlog, "{orders}")
            .measure("connected", true, "1"))
    }
}

const SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "service": { "type": "string" },
    "latency": { "type": "object", "properties": { "warn": { "type": "number" }, "crit": { "type": "number" } } },
    "backlog-max": { "type": "integer", "minimum": 0 }
  }
}"#;

probity_check::export!(Typical);
