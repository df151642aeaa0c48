//! Entries of `http`: a URL pattern, or the name of a connection.

use std::fmt;

use url::Url;

use super::{Host, HostPattern, Ports};

/// One entry of `http`.
///
/// `https://example.org` (every path), `https://example.org/health` (this path), `https://*.internal:8443/health/*`,
/// `http://10.0.0.0/8:8080/*` (hosts written as addresses), or `billing`, the name of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpGrant {
    /// Requests to URLs that match.
    Url(UrlPattern),
    /// Requests through the connection of this name.
    Endpoint(String),
}

/// Which URLs a check may send requests to. Queries are never part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlPattern {
    scheme: Scheme,
    /// Which hosts.
    pub host: HostPattern,
    ports: Ports,
    path: PathPattern,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum PathPattern {
    /// None written, or `/*`.
    Any,
    /// `/health`.
    Exactly(String),
    /// `/health/*`; kept without the `*`.
    StartingWith(String),
}

impl HttpGrant {
    /// Bytes of a connection's name.
    const NAME_BYTES_MAX: usize = 63;

    /// Parses one entry.
    ///
    /// # Errors
    /// What was wrong and what is allowed.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.contains("://") {
            return UrlPattern::parse(text).map(Self::Url).map_err(|error| format!("http grant `{text}`: {error}"));
        }
        let is_name = (1..=Self::NAME_BYTES_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if is_name {
            return Ok(Self::Endpoint(text.to_owned()));
        }
        Err(format!(
            "http grant `{text}`: write a URL with its scheme, as in `https://{}`, or the name of a connection",
            if text.is_empty() { "example.org/health/*" } else { text }
        ))
    }

    /// The connection this names.
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        match self {
            Self::Endpoint(name) => Some(name),
            Self::Url(_) => None,
        }
    }

    /// The URL pattern this is.
    #[must_use]
    pub const fn pattern(&self) -> Option<&UrlPattern> {
        match self {
            Self::Url(pattern) => Some(pattern),
            Self::Endpoint(_) => None,
        }
    }
}

impl UrlPattern {
    fn parse(text: &str) -> Result<Self, String> {
        if let Some(bad) =
            text.chars().find(|&c| matches!(c, '?' | '#' | '@' | '\\') || c.is_whitespace() || c.is_control())
        {
            return Err(format!(
                "{bad:?} has no place here: queries are not part of a grant, credentials belong in a connection"
            ));
        }
        let (scheme, rest) = text.split_once("://").ok_or("the scheme is missing: `http://` or `https://`")?;
        let scheme = match scheme {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            other => return Err(format!("scheme `{other}`: `http` or `https` is allowed")),
        };
        let (authority, path) = split_authority(rest);
        let (host, ports) = match split_port(authority) {
            (host, Some(ports)) => (host, Ports::parse(ports)?),
            (host, None) => (host, Ports::one(scheme.default_port())),
        };
        Ok(Self { scheme, host: HostPattern::parse(host)?, ports, path: PathPattern::parse(path)? })
    }

    /// The pattern for everything at the origin of `url`.
    #[must_use]
    pub fn origin_of(url: &Url) -> Option<Self> {
        let scheme = Scheme::of(url)?;
        let host = HostPattern::exactly(&Host::of_url(url)?);
        Some(Self { scheme, host, ports: Ports::one(url.port_or_known_default()?), path: PathPattern::Any })
    }

    /// Whether `url` is covered.
    #[must_use]
    pub fn matches(&self, url: &Url) -> bool {
        Scheme::of(url) == Some(self.scheme)
            && Host::of_url(url).is_some_and(|host| self.host.matches(&host))
            && url.port_or_known_default().is_some_and(|port| self.ports.contains(port))
            && self.path.matches(url.path())
    }
}

impl Scheme {
    fn of(url: &Url) -> Option<Self> {
        match url.scheme() {
            "http" => Some(Self::Http),
            "https" => Some(Self::Https),
            _ => None,
        }
    }

    const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

impl PathPattern {
    fn parse(text: &str) -> Result<Self, String> {
        if text.contains("**") {
            return Err(format!("path `{text}`: `**` is not needed, one trailing `*` covers everything below"));
        }
        let (stem, is_prefix) = text.strip_suffix('*').map_or((text, false), |stem| (stem, true));
        if stem.contains('*') {
            return Err(format!("path `{text}`: `*` is allowed only at the end, as in `/health/*`"));
        }
        if is_ambiguous(stem) || stem.split('/').any(|segment| matches!(segment, "." | "..")) {
            return Err(format!("path `{text}`: write it without `.`, `..` and encoded slashes"));
        }
        if stem.is_empty() || (is_prefix && stem == "/") {
            return Ok(Self::Any);
        }
        // Through the same parser as the guest's URL, so that both are encoded alike.
        let url = Url::parse(&format!("http://host{stem}")).map_err(|error| format!("path `{text}`: {error}"))?;
        let path = url.path().to_owned();
        Ok(if is_prefix { Self::StartingWith(path) } else { Self::Exactly(path) })
    }

