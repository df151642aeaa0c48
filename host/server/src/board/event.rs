//! What listeners are told: transitions, reloads, the end.

use std::sync::Arc;

use probity_core::check::{Severity, Status};
use serde::Serialize;
use tokio::sync::broadcast;

use super::View;
use crate::plan::PlannedCheck;

/// Events a slow listener may be behind before it loses the oldest.
const FEED_LEN: usize = 256;

/// Something that happened. The tag is the event's name on the stream.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A check changed its status.
    Transition {
        /// The check's name.
        check: Arc<str>,
        /// Before.
        from: Status,
        /// After.
        to: Status,
        /// How the check counts.
        severity: Severity,
        /// The line of the new status: shown to the authorized only.
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        /// Milliseconds since the Unix epoch.
        at_unix_ms: u64,
    },
    /// A version was loaded, refused or removed.
    Plugin {
        /// The plugin's name.
        plugin: String,
        /// `loaded`, `rejected`, `removed`.
        result: &'static str,
        /// SHA-256 of the bytes, where known.
        #[serde(skip_serializing_if = "Option::is_none")]
        digest: Option<String>,
        /// Why it was refused: shown to the authorized only.
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        /// Milliseconds since the Unix epoch.
        at_unix_ms: u64,
    },
    /// The configuration was reloaded or refused.
    Config {
        /// `loaded` or `rejected`.
        result: &'static str,
        /// Milliseconds since the Unix epoch.
        at_unix_ms: u64,
    },
    /// The host is going away.
    Draining {
        /// Milliseconds since the Unix epoch.
        at_unix_ms: u64,
    },
}

impl Event {
    pub(super) fn transition(planned: &PlannedCheck, before: &View, after: &View, at_unix_ms: u64) -> Self {
        Self::Transition {
            check: Arc::clone(&planned.name),
            from: before.status,
            to: after.status,
            severity: planned.severity,
            message: Some(after.message().to_owned()),
            at_unix_ms,
        }
    }

    /// The event's name on the stream.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Transition { .. } => "transition",
            Self::Plugin { .. } => "plugin",
            Self::Config { .. } => "config",
            Self::Draining { .. } => "draining",
        }
    }

    /// The same without what only the authorized see.
    #[must_use]
    pub fn without_details(&self) -> Self {
        let mut event = self.clone();
        match &mut event {
            Self::Transition { message, .. } | Self::Plugin { message, .. } => *message = None,
            Self::Config { .. } | Self::Draining { .. } => {}
        }
        event
    }
}

/// The channel to the listeners. Nobody listening is fine.
#[derive(Debug)]
pub struct Feed(broadcast::Sender<Arc<Event>>);

impl Feed {
    pub(super) fn new() -> Self {
        Self(broadcast::channel(FEED_LEN).0)
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        self.0.subscribe()
    }

    pub(super) fn send(&self, event: Event) {
        if self.0.receiver_count() > 0 {
            // Fails only when the last listener left just now.
            let _ = self.0.send(Arc::new(event));
        }
    }
}
