//! The latest results of other checks. The grant lists checks and groups; a
//! check never sees itself.

use crate::{Error, Status, host};

/// What another check concluded last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Its status; `None` while it is `unknown`.
    pub status: Option<Status>,
    /// Its message.
    pub message: String,
    /// When its latest run started, in milliseconds since 1970; 0 before the first.
    pub at_unix_ms: u64,
    /// Whether that is longer ago than the check's own limit.
    pub stale: bool,
}

/// The latest result of the check `id`.
///
/// # Errors
/// An [`Error`]: denied, not-found when there is no such check.
pub fn latest(id: &str) -> Result<Snapshot, Error> {
    host::peer_latest(id)
}

/// Name and latest result of each check in the group `tag`, in order of names.
///
/// # Errors
/// An [`Error`], for instance denied.
pub fn by_tag(tag: &str) -> Result<Vec<(String, Snapshot)>, Error> {
    host::peers_by_tag(tag)
}
