//! The configuration as typed: every table and key there is. The doc comments are the reference.
//!
//! Nothing is checked here but which keys exist; [`super::leaf`] knows what their values may be and
//! [`super::resolve`] what they mean together.

mod connection;
mod names;

use std::collections::BTreeMap;

use probity_core::check::{OnUnknown, Probe, Severity};
use schemars::JsonSchema;
use serde::Deserialize;

use super::decode::{Key, Own};
use super::leaf::{Bool, Bytes, Int, Json, List, Map, Text, Threshold, Time, Word};
use super::limits::{EVERY_MAX_MS, EVERY_MIN_MS, TIMEOUT_MAX_MS, TIMEOUT_MIN_MS};
use super::valid::Details;
pub(super) use connection::{Connection, OAuth2, Queue};
pub(super) use names::{Certificates, Heartbeat, Resolver, Secret};

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// Bytes of one check's `config`, as JSON.
pub(super) const CHECK_CONFIG_BYTES_MAX: usize = 64 << 10;

/// The configuration of Probity.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct File {
    pub(super) server: Server,
    pub(super) metrics: Metrics,
    pub(super) tracing: Tracing,
    pub(super) plugins: Plugins,
    pub(super) state: State,
    pub(super) schedule: Schedule,
    pub(super) egress: Egress,
    pub(super) limits: Limits,
    pub(super) defaults: Defaults,
    /// Endpoints, databases and brokers with their credentials, by name. A grant such as `http = ["NAME"]` or `sql =
    /// ["NAME"]` lets a check use one; the guest never sees the URL or the credentials.
    pub(super) connections: BTreeMap<String, Connection>,
    /// Queues that `queue` grants name: a broker among the connections, and what to look at there.
    pub(super) queues: BTreeMap<String, Queue>,
    /// Secrets that `secrets` grants name, for signatures and comparisons that the host makes.
    pub(super) secrets: BTreeMap<String, Secret>,
    /// Jobs that report to the host, by name. The grant `heartbeats = ["NAME"]` lets a check see when one last did. Pushing
    /// needs `Authorization: Bearer TOKEN` with one of `server.auth.tokens` or the heartbeat's own `token`.
    pub(super) heartbeats: BTreeMap<String, Heartbeat>,
    /// Files with certificates, by name. The grant `tls = ["certificate:NAME"]` lets a check look at one, or trust it as
    /// an authority.
    pub(super) certificates: BTreeMap<String, Certificates>,
    /// Name servers, by name. The grant `dns = ["resolver:NAME"]` lets a check ask one.
    pub(super) resolvers: BTreeMap<String, Resolver>,
    /// Sets of checks with an endpoint of their own, `/health/NAME`. A group exists as soon as a check names it; the
    /// table only describes it. `live`, `ready` and `startup` are taken.
    pub(super) groups: BTreeMap<String, Group>,
    /// The checks: one `[[check]]` each. A plugin without one runs as a check of its own name with `[defaults]`.
    pub(super) check: Vec<Check>,
}

/// How the host answers.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Server {
    /// Address and port to listen on. Port 0 takes a free one. `[::]:8080` and `0.0.0.0:8080` listen everywhere.
    #[schemars(extend("default" = "127.0.0.1:8080", "x-kind" = "`address:port`"))]
    pub(super) listen: Key<Text>,
    /// Who sees messages, measurements and details: nobody, requests with a token, or everybody.
    #[schemars(extend("default" = "authorized"))]
    pub(super) details: Key<Word<Details>>,
    /// The version of the service beside the host, for `/health` to report.
    pub(super) version: Key<Text>,
    /// From the signal to exit, at most; answers in flight finish within it.
    #[schemars(extend("default" = "10s"))]
    pub(super) shutdown_grace: Key<Time<0, { 10 * MINUTE }>>,
    /// How long `/ready` fails before connections are refused, so that load balancers notice. Within `shutdown-grace`.
    #[schemars(extend("default" = "0s"))]
    pub(super) drain_delay: Key<Time<0, { 10 * MINUTE }>>,
    /// Names that clients may know this host by, beside those that nobody can register: `health.example.com`,
    /// `*.example.com`, or `*` for any. Requests for other names are answered with a token only, and probes always, so that no
    /// page of another site can make a browser read what is here. Always allowed: addresses, names without a dot,
    /// `localhost`, names that end in `.local`, `.internal`, `.svc`, `.lan` and the like, and the machine's own name.
    #[schemars(extend("default" = []))]
    pub(super) hosts: Key<List<Text, 100>>,
    /// How long a client may take to send a request's head, the first one from the start of the connection.
    #[schemars(extend("default" = "5s"))]
    pub(super) header_timeout: Key<Time<100, { 5 * MINUTE }>>,
    /// How long a kept connection may stay without a request.
    #[schemars(extend("default" = "1m"))]
    pub(super) idle_timeout: Key<Time<SECOND, HOUR>>,
    /// Connections open at once. When all are, the one that is idle for longest gives way to a new one; while none is
    /// idle, 32 more may ask for a probe. Fewer where the process may not have so many file descriptors.
    #[schemars(extend("default" = 1024))]
    pub(super) max_connections: Key<Int<1, 1_000_000>>,
    /// HTTP status of `/health` when it is unhealthy.
    #[schemars(extend("default" = 503))]
    pub(super) unhealthy_status: Key<Int<200, 599>>,
    /// HTTP status of `/health` when it is degraded.
    #[schemars(extend("default" = 200))]
    pub(super) degraded_status: Key<Int<200, 599>>,
    pub(super) auth: Auth,
}