    fn matches(&self, path: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(own) => own == path,
            Self::StartingWith(stem) => path.starts_with(stem.as_str()) && !is_ambiguous(path),
        }
    }
}

/// Whether a server may read `path` as another one: an encoded slash, backslash, NUL or percent sign, a backslash, or
/// dot segments that the URL parser leaves alone (`..;/`, as Java servers strip parameters).
#[must_use]
pub fn is_ambiguous(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let read = lower.replace("%2e", ".").replace("%3b", ";");
    ["%2f", "%5c", "%00", "%25", "\\"].iter().any(|trick| lower.contains(trick))
        || read.split('/').any(|segment| matches!(segment.split_once(';'), Some(("." | "..", _))))
}

/// Where the host and port end and the path begins. An IPv4 address followed by `/0` to `/32` is a network, so a path
/// that is such a number needs the port in front: `http://10.0.0.1:80/8`.
fn split_authority(rest: &str) -> (&str, &str) {
    let from = if rest.starts_with('[') { rest.find(']').unwrap_or(0) } else { network_len(rest).unwrap_or(0) };
    match rest[from..].find('/') {
        Some(slash) => rest.split_at(from + slash),
        None => (rest, ""),
    }
}

fn network_len(rest: &str) -> Option<usize> {
    let (address, after) = rest.split_once('/')?;
    address.parse::<std::net::Ipv4Addr>().ok()?;
    let bits = after.split([':', '/']).next()?;
    let is_prefix = !bits.is_empty() && bits.len() <= 2 && bits.bytes().all(|byte| byte.is_ascii_digit());
    (is_prefix && bits.parse::<u8>().is_ok_and(|bits| bits <= 32)).then_some(address.len() + 1 + bits.len())
}

/// Splits `host:port`, minding brackets.
pub(super) fn split_port(authority: &str) -> (&str, Option<&str>) {
    let from = authority.rfind(']').unwrap_or(0);
    match authority[from..].rfind(':') {
        Some(colon) => (&authority[..from + colon], Some(&authority[from + colon + 1..])),
        None => (authority, None),
    }
}

