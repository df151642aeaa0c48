//! `[heartbeats]`, `[certificates]`, `[resolvers]` and peers: what grants name beside connections.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use probity_core::check::Capability;

use super::{narrow, token};
use crate::cx::{At, Cx};
use crate::decode::Own;
use crate::errors::{Fault, listed, nearest};
use crate::grants::PeerGrant;
use crate::tree::NodeId;
use crate::valid::{Check, Group, Heartbeat};
use crate::{is_name, raw};

/// The port of name servers.
const DNS_PORT: u16 = 53;

/// Heartbeats of one host: each has a history in memory and series in the metrics.
const HEARTBEATS_MAX: usize = 1_000;

/// `open` says whether a token opens all of them.
pub(super) fn heartbeats(
    raw: &BTreeMap<String, raw::Heartbeat>,
    open: bool,
    cx: &mut Cx<'_>,
) -> BTreeMap<String, Heartbeat> {
    let mut heartbeats = BTreeMap::new();
    for (name, raw) in raw {
        let Some(own) = named("heartbeat", name, &raw.own, cx) else { continue };
        if heartbeats.len() == HEARTBEATS_MAX {
            let place = cx.tree.node(own).key;
            let fault = Fault::at(place, format!("more than {HEARTBEATS_MAX} heartbeats"));
            cx.faults.push(fault.help("run a second host"));
            break;
        }
        let token = raw.token.read(cx).zip(raw.token.id).map(|(value, id)| token(value, id, cx));
        if token.is_none() && !open {
            let origin = cx.origin(cx.tree.node(own).place);
            cx.warnings.push(format!(
                "{origin}: heartbeat `{name}`: nobody may report without a `token` or `server.auth.tokens`"
            ));
        }
        heartbeats.insert(name.clone(), Heartbeat { history: narrow(raw.history.or(cx, 20)), token });
    }
    heartbeats
}

pub(super) fn certificates(raw: &BTreeMap<String, raw::Certificates>, cx: &mut Cx<'_>) -> BTreeMap<String, PathBuf> {
    let mut certificates = BTreeMap::new();
    for (name, raw) in raw {
        let Some(own) = named("set of certificates", name, &raw.own, cx) else { continue };
        match raw.file.read(cx).filter(|file| !file.is_empty()) {
            Some(file) => drop(certificates.insert(name.clone(), cx.base_dir.join(file))),
            None => missing(own, raw.file.id, ("certificate", name, "file"), "file = \"/etc/ssl/gateway.pem\"", cx),
        }
    }
    certificates
}

pub(super) fn resolvers(raw: &BTreeMap<String, raw::Resolver>, cx: &mut Cx<'_>) -> BTreeMap<String, SocketAddr> {
    let mut resolvers = BTreeMap::new();
    for (name, raw) in raw {
        let Some(own) = named("resolver", name, &raw.own, cx) else { continue };
        let (Some(text), Some(id)) = (raw.address.read(cx), raw.address.id) else {
            missing(own, raw.address.id, ("resolver", name, "address"), "address = \"10.0.0.53\"", cx);
            continue;
        };
        let address = text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, DNS_PORT));
        match text.parse::<SocketAddr>().ok().or(address.ok()).filter(|address| address.port() != 0) {
            Some(address) => drop(resolvers.insert(name.clone(), address)),
            None => {
                let message = format!("{} is no address of a name server", cx.typed(id));
                cx.wrong(
                    id,
                    message,
                    "write an IP address, with a port unless it is 53: `10.0.0.53`, `[fd00::53]:5353`",
                );
            }
        }
    }
    resolvers
}

/// Notes a table without the key that says what it stands for; one whose value was wrong has been noted.
fn missing(own: NodeId, id: Option<NodeId>, (what, name, key): (&str, &str, &str), example: &str, cx: &mut Cx<'_>) {
    match id {
        None => {
            let fault = Fault::at(cx.tree.node(own).place, format!("{what} `{name}` without `{key}`"));
            cx.faults.push(fault.help(format!("say it: `{example}`")));
        }
        Some(id) if cx.text(id).is_some_and(|text| text.is_empty()) => {
            cx.wrong(id, format!("`{key}` is empty"), format!("write `{example}`"));
        }
        Some(_) => {}
    }
}

