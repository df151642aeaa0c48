//! Entries of `tls`.

use std::fmt;

use super::TcpGrant;
use crate::is_name;

/// One entry of `tls`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsGrant {
    /// `example.org:443`, and every other form of a `tcp` grant: whose certificates may be looked at.
    Server(TcpGrant),
    /// `certificate:gateway`: the file that the configuration declares under this name.
    Certificate(String),
}

impl TlsGrant {
    /// Parses one entry.
    ///
    /// # Errors
    /// What was wrong and what is allowed.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(name) = text.strip_prefix("certificate:").filter(|name| is_name(name)) {
            return Ok(Self::Certificate(name.to_owned()));
        }
        TcpGrant::parse(text).map(Self::Server).map_err(|error| {
            let why = error.split_once("`: ").map_or(error.as_str(), |(_, why)| why);
            format!("tls grant `{text}`: {why}; or write `certificate:NAME`")
        })
    }

    /// The servers this covers.
    #[must_use]
    pub const fn server(&self) -> Option<&TcpGrant> {
        match self {
            Self::Server(grant) => Some(grant),
            Self::Certificate(_) => None,
        }
    }

    /// Whether the declared certificates `name` may be looked at.
    #[must_use]
    pub fn allows_certificate(&self, name: &str) -> bool {
        matches!(self, Self::Certificate(own) if own == name)
    }
}

impl fmt::Display for TlsGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(grant) => grant.fmt(f),
            Self::Certificate(name) => write!(f, "certificate:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Servers are written as for `tcp`; what is neither says both forms.
    #[test]
    fn both_forms() {
        for text in ["example.org:443", "*.internal:8443", "certificate:gateway"] {
            assert_eq!(TlsGrant::parse(text).unwrap().to_string(), text);
        }
        assert!(TlsGrant::parse("certificate:gateway").unwrap().allows_certificate("gateway"));
        let error = TlsGrant::parse("example.org").unwrap_err();
        assert!(
            error.starts_with("tls grant `example.org`: the port is missing") && error.contains("certificate:NAME")
        );
    }
}
