//! The closed vocabularies of a check: status, severity, probe.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is known about a check or a set of checks.
///
/// Ordered by how much it should worry: `Healthy < Unknown < Degraded < Unhealthy`. Aggregation does not use this
/// order for `Unknown`: see [`super::aggregate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Works.
    Healthy,
    /// No (fresh) conclusion: the run failed, was never made, or is too old.
    Unknown,
    /// Works, but someone should look.
    Degraded,
    /// Does not work.
    Unhealthy,
}

impl Status {
    /// All four, in the order of the words in documents and metrics.
    pub const ALL: [Self; 4] = [Self::Healthy, Self::Degraded, Self::Unhealthy, Self::Unknown];

    /// The word used in configuration, answers and labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
            Self::Unknown => "unknown",
        }
    }

    /// The exit code of a Nagios plugin that concludes this: 0, 1, 2, 3.
    #[must_use]
    pub const fn nagios_code(self) -> u8 {
        match self {
            Self::Healthy => 0,
            Self::Degraded => 1,
            Self::Unhealthy => 2,
            Self::Unknown => 3,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How a check counts in an aggregate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Unhealthy makes the aggregate unhealthy.
    #[default]
    Critical,
    /// Unhealthy makes the aggregate degraded.
    Warning,
    /// Shown, never counted.
    Info,
}

impl Severity {
    /// The word used in configuration and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// The questions of an orchestrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Probe {
    /// Should this process be restarted?
    Live,
    /// Should it receive traffic?
    Ready,
    /// Has it finished starting?
    Startup,
}

impl Probe {
    /// All probes.
    pub const ALL: [Self; 3] = [Self::Live, Self::Ready, Self::Startup];

    /// The word used in configuration and routes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Ready => "ready",
            Self::Startup => "startup",
        }
    }
}
