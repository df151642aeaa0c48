//! `[[check]]`, `[defaults]` and `[groups]`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use probity_core::check::{Capability, OnUnknown, Probe, Severity, Window};

use super::{names, narrow};
use crate::cx::{At, Cx};
use crate::errors::{Fault, listed, nearest};
use crate::grants::Grants;
use crate::limits::Limits;
use crate::tree::{NodeId, Value};
use crate::valid::{Check, Connection, Cron, Defaults, Group, Places, Timing};
use crate::{is_name, raw, units};

/// What grants may name.
#[derive(Clone, Copy)]
pub(super) struct Declared<'a> {
    /// As typed: what is declared wrongly is declared all the same.
    pub(super) raw: &'a raw::File,
    pub(super) connections: &'a BTreeMap<String, Connection>,
}

/// Names that `/health/NAME` already gives another meaning.
const GROUPS_TAKEN: [&str; 3] = ["live", "ready", "startup"];

/// Characters of a plugin's name.
const PLUGIN_CHARS_MAX: usize = 128;

/// What a check falls back to.
pub(super) struct Base<'a> {
    pub(super) limits: Limits,
    pub(super) defaults: &'a Defaults,
    pub(super) declared: Declared<'a>,
}

pub(super) fn defaults(declared: Declared<'_>, cx: &mut Cx<'_>) -> Defaults {
    let timeout_is_set = declared.raw.limits.timeout.id.is_some();
    let raw = &declared.raw.defaults;
    let probes = raw.probes.read(cx);
    if let Some(live) = probes.iter().flatten().find(|probe| probe.value == Probe::Live) {
        let help = "a failing liveness probe restarts the service: name `live` in the `[[check]]` that shall do that";
        cx.wrong(live.id, "`live` is not allowed in `[defaults]`", help);
    }
    Defaults {
        every: raw.every.or(cx, Duration::from_secs(30)),
        probes: probes.map(set),
        grants: grants(&raw.grants, declared, cx),
        severity: raw.severity.or(cx, Severity::default()),
        unhealthy_after: raw.unhealthy_after.or(cx, Window::consecutive(1)),
        healthy_after: narrow(raw.healthy_after.or(cx, 1)),
        on_unknown: raw.on_unknown.or(cx, OnUnknown::default()),
        timeout_is_set,
    }
}

pub(super) fn all(raw: &[raw::Check], base: &Base<'_>, cx: &mut Cx<'_>) -> BTreeMap<String, Check> {
    let mut checks = BTreeMap::new();
    let mut first: BTreeMap<String, NodeId> = BTreeMap::new();
    for raw in raw {
        let check = one(raw, base, cx);
        let Some(id) = raw.name.id else { continue };
        if let Some(before) = first.get(&check.name).filter(|_| !check.name.is_empty()) {
            let fault = Fault::at(cx.tree.node(id).place, format!("check `{}` is declared twice", check.name))
                .also(cx.tree.node(*before).place, "first declared here")
                .help("give one of them another `name`; both may share a `plugin`");
            cx.faults.push(fault);
            continue;
        }
        first.insert(check.name.clone(), id);
        checks.insert(check.name.clone(), check);
    }
    checks
}

fn one(raw: &raw::Check, base: &Base<'_>, cx: &mut Cx<'_>) -> Check {
    let name = name(raw, cx);
    let plugin = plugin(raw, cx).unwrap_or_else(|| name.clone());
    let timing = timing(raw, cx);
    let limits = limits(raw, base.limits, cx);
    let origin = origin(raw.own.0, cx);
    let stale_after = raw.stale_after.read(cx);
    if let Some(Timing::Every(every)) = timing {
        spans(raw, &origin, &name, (every, limits.timeout, stale_after), cx);
    }
    let config = raw.config.or(cx, serde_json::Value::Object(serde_json::Map::new()));
    Check {
        plugin,
        timing,
        severity: raw.severity.or(cx, base.defaults.severity),
        probes: raw.probes.read(cx).map(set),
        groups: raw.groups.read(cx).unwrap_or_default().into_iter().map(|group| group_name(group, cx)).collect(),
        // Whoever says anything of grants, even that there are none, says all of it.
        grants: match raw.grants.own.0 {
            Some(_) => grants(&raw.grants, base.declared, cx),
            None => Arc::clone(&base.defaults.grants),
        },
        limits,
        timeout_is_set: base.defaults.timeout_is_set || raw.timeout.id.is_some() || raw.limits.timeout.id.is_some(),
        unhealthy_after: raw.unhealthy_after.or(cx, base.defaults.unhealthy_after),
        healthy_after: raw.healthy_after.read(cx).map_or(base.defaults.healthy_after, narrow),
        on_unknown: raw.on_unknown.or(cx, base.defaults.on_unknown),
        stale_after,
        places: places(raw.config.id, cx),
        config,
        origin,
        name,
    }
}

