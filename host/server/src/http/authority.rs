//! Which host a request is for, and whether that is one that this host answers as.
//!
//! A page of another site can make a browser ask a server on this machine or in this network: its owner lets a name of his
//! lead here (DNS rebinding), and the browser takes the answer for his site's own. The name is in the request, so names
//! that anybody can register are answered only where `server.hosts` lists them. Names that nobody can, and addresses, are
//! always answered: they prove that the client was told where to go.

use std::sync::LazyLock;

use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{Request, Version};
use probity_config::grants::{Host, HostPattern};

/// Ends of names that no registry gives to anybody: reserved (RFC 6761, 6762, 8375, ICANN's `internal`), or kept out of
/// the root because private networks use them.
const PRIVATE_ENDS: [&str; 14] = [
    "localhost",
    "local",
    "internal",
    "home.arpa",
    "test",
    "example",
    "invalid",
    "lan",
    "home",
    "corp",
    "intranet",
    "private",
    "localdomain",
    "svc",
];

/// The host that `request` names, without its port; none when it names none and need not.
///
/// # Errors
/// What is wrong, by RFC 9112 §3.2 and RFC 9113 §8.3.1.
pub(super) fn named<B>(request: &Request<B>) -> Result<Option<&str>, &'static str> {
    let mut fields = request.headers().get_all(HOST).iter();
    let field = fields.next().map(axum::http::HeaderValue::as_bytes);
    if fields.next().is_some() {
        return Err("there is more than one Host header");
    }
    let host = field.map(host_of).transpose()?;
    let target = request.uri().authority().map(Authority::as_str);
    let target_host = target.map(|target| host_of(target.as_bytes())).transpose()?;
    match request.version() {
        Version::HTTP_11 if host.is_none() => return Err("there is no Host header"),
        Version::HTTP_2 => {
            if host.is_none() && target.is_none() {
                return Err("there is neither :authority nor a Host header");
            }
            if field.zip(target).is_some_and(|(field, target)| !field.eq_ignore_ascii_case(target.as_bytes())) {
                return Err("the Host header says something else than :authority");
            }
        }
        _ => {}
    }
    // What the target says, counts.
    Ok(target_host.or(host))
}

/// The host of `host[:port]`.
fn host_of(text: &[u8]) -> Result<&str, &'static str> {
    const MALFORMED: &str = "the host is malformed; `host` or `host:port` is expected";
    let text = std::str::from_utf8(text).map_err(|_| MALFORMED)?;
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, after) = rest.split_once(']').ok_or(MALFORMED)?;
            address.parse::<std::net::Ipv6Addr>().map_err(|_| MALFORMED)?;
            (&text[..address.len() + 2], after.strip_prefix(':').or(after.is_empty().then_some("")))
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, Some("")),
        },
    };
    let is_port = port.is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&byte);
    let is_host = host.starts_with('[') || host.bytes().all(is_name);
    if is_port && is_host { Ok(host) } else { Err(MALFORMED) }
}

/// Whether requests for `host` are answered to those without a token, beside what `listed` allows.
pub(super) fn is_served(host: &str, listed: &[HostPattern]) -> bool {
    // Browsers always name one.
    if host.is_empty() || listed.contains(&HostPattern::Any) {
        return true;
    }
    let Ok(host) = Host::parse(host) else { return false };
    match &host {
        Host::Address(_) => return true,
        Host::Name(name) if is_private(name) || name.eq_ignore_ascii_case(&OWN_NAME) => return true,
        Host::Name(_) => {}
    }
    listed.iter().any(|pattern| pattern.matches(&host))
}

fn is_private(name: &str) -> bool {
    let is_below = |end: &&str| name.strip_suffix(*end).is_some_and(|rest| rest.ends_with('.'));
    !name.contains('.') || PRIVATE_ENDS.iter().any(is_below)
}

/// What this machine calls itself.
static OWN_NAME: LazyLock<String> = LazyLock::new(|| sysinfo::System::host_name().unwrap_or_default());

#[cfg(test)]
mod tests {
    use super::*;

