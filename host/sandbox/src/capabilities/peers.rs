//! `peers`: the latest results of other checks.

use probity_config::Grants;
use probity_core::check::{Capability, Peer, Status};
use probity_drivers::{CallError, ErrorKind};

use super::bindings::probity::check::peers::{Host, Snapshot};
use super::bindings::probity::check::types;
use super::{HostError, HostState};

impl Host for HostState {
    fn latest(&mut self, check_id: String) -> Result<Snapshot, HostError> {
        self.call_now(Capability::Peers, "latest", &check_id, |host| host.latest_of(&check_id).map(snapshot))
    }

    fn by_tag(&mut self, tag: String) -> Result<Vec<(String, Snapshot)>, HostError> {
        self.call_now(Capability::Peers, "by-tag", &tag, |host| {
            if !host.env.grants.peers.iter().any(|grant| grant.allows_group(&tag)) {
                return Err(denied(&format!("group {tag}"), &format!("group:{tag}")));
            }
            let peers = host.env.services.peers.source().map(|source| source.group(&tag)).unwrap_or_default();
            let others = peers.into_iter().filter(|peer| peer.name != host.env.name);
            Ok(others.map(|peer| (peer.name.to_string(), snapshot(peer))).collect())
        })
    }
}

impl HostState {
    fn latest_of(&self, name: &str) -> Result<Peer, CallError> {
        let source = self.env.services.peers.source();
        let groups = source.as_ref().and_then(|source| source.groups(name)).unwrap_or_default();
        let groups = || groups.iter().map(|group| &**group);
        if !self.env.grants.peers.iter().any(|grant| grant.allows_check(name, groups())) {
            return Err(denied(&format!("check {name}"), name));
        }
        if name == &*self.env.name {
            return Err(CallError::new(ErrorKind::NotFound, "a check does not see itself"));
        }
        let missing = || CallError::new(ErrorKind::NotFound, format!("no check is called {name}"));
        source.and_then(|source| source.peer(name)).ok_or_else(missing)
    }
}

fn denied(what: &str, grant: &str) -> CallError {
    let line = Grants::line_for(Capability::Peers, grant);
    CallError::new(ErrorKind::Denied, format!("{what} is not granted to this check; to allow it, add: {line}"))
}

/// A status as guests are told it.
pub const fn told(status: Status) -> Option<types::Status> {
    match status {
        Status::Healthy => Some(types::Status::Healthy),
        Status::Degraded => Some(types::Status::Degraded),
        Status::Unhealthy => Some(types::Status::Unhealthy),
        Status::Unknown => None,
    }
}

fn snapshot(peer: Peer) -> Snapshot {
    Snapshot { status: told(peer.status), message: peer.message, at_unix_ms: peer.at_unix_ms, stale: peer.stale }
}