/// The lines of the keys below `config`.
fn places(config: Option<NodeId>, cx: &Cx<'_>) -> Places {
    let mut lines = Vec::new();
    let mut open: Vec<(String, NodeId, bool)> = config.map(|id| (String::new(), id, false)).into_iter().collect();
    while let Some((pointer, id, is_element)) = open.pop() {
        let node = cx.tree.node(id);
        match &node.value {
            Value::Table(table) => {
                let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
                open.extend(table.iter().map(|(key, id)| (format!("{pointer}/{}", escaped(key)), *id, false)));
            }
            Value::Array(array) => {
                open.extend(array.iter().enumerate().map(|(at, id)| (format!("{pointer}/{at}"), *id, true)));
            }
            _ => {}
        }
        // An array's element stands where it stands, anything else where its key does.
        lines.push((pointer.into(), cx.line(if is_element { node.place } else { node.key })));
    }
    Places::new(lines)
}

fn name(raw: &raw::Check, cx: &mut Cx<'_>) -> String {
    let Some(id) = raw.name.id else {
        let place = raw.own.0.map(|id| cx.tree.node(id).place);
        let help = "give it one: `name = \"orders-backlog\"`; answers and metrics show it";
        cx.faults.push(Fault::at(place, "a check without `name`").help(help));
        return String::new();
    };
    let Some(name) = raw.name.read(cx) else { return String::new() };
    if !is_name(&name) {
        let message = format!("{} is no name for a check", cx.typed(id));
        cx.wrong(id, message, NAME_HELP);
    }
    name
}

const NAME_HELP: &str =
    "use lower-case letters, digits, `-`, `_` and `.`, starting with a letter or digit; at most 63 of them";

fn plugin(raw: &raw::Check, cx: &mut Cx<'_>) -> Option<String> {
    let plugin = raw.plugin.read(cx)?;
    let id = raw.plugin.id?;
    if let Some(stem) = plugin.strip_suffix(".wasm") {
        let stem = stem.rsplit(['/', '\\']).next().unwrap_or(stem);
        cx.wrong(id, "`plugin` is a file name without `.wasm`", format!("write `plugin = \"{stem}\"`"));
    } else if plugin.is_empty() || plugin.chars().count() > PLUGIN_CHARS_MAX || plugin.contains(['/', '\\', '\0']) {
        let message = format!("{} is no name of a plugin", cx.typed(id));
        cx.wrong(id, message, "write the name of a file in `plugins.dir`, without directory and without `.wasm`");
    }
    Some(plugin)
}

fn timing(raw: &raw::Check, cx: &mut Cx<'_>) -> Option<Timing> {
    let every = raw.every.read(cx);
    if let (Some(every), Some(cron)) = (raw.every.id, raw.cron.id) {
        let fault = Fault::at(cx.tree.node(cron).key, "both `every` and `cron` are set")
            .also(cx.tree.node(every).key, "`every` is set here")
            .help("keep the one that says when the check is due");
        cx.faults.push(fault);
    }
    if let (Some(id), None) = (raw.timezone.id, raw.cron.id) {
        cx.wrong(id, "`timezone` without `cron`", "only cron expressions have a time zone; remove it or add `cron`");
    }
    match cron(raw, cx) {
        Some(cron) => Some(Timing::Cron(Box::new(cron))),
        None => every.map(Timing::Every),
    }
}

fn cron(raw: &raw::Check, cx: &mut Cx<'_>) -> Option<Cron> {
    const HELP: &str = "five fields, minute hour day month weekday (`*/5 * * * *`), or six with seconds first";
    let zone = zone(raw, cx);
    let text = raw.cron.read(cx)?;
    let id = raw.cron.id?;
    let parser = croner::parser::CronParser::builder().year(croner::parser::Year::Disallowed).build();
    // croner's parser allocates per field; a pattern is never this long.
    let pattern = match parser.parse(&text.chars().take(200).collect::<String>()) {
        Ok(pattern) if text.len() <= 200 => pattern,
        Ok(_) => {
            cx.wrong(id, "the cron expression is longer than 200 characters", HELP);
            return None;
        }
        Err(error) => {
            let message = format!("{} is no cron expression{}", cx.typed(id), cx.detail(id, error));
            cx.wrong(id, message, HELP);
            return None;
        }
    };
    let start = jiff::civil::date(2026, 1, 1).at(0, 0, 0, 0);
    if pattern.find_next_occurrence(&start, true).is_err() {
        let message = format!("{} is never due", cx.typed(id));
        cx.wrong(id, message, "no date has that day, month and weekday: widen one of them");
    }
    Some(Cron { text, zone, pattern })
}

