//! A connection's URL taken apart: where a database server is, who we are there, and how TLS is done.

use percent_encoding::percent_decode_str;
use probity_config::grants::Host;
use probity_config::{Identity, ServerConnection};

use crate::tls::Trust;

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
    /// Chain and name verified; with the connection's own authorities, or else the system's. What was configured is kept
    /// for the driver that does TLS itself.
    Verified { trust: Trust, ca: Option<Vec<u8>>, identity: Option<Identity> },
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

impl Target {
    /// Reads the URL.
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
        let tls = if connection.tls {
            let (ca, identity) = (connection.ca.clone(), connection.identity.clone());
            let trust = Trust::new(ca.as_deref(), identity.as_ref()).map_err(|error| format!("TLS: {error}"))?;
            Tls::Verified { trust, ca, identity }
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Result<Target, String> {
        Target::parse(&ServerConnection { url: url.parse().unwrap(), tls: false, ca: None, identity: None }, 5432)
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
}
