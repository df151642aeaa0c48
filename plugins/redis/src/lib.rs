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
    #[serde(default)]
    memory_used_percent: Option<AtMost>,
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

/// Where the server has a limit and the operator says nothing.
const PERCENT_DEFAULT: AtMost = AtMost::new(85.0, 95.0);

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
            // What the server's user may not see says nothing of the server.
            Err(error) if is_refusal(&error) => Err(error.into()),
            Err(error) if error.kind.is_about_the_target() => Ok(Outcome::unhealthy(error.to_string())),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether the server says that its user may not ask this.
fn is_refusal(error: &Error) -> bool {
    error.code.as_deref() == Some("NOPERM")
}

/// What the operator asked for and was not told, and why.
#[derive(Default)]
struct Untold {
    what: Vec<String>,
    /// Why nothing of `INFO` is known, if it was refused.
    refusal: Option<String>,
}

impl Untold {
    /// Notes that `INFO` says nothing of `what`, if anybody asked.
    fn note(&mut self, what: &str, is_asked: bool) {
        if is_asked {
            let why = self.refusal.as_deref().unwrap_or("the server does not tell");
            self.what.push(format!("{what}: {why}"));
        }
    }

    /// Bad news stays bad news; good news must not rest on what was not seen.
    fn conclude(self, outcome: Outcome) -> Result<Outcome, Error> {
        let what = self.what.join("; ");
        match (self.what.is_empty(), outcome.status) {
            (true, _) => Ok(outcome),
            (false, Status::Unhealthy) => Ok(outcome.detail("not judged", what)),
            (false, _) => {
                let message = format!("not seen, and so not judged: {what}");
                Err(Error::new(ErrorKind::Unsupported, message))
            }
        }
    }
}

fn look(config: &Config) -> Result<Outcome, Error> {
    let connection = Connection::open(&config.connection)?;
    let ping_ms = connection.ping()?;
    let none: [&str; 0] = [];
    let mut untold = Untold::default();
    let mut text = format!("{} answers, {}", config.connection, Span::show(ping_ms, "ms"));
    let info = match connection.command("INFO", &none) {
        Ok(reply) => Info::parse(&reply)?,
        Err(error) if is_refusal(&error) => {
            text.push_str("; memory, persistence and replication are hidden from its user (NOPERM INFO)");
            untold.refusal = Some(error.message);
            Info::default()
        }
        Err(error) => return Err(error),
    };
    let mut outcome = Outcome::healthy(text).judge("ping", ping_ms, "ms", &config.latency);
    outcome = judge_memory(outcome, &info, config, &mut untold);
    outcome = judge_persistence(outcome, &info);
    outcome = judge_replication(outcome, &info, config, &mut untold);
    outcome = match info.number("connected_clients") {
        Some(clients) => outcome.judge("clients", clients, "{clients}", &config.clients),
        None => {
            untold.note("clients", config.clients != AtMost::default());
            outcome
        }
    };
    for rule in &config.keys {
        match rule.judge(outcome.clone(), &connection) {
            Ok(next) => outcome = next,
            Err(error) if is_refusal(&error) => untold.what.push(format!("{}: {}", rule.key(), error.message)),
            Err(error) => return Err(error),
        }
    }
    untold.conclude(outcome.detail("version", info.text("redis_version").unwrap_or("unknown")))
}

fn judge_memory(outcome: Outcome, info: &Info, config: &Config, untold: &mut Untold) -> Outcome {
    let Some(used) = info.number("used_memory") else {
        untold.note("memory-used", config.memory_used != AtMost::default());
        untold.note("memory-used-percent", config.memory_used_percent.is_some());
        return outcome;
    };
    let outcome = outcome.judge("memory used", used, "By", &config.memory_used);
    match info.number("maxmemory") {
        Some(max) if max > 0.0 => {
            let percent = config.memory_used_percent.unwrap_or(PERCENT_DEFAULT);
            outcome.judge("memory used share", 100.0 * used / max, "%", &percent)
        }
        // It has no limit.
        Some(_) => outcome,
        None => {
            untold.note("memory-used-percent", config.memory_used_percent.is_some());
            outcome
        }
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

fn judge_replication(mut outcome: Outcome, info: &Info, config: &Config, untold: &mut Untold) -> Outcome {
    let asks_lag = config.replication_lag != AtMost::default();
    let role = match info.text("role") {
        Some("master") => Role::Primary,
        Some("slave") => Role::Replica,
        _ => {
            untold.note("role", config.role.is_some());
            untold.note("replicas", config.replicas != AtLeast::default());
            untold.note("replication-lag", asks_lag);
            return outcome;
        }
    };
    outcome = outcome.detail("role", role.as_str());
    if let Some(wanted) = config.role.filter(|wanted| *wanted != role) {
        let text = format!("is a {}, not a {}", role.as_str(), wanted.as_str());
        outcome = outcome.finding(Status::Unhealthy, &text);
    }
    let lags_s = match role {
        Role::Primary => {
            let replicas = info.replicas();
            outcome = outcome.judge("replicas", replicas.len() as f64, "{replicas}", &config.replicas);
            replicas
        }
        Role::Replica if info.text("master_link_status") == Some("up") => {
            vec![info.number("master_last_io_seconds_ago")]
        }
        Role::Replica => {
            let since = info.number("master_link_down_since_seconds").filter(|seconds| *seconds >= 0.0);
            let shown = since.map_or_else(String::new, |seconds| format!(" for {}", Span::show(seconds * 1e3, "ms")));
            outcome = outcome.finding(Status::Unhealthy, &format!("the link to the primary is down{shown}"));
            since.map(Some).into_iter().collect()
        }
    };
    // A server writes what it does not know as -1.
    let known = |lag: &Option<f64>| lag.filter(|seconds| *seconds >= 0.0);
    untold.note("replication-lag", asks_lag && lags_s.iter().any(|lag| known(lag).is_none()));
    match lags_s.iter().filter_map(known).reduce(f64::max) {
        Some(seconds) => outcome.judge("replication lag", seconds * 1e3, "ms", &config.replication_lag),
        None => outcome,
    }
}

probity_check::export!(Redis);
