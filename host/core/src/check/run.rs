//! One run and how it ended.

use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::{Capability, Status};

/// One execution of a check in a fresh instance, as the board stores it.
#[derive(Clone, Debug)]
pub struct Run {
    /// Version 7, also what the guest saw as `context.run-id`.
    pub id: uuid::Uuid,
    /// Start, milliseconds since the Unix epoch.
    pub started_unix_ms: u64,
    /// Wall time from instantiation to the end of the call.
    pub duration: Duration,
    /// What the guest concluded, or why it did not.
    pub end: Result<Outcome, Failure>,
    /// What the run spent.
    pub usage: Usage,
    /// What the guest logged, within `log-lines` and `log-bytes`.
    pub log: Vec<LogLine>,
    /// Host calls in order, the first [`HostCall::KEPT_MAX`] of them.
    pub calls: Vec<HostCall>,
    /// Every capability call of the run, counted by kind and result.
    pub tally: Vec<CallTally>,
    /// SHA-256 of the plugin's bytes, lower-case hex.
    pub digest: Arc<str>,
}

impl Run {
    /// A run that was not made, as the result it amounts to.
    #[must_use]
    pub fn not_made(failure: Failure, started_unix_ms: u64, digest: Arc<str>) -> Self {
        Self {
            id: uuid::Uuid::nil(),
            started_unix_ms,
            duration: Duration::ZERO,
            end: Err(failure),
            usage: Usage::default(),
            log: Vec::new(),
            calls: Vec::new(),
            tally: Vec::new(),
            digest,
        }
    }

    /// The guest's status, or `Unknown` for a failure.
    #[must_use]
    pub fn status(&self) -> Status {
        self.end.as_ref().map_or(Status::Unknown, |outcome| outcome.status)
    }

    /// The one line to show: the outcome's message or the failure's.
    #[must_use]
    pub fn message(&self) -> &str {
        match &self.end {
            Ok(outcome) => &outcome.message,
            Err(failure) => &failure.message,
        }
    }
}

/// What a guest concluded. `status` is never `Unknown`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// `Healthy`, `Degraded` or `Unhealthy`.
    pub status: Status,
    /// One line for a human: redacted, control characters stripped, truncated.
    pub message: String,
    /// Observed values, at most `measurements` of `probity_config::Limits`.
    pub measurements: Vec<Measurement>,
    /// Free-form facts.
    pub details: Vec<(String, String)>,
}

/// One observed value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measurement {
    /// Unique within the outcome by convention; a repeated name replaces the earlier one in answers.
    pub name: String,
    /// The value.
    pub value: Observed,
    /// UCUM code ("ms", "By", "1", "%").
    pub unit: Option<String>,
    /// Judgement on this one value.
    pub status: Option<Status>,
}

/// A measured value of one of four types.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Observed {
    /// Floating point; a value that JSON cannot hold (NaN, infinity) is shown as null.
    Number(f64),
    /// Integer.
    Integer(i64),
    /// Text.
    Text(String),
    /// Yes or no.
    Boolean(bool),
}

/// Why a run gave no outcome. A value, never an error of the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// What kind of end, for machines.
    pub reason: Reason,
    /// One line for a human.
    #[serde(skip)]
    pub message: String,
    /// The value of the limit that was hit, in the unit of its configuration key (milliseconds for `deadline`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// How much was used when it was hit, in the same unit, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used: Option<u64>,
    /// Native code of a failed capability (SQLSTATE, errno name).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The guest's own stack: what its kit logged, or what it printed on standard error; where it has none, its WebAssembly
    /// frames. Truncated; details for the plugin's author.
    #[serde(skip)]
    pub trace: Option<String>,
    /// The WebAssembly frames, where `trace` has the guest's own stack.
    #[serde(skip)]
    pub internals: Option<Box<Internals>>,
}

/// The WebAssembly frames of a trap, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Internals(pub String);

impl Failure {
    /// A failure without limit, code or trace.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), limit: None, used: None, code: None, trace: None, internals: None }
    }

    /// A limit that was hit, with its value and what was used.
    pub fn limit(reason: Reason, limit: u64, used: Option<u64>, message: impl Into<String>) -> Self {
        Self { limit: Some(limit), used, ..Self::new(reason, message) }
    }
}