/// Who may manage the host and see details. Probes are open to all.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Auth {
    /// Bearer tokens, any of which opens management and details. At least 8 visible ASCII characters each. Take them
    /// from the environment or a file: `["${PROBITY_TOKEN}"]`. Without a token, management stays closed.
    #[schemars(extend("default" = []))]
    pub(super) tokens: Key<List<Text, 100>>,
}

/// What `/metrics` shows.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Metrics {
    /// Checks with series of their own; the rest share `check="_other"`.
    #[schemars(extend("default" = 2000))]
    pub(super) max_checks: Key<Int<0, 1_000_000>>,
}

/// Runs as traces. The trace's id is the run's, without its dashes.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Tracing {
    /// Whether runs are traces: `context.traceparent` tells a check its own, and requests through a connection with
    /// `traceparent = true` carry it.
    #[schemars(extend("default" = false))]
    pub(super) enabled: Key<Bool>,
    /// The connection that spans are posted to, as OTLP in JSON: `[connections.otel]` with the whole URL,
    /// `http://127.0.0.1:4318/v1/traces`. One span for each run and each of its calls. What a collector does not take in time is
    /// dropped and counted.
    pub(super) collector: Key<Text>,
}

/// Where plugins come from.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Plugins {
    /// The directory of `.wasm` files. Relative paths start at the configuration file.
    #[schemars(extend("default" = "plugins"))]
    pub(super) dir: Key<Text>,
    /// Larger files are rejected unread.
    #[schemars(extend("default" = "64MiB"))]
    pub(super) max_size: Key<Bytes<KIB, GIB>>,
    /// How often the directory is read when no event says so: the backstop when events get lost.
    #[schemars(extend("default" = "10s"))]
    pub(super) rescan: Key<Time<100, HOUR>>,
    /// A file must read the same twice, this far apart, before it is loaded.
    #[schemars(extend("default" = "100ms"))]
    pub(super) settle: Key<Time<10, { 10 * SECOND }>>,
    /// How long the plugin of a deleted file goes on, so that saving by delete and create does not flap.
    #[schemars(extend("default" = "2s"))]
    pub(super) removal_grace: Key<Time<0, { 5 * MINUTE }>>,
    /// A compilation that takes longer is stopped and its plugin rejected. Changes at the next start.
    #[schemars(extend("default" = "60s"))]
    pub(super) compile_timeout: Key<Time<100, { 10 * MINUTE }>>,
    /// Memory that the compiler's process may use for one plugin. Changes at the next start.
    #[schemars(extend("default" = "1GiB"))]
    pub(super) compile_memory: Key<Bytes<{ 64 * MIB }, { 64 * GIB }>>,
    /// Plugins that are compiled at once, so that one that takes long does not hold up the others; each may use
    /// `compile-memory`. Changes at the next start.
    #[schemars(extend("default" = 2))]
    pub(super) compile_concurrency: Key<Int<1, 16>>,
    /// Plugin name to the SHA-256, 64 hexadecimal digits, of the only file that may load under it.
    #[schemars(extend("default" = {}))]
    pub(super) pins: Key<Map<Text, 10_000>>,
}