fn zone(raw: &raw::Check, cx: &mut Cx<'_>) -> jiff::tz::TimeZone {
    let (Some(name), Some(id)) = (raw.timezone.read(cx), raw.timezone.id) else { return jiff::tz::TimeZone::UTC };
    jiff::tz::TimeZone::get(&name).unwrap_or_else(|_| {
        let message = format!("{} is no time zone known to this machine", cx.typed(id));
        cx.wrong(id, message, "write an IANA name such as `Europe/Berlin`; install `tzdata` if the machine has none");
        jiff::tz::TimeZone::UTC
    })
}

/// Checks how `every`, `timeout` and `stale-after` stand to each other.
fn spans(
    raw: &raw::Check,
    origin: &str,
    name: &str,
    (every, timeout, stale_after): (Duration, Duration, Option<Duration>),
    cx: &mut Cx<'_>,
) {
    let every_text = units::format_duration(every);
    if timeout > every {
        let timeout = units::format_duration(timeout);
        cx.warnings.push(format!(
            "{origin}: check `{name}` may take {timeout} but is due every {every_text}: slow runs will skip their turn"
        ));
    }
    if let (Some(id), true) = (raw.stale_after.id, stale_after.is_some_and(|stale| stale < every)) {
        let message = format!("`stale-after` is shorter than `every`, {every_text}");
        cx.wrong(id, message, "every result would go stale before the next: use at least twice `every`");
    }
}

fn limits(raw: &raw::Check, base: Limits, cx: &mut Cx<'_>) -> Limits {
    let below = super::limits(&raw.limits, base, cx);
    let pairs = [
        (raw.timeout.id, raw.limits.timeout.id),
        (raw.memory.id, raw.limits.memory.id),
        (raw.fuel.id, raw.limits.fuel.id),
    ];
    for pair in pairs {
        if let (Some(flat), Some(nested)) = pair {
            let node = cx.tree.node(nested);
            let fault = Fault::at(node.key, format!("`{}` is set twice for this check", node.name))
                .also(cx.tree.node(flat).key, "first set here")
                .help("keep the one in `[[check]]`");
            cx.faults.push(fault);
        }
    }
    Limits {
        timeout: raw.timeout.or(cx, below.timeout),
        memory: raw.memory.or(cx, below.memory),
        fuel: raw.fuel.or(cx, below.fuel),
        ..below
    }
}

fn grants(raw: &raw::Grants, declared: Declared<'_>, cx: &mut Cx<'_>) -> Arc<Grants> {
    static NONE: LazyLock<Arc<Grants>> = LazyLock::new(Arc::default);
    let mut grants = Grants::default();
    for (capability, key) in [
        (Capability::Http, &raw.http),
        (Capability::Tcp, &raw.tcp),
        (Capability::Udp, &raw.udp),
        (Capability::Tls, &raw.tls),
        (Capability::Dns, &raw.dns),
        (Capability::Sql, &raw.sql),
        (Capability::Redis, &raw.redis),
        (Capability::Queue, &raw.queue),
        (Capability::Secrets, &raw.secrets),
        (Capability::System, &raw.system),
        (Capability::Heartbeats, &raw.heartbeats),
        (Capability::Peers, &raw.peers),
    ] {
        for At { value, id } in key.read(cx).unwrap_or_default() {
            if let Err(why) = grants.add(capability, &value) {
                unusable(id, why, cx);
            } else if let Some((table, name)) = names::named_by(capability, &value) {
                names::must_exist(table, name, id, declared.raw, cx);
            } else if let Some(name) = connection_of(capability, &value) {
                match declared.connections.get(name) {
                    None if !declared.raw.connections.contains_key(name) => undeclared(name, id, declared, cx),
                    Some(other) if other.capability() != Some(capability) => {
                        let message = format!("connection `{name}` is not one for `{}`", capability.as_str());
                        let help = match other.capability() {
                            Some(right) => format!("its URL makes it one for `{}`", right.as_str()),
                            None => "its URL makes it a broker: declare `[queues.NAME]`, and grant `queue`".to_owned(),
                        };
                        cx.wrong(id, message, help);
                    }
                    _ => {}
                }
            } else if let Some((table, names)) = named_of(capability, declared.raw) {
                let name = value.split_once(':').map_or(value.as_str(), |(name, _)| name);
                if !names.contains(&name) {
                    unnamed((table, capability), name, id, &names, cx);
                }
            }
        }
    }
    if grants == Grants::default() { Arc::clone(&NONE) } else { Arc::new(grants) }
}

