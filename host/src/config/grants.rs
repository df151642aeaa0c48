//! What the operator lets a check touch. Default: nothing.
//!
//! Grants are compared with *parsed* targets ([`Host`], `url::Url`, absolute paths), never with what the guest typed, so
//! that percent-encoding, `..`, upper case, trailing dots and short forms of addresses cannot slip past. A grant says
//! which names may be asked for; which addresses a name may lead to is the egress policy's business.

mod host;
mod http;
mod system;
mod tcp;

use std::path::Path;

use crate::check::Capability;
use url::Url;

pub use host::{Host, HostPattern, Ports};
pub use http::{HttpGrant, UrlPattern, is_ambiguous};
pub use system::{ProcessPattern, SystemGrant, SystemTarget};
pub use tcp::TcpGrant;

/// The grants of one check. `context`, `log`, `clock` and `state` need none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Key `http`: URL patterns and connection names.
    pub http: Vec<HttpGrant>,
    /// Key `tcp`: `host:port` patterns.
    pub tcp: Vec<TcpGrant>,
    /// Key `system`: `memory`, `cpu`, `load`, `pressure`, `uptime`, `disks`, `disk:/path`, `process:pattern`,
    /// `file:/path`.
    pub system: Vec<SystemGrant>,
}

impl Grants {
    /// Whether anything is granted of `capability`. What exactly is checked again at every call.
    #[must_use]
    pub fn names(&self, capability: Capability) -> bool {
        match capability {
            Capability::Http => !self.http.is_empty(),
            Capability::Tcp => !self.tcp.is_empty(),
            Capability::System => !self.system.is_empty(),
            _ => false,
        }
    }

    /// The pattern that covers `url`; one that names the host exactly comes before a wildcard, since it reaches more
    /// addresses.
    #[must_use]
    pub fn allows_http(&self, url: &Url) -> Option<&UrlPattern> {
        self.http.iter().filter_map(HttpGrant::pattern).filter(|pattern| pattern.matches(url)).max_by_key(by_exactness)
    }

    /// Whether the connection `name` may be used.
    #[must_use]
    pub fn allows_endpoint(&self, name: &str) -> bool {
        self.http.iter().any(|grant| grant.endpoint() == Some(name))
    }

    /// The grant that covers `host` and `port`; an exact one comes first.
    #[must_use]
    pub fn allows_tcp(&self, host: &Host, port: u16) -> Option<&TcpGrant> {
        self.tcp.iter().filter(|grant| grant.matches(host, port)).max_by_key(|grant| grant.host.names_host())
    }

    /// The grants that cover `target`; more than one when paths or patterns overlap.
    pub fn allows_system<'a>(&'a self, target: SystemTarget<'a>) -> impl Iterator<Item = &'a SystemGrant> {
        self.system.iter().filter(move |grant| grant.matches(target))
    }

    /// The line that would let a check send to `url`.
    #[must_use]
    pub fn line_for_http(url: &Url) -> String {
        let scheme = url.scheme();
        let host = Host::of_url(url).map_or_else(|| "HOST".to_owned(), |host| host.to_string());
        let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        line("http", &format!("{scheme}://{host}{port}/*"))
    }

    /// The line that would let a check use the connection `name`.
    #[must_use]
    pub fn line_for_endpoint(name: &str) -> String {
        line("http", name)
    }

    /// The line that would let a check connect to `host` and `port`.
    #[must_use]
    pub fn line_for_tcp(host: &Host, port: u16) -> String {
        line("tcp", &format!("{host}:{port}"))
    }

    /// The line that would let a check ask for `target`.
    #[must_use]
    pub fn line_for_system(target: SystemTarget<'_>) -> String {
        line("system", &target.to_string())
    }
}

fn by_exactness(pattern: &&UrlPattern) -> bool {
    pattern.host.names_host()
}

fn line(key: &str, value: &str) -> String {
    format!("grants = {{ {key} = [{}] }}", toml::Value::String(value.to_owned()))
}

/// Whether `path` is `base` or below it, by whole components.
fn is_below(path: &Path, base: &Path) -> bool {
    path.starts_with(base)
}
