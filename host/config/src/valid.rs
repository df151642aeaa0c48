//! The configuration as the rest of the host sees it: resolved, checked, every default applied.
//!
//! Nothing here can be half valid. [`super::load`] makes it from files; nothing else does, but for tests and embedders
//! who build it by hand.

mod connection;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use self::connection::{
    Connection, HttpConnection, Identity, OAuth2, Queue, QueueSource, SecretPlace, SentinelConnection,
    ServerConnection, SqlBounds, Verify,
};
use probity_core::check::{OnUnknown, Probe, Severity, Window};

use super::grants::{Grants, HostPattern};
use super::limits::Limits;
use super::secrets::Secrets;

/// A whole, valid configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// The files it was read from: configuration first, then secret files and certificates. Empty when the defaults
    /// serve.
    pub files: Vec<PathBuf>,
    /// Of the bytes of those files as they were read: another fingerprint is another configuration. Empty when it was not
    /// read from files.
    pub fingerprint: Vec<u8>,
    /// Table `[server]`.
    pub server: Server,
    /// What the files say where the command line or the machine may decide otherwise.
    pub as_written: AsWritten,
    /// Table `[tracing]`.
    pub tracing: Tracing,
    /// Table `[plugins]`.
    pub plugins: Plugins,
    /// Table `[state]`: where compiled code and guest state are kept.
    pub state: StateDir,
    /// Table `[schedule]`.
    pub schedule: Schedule,
    /// Table `[egress]`.
    pub egress: Egress,
    /// Table `[connections]`: endpoints, databases and brokers that a guest may name.
    pub connections: BTreeMap<String, Connection>,
    /// Table `[queues]`: what `queue` grants name.
    pub queues: BTreeMap<String, Queue>,
    /// Table `[secrets]`: what `secrets` grants name.
    pub named_secrets: BTreeMap<String, NamedSecret>,
    /// Table `[heartbeats]`: jobs that report to the host.
    pub heartbeats: BTreeMap<String, Heartbeat>,
    /// Table `[certificates]`: files that a guest may name.
    pub certificates: BTreeMap<String, PathBuf>,
    /// Table `[resolvers]`: name servers that a guest may name.
    pub resolvers: BTreeMap<String, SocketAddr>,
    /// Table `[limits]`: what a check gets that says nothing.
    pub limits: Limits,
    /// Table `[defaults]`: what a check gets that says nothing, and what a plugin without `[[check]]` gets.
    pub defaults: Defaults,
    /// Tables `[[check]]`, by name.
    pub checks: BTreeMap<String, Check>,
    /// Tables `[groups.NAME]` and every group that a check names.
    pub groups: BTreeMap<String, Group>,
    /// Checks that grants name and no `[[check]]` declares, with what is wrong unless a plugin of that name makes one.
    pub peers_missing: Vec<(String, super::Error)>,
    /// Values that must never leave the host.
    pub secrets: Secrets,
    /// What is odd but allowed, for the log and `probity validate`: `probity.toml:12: …`.
    pub warnings: Vec<String>,
}

/// Table `[server]`.
#[derive(Clone, Debug)]
pub struct Server {
    /// Key `listen`, default `127.0.0.1:8080`.
    pub listen: SocketAddr,
    /// Key `details`, default `authorized`.
    pub details: Details,
    /// Key `auth.tokens`: any of them opens management and details.
    pub tokens: Vec<Token>,
    /// Key `version`: the version of the service that `/health` reports, if any.
    pub version: Option<String>,
    /// Key `shutdown-grace`, default 10 s: from the signal to exit.
    pub shutdown_grace: Duration,
    /// Key `drain-delay`, default 0 s: how long `/ready` fails before connections are refused, within the grace.
    pub drain_delay: Duration,
    /// Key `hosts`: names that requests may be for, beside those that nobody can register.
    pub hosts: Vec<HostPattern>,
    /// Key `header-timeout`, default 5 s.
    pub header_timeout: Duration,
    /// Key `idle-timeout`, default 60 s: a kept connection without a request.
    pub idle_timeout: Duration,
    /// Key `max-connections`, default 1,024; for a further one the longest idle one gives way.
    pub max_connections: usize,
    /// Key `metrics.max-checks`, default 2,000: checks with series of their own; the rest share `check="_other"`.
    pub metrics_max_checks: usize,
    /// Key `unhealthy-status`, default 503: HTTP status of an unhealthy `/health`.
    pub unhealthy_status: u16,
    /// Key `degraded-status`, default 200.
    pub degraded_status: u16,
}