    fn request(version: Version, target: &str, hosts: &[&str]) -> Request<()> {
        let mut request = Request::builder().version(version).uri(target);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        request.body(()).unwrap()
    }

    fn told(version: Version, target: &str, hosts: &[&str]) -> Result<Option<String>, &'static str> {
        named(&request(version, target, hosts)).map(|host| host.map(str::to_owned))
    }

    // HTTP/1.1 names exactly one well-formed host; HTTP/1.0 may name none; what the target says comes first.
    #[test]
    fn one_host_is_named() {
        let (one, old) = (Version::HTTP_11, Version::HTTP_10);
        assert_eq!(told(one, "/live", &["probity:8080"]), Ok(Some("probity".to_owned())));
        assert_eq!(told(one, "/live", &["[::1]:80"]), Ok(Some("[::1]".to_owned())));
        assert_eq!(told(one, "/live", &[""]), Ok(Some(String::new())));
        assert_eq!(told(old, "/live", &[]), Ok(None));
        assert_eq!(told(one, "http://evil.example:80/live", &["localhost"]), Ok(Some("evil.example".to_owned())));
        for (version, target, hosts) in [
            (one, "/live", &[][..]),
            (one, "/live", &["a", "a"]),
            (old, "/live", &["a", "b"]),
            (one, "http://a/live", &[]),
            (one, "http://user@a/live", &["a"]),
        ] {
            assert!(told(version, target, hosts).is_err(), "{target} {hosts:?}");
        }
        for host in
            ["a b", "a:b", "a:80:80", "a/b", "a@b", "[::1", "[::1]80", "[x]", "::1", "a\u{e9}", "a?", "a#", "a\\"]
        {
            let value = axum::http::HeaderValue::from_bytes(host.as_bytes()).unwrap();
            let mut request = request(one, "/live", &[]);
            request.headers_mut().insert(HOST, value);
            assert!(named(&request).is_err(), "{host}");
        }
    }

    // Over HTTP/2 either way will do, but not two that differ.
    #[test]
    fn http2_names_its_authority() {
        let two = Version::HTTP_2;
        assert_eq!(told(two, "http://probity:80/live", &[]), Ok(Some("probity".to_owned())));
        assert_eq!(told(two, "http://probity:80/live", &["PROBITY:80"]), Ok(Some("probity".to_owned())));
        assert_eq!(told(two, "/live", &["probity"]), Ok(Some("probity".to_owned())));
        assert!(told(two, "/live", &[]).is_err());
        assert!(told(two, "http://probity/live", &["other"]).is_err());
        assert!(told(two, "http://probity/live", &["probity:80"]).is_err());
    }

    // Names that anybody can have are served only when they are listed, however they are written.
    #[test]
    fn public_names_have_to_be_listed() {
        for host in [
            "127.0.0.1",
            "[::1]",
            "10.1.2.3",
            "localhost",
            "LOCALHOST.",
            "shop.localhost",
            "probity",
            "probity.monitoring.svc",
            "probity.monitoring.svc.cluster.local",
            "ip-10-0-0-1.ec2.internal",
            "nas.lan",
            "printer.home.arpa",
            "",
        ] {
            assert!(is_served(host, &[]), "{host}");
        }
        let public = [
            "evil.com",
            "localhost.evil.com",
            "127.0.0.1.nip.io",
            "evil%2ecom",
            "internal.com",
            "notlocal.dev",
            "EVIL.COM.",
        ];
        let any = [HostPattern::parse("*").unwrap()];
        for host in public {
            assert!(!is_served(host, &[]), "{host}");
            assert!(is_served(host, &any), "{host}");
        }
        let listed = [HostPattern::parse("health.shop.com").unwrap(), HostPattern::parse("*.prod.shop.com").unwrap()];
        for host in ["health.shop.com", "Health.Shop.Com.", "db1.prod.shop.com", "a.b.prod.shop.com"] {
            assert!(is_served(host, &listed), "{host}");
        }
        for host in ["shop.com", "prod.shop.com", "evilprod.shop.com", "health.shop.com.evil.com"] {
            assert!(!is_served(host, &listed), "{host}");
        }
    }
}
