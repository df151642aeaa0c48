//! Every limit of a run, in one place.
//!
//! wasmtime's own defaults are unlimited or generous (memory, hostcall bytes, handles); every knob is set from here.
//! The list follows the advisories of 2026: see docs/limits.md.

use std::time::Duration;

use serde::Serialize;

/// What one run may spend. The first limit reached ends the run, and the result names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Instructions, in wasmtime fuel units. Key `fuel`.
    pub fuel: u64,
    /// Wall time from instantiation to the end of the call, host calls included. Ends within one
    /// [`EPOCH_TICK`] after it. Key `timeout`.
    #[serde(serialize_with = "as_millis")]
    pub timeout: Duration,
    /// Bytes of linear memory, summed over all memories of the instance. Key `memory`.
    pub memory: u64,
    /// Elements summed over all tables. Key `table-elements`.
    pub table_elements: u64,
    /// Core instances in one component. Key `instances`.
    pub instances: u32,
    /// Resource handles alive in the instance, guest-made ones included. Key `handles`.
    pub handles: u32,
    /// Bytes that one host call may carry from the guest. Key `hostcall-bytes`.
    pub hostcall_bytes: u64,
    /// Calls into capabilities (`context` and `log` are not counted). Further calls answer `quota`; ten times as many
    /// end the run. Key `host-calls`.
    pub host_calls: u32,
    /// Lines kept of what the guest logs or prints; further ones are dropped and counted. Key `log-lines`.
    pub log_lines: u32,
    /// Bytes kept of the same. Key `log-bytes`.
    pub log_bytes: u32,
    /// Bytes of the whole outcome. Key `outcome-bytes`.
    pub outcome_bytes: u32,
    /// Bytes of `message`; longer ones are truncated. Key `message-bytes`.
    pub message_bytes: u32,
    /// Entries in `measurements` and in `details` each; further ones are dropped. Key `measurements`.
    pub measurements: u32,
    /// Bytes of one HTTP response's body. Key `response-bytes`.
    pub response_bytes: u64,
    /// Sockets open at once (TCP and HTTP together). Key `sockets`.
    pub sockets: u32,
    /// Bytes of state one check may keep. Key `state-bytes`.
    pub state_bytes: u32,
    /// Runs that one instance may serve, memory and all; 1 = each run gets a fresh one. Key `runs-per-instance`.
    pub runs_per_instance: u32,
}

/// Bounds of an interval, in milliseconds: of the keys `every`, and of what a plugin suggests for itself.
pub(super) const EVERY_MIN_MS: u64 = 100;
/// See [`EVERY_MIN_MS`].
pub(super) const EVERY_MAX_MS: u64 = 365 * 24 * 3_600 * 1_000;

/// Bounds of a timeout, in milliseconds: of the keys `timeout`, and of what a plugin suggests for itself.
pub(super) const TIMEOUT_MIN_MS: u64 = 1;
/// See [`TIMEOUT_MIN_MS`].
pub(super) const TIMEOUT_MAX_MS: u64 = 5 * 60 * 1_000;

/// The longest timeout that a plugin may suggest for itself.
const TIMEOUT_HINT_MAX: Duration = Duration::from_secs(10);

/// The interval that a plugin suggested, within the bounds that an operator's has.
#[must_use]
pub fn suggested_interval(suggested: Duration) -> Duration {
    suggested.clamp(Duration::from_millis(EVERY_MIN_MS), Duration::from_millis(EVERY_MAX_MS))
}

/// The timeout that a plugin suggested, within the bounds that an operator's has, and no more than ten seconds.
#[must_use]
pub fn suggested_timeout(suggested: Duration) -> Duration {
    let max = TIMEOUT_HINT_MAX.min(Duration::from_millis(TIMEOUT_MAX_MS));
    suggested.clamp(Duration::from_millis(TIMEOUT_MIN_MS), max)
}

/// The distance of two epoch ticks: how late a spinning guest may be stopped. Ticks cost about 20 µs of wake-up each
/// and stop when nothing runs (floors.md B: 5 ms costs 0.45 % of a core while guests run).
pub const EPOCH_TICK: Duration = Duration::from_millis(5);

/// Bytes of wasm stack per instance; of the engine, hence the same for every check.
pub const STACK_BYTES: usize = 512 * 1024;

/// Bytes of the fiber stack that guest and host functions share. The difference to [`STACK_BYTES`] is what host
/// functions get.
pub const FIBER_STACK_BYTES: usize = 2 * 1024 * 1024;

/// Elements of one table; of the pool, hence the same for every check.
pub const TABLE_ELEMENTS_MAX: usize = 50_000;

impl Limits {
    /// The defaults of every check.
    pub const DEFAULT: Self = Self {
        fuel: 200_000_000,
        timeout: Duration::from_secs(2),
        memory: 32 << 20,
        table_elements: 100_000,
        instances: 128,
        handles: 1_000,
        hostcall_bytes: 4 << 20,
        host_calls: 100,
        log_lines: 100,
        log_bytes: 16 << 10,
        outcome_bytes: 64 << 10,
        message_bytes: 2 << 10,
        measurements: 64,
        response_bytes: 1 << 20,
        sockets: 16,
        state_bytes: 64 << 10,
        runs_per_instance: 1,
    };

    /// What `describe` gets: no capability, a small budget, the time a large interpreter needs to start.
    pub const DESCRIBE: Self =
        Self { fuel: 100_000_000, timeout: Duration::from_secs(1), host_calls: 0, ..Self::DEFAULT };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

fn as_millis<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    // A plugin's own word is held to the bounds that an operator's is, at both ends.
    #[test]
    fn suggestions_are_bounded() {
        let (least, most) = (Duration::from_millis(1), Duration::from_millis(u32::MAX.into()));
        assert_eq!(suggested_interval(least), Duration::from_millis(EVERY_MIN_MS));
        assert_eq!(suggested_interval(most), most);
        assert_eq!(suggested_timeout(Duration::ZERO), Duration::from_millis(TIMEOUT_MIN_MS));
        assert_eq!(suggested_timeout(most), TIMEOUT_HINT_MAX);
    }
}
