//! Where the host listens that is asked: what was typed, else what the folder's configuration says.
//!
//! Of a configuration only what is needed is read, so that a host can be asked where its secrets are not at hand.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use probity_config::{Config, FILE_NAME};
use url::Url;

/// A host, and who says that it is there.
#[derive(Clone, Debug)]
pub(super) struct Address {
    /// Where.
    pub(super) url: Url,
    /// Who says so.
    pub(super) source: Source,
    /// The checks that the configuration declares: a host of this folder knows them.
    pub(super) declared: Vec<String>,
}

/// Where an address comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// `--url` or `PROBITY_URL`.
    Typed,
    /// `PROBITY_LISTEN`, which `probity serve` obeys too.
    Environment,
    /// `server.listen` of this file.
    File(PathBuf),
    /// Nobody says: the host's own default.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Typed => f.write_str("--url"),
            Self::Environment => f.write_str("PROBITY_LISTEN"),
            Self::File(file) => write!(f, "server.listen of {}", file.display()),
            Self::Default => f.write_str("the default"),
        }
    }
}

/// Reads `--url`: `10.0.0.7:8080` means the same with `http://`.
pub(super) fn parse(text: &str) -> Result<Url, String> {
    let url = if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("http://{text}")) };
    let url = url.map_err(|error| format!("{error}; write an address like 127.0.0.1:8080 or http://10.0.0.7:8080"))?;
    if url.has_host() { Ok(url) } else { Err("it names no host".to_owned()) }
}

/// What was typed, else what the environment or the configuration at `file` says, else the default.
pub(super) fn find(typed: Option<&Url>, file: Option<&Path>) -> anyhow::Result<Address> {
    if let Some(url) = typed {
        return Ok(Address { url: url.clone(), source: Source::Typed, declared: Vec::new() });
    }
    let told = Told::read(file)?;
    let from_environment = std::env::var("PROBITY_LISTEN").ok().filter(|text| !text.is_empty());
    let (listen, source) = match (from_environment, told.listen) {
        (Some(text), _) => (text.parse().with_context(|| format!("PROBITY_LISTEN is `{text}`"))?, Source::Environment),
        (None, Some((listen, file))) => (listen, Source::File(file)),
        (None, None) => (Config::default_in(Path::new("")).server.listen, Source::Default),
    };
    Ok(Address { url: url_of(listen, &source)?, source, declared: told.checks })
}

/// Where a host that listens there is reached from this machine.
fn url_of(listen: SocketAddr, source: &Source) -> anyhow::Result<Url> {
    if listen.port() == 0 {
        bail!(
            "{source} is {listen}: the port is chosen at each start, and the host's log says which; give it with --url"
        );
    }
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::from(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::from(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let address = SocketAddr::new(ip, listen.port());
    Url::parse(&format!("http://{address}")).with_context(|| format!("{address} as a URL"))
}

/// What files say of where their host listens and what it checks.
#[derive(Debug, Default, PartialEq)]
struct Told {
    listen: Option<(SocketAddr, PathBuf)>,
    checks: Vec<String>,
}

impl Told {
    fn read(file: Option<&Path>) -> anyhow::Result<Self> {
        let main = file.map_or_else(|| PathBuf::from(FILE_NAME), Path::to_owned);
        let mut told = Self::default();
        let fragments = probity_config::fragments(&main.with_extension("d"))?;
        for path in std::iter::once(main.clone()).chain(fragments) {
            let text = match std::fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound && file.is_none() && path == main => {
                    continue;
                }
                Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
            };
            let unknown = || {
                let file = path.display();
                format!(
                    "{file} does not say where its host listens (`probity validate` says what is wrong; --url asks anyway)"
                )
            };
            told.add(&text, &path, || Ok(probity_config::load(file)?.server.listen)).with_context(unknown)?;
        }
        Ok(told)
    }

    /// Adds what one file says; `resolved` is asked where a placeholder stands for the address.
    fn add(
        &mut self,
        text: &str,
        path: &Path,
        resolved: impl FnOnce() -> anyhow::Result<SocketAddr>,
    ) -> anyhow::Result<()> {
        let table: toml::Table = text.parse()?;
        if let Some(listen) = table.get("server").and_then(|server| server.get("listen")) {
            let listen = listen.as_str().context("server.listen is no text")?;
            let listen = if listen.contains("${") { resolved()? } else { listen.parse().context("server.listen")? };
            self.listen = Some((listen, path.to_owned()));
        }
        let checks = table.get("check").and_then(toml::Value::as_array).into_iter().flatten();
        self.checks.extend(checks.filter_map(|check| Some(check.get("name")?.as_str()?.to_owned())));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // An address is an address with and without a scheme; what is none is refused with one that is.
    #[test]
    fn a_url_needs_no_scheme() {
        let parsed = |text| parse(text).map(|url| url.to_string());
        assert_eq!(parsed("127.0.0.1:18080").unwrap(), "http://127.0.0.1:18080/");
        assert_eq!(parsed("[::1]:8080").unwrap(), "http://[::1]:8080/");
        assert_eq!(parsed("db.internal:8080/probity").unwrap(), "http://db.internal:8080/probity");
        assert_eq!(parsed("http://10.0.0.7").unwrap(), "http://10.0.0.7/");
        assert!(parsed("127.0.0.1:").is_ok() && parsed("").unwrap_err().contains("127.0.0.1:8080"));
        assert!(parsed("a b:1").is_err() && parsed("unix:///x").is_err());
    }

    // A host that listens everywhere is asked here; one that chooses its port cannot be guessed.
    #[test]
    fn every_address_is_reached_from_here() {
        let url = |text: &str| url_of(text.parse().unwrap(), &Source::Default).map(|url| url.to_string());
        assert_eq!(url("0.0.0.0:8080").unwrap(), "http://127.0.0.1:8080/");
        assert_eq!(url("[::]:8080").unwrap(), "http://[::1]:8080/");
        assert_eq!(url("10.0.0.7:1").unwrap(), "http://10.0.0.7:1/");
        assert!(url("127.0.0.1:0").unwrap_err().to_string().contains("--url"));
    }

    // The address is read also where the rest of the file needs secrets that are not here.
    #[test]
    fn the_address_is_read_without_secrets() {
        let mut told = Told::default();
        let text = "[server]\nlisten = \"127.0.0.1:18080\"\n[connections.a]\nurl = \"${NOT_SET_HERE}\"\n[[check]]\nname = \"a\"\n";
        told.add(text, Path::new("x.toml"), || bail!("not asked")).unwrap();
        told.add("[[check]]\nname = \"b\"\n", Path::new("y.toml"), || bail!("not asked")).unwrap();
        let listen = Some(("127.0.0.1:18080".parse().unwrap(), PathBuf::from("x.toml")));
        assert_eq!(told, Told { listen, checks: vec!["a".into(), "b".into()] });
        let of_variable = "[server]\nlisten = \"${LISTEN}\"\n";
        told.add(of_variable, Path::new("z.toml"), || Ok("127.0.0.1:1".parse()?)).unwrap();
        assert_eq!(told.listen.unwrap().0.port(), 1);
        assert!(Told::default().add("[server]\nlisten = \"nonsense\"\n", Path::new("x"), || bail!("no")).is_err());
    }
}
