//! The fakes of `tls`, `dns`, `heartbeats` and `peers`: what the test said, by name.

use std::collections::BTreeMap;

use super::host;
use crate::dns::Answer;
use crate::heartbeats::{Beat, OpenRun};
use crate::peers::Snapshot;
use crate::tls::{Certificate, TlsInfo};
use crate::{Error, ErrorKind};

/// What those capabilities know.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// By `host:port`, or `host:port/server-name`; ` trusting NAME` may follow.
    pub(crate) tls: BTreeMap<String, Result<TlsInfo, Error>>,
    pub(crate) certificates: BTreeMap<String, Result<Vec<Certificate>, Error>>,
    /// By `TYPE name`, or `TYPE name @server`.
    pub(crate) dns: BTreeMap<String, Result<Vec<Answer>, Error>>,
    /// The newest first; their age is counted from `at_unix_ms`.
    pub(crate) heartbeats: BTreeMap<String, Result<Vec<Beat>, Error>>,
    pub(crate) open_runs: BTreeMap<String, Vec<OpenRun>>,
    pub(crate) peers: BTreeMap<String, Result<Snapshot, Error>>,
    /// Names of peers, by group.
    pub(crate) groups: BTreeMap<String, Vec<String>>,
}

pub(crate) fn tls_inspect(name: &str, port: u16, server_name: Option<&str>) -> Result<TlsInfo, Error> {
    let target = format!("{name}:{port}{}", server_name.map(|name| format!("/{name}")).unwrap_or_default());
    inspect(&target)
}

fn inspect(target: &str) -> Result<TlsInfo, Error> {
    let found = host::fake(|fake| fake.names.tls.get(target).cloned());
    found.unwrap_or_else(|| Err(Error::new(ErrorKind::Refused, format!("the test host has nothing at {target}"))))
}

pub(crate) fn tls_inspect_trusting(
    name: &str,
    port: u16,
    server_name: Option<&str>,
    authority: &str,
) -> Result<TlsInfo, Error> {
    let target = format!("{name}:{port}{}", server_name.map(|name| format!("/{name}")).unwrap_or_default());
    inspect(&format!("{target} trusting {authority}"))
}

pub(crate) fn tls_inspect_named(name: &str) -> Result<Vec<Certificate>, Error> {
    let found = host::fake(|fake| fake.names.certificates.get(name).cloned());
    found.unwrap_or_else(|| Err(host::no_such("certificate", name)))
}

pub(crate) fn dns_resolve(name: &str, record_type: &str, server: Option<&str>) -> Result<Vec<Answer>, Error> {
    let question = format!("{record_type} {name}{}", server.map(|server| format!(" @{server}")).unwrap_or_default());
    let found = host::fake(|fake| fake.names.dns.get(&question).cloned());
    found.unwrap_or_else(|| {
        let code = Some("NXDOMAIN".to_owned());
        Err(Error { code, ..Error::new(ErrorKind::Dns, format!("the test host does not know {question:?}")) })
    })
}

pub(crate) fn heartbeat_last(name: &str) -> Result<Option<Beat>, Error> {
    Ok(heartbeat_recent(name, 1)?.pop())
}

pub(crate) fn heartbeat_recent(name: &str, max: u32) -> Result<Vec<Beat>, Error> {
    let (found, now) = host::fake(|fake| (fake.names.heartbeats.get(name).cloned(), fake.now_unix_ms));
    let mut beats = found.unwrap_or_else(|| Err(host::no_such("heartbeat", name)))?;
    beats.truncate(max as usize);
    for beat in &mut beats {
        beat.age_ms = now.saturating_sub(beat.at_unix_ms);
    }
    Ok(beats)
}

pub(crate) fn heartbeat_open(name: &str) -> Result<Vec<OpenRun>, Error> {
    heartbeat_recent(name, 0)?;
    let (found, now) = host::fake(|fake| (fake.names.open_runs.get(name).cloned(), fake.now_unix_ms));
    let mut runs = found.unwrap_or_default();
    for run in &mut runs {
        run.age_ms = now.saturating_sub(run.started_unix_ms);
    }
    Ok(runs)
}

pub(crate) fn peer_latest(id: &str) -> Result<Snapshot, Error> {
    let found = host::fake(|fake| fake.names.peers.get(id).filter(|_| fake.check_id != id).cloned());
    found.unwrap_or_else(|| Err(host::no_such("check", id)))
}

pub(crate) fn peers_by_tag(tag: &str) -> Result<Vec<(String, Snapshot)>, Error> {
    let (names, own) = host::fake(|fake| (fake.names.groups.get(tag).cloned(), fake.check_id.clone()));
    let names = names.unwrap_or_default().into_iter().filter(|name| *name != own);
    names.map(|name| peer_latest(&name).map(|peer| (name, peer))).collect()
}
