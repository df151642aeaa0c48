//! The board as checks see it that look at others.

use std::sync::Arc;

use probity_core::check::{Peer, PeerSource};
use probity_core::clock::unix_ms;

use super::{Board, Slot};

impl PeerSource for Board {
    fn groups(&self, name: &str) -> Option<Vec<Arc<str>>> {
        Some(self.slot(name)?.planned().groups.iter().cloned().collect())
    }

    fn peer(&self, name: &str) -> Option<Peer> {
        Some(peer(&*self.slot(name)?, unix_ms()))
    }

    fn group(&self, group: &str) -> Vec<Peer> {
        let now = unix_ms();
        let index = self.index();
        let members = index.checks.values().filter(|slot| slot.planned().groups.contains(group));
        members.take(PEERS_MAX).map(|slot| peer(slot, now)).collect()
    }
}

/// Members of a group that a check sees: with their messages they have to fit into its memory.
const PEERS_MAX: usize = 1_000;

fn peer(slot: &Slot, now_unix_ms: u64) -> Peer {
    let (planned, view) = (slot.planned(), slot.view());
    let age_ms = view.age_ms(now_unix_ms).unwrap_or(0);
    Peer {
        name: Arc::clone(&planned.name),
        status: view.status,
        message: view.message().to_owned(),
        at_unix_ms: view.run.as_ref().map_or(0, |run| run.started_unix_ms),
        stale: u128::from(age_ms) > planned.stale_after.as_millis(),
    }
}
