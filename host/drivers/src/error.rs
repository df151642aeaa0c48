//! The one error of every capability, as plain Rust.

use serde::Deserialize;

/// What went wrong, for a guest to branch on. The same cases as `error-kind` of the contract, which documents them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the contract's `error-kind` documents each case")]
pub enum ErrorKind {
    Denied,
    NotFound,
    InvalidArgument,
    Timeout,
    Dns,
    Refused,
    Unreachable,
    Tls,
    Auth,
    Protocol,
    Remote,
    TooLarge,
    Quota,
    Unsupported,
    Other,
}

impl ErrorKind {
    /// The word of the contract, also the `result` label of metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::NotFound => "not-found",
            Self::InvalidArgument => "invalid-argument",
            Self::Timeout => "timeout",
            Self::Dns => "dns",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Tls => "tls",
            Self::Auth => "auth",
            Self::Protocol => "protocol",
            Self::Remote => "remote",
            Self::TooLarge => "too-large",
            Self::Quota => "quota",
            Self::Unsupported => "unsupported",
            Self::Other => "other",
        }
    }
}

/// A capability call that did not work. The guest sees all of it, so it never holds a credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CallError {
    /// For branching.
    pub kind: ErrorKind,
    /// For showing: what was wrong, and what would allow it.
    pub message: String,
    /// Native code: SQLSTATE, errno name, HTTP/2 code.
    pub code: Option<String>,
}

impl CallError {
    /// An error without a native code.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), code: None }
    }

    /// The same with a native code.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }
}
