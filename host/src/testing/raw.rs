//! A file of cases as typed. The keys here are the format; docs/writing-a-check.md explains them.

mod net;
mod system;

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use toml::{Spanned, Value};

pub(super) use self::net::{Dns, Http, Tcp, Tls, Udp};
pub(super) use self::system::{Disk, Process, System};
use probity_core::check::Status;
use probity_drivers::{CallError, ErrorKind};

/// `tests/NAME.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// What every case of the file has in its configuration, unless it says otherwise.
    #[serde(default)]
    pub(super) config: toml::Table,
    /// The cases.
    #[serde(default)]
    pub(super) case: Vec<Spanned<Case>>,
}

/// One run: what the check is given, what the world answers, what has to come of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Case {
    pub(super) name: String,
    #[serde(default)]
    pub(super) config: toml::Table,
    /// What the clock says: `2026-11-20T10:00:00Z`, or milliseconds since 1970.
    pub(super) now: Option<Spanned<Value>>,
    #[serde(default)]
    pub(super) context: Context,
    #[serde(default)]
    pub(super) limits: Limits,
    #[serde(default)]
    pub(super) state: BTreeMap<String, Value>,
    #[serde(default)]
    pub(super) secrets: BTreeMap<String, Spanned<Value>>,
    #[serde(default)]
    pub(super) http: Vec<Spanned<Http>>,
    #[serde(default)]
    pub(super) tcp: Vec<Spanned<Tcp>>,
    #[serde(default)]
    pub(super) udp: Vec<Spanned<Udp>>,
    #[serde(default)]
    pub(super) tls: Vec<Spanned<Tls>>,
    #[serde(default)]
    pub(super) dns: Vec<Spanned<Dns>>,
    #[serde(default)]
    pub(super) sql: Vec<Spanned<Sql>>,
    #[serde(default)]
    pub(super) redis: Vec<Spanned<Redis>>,
    #[serde(default)]
    pub(super) queue: Vec<Spanned<Queue>>,
    #[serde(default)]
    pub(super) heartbeats: Vec<Spanned<Heartbeat>>,
    #[serde(default)]
    pub(super) peers: Vec<Spanned<Peer>>,
    #[serde(default)]
    pub(super) system: System,
    pub(super) expect: Spanned<Expect>,
}

/// `[case.context]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Context {
    pub(super) check: Option<String>,
    #[serde(default)]
    pub(super) consecutive_failures: u32,
    pub(super) previous: Option<Previous>,
}

/// `previous = { status = "unhealthy", message = "…" }`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Previous {
    pub(super) status: Status,
    #[serde(default)]
    pub(super) message: String,
    #[serde(default)]
    pub(super) age_ms: u64,
    #[serde(default)]
    pub(super) duration_ms: u64,
}

/// `[case.limits]`: the limits that an operator may set.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Limits {
    pub(super) timeout: Option<Spanned<String>>,
    pub(super) memory: Option<Spanned<String>>,
    pub(super) fuel: Option<u64>,
    pub(super) host_calls: Option<u32>,
}

/// `error = "refused"`, or `error = { kind = "remote", message = "…", code = "23505" }`.
#[derive(Clone, Debug)]
pub(super) struct Fail(pub(super) CallError);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FailTable {
    kind: ErrorKind,
    #[serde(default)]
    message: String,
    code: Option<String>,
}

impl Fail {
    fn new(kind: ErrorKind, message: String, code: Option<String>) -> Self {
        let message = if message.is_empty() { kind.as_str().to_owned() } else { message };
        Self(CallError { kind, message, code })
    }
}

