//! What the operator lets a check touch. Default: nothing.
//!
//! Grants are compared with *parsed* targets ([`Host`], `url::Url`, absolute paths), never with what the guest typed, so
//! that percent-encoding, `..`, upper case, trailing dots and short forms of addresses cannot slip past. A grant says
//! which names may be asked for; which addresses a name may lead to is the egress policy's business.

mod dns;
mod host;
mod http;
mod named;
mod peers;
mod system;
mod tcp;
mod tls;

use std::path::Path;

use probity_core::check::Capability;
use url::Url;

pub use dns::{DnsGrant, canonical as canonical_name};
pub use host::{Host, HostPattern, Ports};
pub use http::{HttpGrant, UrlPattern, is_ambiguous};
pub use named::NamedGrant;
pub use peers::PeerGrant;
pub use system::{ProcessPattern, SystemGrant, SystemTarget};
pub use tcp::TcpGrant;
pub use tls::TlsGrant;

/// The grants of one check. `context`, `log`, `clock` and `state` need none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Key `http`: URL patterns and connection names.
    pub http: Vec<HttpGrant>,
    /// Key `tcp`: `host:port` patterns.
    pub tcp: Vec<TcpGrant>,
    /// Key `udp`: the same for datagrams.
    pub udp: Vec<TcpGrant>,
    /// Key `tls`: `host:port` patterns and `certificate:NAME`.
    pub tls: Vec<TlsGrant>,
    /// Key `dns`: names and `resolver:NAME`.
    pub dns: Vec<DnsGrant>,
    /// Key `sql`: connections; read-only, unless `:write` follows.
    pub sql: Vec<NamedGrant>,
    /// Key `redis`: connections; reading commands, unless `:COMMAND` or `:*` follows.
    pub redis: Vec<NamedGrant>,
    /// Key `queue`: queues; `:publish` may follow.
    pub queue: Vec<NamedGrant>,
    /// Key `secrets`: secrets; `:reveal` may follow.
    pub secrets: Vec<NamedGrant>,
    /// Key `system`: `memory`, `cpu`, `load`, `pressure`, `uptime`, `disks`, `disk:/path`, `process:pattern`,
    /// `file:/path`.
    pub system: Vec<SystemGrant>,
    /// Key `heartbeats`: names of jobs.
    pub heartbeats: Vec<NamedGrant>,
    /// Key `peers`: checks and groups.
    pub peers: Vec<PeerGrant>,
}

impl Grants {
    /// Adds one entry of the key called as `capability` is.
    ///
    /// # Errors
    /// What was wrong with it and what is allowed.
    pub fn add(&mut self, capability: Capability, text: &str) -> Result<(), String> {
        match capability {
            Capability::Http => self.http.push(HttpGrant::parse(text)?),
            Capability::Tcp => self.tcp.push(TcpGrant::parse(text)?),
            Capability::Udp => self.udp.push(TcpGrant::parse_for("udp", text)?),
            Capability::Tls => self.tls.push(TlsGrant::parse(text)?),
            Capability::Dns => self.dns.push(DnsGrant::parse(text)?),
            Capability::Sql => self.sql.push(NamedGrant::sql(text)?),
            Capability::Redis => self.redis.push(NamedGrant::redis(text)?),
            Capability::Queue => self.queue.push(NamedGrant::queue(text)?),
            Capability::Secrets => self.secrets.push(NamedGrant::secret(text)?),
            Capability::System => self.system.push(SystemGrant::parse(text)?),
            Capability::Heartbeats => self.heartbeats.push(NamedGrant::heartbeat(text)?),
            Capability::Peers => self.peers.push(PeerGrant::parse(text)?),
            Capability::Context | Capability::Log | Capability::Clock | Capability::State => {
                return Err(format!("`{}` needs no grant", capability.as_str()));
            }
        }
        Ok(())
    }

    /// The entries of the key called as `capability` is, as they are written.
    #[must_use]
    pub fn texts(&self, capability: Capability) -> Vec<String> {
        fn texts<T: ToString>(grants: &[T]) -> Vec<String> {
            grants.iter().map(ToString::to_string).collect()
        }
        match capability {
            Capability::Http => texts(&self.http),
            Capability::Tcp => texts(&self.tcp),
            Capability::Udp => texts(&self.udp),
            Capability::Tls => texts(&self.tls),
            Capability::Dns => texts(&self.dns),
            Capability::Sql => texts(&self.sql),
            Capability::Redis => texts(&self.redis),
            Capability::Queue => texts(&self.queue),
            Capability::Secrets => texts(&self.secrets),
            Capability::System => texts(&self.system),
            Capability::Heartbeats => texts(&self.heartbeats),
            Capability::Peers => texts(&self.peers),
            Capability::Context | Capability::Log | Capability::Clock | Capability::State => Vec::new(),
        }
    }

    /// Whether anything is granted of `capability`. What exactly is checked again at every call.
    #[must_use]
    pub fn names(&self, capability: Capability) -> bool {
        !self.texts(capability).is_empty()
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

    /// The grant that covers datagrams to `host` and `port`; an exact one comes first.
    #[must_use]
    pub fn allows_udp(&self, host: &Host, port: u16) -> Option<&TcpGrant> {
        self.udp.iter().filter(|grant| grant.matches(host, port)).max_by_key(|grant| grant.host.names_host())
    }

    /// The grant that covers the certificate of `host` and `port`; an exact one comes first.
    #[must_use]
    pub fn allows_tls(&self, host: &Host, port: u16) -> Option<&TcpGrant> {
        let servers = self.tls.iter().filter_map(TlsGrant::server);
        servers.filter(|grant| grant.matches(host, port)).max_by_key(|grant| grant.host.names_host())
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

    /// The line that would add `value` to what a check has of `capability`.
    #[must_use]
    pub fn line_for(capability: Capability, value: &str) -> String {
        line(capability.as_str(), value)
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
