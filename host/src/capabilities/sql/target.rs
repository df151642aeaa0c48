//! A connection's URL taken apart: where a database server is, who we are there, and how TLS is done.

use percent_encoding::percent_decode_str;

use crate::capabilities::tls::Trust;
use crate::config::ServerConnection;
use crate::config::grants::Host;

/// A database server.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) host: Host,
    pub(super) port: u16,
    pub(super) user: String,
    pub(super) password: String,
    /// None leaves it to the server.
    pub(super) database: Option<String>,
    pub(super) tls: Tls,
}

/// How the connection is protected.
#[derive(Clone, Debug)]
pub(super) enum Tls {
    /// Not at all: asked for, or the server is on this machine.
    Off,
    /// Chain and name verified; with the connection's own authorities, or else the system's. The PEM is kept for the
    /// driver that does TLS itself.
    Verified { trust: Trust, ca: Option<Vec<u8>> },
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

impl Target {
    /// Reads the URL. The query may hold `sslmode` (`ssl-mode` for MySQL).
    ///
    /// # Errors
    /// What of it cannot be used; never quotes the URL.
    pub(super) fn parse(connection: &ServerConnection, port_default: u16) -> Result<Self, String> {
        let url = &connection.url;
        // A scheme that browsers do not know keeps its host as text.
        let host = Host::parse(url.host_str().unwrap_or_default()).map_err(|_| "the URL names no host".to_owned())?;
        let decoded = |text: &str| {
            percent_decode_str(text).decode_utf8().map(Into::into).map_err(|_| "the URL is not UTF-8".to_owned())
        };
        let mut mode = None;
        for (key, value) in url.query_pairs() {
            match key.as_ref() {
                "sslmode" | "ssl-mode" => mode = Some(Self::encrypts(&value)?),
                _ => return Err("the URL has a query parameter that is not known: `sslmode` is".to_owned()),
            }
        }
        let tls = if mode.unwrap_or_else(|| !is_this_machine(&host)) {
            let trust =
                connection.ca.as_deref().map(Trust::only).transpose().map_err(|error| format!("`ca`: {error}"))?;
            Tls::Verified { trust: trust.unwrap_or_default(), ca: connection.ca.clone() }
        } else {
            Tls::Off
        };
        let database: String = decoded(url.path().trim_start_matches('/'))?;
        Ok(Self {
            host,
            port: url.port().unwrap_or(port_default),
            user: decoded(url.username())?,
            password: decoded(url.password().unwrap_or_default())?,
            database: (!database.is_empty()).then_some(database),
            tls,
        })
    }

    /// Whether a mode encrypts. Whatever does is verified in full: an encrypted line to whoever answers protects nothing.
    fn encrypts(mode: &str) -> Result<bool, String> {
        match mode.to_ascii_lowercase().replace('_', "-").as_str() {
            "disable" | "disabled" => Ok(false),
            "prefer" | "preferred" | "require" | "required" | "verify-ca" | "verify-full" | "verify-identity" => {
                Ok(true)
            }
            _ => Err("`sslmode` is not known: `disable`, `require`, `verify-ca` and `verify-full` are".to_owned()),
        }
    }
}

fn is_this_machine(host: &Host) -> bool {
    match host {
        Host::Name(name) => name == "localhost",
        Host::Address(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Result<Target, String> {
        Target::parse(&ServerConnection { url: url.parse().unwrap(), ca: None }, 5432)
    }

    // User, password and database are what they were before they were escaped; debug output shows none of them.
    #[test]
    fn escapes_are_undone() {
        let target = target("postgres://pro%40be:p%40ss%2Fw@DB.internal/my%20shop").unwrap();
        assert_eq!((target.user.as_str(), target.password.as_str()), ("pro@be", "p@ss/w"));
        assert_eq!((target.database.as_deref(), target.port), (Some("my shop"), 5432));
        assert_eq!(target.host, Host::Name("db.internal".into()));
        assert!(!format!("{target:?}").contains("ss/w"));
    }

    // Only a server on this machine, or the word for it, goes without TLS.
    #[test]
    fn tls_is_the_rule() {
        let encrypted = |url: &str| matches!(target(url).unwrap().tls, Tls::Verified { .. });
        assert!(encrypted("postgres://db.internal/x") && encrypted("postgres://10.0.0.1/x?sslmode=prefer"));
        assert!(encrypted("mysql://127.0.0.1/x?ssl-mode=VERIFY_IDENTITY"));
        assert!(!encrypted("postgres://127.0.0.1/x") && !encrypted("postgres://localhost/x"));
        assert!(!encrypted("postgres://db.internal/x?sslmode=disable"));
    }

    // What is not known is an error that quotes nothing of the URL.
    #[test]
    fn unknown_parameters_are_errors() {
        for url in ["postgres://u:hunter2@h/x?sslmode=maybe", "postgres://u:hunter2@h/x?options=-c"] {
            assert!(!target(url).unwrap_err().contains("hunter2"));
        }
    }
}
