//! A Redis or Valkey server: round trip, memory, persistence, replication, and keys that say something.

mod info;
mod keys;
#[cfg(test)]
mod tests;

use info::Info;
use keys::KeyRule;
use probity_check::prelude::*;
use probity_check::redis::Connection;
use probity_check::units::Quantity;
use serde::{Deserialize, Deserializer, de};

/// Keys of `[check.config]`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Config {
    #[serde(deserialize_with = "not_empty")]
    connection: String,
    #[serde(default)]
    latency: AtMost<Span>,
    #[serde(default = "percent_default")]
    memory_used_percent: AtMost,
    #[serde(default)]
    memory_used: AtMost<Size>,
    #[serde(default)]
    clients: AtMost,
    #[serde(default)]
    role: Option<Role>,
    #[serde(default)]
    replicas: AtLeast,
    #[serde(default)]
    replication_lag: AtMost<Span>,
    #[serde(default)]
    keys: Vec<KeyRule>,
}

/// What a server is to others.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Role {
    Primary,
    Replica,
}

impl Role {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Replica => "replica",
        }
    }
}

fn percent_default() -> AtMost {
    AtMost::new(85.0, 95.0)
}

fn not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() { Err(de::Error::custom("must not be empty")) } else { Ok(text) }
}

/// The check.
struct Redis;

impl Check for Redis {
    type Config = Config;

    fn describe() -> Metadata {
        Metadata::new("redis", env!("CARGO_PKG_VERSION"))
            .description("A Redis or Valkey server: round trip, memory, persistence, replication, and keys")
            .probe(Probe::Ready)
            .default_interval_ms(15_000)
            .default_timeout_ms(5_000)
            .config_schema(include_str!("../schema.json"))
            .config_example(include_str!("../example.json"))
    }

    fn run(config: &Config) -> Result<Outcome, Failure> {
        match look(config) {
            Ok(outcome) => Ok(outcome),
            Err(error) if error.kind.is_about_the_target() => Ok(Outcome::unhealthy(error.to_string())),
            Err(error) => Err(error.into()),
        }
    }
}

fn look(config: &Config) -> Result<Outcome, Error> {
    let connection = Connection::open(&config.connection)?;
    let ping_ms = connection.ping()?;
    let none: [&str; 0] = [];
    let info = Info::parse(&connection.command("INFO", &none)?)?;
    let text = format!("{} answers, {}", config.connection, Span::show(ping_ms, "ms"));
    let mut outcome = Outcome::healthy(text).judge("ping", ping_ms, "ms", &config.latency);
    outcome = judge_memory(outcome, &info, config);
    outcome = judge_persistence(outcome, &info);
    outcome = judge_replication(outcome, &info, config);
    if let Some(clients) = info.number("connected_clients") {
        outcome = outcome.judge("clients", clients, "{clients}", &config.clients);
    }
    for rule in &config.keys {
        outcome = rule.judge(outcome, &connection)?;
    }
    Ok(outcome.detail("version", info.text("redis_version").unwrap_or("unknown")))
}

fn judge_memory(outcome: Outcome, info: &Info, config: &Config) -> Outcome {
    let Some(used) = info.number("used_memory") else { return outcome };
    let outcome = outcome.judge("memory used", used, "By", &config.memory_used);
    match info.number("maxmemory") {
        Some(max) if max > 0.0 => {
            outcome.judge("memory used share", 100.0 * used / max, "%", &config.memory_used_percent)
        }
        _ => outcome,
    }
}

/// A server that cannot write to its disk soon refuses writes, and one that loads its data refuses everything.
fn judge_persistence(mut outcome: Outcome, info: &Info) -> Outcome {
    if info.text("loading") == Some("1") {
        outcome = outcome.finding(Status::Unhealthy, "loads its data and answers nothing else");
    }
    for (field, what) in [
        ("rdb_last_bgsave_status", "the last snapshot failed"),
        ("aof_last_write_status", "the last write to the append-only file failed"),
        ("aof_last_bgrewrite_status", "the last rewrite of the append-only file failed"),
    ] {
        if info.text(field).is_some_and(|status| status != "ok") {
            outcome = outcome.finding(Status::Degraded, what);
        }
    }
    outcome
}

fn judge_replication(mut outcome: Outcome, info: &Info, config: &Config) -> Outcome {
    let role = match info.text("role") {
        Some("master") => Role::Primary,
        Some("slave") => Role::Replica,
        _ => return outcome,
    };
    outcome = outcome.detail("role", role.as_str());
    if let Some(wanted) = config.role.filter(|wanted| *wanted != role) {
        let text = format!("is a {}, not a {}", role.as_str(), wanted.as_str());
        outcome = outcome.finding(Status::Unhealthy, &text);
    }
    let lag_s = match role {
        Role::Primary => {
            let replicas = info.replicas();
            outcome = outcome.judge("replicas", replicas.len() as f64, "{replicas}", &config.replicas);
            replicas.into_iter().reduce(f64::max)
        }
        Role::Replica if info.text("master_link_status") == Some("up") => info.number("master_last_io_seconds_ago"),
        Role::Replica => {
            let since = info.number("master_link_down_since_seconds").filter(|seconds| *seconds >= 0.0);
            let shown = since.map_or_else(String::new, |seconds| format!(" for {}", Span::show(seconds * 1e3, "ms")));
            outcome = outcome.finding(Status::Unhealthy, &format!("the link to the primary is down{shown}"));
            since
        }
    };
    match lag_s.filter(|seconds| *seconds >= 0.0) {
        Some(seconds) => outcome.judge("replication lag", seconds * 1e3, "ms", &config.replication_lag),
        None => outcome,
    }
}

probity_check::export!(Redis);