/// What the host keeps between starts.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct State {
    /// The directory for guest state and compiled code, created for its owner only. Never inside `plugins.dir`.
    /// Relative paths start at the configuration file.
    #[schemars(extend("default" = ".probity"))]
    pub(super) dir: Key<Text>,
    /// Whether compiled code is kept there.
    #[schemars(extend("default" = true))]
    pub(super) cache: Key<Bool>,
}

/// How runs share the machine.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Schedule {
    /// Runs at once, beside those that wait for an answer.
    #[schemars(extend("default" = 64))]
    pub(super) concurrency: Key<Int<1, 10_000>>,
    /// Likewise, of one plugin.
    #[schemars(extend("default" = 16))]
    pub(super) concurrency_per_plugin: Key<Int<1, 10_000>>,
    /// Runs at once that only wait: for an answer, a file, a clock. Further ones count as `concurrency` does. Checks
    /// whose latest run took half a second or more wait for their turn while half of this is taken. With `concurrency` at
    /// most 936.
    #[schemars(extend("default" = 512))]
    pub(super) waiting: Key<Int<0, 10_000>>,
    /// Memory of the guests in those runs together; likewise.
    #[schemars(extend("default" = "1GiB"))]
    pub(super) waiting_memory: Key<Bytes<MIB, { 1024 * GIB }>>,
    /// Threads that guests run on. Default: as many as the machine has processors for this process.
    pub(super) threads: Key<Int<1, 1024>>,
    /// The longest pause before a check that keeps trapping or hitting limits runs again.
    #[schemars(extend("default" = "5m"))]
    pub(super) backoff_max: Key<Time<SECOND, DAY>>,
    /// Results kept per check.
    #[schemars(extend("default" = 100))]
    pub(super) history: Key<Int<1, 10_000>>,
}

/// Exceptions to the address filter, for all checks. Link-local and metadata addresses stay denied whatever is allowed.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Egress {
    /// Networks that wildcard grants may reach although they are private or loopback: `["10.1.0.0/16"]`.
    #[schemars(extend("default" = []))]
    pub(super) allow: Key<List<Text, 1_000>>,
    /// Networks that no grant reaches. Stronger than `allow`.
    #[schemars(extend("default" = []))]
    pub(super) deny: Key<List<Text, 1_000>>,
}

/// What one run may spend. The first limit reached ends the run, and the result names it. `[limits]` holds for every
/// check that says nothing; `[check.limits]` for one check.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Limits {
    /// Wall time of a run, host calls included.
    #[schemars(extend("default" = "2s"))]
    pub(super) timeout: Key<Time<TIMEOUT_MIN_MS, TIMEOUT_MAX_MS>>,
    /// Linear memory, summed over all memories of the instance.
    #[schemars(extend("default" = "32MiB"))]
    pub(super) memory: Key<Bytes<{ 64 * KIB }, { 4 * GIB }>>,
    /// Instructions, in wasmtime's fuel units.
    #[schemars(extend("default" = 200_000_000))]
    pub(super) fuel: Key<Int<1, 1_000_000_000_000_000>>,
    /// Elements summed over all tables.
    #[schemars(extend("default" = 100_000))]
    pub(super) table_elements: Key<Int<1, 10_000_000>>,
    /// Core instances in the component.
    #[schemars(extend("default" = 128))]
    pub(super) instances: Key<Int<1, 10_000>>,
    /// Resource handles alive at once.
    #[schemars(extend("default" = 1_000))]
    pub(super) handles: Key<Int<1, 1_000_000>>,
    /// What one host call may carry from the guest.
    #[schemars(extend("default" = "4MiB"))]
    pub(super) hostcall_bytes: Key<Bytes<KIB, { 256 * MIB }>>,
    /// Calls into capabilities; further ones answer `quota`, ten times as many end the run.
    #[schemars(extend("default" = 100))]
    pub(super) host_calls: Key<Int<0, 100_000>>,
    /// Lines kept of what the guest logs or prints.
    #[schemars(extend("default" = 100))]
    pub(super) log_lines: Key<Int<0, 10_000>>,
    /// Bytes kept of the same.
    #[schemars(extend("default" = "16KiB"))]
    pub(super) log_bytes: Key<Bytes<0, MIB>>,
    /// Size of the whole outcome.
    #[schemars(extend("default" = "64KiB"))]
    pub(super) outcome_bytes: Key<Bytes<KIB, { 4 * MIB }>>,
    /// Size of the outcome's message; longer ones are truncated.
    #[schemars(extend("default" = "2KiB"))]
    pub(super) message_bytes: Key<Bytes<64, { 64 * KIB }>>,
    /// Entries in `measurements` and in `details` each; further ones are dropped.
    #[schemars(extend("default" = 64))]
    pub(super) measurements: Key<Int<0, 1024>>,
    /// Size of one HTTP response's body, or of one reply of Redis or a broker.
    #[schemars(extend("default" = "1MiB"))]
    pub(super) response_bytes: Key<Bytes<0, { 256 * MIB }>>,
    /// Sockets open at once, HTTP included.
    #[schemars(extend("default" = 16))]
    pub(super) sockets: Key<Int<0, 1024>>,
    /// What one check may keep in `state`.
    #[schemars(extend("default" = "64KiB"))]
    pub(super) state_bytes: Key<Bytes<0, { 16 * MIB }>>,
    /// Runs that one instance may serve before a fresh one takes over; at once after any that fails. With 1 no memory
    /// survives a run. More makes large interpreters cheaper: their globals then live on.
    #[schemars(extend("default" = 1))]
    pub(super) runs_per_instance: Key<Int<1, 1_000_000>>,
}

