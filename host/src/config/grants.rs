//! What the operator lets a check touch. Default: nothing.

/// The grants of one check. `context`, `log`, `clock` and `state` need none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Key `http`: URL patterns and connection names.
    pub http: Vec<HttpGrant>,
    /// Key `tcp`: `host:port` patterns.
    pub tcp: Vec<TcpGrant>,
    /// Key `system`: `memory`, `cpu`, `load`, `pressure`, `uptime`, `disks`, `disk:/path`, `process:pattern`, `file:/path`.
    pub system: Vec<SystemGrant>,
}

/// One entry of `http`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpGrant;

impl HttpGrant {
    /// Placeholder until patterns are parsed.
    ///
    /// # Errors
    /// When empty.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("empty".to_owned()) } else { Ok(Self) }
    }
}

/// One entry of `tcp`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpGrant;

impl TcpGrant {
    /// Placeholder until patterns are parsed.
    ///
    /// # Errors
    /// When empty.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("empty".to_owned()) } else { Ok(Self) }
    }
}

/// One entry of `system`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemGrant;

impl SystemGrant {
    /// Placeholder until patterns are parsed.
    ///
    /// # Errors
    /// When empty.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("empty".to_owned()) } else { Ok(Self) }
    }
}
