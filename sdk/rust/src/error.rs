//! Why a capability refused, and why a run gave no outcome.

use std::fmt;

/// What kind of thing went wrong in a capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The configuration does not grant this.
    Denied,
    /// Nothing of this name is declared (connection, secret, queue, check, path).
    NotFound,
    /// The argument makes no sense; a bug in the check.
    InvalidArgument,
    /// The call, or what was left of the run, ran out of time.
    Timeout,
    /// Name resolution failed.
    Dns,
    /// The other side refused or reset the connection.
    Refused,
    /// No route, network down.
    Unreachable,
    /// TLS handshake or certificate verification failed.
    Tls,
    /// Credentials held by the host were not accepted.
    Auth,
    /// The other side spoke something else than the protocol.
    Protocol,
    /// The other side answered with an error of its own; see [`Error::code`].
    Remote,
    /// A reply was larger than the limit in the configuration.
    TooLarge,
    /// A quota of this check is used up (calls per run, bytes, rows, keys).
    Quota,
    /// Not supported on this host, platform or backend.
    Unsupported,
    /// None of the others.
    Other,
}

impl ErrorKind {
    /// The kind as the contract spells it: `too-large`.
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

    /// Whether this says something about the thing that was asked, rather than
    /// about the check, its grants or its host. A check of a service usually
    /// answers `unhealthy` to these and passes the others on as a [`Failure`].
    pub const fn is_about_the_target(self) -> bool {
        match self {
            Self::Timeout
            | Self::Dns
            | Self::Refused
            | Self::Unreachable
            | Self::Tls
            | Self::Auth
            | Self::Protocol
            | Self::Remote => true,
            Self::Denied
            | Self::NotFound
            | Self::InvalidArgument
            | Self::TooLarge
            | Self::Quota
            | Self::Unsupported
            | Self::Other => false,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The error of every capability.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What to branch on.
    pub kind: ErrorKind,
    /// What to show a person.
    pub message: String,
    /// The native code where there is one: errno name, SQLSTATE, HTTP/2 code.
    pub code: Option<String>,
}

impl Error {
    /// An error without a native code.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), code: None }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)?;
        self.code.as_ref().map_or(Ok(()), |code| write!(f, " ({code})"))
    }
}

impl std::error::Error for Error {}

/// Why a run reached no judgement. The host reports the check as `unknown`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The configuration is unusable; the host stops scheduling until it changes.
    InvalidConfig(String),
    /// A capability failed in a way the check did not want to judge.
    Capability(Error),
    /// Anything else, in words.
    Other(String),
}

impl Failure {
    /// A [`Failure::Other`] of anything that can be shown.
    pub fn other(reason: impl fmt::Display) -> Self {
        Self::Other(reason.to_string())
    }

    /// A [`Failure::InvalidConfig`] about the value at `pointer` (`/thresholds/warn`).
    pub fn invalid_config(pointer: &str, reason: impl fmt::Display) -> Self {
        Self::InvalidConfig(format!("at {pointer}: {reason}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidConfig(reason) => write!(f, "invalid config: {reason}"),
            Self::Capability(error) => error.fmt(f),
            Self::Other(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for Failure {}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Capability(error)
    }
}