/// Keys whose value at work may be another than the files'. A change of theirs is one of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AsWritten {
    /// Key `server.listen`; `--listen` overrides it.
    pub listen: SocketAddr,
    /// Key `server.max-connections`; too few file descriptors lower it.
    pub max_connections: usize,
}

/// Who sees messages and data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Details {
    /// Nobody.
    Never,
    /// Requests with a token.
    #[default]
    Authorized,
    /// Everybody.
    Always,
}

/// A bearer token. Compared in constant time, never printed.
#[derive(Clone)]
pub struct Token(Arc<str>);

impl Token {
    /// Takes the token's text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Whether `candidate` is this token.
    #[must_use]
    pub fn matches(&self, candidate: &[u8]) -> bool {
        use subtle::ConstantTimeEq;
        self.0.as_bytes().ct_eq(candidate).into()
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Table `[tracing]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tracing {
    /// Key `enabled`, default false.
    pub enabled: bool,
    /// Key `collector`: the name of an HTTP connection of [`Config::connections`] that spans are posted to.
    pub collector: Option<String>,
}

/// Table `[plugins]`.
#[derive(Clone, Debug)]
pub struct Plugins {
    /// Key `dir`, default `plugins`, relative to the configuration file.
    pub dir: PathBuf,
    /// Key `max-size`, default 64 MiB: larger files are rejected unread.
    pub max_size: u64,
    /// Key `rescan`, default 10 s: the backstop when file events get lost.
    pub rescan: Duration,
    /// Key `settle`, default 100 ms: a file must read the same twice, this far apart.
    pub settle: Duration,
    /// Key `removal-grace`, default 2 s: how long a deleted file's plugin goes on.
    pub removal_grace: Duration,
    /// Key `compile-timeout`, default 60 s; an interpreter of 18 MB takes some 5 s on two cores.
    pub compile_timeout: Duration,
    /// Key `compile-memory`, default 1 GiB; an interpreter of 18 MB takes some 350 MB.
    pub compile_memory: u64,
    /// Key `compile-concurrency`, default 2: so that one plugin that takes long does not hold up the others. Each has a
    /// process of its own, of lower priority, with `compile-memory`.
    pub compile_concurrency: usize,
    /// Table `pins`: plugin name to the only SHA-256 (lower-case hex) that may load.
    pub pins: BTreeMap<String, String>,
}

/// Table `[state]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateDir {
    /// Key `dir`, default `.probity` beside the configuration file. Created 0700.
    pub dir: PathBuf,
    /// Key `cache`, default true: keep compiled code there.
    pub cache: bool,
}

/// Table `[schedule]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Key `concurrency`, default 64: runs at once, beside those that wait.
    pub concurrency: usize,
    /// Key `concurrency-per-plugin`, default 16.
    pub concurrency_per_plugin: usize,
    /// Key `waiting`, default 512: runs at once that only wait.
    pub waiting: usize,
    /// Key `waiting-memory`, default 1 GiB: bytes of their guests' memory together.
    pub waiting_memory: u64,
    /// Key `threads`, default: the machine's parallelism. Worker threads of the guests' own runtime.
    pub threads: usize,
    /// Key `backoff-max`, default 5 min: the longest pause before a check that keeps trapping runs again.
    pub backoff_max: Duration,
    /// Key `history`, default 100: results kept per check.
    pub history: usize,
}

/// Table `[egress]`: operator-wide exceptions to the address filter.
#[derive(Clone, Debug, Default)]
pub struct Egress {
    /// Key `allow`: networks that wildcard grants may reach although they are private or loopback.
    pub allow: Vec<ipnet::IpNet>,
    /// Key `deny`: networks that no grant reaches.
    pub deny: Vec<ipnet::IpNet>,
}

/// A secret that checks use by its name. Never printed.
#[derive(Clone)]
pub struct NamedSecret(Arc<str>);

impl NamedSecret {
    /// Takes the value.
    #[must_use]
    pub fn new(value: &str) -> Self {
        Self(value.into())
    }

    /// The value.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for NamedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NamedSecret(…)")
    }
}

/// A job that reports to the host.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    /// Key `history`, default 20: beats kept.
    pub history: usize,
    /// Key `token`: opens this heartbeat only, beside `server.auth.tokens`.
    pub token: Option<Token>,
}