/// The table that grants of `capability` name entries of, connections aside, with the names in it.
fn named_of(capability: Capability, raw: &raw::File) -> Option<(&'static str, Vec<&str>)> {
    match capability {
        Capability::Queue => Some(("queues", raw.queues.keys().map(String::as_str).collect())),
        Capability::Secrets => Some(("secrets", raw.secrets.keys().map(String::as_str).collect())),
        _ => None,
    }
}

fn unnamed((table, capability): (&str, Capability), name: &str, id: NodeId, names: &[&str], cx: &mut Cx<'_>) {
    let hint = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? "),
        None if names.is_empty() => String::new(),
        None => format!("there are {}. ", listed(names.iter().copied().take(10))),
    };
    let message = format!("`{}` grants {}, which is not declared", capability.as_str(), cx.typed(id));
    cx.wrong(id, message, format!("{hint}declare it as `[{table}.NAME]`"));
}

/// The connection that a grant names.
fn connection_of(capability: Capability, grant: &str) -> Option<&str> {
    match capability {
        Capability::Http => (!grant.contains("://")).then_some(grant),
        Capability::Sql | Capability::Redis => Some(grant.split_once(':').map_or(grant, |(name, _)| name)),
        _ => None,
    }
}

fn unusable(id: NodeId, why: String, cx: &mut Cx<'_>) {
    let name = cx.tree.node(id).name.clone();
    let message = match cx.detail(id, why).strip_prefix(": ") {
        Some(why) => why.to_owned(),
        None => format!("{} cannot be granted for `{name}`", cx.typed(id)),
    };
    cx.wrong(id, message, "docs/configuration.md lists the forms under `grants`");
}

fn undeclared(name: &str, id: NodeId, declared: Declared<'_>, cx: &mut Cx<'_>) {
    let connections = &declared.raw.connections;
    let names = || connections.keys().map(String::as_str);
    let hint = match nearest(name, names()) {
        Some(near) => format!("did you mean `{near}`? "),
        None if connections.is_empty() => String::new(),
        None => format!("there are {}. ", listed(names().take(10))),
    };
    let message = format!("no connection is named {}", cx.typed(id));
    cx.wrong(id, message, format!("{hint}declare it as `[connections.NAME]`, or grant a URL: `https://NAME/*`"));
}

pub(super) fn groups(
    raw: &BTreeMap<String, raw::Group>,
    checks: &BTreeMap<String, Check>,
    cx: &mut Cx<'_>,
) -> BTreeMap<String, Group> {
    let used: BTreeSet<&String> = checks.values().flat_map(|check| &check.groups).collect();
    let mut groups: BTreeMap<String, Group> = used.iter().map(|name| ((*name).clone(), Group::default())).collect();
    for (name, group) in raw {
        let Some(id) = group.own.0 else { continue };
        if matches!(cx.tree.node(id).value, Value::Broken) {
            continue;
        }
        if !is_group(name) {
            let place = cx.tree.node(id).key;
            cx.faults.push(Fault::at(place, format!("`{name}` is no name for a group")).help(group_help(name)));
        }
        if !used.contains(name) {
            cx.warnings.push(format!("{}: no check is in group `{name}`", origin(Some(id), cx)));
        }
        groups.insert(name.clone(), Group { description: group.description.read(cx) });
    }
    groups
}

fn group_name(group: At<String>, cx: &mut Cx<'_>) -> String {
    if !is_group(&group.value) {
        let message = format!("{} is no name for a group", cx.typed(group.id));
        cx.wrong(group.id, message, group_help(&group.value));
    }
    group.value
}

fn is_group(name: &str) -> bool {
    is_name(name) && !GROUPS_TAKEN.contains(&name)
}

fn group_help(name: &str) -> &'static str {
    if GROUPS_TAKEN.contains(&name) {
        "that is a probe's name: use `probes`, or call the group otherwise"
    } else {
        NAME_HELP
    }
}

fn set<T: Ord>(list: Vec<At<T>>) -> BTreeSet<T> {
    list.into_iter().map(|at| at.value).collect()
}

/// `probity.toml:12`
fn origin(own: Option<NodeId>, cx: &Cx<'_>) -> String {
    own.map(|id| cx.origin(cx.tree.node(id).place)).unwrap_or_default()
}