impl fmt::Display for HttpGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(pattern) => pattern.fmt(f),
            Self::Endpoint(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for UrlPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.host)?;
        // A network without its port would read `10.0.0.0/8/*`, which is right but unreadable.
        if self.ports != Ports::one(self.scheme.default_port()) || matches!(self.host, HostPattern::Network(_)) {
            write!(f, ":{}", self.ports)?;
        }
        match &self.path {
            PathPattern::Any => f.write_str("/*"),
            PathPattern::Exactly(path) => f.write_str(path),
            PathPattern::StartingWith(stem) => write!(f, "{stem}*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn grant(text: &str) -> UrlPattern {
        match HttpGrant::parse(text).unwrap() {
            HttpGrant::Url(pattern) => pattern,
            HttpGrant::Endpoint(name) => panic!("{name} is a connection"),
        }
    }

    fn allows(pattern: &str, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| grant(pattern).matches(&url))
    }

    // What the documentation shows means what it says.
    #[test]
    fn shapes() {
        assert!(allows("https://payments.internal/*", "https://payments.internal/a/b?c=d"));
        assert!(!allows("https://payments.internal/*", "http://payments.internal/"));
        assert!(!allows("https://payments.internal/*", "https://payments.internal:8443/"));
        assert!(allows("http://127.0.0.1:9000/*", "http://127.0.0.1:9000/orders"));
        assert!(!allows("http://127.0.0.1:9000/*", "http://127.0.0.1/orders"));
        assert!(allows("https://*.internal:8443/health/*", "https://a.b.internal:8443/health/x"));
        assert!(!allows("https://*.internal:8443/health/*", "https://internal:8443/health/x"));
        assert!(!allows("https://*.internal:8443/health/*", "https://evilinternal:8443/health/x"));
        assert!(!allows("https://*.internal:8443/health/*", "https://a.internal:8443/admin"));
        assert!(allows("https://example.org", "https://example.org/any"));
        assert!(allows("https://example.org/health", "https://example.org/health?x"));
        assert!(!allows("https://example.org/health", "https://example.org/health/deep"));
        assert!(allows("http://10.0.0.0/8:8080/*", "http://10.1.2.3:8080/x"));
        assert!(allows("http://10.0.0.0/8", "http://10.1.2.3/x"));
        assert!(!allows("http://10.0.0.0/8:8080/*", "http://11.1.2.3:8080/x"));
        assert!(!allows("http://10.0.0.0/8:8080/*", "http://ten.example:8080/x"));
        assert!(allows("http://10.0.0.1:80/8", "http://10.0.0.1/8"));
        assert!(allows("http://[fd00::/8]:8080/*", "http://[fd00::1]:8080/x"));
        assert!(allows("http://[::1]:8080/*", "http://[0:0::1]:8080/x"));
        assert!(allows("http://*/*", "http://anything.example/x"));
        assert_eq!(HttpGrant::parse("billing").unwrap().endpoint(), Some("billing"));
    }

    // A grant prints in a form that parses to itself.
    #[test]
    fn display_parses_back() {
        for text in [
            "https://payments.internal/*",
            "http://127.0.0.1:9000/*",
            "https://*.internal:8443/health/*",
            "http://10.0.0.0/8:8080/*",
            "http://[fd00::/8]:8000-8100/a",
            "https://*:*/*",
            "billing",
        ] {
            assert_eq!(HttpGrant::parse(text).unwrap().to_string(), text);
        }
    }

    // A pattern that cannot be meant is refused with what to write instead.
    #[test]
    fn refusals_say_what_to_write() {
        for (text, hint) in [
            ("example.org/health", "https://example.org/health"),
            ("localhost:9000", "https://localhost:9000"),
            ("", "name of a connection"),
            ("ftp://x/", "`http` or `https`"),
            ("https://a*.example.org/", "leading labels"),
            ("https://*.*.org/", "comes a name"),
            ("https://*.10.0.0.1/", "comes a name"),
            ("https://example.org/**", "one trailing `*`"),
            ("https://example.org/*/x", "only at the end"),
            ("https://example.org/a?b", "queries"),
            ("https://u:p@example.org/", "connection"),
            ("https://example.org:0/", "1 to 65535"),
            ("https://example.org:99999/", "1 to 65535"),
            ("http://10.0.0.1/8", "10.0.0.0/8"),
            ("https://example.org/../x", "without"),
            ("https:///x", "not a host"),
        ] {
            let error = HttpGrant::parse(text).unwrap_err();
            assert!(error.contains(hint), "{text}: {error}");
        }
    }

    // Ways to write a path that a server may read as another do not match a path grant.
    #[test]
    fn path_tricks_stay_out() {
        for path in [
            "/health/../admin",
            "/health/%2e%2e/admin",
            "/health/.%2E/admin",
            "/health/..%2fadmin",
            "/health/..%5cadmin",
            "/health/%252e%252e/admin",
            "/health\\..\\admin",
            "/health/..;/admin",
            "/health/%2e%2e;x/admin",
            "/health/..%3b/admin",
            "/health/a%00",
            "/HEALTH/x",
            "/health",
        ] {
            assert!(!allows("http://h/health/*", &format!("http://h{path}")), "{path}");
        }
    }

    // Other spellings of a granted host are that host, and no spelling of another one is.
    #[test]
    fn host_spellings() {
        for url in ["http://LOCALHOST/", "http://localhost./", "http://%6cocalhost/", "http://ｌocalhost/"] {
            assert!(allows("http://localhost/*", url), "{url}");
        }
        for url in ["http://localhost.evil.example/", "http://localhost@evil.example/", "http://evil.example#localhost"]
        {
            assert!(!allows("http://localhost/*", url), "{url}");
        }
        assert!(allows("https://bücher.example/*", "https://xn--bcher-kva.example/"));
    }

    proptest! {
        // However an IPv4 address is written, only a grant for that address covers it.
        #[test]
        fn ipv4_spellings_are_one_address(bits: u32) {
            let [a, b, c, d] = bits.to_be_bytes();
            let spellings = [
                format!("{bits}"), format!("0x{bits:x}"), format!("0{bits:o}"),
                format!("{a}.{}", bits & 0xff_ffff), format!("0x{a:x}.{b}.0{:o}", bits & 0xffff),
                format!("{a}.{b}.{c}.{d}."), format!("[::ffff:{a}.{b}.{c}.{d}]"), format!("[::ffff:{a:x}{b:02x}:{c:x}{d:02x}]"),
            ];
            let own = format!("http://{a}.{b}.{c}.{d}/*");
            let other = format!("http://{a}.{b}.{c}.{}/*", d ^ 1);
            for spelling in spellings {
                let url = format!("http://{spelling}/");
                prop_assert!(allows(&own, &url), "{}", url);
                prop_assert!(!allows(&other, &url), "{}", url);
                prop_assert!(!allows("http://*.example/*", &url), "{}", url);
            }
        }

        // Whatever stands before or after, a URL matches only when its parsed host does.
        #[test]
        fn junk_around_the_host(junk in "[a-z0-9.@#?/\\\\%:-]{0,12}") {
            for url in [format!("http://{junk}granted.example/"), format!("http://granted.example{junk}/")] {
                if let Ok(parsed) = Url::parse(&url)
                    && grant("http://granted.example/*").matches(&parsed)
                {
                    prop_assert_eq!(parsed.host_str().map(|host| host.trim_end_matches('.')), Some("granted.example"));
                }
            }
        }

        // Parsing never panics.
        #[test]
        fn any_text_parses_or_fails(text in "\\PC{0,40}", tail in "\\PC{0,20}") {
            let _ = HttpGrant::parse(&text);
            let _ = HttpGrant::parse(&format!("http://{text}"));
            let _ = HttpGrant::parse(&format!("http://[{text}]/{tail}"));
        }
    }
}