/// Why a check is `unknown`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// `fuel` used up.
    Fuel,
    /// `timeout` passed: spinning, sleeping or waiting in a host call.
    Deadline,
    /// `memory` refused, and the guest ended because of it.
    Memory,
    /// Call stack exhausted.
    Stack,
    /// Too many tables, table elements or core instances.
    Tables,
    /// Too many resource handles.
    Handles,
    /// Too many host calls.
    HostCalls,
    /// One host call carried more bytes than `hostcall-bytes`.
    HostCallBytes,
    /// The outcome was larger than `outcome-bytes`.
    OutcomeBytes,
    /// The guest trapped: panic, abort, `unreachable`, uncaught exception, out-of-bounds access.
    Trap,
    /// The guest called `exit`.
    Exit,
    /// The host panicked while running the guest.
    Panic,
    /// The guest answered something the contract does not allow.
    BadOutput,
    /// The guest said its configuration is unusable, or the schema did.
    InvalidConfig,
    /// A capability failed and the guest did not want to judge it.
    Capability,
    /// The guest gave up with a message of its own.
    Other,
    /// No instance slot was free.
    Capacity,
    /// The plugin imports a capability that the operator did not grant.
    Ungranted,
    /// No good version of the plugin is loaded.
    NotLoaded,
    /// The plugin is being brought up.
    Compiling,
    /// No conclusion yet.
    Pending,
    /// The last result is older than `stale-after`.
    Stale,
}

impl Reason {
    /// The word used in answers and metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fuel => "fuel",
            Self::Deadline => "deadline",
            Self::Memory => "memory",
            Self::Stack => "stack",
            Self::Tables => "tables",
            Self::Handles => "handles",
            Self::HostCalls => "host-calls",
            Self::HostCallBytes => "hostcall-bytes",
            Self::OutcomeBytes => "outcome-bytes",
            Self::Trap => "trap",
            Self::Exit => "exit",
            Self::Panic => "panic",
            Self::BadOutput => "bad-output",
            Self::InvalidConfig => "invalid-config",
            Self::Capability => "capability",
            Self::Other => "other",
            Self::Capacity => "capacity",
            Self::Ungranted => "ungranted",
            Self::NotLoaded => "not-loaded",
            Self::Compiling => "compiling",
            Self::Pending => "pending",
            Self::Stale => "stale",
        }
    }

    /// Whether this names a limit of `probity_config::Limits`.
    #[must_use]
    pub const fn is_limit(self) -> bool {
        matches!(
            self,
            Self::Fuel
                | Self::Deadline
                | Self::Memory
                | Self::Stack
                | Self::Tables
                | Self::Handles
                | Self::HostCalls
                | Self::HostCallBytes
                | Self::OutcomeBytes
        )
    }

    /// Whether repeating at once is pointless, so that the schedule backs off.
    #[must_use]
    pub const fn backs_off(self) -> bool {
        self.is_limit() || matches!(self, Self::Trap | Self::Exit | Self::Panic | Self::BadOutput | Self::InvalidConfig)
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What a run spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Instructions, in wasmtime fuel units.
    pub fuel: u64,
    /// Highest sum of all linear memories, bytes.
    pub memory_peak_bytes: u64,
    /// Calls into capabilities.
    pub host_calls: u32,
}

/// How important a guest says a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Finest.
    Trace,
    /// For authors.
    Debug,
    /// Normal.
    Info,
    /// Look at this.
    Warn,
    /// Broken.
    Error,
}

impl Level {
    /// The word used in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// One line a guest logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// How important.
    pub level: Level,
    /// Redacted, control characters stripped, truncated.
    pub message: String,
    /// Structured fields, treated alike.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<(String, String)>,
}

/// How often a capability answered one way in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallTally {
    /// Which.
    pub capability: Capability,
    /// `ok` or the contract's error kind.
    pub result: &'static str,
    /// How often.
    pub count: u32,
}

/// One call into a capability.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HostCall {
    /// Capability and function: `http.send`.
    pub operation: String,
    /// What it touched, without credentials or query: `http://127.0.0.1:9000/orders`.
    pub target: String,
    /// `ok` or the contract's error kind.
    pub result: &'static str,
    /// Wall time in milliseconds.
    pub duration_ms: f64,
    /// From the start of the run to that of the call.
    #[serde(skip)]
    pub after: Duration,
}

impl HostCall {
    /// Calls listed per run; the count in [`Usage`] goes on.
    pub const KEPT_MAX: usize = 64;
}
