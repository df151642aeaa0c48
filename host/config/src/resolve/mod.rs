//! From what was typed to what holds: defaults applied, values that depend on each other checked together.
//!
//! Goes on after an error with the default in place of the wrong value, so that one look shows all errors.

mod check;
mod connection;
mod names;
mod oauth2;
mod queue;
mod secret;
mod sentinel;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::cx::{At, Cx};
use super::errors::Fault;
use super::grants::HostPattern;
use super::limits::Limits;
use super::secrets::Secrets;
use super::tree::NodeId;
use super::valid::{AsWritten, Config, Connection, Egress, Plugins, Schedule, Server, StateDir, Token, Tracing};
use super::{raw, units};

/// Characters of the shortest token accepted; shorter ones are guessed.
const TOKEN_CHARS_MIN: usize = 8;

/// Checks in one configuration.
const CHECKS_MAX: usize = 100_000;

/// Resolves `raw`. The result counts only if `cx` has no faults afterwards.
pub(super) fn resolve(raw: &raw::File, cx: &mut Cx<'_>) -> Config {
    let server = server(&raw.server, &raw.metrics, cx);
    let plugins = plugins(&raw.plugins, cx);
    let state = state(&raw.state, &plugins.dir, cx);
    let schedule = schedule(&raw.schedule, cx);
    let egress = Egress { allow: networks(&raw.egress.allow, cx), deny: networks(&raw.egress.deny, cx) };
    let connections = connection::all(&raw.connections, cx);
    let queues = queue::all(raw, &connections, cx);
    let tracing = tracing(&raw.tracing, &connections, cx);
    let named_secrets = secret::all(&raw.secrets, cx);
    let heartbeats = names::heartbeats(&raw.heartbeats, !server.tokens.is_empty(), cx);
    let certificates = names::certificates(&raw.certificates, cx);
    let resolvers = names::resolvers(&raw.resolvers, cx);
    let limits = limits(&raw.limits, Limits::DEFAULT, cx);
    let declared = check::Declared { raw, connections: &connections };
    let defaults = check::defaults(declared, cx);
    if let Some(extra) = raw.check.get(CHECKS_MAX) {
        let place = extra.own.0.map(|id| cx.tree.node(id).place);
        cx.faults.push(Fault::at(place, format!("more than {CHECKS_MAX} checks")).help("run a second host"));
    }
    let base = check::Base { limits, defaults: &defaults, declared };
    let checks = check::all(&raw.check, &base, cx);
    let groups = check::groups(&raw.groups, &checks, cx);
    names::peers(raw, &checks, &groups, cx);
    Config {
        files: Vec::new(),
        fingerprint: Vec::new(),
        as_written: AsWritten { listen: server.listen, max_connections: server.max_connections },
        server,
        tracing,
        plugins,
        state,
        schedule,
        egress,
        connections,
        queues,
        named_secrets,
        heartbeats,
        certificates,
        resolvers,
        limits,
        defaults,
        checks,
        groups,
        peers_missing: Vec::new(),
        secrets: Secrets::default(),
        warnings: Vec::new(),
    }
}

fn server(raw: &raw::Server, metrics: &raw::Metrics, cx: &mut Cx<'_>) -> Server {
    let listen = listen(raw, cx);
    let shutdown_grace = raw.shutdown_grace.or(cx, Duration::from_secs(10));
    let drain_delay = raw.drain_delay.or(cx, Duration::ZERO);
    if let Some(id) = raw.drain_delay.id.filter(|_| drain_delay > shutdown_grace) {
        let grace = units::format_duration(shutdown_grace);
        let message = format!("`drain-delay` is longer than `shutdown-grace`, {grace}");
        cx.wrong(id, message, "draining is part of the grace: shorten the one or lengthen the other");
    }
    Server {
        listen,
        details: raw.details.or(cx, super::Details::default()),
        tokens: tokens(&raw.auth, cx),
        version: raw.version.read(cx),
        hosts: hosts(raw, cx),
        shutdown_grace,
        drain_delay,
        header_timeout: raw.header_timeout.or(cx, Duration::from_secs(5)),
        idle_timeout: raw.idle_timeout.or(cx, Duration::from_secs(60)),
        max_connections: narrow(raw.max_connections.or(cx, 1024)),
        metrics_max_checks: narrow(metrics.max_checks.or(cx, 2_000)),
        unhealthy_status: narrow(raw.unhealthy_status.or(cx, 503)),
        degraded_status: narrow(raw.degraded_status.or(cx, 200)),
    }
}