/// Table `[defaults]`.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// Key `every`, default 30 s; `describe()`'s default interval comes before it.
    pub every: Duration,
    /// Key `probes`, default none for plugins without `[[check]]`… `ready` unless the guest's metadata names others.
    pub probes: Option<BTreeSet<Probe>>,
    /// Table `grants`: for plugins without `[[check]]`.
    pub grants: Arc<Grants>,
    /// Key `severity`, default `critical`.
    pub severity: Severity,
    /// Key `unhealthy-after`, default 1.
    pub unhealthy_after: Window,
    /// Key `healthy-after`, default 1.
    pub healthy_after: u8,
    /// Key `on-unknown`, default `degraded`.
    pub on_unknown: OnUnknown,
    /// Whether `[limits]` says a `timeout`, so that `describe()`'s default does not apply.
    pub timeout_is_set: bool,
}

/// One `[[check]]`.
#[derive(Clone, Debug)]
pub struct Check {
    /// Key `name`: lower-case letters, digits, `-`, `_`, `.`; 1 to 63 characters; unique.
    pub name: String,
    /// Key `plugin`: the component's file name without `.wasm`; default `name`.
    pub plugin: String,
    /// Key `every` or `cron`; none = `describe()`'s default, then `[defaults]`.
    pub timing: Option<Timing>,
    /// Key `severity`.
    pub severity: Severity,
    /// Key `probes`; none = `describe()`'s hint without `live`, then `[defaults]`.
    pub probes: Option<BTreeSet<Probe>>,
    /// Key `groups`.
    pub groups: BTreeSet<String>,
    /// Key `grants`. Shared, as there is one for each check and most grant little.
    pub grants: Arc<Grants>,
    /// Keys `timeout`, `memory`, `fuel` and the others of [`Limits`], over `[limits]`. The timeout is `describe()`'s
    /// default when neither says one.
    pub limits: Limits,
    /// Whether `timeout` was said by the file, so that `describe()`'s default does not apply.
    pub timeout_is_set: bool,
    /// Key `unhealthy-after`.
    pub unhealthy_after: Window,
    /// Key `healthy-after`.
    pub healthy_after: u8,
    /// Key `on-unknown`.
    pub on_unknown: OnUnknown,
    /// Key `stale-after`; none = three intervals.
    pub stale_after: Option<Duration>,
    /// Table `config`, as JSON.
    pub config: serde_json::Value,
    /// Where the table starts, for messages: `probity.toml:12`.
    pub origin: String,
    /// Where each value of `config` stands.
    pub places: Places,
}

/// Lines of a check's `config`, by JSON pointer. Sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places(Box<[(Box<str>, u32)]>);

impl Places {
    /// Of pointers with their lines.
    pub(super) fn new(mut lines: Vec<(Box<str>, u32)>) -> Self {
        lines.sort();
        Self(lines.into())
    }

    /// The line of the value at `pointer`, or of what it is in.
    #[must_use]
    pub fn line(&self, pointer: &str) -> Option<u32> {
        let mut pointer = pointer;
        loop {
            if let Ok(at) = self.0.binary_search_by(|(known, _)| (**known).cmp(pointer)) {
                return Some(self.0[at].1);
            }
            pointer = pointer.rsplit_once('/')?.0;
        }
    }
}

impl Check {
    /// Where the value at `pointer` of `config` stands: `probity.toml:14`.
    #[must_use]
    pub fn place_of(&self, pointer: &str) -> String {
        match (self.places.line(pointer), self.origin.rsplit_once(':')) {
            (Some(line), Some((file, _))) => format!("{file}:{line}"),
            _ => self.origin.clone(),
        }
    }
}

/// When a check is due.
#[derive(Clone, Debug, PartialEq)]
pub enum Timing {
    /// At a fixed rate, phase spread by the name.
    Every(Duration),
    /// At the times of a cron expression (five or six fields), in the named time zone.
    Cron(Box<Cron>),
}

/// A parsed cron expression.
#[derive(Clone, Debug)]
pub struct Cron {
    /// As typed.
    pub text: String,
    /// Key `timezone`, default UTC.
    pub zone: jiff::tz::TimeZone,
    /// The parsed pattern.
    pub pattern: croner::Cron,
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.zone == other.zone
    }
}

impl Cron {
    /// The first match later than `after`, both in milliseconds since the Unix epoch; none when there is no such time.
    #[must_use]
    pub fn next_after(&self, after: u64) -> Option<u64> {
        let after = jiff::Timestamp::from_millisecond(i64::try_from(after).ok()?).ok()?;
        let next = self.pattern.find_next_occurrence(&after.to_zoned(self.zone.clone()), false).ok()?;
        u64::try_from(next.timestamp().as_millisecond()).ok()
    }
}

/// A named set of checks with its own endpoint, `/health/NAME`.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// Key `description`.
    pub description: Option<String>,
}
