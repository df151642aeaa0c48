//! Entries of `tcp` and `udp`.

use std::fmt;

use super::http::split_port;
use super::{Host, HostPattern, Ports};

/// One entry of `tcp` or `udp`: `db:5432`, `*.internal:5432`, `10.0.0.0/8:5432`, `[::1]:6379`, `host:8000-8100`, `host:*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpGrant {
    /// Which hosts.
    pub host: HostPattern,
    ports: Ports,
}

impl TcpGrant {
    /// Parses one entry.
    ///
    /// # Errors
    /// What was wrong and what is allowed.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::parse_for("tcp", text)
    }

    /// The same for an entry of `key`.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub(super) fn parse_for(key: &str, text: &str) -> Result<Self, String> {
        let inside = |error: String| format!("{key} grant `{text}`: {error}");
        if text.contains("://") {
            return Err(inside("write `host:port`, without a scheme".to_owned()));
        }
        let (host, Some(ports)) = split_port(text) else {
            return Err(inside("the port is missing: write `host:port`, `host:8000-8100` or `host:*`".to_owned()));
        };
        if host.contains(':') && !host.starts_with('[') {
            return Err(inside("write an IPv6 address in brackets, as in `[::1]:6379`".to_owned()));
        }
        let host = HostPattern::parse(host).map_err(&inside)?;
        Ok(Self { host, ports: Ports::parse(ports).map_err(inside)? })
    }

    /// Whether `host` and `port` are covered.
    #[must_use]
    pub fn matches(&self, host: &Host, port: u16) -> bool {
        self.host.matches(host) && self.ports.contains(port)
    }
}

impl fmt::Display for TcpGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.ports)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(grant: &str, host: &str, port: u16) -> bool {
        Host::parse(host).is_ok_and(|host| TcpGrant::parse(grant).unwrap().matches(&host, port))
    }

    // What the documentation shows means what it says.
    #[test]
    fn shapes() {
        assert!(allows("db:5432", "DB.", 5432));
        assert!(!allows("db:5432", "db", 5433));
        assert!(allows("*.internal:5432", "a.internal", 5432));
        assert!(!allows("*.internal:5432", "internal", 5432));
        assert!(allows("10.0.0.0/8:5432", "10.9.9.9", 5432));
        assert!(allows("10.0.0.0/8:5432", "0x0a.1", 5432));
        assert!(!allows("10.0.0.0/8:5432", "db", 5432));
        assert!(allows("[::1]:6379", "::1", 6379));
        assert!(allows("[::1]:6379", "[::1]", 6379));
        assert!(allows("127.0.0.1:1", "::ffff:127.0.0.1", 1));
        assert!(allows("h:8000-8100", "h", 8100));
        assert!(!allows("h:8000-8100", "h", 8101));
        assert!(allows("h:*", "h", 1));
        assert!(!allows("h:*", "h", 0));
    }

    // A grant prints in a form that parses to itself.
    #[test]
    fn display_parses_back() {
        for text in
            ["db:5432", "*.internal:5432", "10.0.0.0/8:5432", "[::1]:6379", "h:8000-8100", "h:*", "[fd00::/8]:1"]
        {
            assert_eq!(TcpGrant::parse(text).unwrap().to_string(), text);
        }
    }

    // A pattern that cannot be meant is refused with what to write instead.
    #[test]
    fn refusals_say_what_to_write() {
        for (text, hint) in [
            ("db", "the port is missing"),
            ("tcp://db:1", "without a scheme"),
            ("::1:6379", "in brackets"),
            ("db:http", "1 to 65535"),
            ("db:9-8", "a range"),
            ("d*b:1", "leading labels"),
            (":1", "not a host"),
        ] {
            let error = TcpGrant::parse(text).unwrap_err();
            assert!(error.contains(hint), "{text}: {error}");
        }
    }
}
