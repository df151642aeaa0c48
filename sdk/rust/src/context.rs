//! Facts about the current run. Needs no grant.

use crate::{Status, host};

/// What the previous run of this check concluded.
#[derive(Clone, Debug, PartialEq)]
pub struct PreviousRun {
    /// Its judgement; `None` when it reached none.
    pub status: Option<Status>,
    /// Its message.
    pub message: String,
    /// When it ended, in milliseconds since 1970.
    pub at_unix_ms: u64,
    /// How long it took, in milliseconds.
    pub duration_ms: f64,
}

/// The name this check has in the host's configuration.
pub fn check_id() -> String {
    host::check_id()
}

/// Unique per run (UUIDv7 text): use it to tag a dummy transaction.
pub fn run_id() -> String {
    host::run_id()
}

/// The run's W3C trace context, when tracing is on.
pub fn traceparent() -> Option<String> {
    host::traceparent()
}

/// Milliseconds until the host gives up on this run.
pub fn remaining_ms() -> u32 {
    host::remaining_ms()
}

/// How many runs failed in a row before this one.
pub fn consecutive_failures() -> u32 {
    host::consecutive_failures()
}

/// What the previous run concluded; `None` on the first.
pub fn previous() -> Option<PreviousRun> {
    host::previous()
}