fn named(what: &str, name: &str, own: &Own, cx: &mut Cx<'_>) -> Option<NodeId> {
    let own = own.0?;
    if !is_name(name) {
        let help = "use lower-case letters, digits, `-`, `_` and `.`, starting with a letter or digit";
        cx.faults.push(Fault::at(cx.tree.node(own).key, format!("`{name}` is no name for a {what}")).help(help));
    }
    Some(own)
}

/// Notes grants for groups that no check is in. Those for checks that are not declared are kept by name: a plugin of that
/// name would make one.
pub(super) fn peers(
    raw: &raw::File,
    checks: &BTreeMap<String, Check>,
    groups: &BTreeMap<String, Group>,
    cx: &mut Cx<'_>,
) {
    let all = std::iter::once(&raw.defaults.grants).chain(raw.check.iter().map(|check| &check.grants));
    for key in all.map(|grants| &grants.peers) {
        for At { value, id } in key.read(cx).unwrap_or_default() {
            let place = cx.tree.node(id).place;
            match PeerGrant::parse(&value) {
                Ok(PeerGrant::Group(name)) if !groups.contains_key(&name) => {
                    let hint = hint(&name, groups.keys().map(String::as_str));
                    let help = format!("{hint}a check joins one with `groups = [\"NAME\"]`");
                    cx.faults.push(Fault::at(place, format!("no check is in group `{name}`")).help(help));
                }
                Ok(PeerGrant::Check(name)) if !checks.contains_key(&name) => {
                    let hint = hint(&name, checks.keys().map(String::as_str));
                    let help = format!("{hint}declare it as `[[check]]`, or copy a plugin of that name in");
                    cx.peers_missing
                        .push((name.clone(), Fault::at(place, format!("no check is named `{name}`")).help(help)));
                }
                // What cannot be read was noted with the other grants.
                _ => {}
            }
        }
    }
}

/// What there is instead of `name`.
fn hint<'a>(name: &str, names: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(name, names.clone()) {
        Some(near) => format!("did you mean `{near}`? "),
        None if names.clone().next().is_none() => String::new(),
        None => format!("there are {}. ", listed(names.take(10))),
    }
}

/// A table of the configuration whose entries grants name.
#[derive(Clone, Copy)]
pub(super) enum Table {
    Heartbeats,
    Certificates,
    Resolvers,
}

/// What of those tables a grant names.
pub(super) fn named_by(capability: Capability, grant: &str) -> Option<(Table, &str)> {
    match capability {
        Capability::Heartbeats => Some((Table::Heartbeats, grant)),
        Capability::Tls => grant.strip_prefix("certificate:").map(|name| (Table::Certificates, name)),
        Capability::Dns => grant.strip_prefix("resolver:").map(|name| (Table::Resolvers, name)),
        _ => None,
    }
}

/// Notes a grant for something that is not declared.
pub(super) fn must_exist(table: Table, name: &str, id: NodeId, raw: &raw::File, cx: &mut Cx<'_>) {
    let (what, key, names): (_, _, Vec<&String>) = match table {
        Table::Heartbeats => ("heartbeat", "heartbeats", raw.heartbeats.keys().collect()),
        Table::Certificates => ("certificate", "certificates", raw.certificates.keys().collect()),
        Table::Resolvers => ("resolver", "resolvers", raw.resolvers.keys().collect()),
    };
    if names.iter().any(|known| *known == name) {
        return;
    }
    let names = || names.iter().map(|name| name.as_str());
    let hint = hint(name, names());
    let message = format!("{} names no {what} of the configuration", cx.typed(id));
    cx.wrong(id, message, format!("{hint}declare it as `[{key}.NAME]`"));
}