fn tracing(raw: &raw::Tracing, connections: &BTreeMap<String, Connection>, cx: &mut Cx<'_>) -> Tracing {
    let enabled = raw.enabled.or(cx, false);
    let collector = raw.collector.read(cx);
    if let (Some(name), Some(id)) = (&collector, raw.collector.id) {
        let help = "declare `[connections.otel]` with `url = \"http://127.0.0.1:4318/v1/traces\"`, and name it";
        match connections.get(name) {
            Some(Connection::Http(_)) if !enabled => {
                cx.wrong(id, "a collector, and no traces to send", "add `enabled = true`, or remove `collector`");
            }
            Some(Connection::Http(_)) => {}
            Some(_) => cx.wrong(id, format!("connection {} does not speak HTTP", cx.typed(id)), help),
            None => cx.wrong(id, format!("no connection is named {}", cx.typed(id)), help),
        }
    }
    Tracing { enabled, collector }
}

fn listen(raw: &raw::Server, cx: &mut Cx<'_>) -> SocketAddr {
    let default = SocketAddr::from(([127, 0, 0, 1], 8080));
    let (Some(text), Some(id)) = (raw.listen.read(cx), raw.listen.id) else { return default };
    text.parse().unwrap_or_else(|_| {
        let near = match text.strip_prefix("localhost:") {
            Some(port) => format!("127.0.0.1:{port}"),
            None if text.starts_with(':') => format!("0.0.0.0{text}"),
            None if text.parse::<u16>().is_ok() => format!("127.0.0.1:{text}"),
            None if text.parse::<std::net::IpAddr>().is_ok() => {
                SocketAddr::new(text.parse().unwrap_or(default.ip()), 8080).to_string()
            }
            None => default.to_string(),
        };
        let message = format!("{} is no address to listen on", cx.typed(id));
        cx.wrong(id, message, format!("write an IP address and a port, `{near}`"));
        default
    })
}

fn hosts(raw: &raw::Server, cx: &mut Cx<'_>) -> Vec<HostPattern> {
    let mut hosts = Vec::new();
    for At { value, id } in raw.hosts.read(cx).unwrap_or_default() {
        match HostPattern::parse(&value) {
            Ok(HostPattern::Network(_)) | Err(_) => {
                let message = format!("{} is no name of a host", cx.typed(id));
                cx.wrong(id, message, "write a name without a port, `health.example.com`, `*.example.com`, or `*`");
            }
            Ok(pattern) => hosts.push(pattern),
        }
    }
    hosts
}

fn tokens(raw: &raw::Auth, cx: &mut Cx<'_>) -> Vec<Token> {
    let mut tokens = Vec::new();
    for At { value, id } in raw.tokens.read(cx).unwrap_or_default() {
        tokens.push(token(value, id, cx));
    }
    tokens
}

fn token(value: String, id: NodeId, cx: &mut Cx<'_>) -> Token {
    if value.len() < TOKEN_CHARS_MIN || !value.bytes().all(|byte| byte.is_ascii_graphic()) {
        let message = format!("a token must have at least {TOKEN_CHARS_MIN} visible ASCII characters and no blanks");
        cx.wrong(id, message, "make one with `openssl rand -hex 16` and bring it in as `${PROBITY_TOKEN}`");
    }
    let token = Token::new(&value);
    cx.secrets.push(value);
    token
}

fn plugins(raw: &raw::Plugins, cx: &mut Cx<'_>) -> Plugins {
    let mut pins = BTreeMap::new();
    for (name, At { value, id }) in raw.pins.read(cx).unwrap_or_default() {
        if value.len() != 64 || !value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let message = format!("the pin of `{name}` is no SHA-256: 64 hexadecimal digits are");
            cx.wrong(id, message, format!("`sha256sum {name}.wasm` prints it"));
        }
        pins.insert(name, value.to_ascii_lowercase());
    }
    Plugins {
        dir: directory(&raw.dir, "plugins", cx),
        max_size: raw.max_size.or(cx, 64 << 20),
        rescan: raw.rescan.or(cx, Duration::from_secs(10)),
        settle: raw.settle.or(cx, Duration::from_millis(100)),
        removal_grace: raw.removal_grace.or(cx, Duration::from_secs(2)),
        compile_timeout: raw.compile_timeout.or(cx, Duration::from_secs(60)),
        compile_memory: raw.compile_memory.or(cx, 1 << 30),
        compile_concurrency: narrow(raw.compile_concurrency.or(cx, 2)),
        pins,
    }
}

