//! What one check may learn of another.

use std::sync::Arc;

use super::Status;

/// The latest result of a check, as its peers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The check's name.
    pub name: Arc<str>,
    /// Its status now, after its thresholds.
    pub status: Status,
    /// The one line to show.
    pub message: String,
    /// When the latest run started, milliseconds since the Unix epoch; 0 before the first.
    pub at_unix_ms: u64,
    /// Whether that run is older than the check's own limit.
    pub stale: bool,
}

/// Whoever knows the latest results. A trait only so that capabilities do not name the board.
pub trait PeerSource: Send + Sync {
    /// The groups of a check; none when there is no such check.
    fn groups(&self, name: &str) -> Option<Vec<Arc<str>>>;

    /// The latest result of a check.
    fn peer(&self, name: &str) -> Option<Peer>;

    /// Those of every check in `group`, in order of names.
    fn group(&self, group: &str) -> Vec<Peer>;
}
