//! Hosts and ports: as asked for, in one canonical form, and as patterns in grants.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use url::Url;

/// A host in canonical form: a lower-case ASCII name without trailing dot, or an address. An IPv4 address in an IPv6
/// wrapper (`::ffff:127.0.0.1`) is the IPv4 address, because that is where the connection would go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// To be resolved.
    Name(String),
    /// Written as an address, in any of its spellings.
    Address(IpAddr),
}

impl Host {
    /// Parses as browsers do: `LOCALHOST.`, `%6cocalhost`, `0x7f.1`, `2130706433`, `[::1]` and `::1` are understood.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Ok(Self::Address(address.to_canonical()));
        }
        let parsed = url::Host::parse(text).map_err(|error| format!("`{text}` is not a host: {error}"))?;
        Self::canonical(&parsed).ok_or_else(|| format!("`{text}` is not a host: empty name"))
    }

    /// The host of `url`, which the url crate has already decoded.
    #[must_use]
    pub fn of_url(url: &Url) -> Option<Self> {
        Self::canonical(&url.host()?.to_owned())
    }

    fn canonical(host: &url::Host<String>) -> Option<Self> {
        match host {
            url::Host::Domain(name) => {
                let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
                (!name.is_empty()).then_some(Self::Name(name))
            }
            url::Host::Ipv4(address) => Some(Self::Address(IpAddr::V4(*address))),
            url::Host::Ipv6(address) => Some(Self::Address(IpAddr::V6(*address).to_canonical())),
        }
    }
}

impl fmt::Display for Host {
    /// IPv6 in brackets, as URLs and `host:port` want it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// The host part of a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostPattern {
    /// `*`: every host.
    Any,
    /// `*.internal`: every name below, at any depth, not the name itself.
    Below(String),
    /// One name.
    Name(String),
    /// One address.
    Address(IpAddr),
    /// `10.0.0.0/8`, `[fd00::/8]`: hosts that are *written* as an address in this network. Names that lead there are
    /// not covered: whoever controls the name would choose the address.
    Network(IpNet),
}

impl HostPattern {
    /// Parses the host part of a grant.
    ///
    /// # Errors
    /// What was wrong and what is allowed.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if bare.contains('/') {
            return Self::parse_network(bare);
        }
        if let Some(parent) = text.strip_prefix("*.") {
            return match Self::parse(parent) {
                Ok(Self::Name(name)) => Ok(Self::Below(name)),
                _ => Err(format!("`{text}`: after `*.` comes a name, as in `*.example.org`")),
            };
        }
        if text.contains('*') {
            return Err(format!("`{text}`: `*` stands for a whole host (`*`) or for leading labels (`*.example.org`)"));
        }
        Host::parse(text).map(|host| Self::exactly(&host))
    }

    fn parse_network(text: &str) -> Result<Self, String> {
        let network: IpNet = text
            .parse()
            .map_err(|_| format!("`{text}` is not a network: write one like `10.0.0.0/8` or `[fd00::/8]`"))?;
        if network.addr() != network.network() {
            let fixed = network.trunc();
            return Err(format!("`{text}` has host bits set: write `{fixed}`, or the port before a path"));
        }
        Ok(Self::Network(network))
    }

    /// The pattern for `host` and nothing else.
    #[must_use]
    pub fn exactly(host: &Host) -> Self {
        match host {
            Host::Name(name) => Self::Name(name.clone()),
            Host::Address(address) => Self::Address(*address),
        }
    }

    /// Whether `host` is covered.
    #[must_use]
    pub fn matches(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Below(parent), Host::Name(name)) => {
                name.strip_suffix(parent.as_str()).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
            }
            (Self::Name(own), Host::Name(name)) => own == name,
            (Self::Address(own), Host::Address(address)) => own == address,
            (Self::Network(network), Host::Address(address)) => network.contains(address),
            _ => false,
        }
    }

    /// Whether the operator wrote the host itself, not a wildcard: such a grant reaches private addresses.
    #[must_use]
    pub const fn names_host(&self) -> bool {
        !matches!(self, Self::Any | Self::Below(_))
    }

    /// Whether this grant reaches the loopback `address`: it says `localhost`, or a literal or network that covers it.
    #[must_use]
    pub fn names_loopback(&self, address: IpAddr) -> bool {
        match self {
            Self::Name(name) => name == "localhost",
            Self::Address(own) => *own == address,
            Self::Network(network) => network.contains(&address),
            Self::Any | Self::Below(_) => false,
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Below(parent) => write!(f, "*.{parent}"),
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => Host::Address(*address).fmt(f),
            Self::Network(IpNet::V4(network)) => network.fmt(f),
            Self::Network(IpNet::V6(network)) => write!(f, "[{network}]"),
        }
    }
}

/// The port part of a grant: `443`, `8000-8100` or `*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    first: u16,
    last: u16,
}

impl Ports {
    /// Every port.
    pub const ANY: Self = Self { first: 1, last: u16::MAX };

    /// Only `port`.
    #[must_use]
    pub const fn one(port: u16) -> Self {
        Self { first: port, last: port }
    }

    /// Parses `443`, `8000-8100` or `*`.
    ///
    /// # Errors
    /// What was wrong and what is allowed.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::ANY);
        }
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        match (port(first), port(last)) {
            (Some(first), Some(last)) if first <= last => Ok(Self { first, last }),
            _ => Err(format!("`{text}` is not a port: write 1 to 65535, a range like `8000-8100`, or `*`")),
        }
    }

    /// Whether `port` is covered.
    #[must_use]
    pub const fn contains(self, port: u16) -> bool {
        self.first <= port && port <= self.last
    }
}

/// Digits only: `u16::from_str` would take `+80`.
fn port(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten().filter(|&port| port > 0)
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ANY => f.write_str("*"),
            Self { first, last } if first == last => first.fmt(f),
            Self { first, last } => write!(f, "{first}-{last}"),
        }
    }
}