impl<'de> Deserialize<'de> for Fail {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Fail;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "an error kind such as \"refused\", or { kind = \"remote\", message = \"…\", code = \"…\" }",
                )
            }

            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Fail, E> {
                let kind = ErrorKind::deserialize(serde::de::value::StrDeserializer::<E>::new(word))?;
                Ok(Fail::new(kind, String::new(), None))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Fail, A::Error> {
                let table = FailTable::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Fail::new(table.kind, table.message, table.code))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

const fn a_millisecond() -> f64 {
    1.0
}

/// `[[case.sql]]`: one of `query`, `execute` and `call`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Sql {
    pub(super) connection: String,
    pub(super) engine: Option<String>,
    pub(super) query: Option<String>,
    pub(super) execute: Option<String>,
    pub(super) call: Option<SqlCall>,
    pub(super) params: Option<Vec<Value>>,
    #[serde(default)]
    pub(super) columns: Vec<String>,
    /// Of the columns; `text` where there is none.
    #[serde(default)]
    pub(super) types: Vec<String>,
    #[serde(default)]
    pub(super) rows: Vec<Vec<Value>>,
    #[serde(default)]
    pub(super) truncated: bool,
    #[serde(default)]
    pub(super) affected: u64,
    #[serde(default = "a_millisecond")]
    pub(super) ms: f64,
    pub(super) error: Option<Fail>,
}

/// Calls without a statement.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SqlCall {
    Open,
    Ping,
    Begin,
    Commit,
    Rollback,
}

/// `[[case.redis]]`: one of `command` and `call`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Redis {
    pub(super) connection: String,
    pub(super) command: Option<String>,
    pub(super) call: Option<RedisCall>,
    pub(super) reply: Option<Value>,
    #[serde(default = "a_millisecond")]
    pub(super) ms: f64,
    pub(super) error: Option<Fail>,
}

/// Calls without a command.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RedisCall {
    Open,
    Ping,
}

/// `[[case.queue]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Queue {
    pub(super) name: String,
    /// The message that is published; without it, the queue is inspected.
    pub(super) publish: Option<String>,
    pub(super) depth: Option<u64>,
    pub(super) in_flight: Option<u64>,
    pub(super) consumers: Option<u32>,
    pub(super) oldest_age_ms: Option<u64>,
    pub(super) lag: Option<u64>,
    pub(super) error: Option<Fail>,
}

/// `[[case.heartbeats]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Heartbeat {
    pub(super) name: String,
    #[serde(default)]
    pub(super) beats: Vec<Beat>,
    /// Runs that have not ended, the oldest first.
    #[serde(default)]
    pub(super) open: Vec<OpenRun>,
    pub(super) error: Option<Fail>,
}

/// One run that has not ended.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct OpenRun {
    pub(super) id: Option<String>,
    pub(super) age_ms: u64,
}

/// One beat, the newest first.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Beat {
    pub(super) age_ms: u64,
    #[serde(default = "yes")]
    pub(super) ok: bool,
    #[serde(default)]
    pub(super) message: String,
    pub(super) duration_ms: Option<f64>,
}

const fn yes() -> bool {
    true
}

/// `[[case.peers]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Peer {
    pub(super) check: String,
    pub(super) status: Option<Status>,
    #[serde(default)]
    pub(super) message: String,
    #[serde(default)]
    pub(super) age_ms: u64,
    #[serde(default)]
    pub(super) stale: bool,
    #[serde(default)]
    pub(super) groups: Vec<String>,
    pub(super) error: Option<Fail>,
}

/// `[case.expect]`: `status` or `failure`, and whatever else matters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Expect {
    pub(super) status: Option<Spanned<Status>>,
    /// The reason of a run without conclusion: `capability`, `invalid-config`, `trap`, `fuel` …
    pub(super) failure: Option<Spanned<String>>,
    /// With `*` for any text.
    pub(super) message: Option<Spanned<String>>,
    /// With `*`: the guest's own stack trace.
    pub(super) trace: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) measurements: BTreeMap<String, Spanned<Value>>,
    #[serde(default)]
    pub(super) details: BTreeMap<String, Spanned<String>>,
    /// Lines in this order, others between them: `warn: the cache is cold*`.
    #[serde(default)]
    pub(super) log: Vec<Spanned<String>>,
    /// All calls in order: `http.get http://service.test/stats`.
    pub(super) calls: Option<Spanned<Vec<String>>>,
    /// All that is kept afterwards.
    pub(super) state: Option<Spanned<BTreeMap<String, Value>>>,
}