/// What a check gets that says nothing, and what a plugin without `[[check]]` gets.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Defaults {
    /// Time from one run's start to the next. The plugin's own default comes before it.
    #[schemars(extend("default" = "30s"))]
    pub(super) every: Key<Time<EVERY_MIN_MS, EVERY_MAX_MS>>,
    /// Probes that a check joins when neither its table nor its plugin says which: without this key, `["ready"]`.
    /// `live` is not allowed here: what can restart a process is said in its `[[check]]`.
    pub(super) probes: Key<List<Word<Probe>, 3>>,
    /// How a check counts: `critical` makes the whole unhealthy, `warning` degraded, `info` is only shown.
    #[schemars(extend("default" = "critical"))]
    pub(super) severity: Key<Word<Severity>>,
    /// Failed runs before a check is unhealthy: in a row, or so many of the last.
    #[schemars(extend("default" = 1))]
    pub(super) unhealthy_after: Key<Threshold>,
    /// Good runs in a row before an unhealthy check is healthy again.
    #[schemars(extend("default" = 1))]
    pub(super) healthy_after: Key<Int<1, 64>>,
    /// How an `unknown` check counts.
    #[schemars(extend("default" = "degraded"))]
    pub(super) on_unknown: Key<Word<OnUnknown>>,
    /// Grants of plugins without `[[check]]`, and of each `[[check]]` that says nothing of grants. One that does has its
    /// own only.
    pub(super) grants: Grants,
}

/// What a check may touch. Default: nothing. `context`, `log`, `clock` and `state` need no grant.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Grants {
    #[serde(rename = "$own")]
    #[schemars(skip)]
    pub(super) own: Own,
    /// Names of connections, `payments`, and URLs: `https://shop.internal` with every path, `https://shop.internal/health`
    /// with this one, `https://*.internal:8443/api/*` with what is below, `http://10.0.0.0/8:8080/*` for hosts written as
    /// addresses. A wildcard host reaches public addresses only, unless `[egress]` allows more.
    #[schemars(extend("default" = []))]
    pub(super) http: Key<List<Text, 100>>,
    /// Hosts with ports: `db.internal:5432`, `*.internal:8000-8100`, `10.0.0.0/8:5432`, `[::1]:6379`, `host:*`.
    #[schemars(extend("default" = []))]
    pub(super) tcp: Key<List<Text, 100>>,
    /// Hosts with ports that may be sent datagrams, as in `tcp`: `ntp.internal:123`.
    #[schemars(extend("default" = []))]
    pub(super) udp: Key<List<Text, 100>>,
    /// Servers whose certificates may be looked at, as in `tcp`, and `certificate:NAME` for declared files.
    #[schemars(extend("default" = []))]
    pub(super) tls: Key<List<Text, 100>>,
    /// Names to look up: `example.org`, `*.example.org`, `*`; and `resolver:NAME` to ask a declared resolver.
    #[schemars(extend("default" = []))]
    pub(super) dns: Key<List<Text, 100>>,
    /// SQL connections: `orders-db` reads only, `orders-db:write` also changes data.
    #[schemars(extend("default" = []))]
    pub(super) sql: Key<List<Text, 100>>,
    /// Redis connections: `cache` for the commands that only read, `cache:XADD` for one more, `cache:*` for all.
    #[schemars(extend("default" = []))]
    pub(super) redis: Key<List<Text, 100>>,
    /// Queues: `jobs` looks at it, `jobs:publish` also sends probe messages.
    #[schemars(extend("default" = []))]
    pub(super) queue: Key<List<Text, 100>>,
    /// Secrets: `webhook` is used by the host for signatures and comparisons, `webhook:reveal` is handed to the plugin.
    #[schemars(extend("default" = []))]
    pub(super) secrets: Key<List<Text, 100>>,
    /// Facts of the machine: `memory`, `cpu`, `load`, `pressure`, `uptime`, `disks` (the list), `disk:/path` (free space
    /// there and below), `process:pattern` (`*` and `?` are wildcards), `file:/path` (size and age, there and below).
    #[schemars(extend("default" = []))]
    pub(super) system: Key<List<Text, 100>>,
    /// Heartbeats of jobs, by name.
    #[schemars(extend("default" = []))]
    pub(super) heartbeats: Key<List<Text, 100>>,
    /// Other checks whose latest result may be seen: `orders-db`, `group:orders`, `*`.
    #[schemars(extend("default" = []))]
    pub(super) peers: Key<List<Text, 100>>,
}

