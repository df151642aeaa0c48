//! What jobs reported to the host on `POST /heartbeats/NAME`. The grant lists names.

use crate::{Error, host};

/// One end of a job.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Beat {
    /// When it came in, in milliseconds since 1970.
    pub at_unix_ms: u64,
    /// Milliseconds since then.
    pub age_ms: u64,
    /// Whether the job said that all was well; false after `/fail`.
    pub ok: bool,
    /// What the job said, in one line.
    pub message: String,
    /// Milliseconds since the `/start` before it, if there was one.
    pub duration_ms: Option<f64>,
}

/// A run that was said to start and has not ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OpenRun {
    /// What the job calls it; `None` for a job that does not tell its runs apart.
    pub id: Option<String>,
    /// When the start came in, in milliseconds since 1970.
    pub started_unix_ms: u64,
    /// Milliseconds since then.
    pub age_ms: u64,
}

/// The latest beat; `None` when there was none yet.
///
/// # Errors
/// An [`Error`]: denied, not-found when no heartbeat of this name is declared.
pub fn last(name: &str) -> Result<Option<Beat>, Error> {
    host::heartbeat_last(name)
}

/// The latest beats, newest first, at most `max` and what the host keeps.
///
/// # Errors
/// As [`last`].
pub fn recent(name: &str, max: u32) -> Result<Vec<Beat>, Error> {
    host::heartbeat_recent(name, max)
}

/// Runs that were said to start and have not ended, the oldest first.
///
/// # Errors
/// As [`last`].
pub fn open(name: &str) -> Result<Vec<OpenRun>, Error> {
    host::heartbeat_open(name)
}