fn state(raw: &raw::State, plugins: &Path, cx: &mut Cx<'_>) -> StateDir {
    let dir = directory(&raw.dir, ".probity", cx);
    if dir.starts_with(plugins) {
        let place = raw.dir.id.map(|id| cx.tree.node(id).place);
        let fault = Fault::at(place, "the state directory is inside the plugin directory");
        cx.faults
            .push(fault.help("who may write plugins must not be able to write compiled code: use another directory"));
    }
    StateDir { dir, cache: raw.cache.or(cx, true) }
}

fn directory(key: &super::decode::Key<super::leaf::Text>, default: &str, cx: &mut Cx<'_>) -> PathBuf {
    let text = key.or(cx, default.to_owned());
    if let Some(id) = key.id.filter(|_| text.is_empty()) {
        cx.wrong(id, "the path is empty", format!("name a directory, or leave the key out for `{default}`"));
    }
    cx.base_dir.join(text)
}

fn schedule(raw: &raw::Schedule, cx: &mut Cx<'_>) -> Schedule {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Schedule {
        concurrency: narrow(raw.concurrency.or(cx, 64)),
        concurrency_per_plugin: narrow(raw.concurrency_per_plugin.or(cx, 16)),
        waiting: narrow(raw.waiting.or(cx, 512)),
        waiting_memory: raw.waiting_memory.or(cx, 1 << 30),
        threads: raw.threads.read(cx).map_or(processors, narrow),
        backoff_max: raw.backoff_max.or(cx, Duration::from_secs(300)),
        history: narrow(raw.history.or(cx, 100)),
    }
}

fn networks(
    key: &super::decode::Key<super::leaf::List<super::leaf::Text, 1_000>>,
    cx: &mut Cx<'_>,
) -> Vec<ipnet::IpNet> {
    let mut networks = Vec::new();
    for At { value, id } in key.read(cx).unwrap_or_default() {
        let address = value.parse::<std::net::IpAddr>().map(ipnet::IpNet::from);
        match value.parse::<ipnet::IpNet>().or(address.map_err(|_| ())) {
            Ok(network) => networks.push(network.trunc()),
            Err(()) => {
                let message = format!("{} is no network", cx.typed(id));
                cx.wrong(id, message, "write an address with a prefix length, `10.1.0.0/16` or `fd00::/8`");
            }
        }
    }
    networks
}

/// What `raw` says over `base`.
fn limits(raw: &raw::Limits, base: Limits, cx: &mut Cx<'_>) -> Limits {
    Limits {
        fuel: raw.fuel.or(cx, base.fuel),
        timeout: raw.timeout.or(cx, base.timeout),
        memory: raw.memory.or(cx, base.memory),
        table_elements: raw.table_elements.or(cx, base.table_elements),
        instances: raw.instances.read(cx).map_or(base.instances, narrow),
        handles: raw.handles.read(cx).map_or(base.handles, narrow),
        hostcall_bytes: raw.hostcall_bytes.or(cx, base.hostcall_bytes),
        host_calls: raw.host_calls.read(cx).map_or(base.host_calls, narrow),
        log_lines: raw.log_lines.read(cx).map_or(base.log_lines, narrow),
        log_bytes: raw.log_bytes.read(cx).map_or(base.log_bytes, narrow),
        outcome_bytes: raw.outcome_bytes.read(cx).map_or(base.outcome_bytes, narrow),
        message_bytes: raw.message_bytes.read(cx).map_or(base.message_bytes, narrow),
        measurements: raw.measurements.read(cx).map_or(base.measurements, narrow),
        response_bytes: raw.response_bytes.or(cx, base.response_bytes),
        sockets: raw.sockets.read(cx).map_or(base.sockets, narrow),
        state_bytes: raw.state_bytes.read(cx).map_or(base.state_bytes, narrow),
        runs_per_instance: raw.runs_per_instance.read(cx).map_or(base.runs_per_instance, narrow),
    }
}

/// A number whose bounds in `raw` fit `T`.
fn narrow<T: TryFrom<u64>>(value: u64) -> T {
    T::try_from(value).ok().expect("the bounds of keys fit their types")
}