/// One group.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Group {
    #[serde(rename = "$own")]
    #[schemars(skip)]
    pub(super) own: Own,
    /// What it stands for, for people.
    pub(super) description: Key<Text>,
}

/// One check: a plugin with a name, a configuration, grants and a schedule.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("required" = ["name"]))]
pub(super) struct Check {
    #[serde(rename = "$own")]
    #[schemars(skip)]
    pub(super) own: Own,
    /// Lower-case letters, digits, `-`, `_` and `.`, starting with a letter or digit; at most 63; unique. Required.
    #[schemars(extend("pattern" = "^[a-z0-9][a-z0-9._-]{0,62}$"))]
    pub(super) name: Key<Text>,
    /// The component's file name without `.wasm`. Default: `name`.
    pub(super) plugin: Key<Text>,
    /// Time from one run's start to the next. Default: the plugin's, then `[defaults]`.
    pub(super) every: Key<Time<EVERY_MIN_MS, EVERY_MAX_MS>>,
    /// Instead of `every`: a cron expression of five fields, or six with seconds first: `"0 6 * * MON-FRI"`.
    pub(super) cron: Key<Text>,
    /// The IANA time zone of `cron`: `Europe/Berlin`. Default: UTC.
    pub(super) timezone: Key<Text>,
    /// How it counts: `critical` makes the whole unhealthy, `warning` degraded, `info` is only shown. Default:
    /// `[defaults]`.
    pub(super) severity: Key<Word<Severity>>,
    /// The probes it joins; `[]` for none. Default: what the plugin suggests, but never `live`, then `[defaults]`.
    pub(super) probes: Key<List<Word<Probe>, 3>>,
    /// The groups it belongs to.
    #[schemars(extend("default" = []))]
    pub(super) groups: Key<List<Text, 32>>,
    /// Wall time of a run, host calls included. Default: `[limits]`, then the plugin's.
    pub(super) timeout: Key<Time<TIMEOUT_MIN_MS, TIMEOUT_MAX_MS>>,
    /// Linear memory of a run. Default: `[limits]`.
    pub(super) memory: Key<Bytes<{ 64 * KIB }, { 4 * GIB }>>,
    /// Instructions of a run. Default: `[limits]`.
    pub(super) fuel: Key<Int<1, 1_000_000_000_000_000>>,
    /// Failed runs before it is unhealthy: `3` in a row, or `{ failures = 3, of = 5 }`. Default: `[defaults]`.
    pub(super) unhealthy_after: Key<Threshold>,
    /// Good runs in a row before it is healthy again. Default: `[defaults]`.
    pub(super) healthy_after: Key<Int<1, 64>>,
    /// How it counts while `unknown`. Default: `[defaults]`.
    pub(super) on_unknown: Key<Word<OnUnknown>>,
    /// A result older than this is `unknown`. At least `every`. Default: three intervals.
    pub(super) stale_after: Key<Time<100, { 365 * DAY }>>,
    /// Handed to the plugin as JSON and checked against its schema. At most 64 KiB.
    #[schemars(extend("default" = {}))]
    pub(super) config: Key<Json<CHECK_CONFIG_BYTES_MAX>>,
    pub(super) grants: Grants,
    pub(super) limits: Limits,
}
