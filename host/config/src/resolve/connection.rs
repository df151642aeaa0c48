//! `[connections]`: endpoints, databases and brokers with their credentials.

use std::collections::BTreeMap;
use std::path::PathBuf;

use base64::Engine;
use probity_core::check::Capability;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use url::Url;

use super::{narrow, oauth2, sentinel};
use crate::cx::{At, Cx};
use crate::decode::Key;
use crate::errors::Fault;
use crate::grants::Host;
use crate::leaf::Text;
use crate::source::is_secret_key;
use crate::tree::NodeId;
use crate::valid::{Connection, HttpConnection, Identity, ServerConnection, SqlBounds, Verify};
use crate::{is_name, is_reserved_header, raw};

/// Schemes that are not offered, known well enough to be named in a message. Anything else may be half a password.
const SCHEMES_KNOWN: [&str; 9] = ["kafka", "mongodb", "ws", "wss", "ftp", "tcp", "grpc", "file", "unix"];

const SCHEMES_HELP: &str = "`http`, `https`, `postgres`, `mysql`, `mariadb`, `sqlite`, `redis`, `rediss`, \
                            `redis+sentinel`, `amqp`, `amqps`, `nats` and `tls` (NATS) are offered";

pub(super) fn all(raw: &BTreeMap<String, raw::Connection>, cx: &mut Cx<'_>) -> BTreeMap<String, Connection> {
    let mut connections = BTreeMap::new();
    for (name, raw) in raw {
        let Some(own) = raw.own.0 else { continue };
        if !is_name(name) {
            let help = "use lower-case letters, digits, `-`, `_` and `.`, starting with a letter or digit";
            cx.faults
                .push(Fault::at(cx.tree.node(own).key, format!("`{name}` is no name for a connection")).help(help));
        }
        if raw.url.id.is_none() {
            let fault = Fault::at(cx.tree.node(own).place, format!("connection `{name}` without `url`"));
            cx.faults.push(fault.help("say where it is: `url = \"https://payments.internal\"`"));
        }
        let mut headers = headers(raw, cx);
        let url = url(raw, cx);
        let ca = authorities(raw, cx);
        let identity = identity(raw, cx);
        let proxy = proxy(raw, cx);
        let address = address(raw, cx);
        let verify = raw.verify.or(cx, Verify::Full);
        let oauth2 = oauth2::client(&raw.oauth2, &headers, cx).map(Box::new);
        let traceparent = raw.traceparent.or(cx, false);
        let Some((url, others)) = url else { continue };
        let (pool, rows_max) = (narrow(raw.pool.or(cx, 4)), narrow(raw.rows_max.or(cx, 1000)));
        let bounds = SqlBounds { pool, rows_max, idle: SqlBounds::IDLE };
        let connection = match url.scheme() {
            "http" | "https" => endpoint(raw, url, &mut headers, cx).map(|url| {
                let connection =
                    HttpConnection { url, headers, ca, identity, proxy, address, verify, oauth2, traceparent };
                Connection::Http(connection)
            }),
            "redis+sentinel" | "rediss+sentinel" => host(raw, &url, cx)
                .and_then(|_| sentinel::connection(raw, &url, &others, (ca, identity), cx))
                .map(Connection::Sentinel),
            "sqlite" => file(raw, &url, cx).map(|file| Connection::Sqlite(file, bounds)),
            scheme => {
                keep_secret(&url, cx);
                server(raw, &url, (ca, identity), cx).map(|server| match scheme {
                    "postgres" | "postgresql" => Connection::Postgres(server, bounds),
                    "mysql" | "mariadb" => Connection::MySql(server, bounds),
                    "redis" | "rediss" | "valkey" | "valkeys" => Connection::Redis(server),
                    "amqp" | "amqps" => Connection::Amqp(server),
                    _ => Connection::Nats(server),
                })
            }
        };
        if let Some(connection) = connection {
            misplaced(raw, &connection, cx);
            connections.insert(name.clone(), connection);
        }
    }
    connections
}

/// Notes keys that mean nothing for this kind of connection.
fn misplaced(raw: &raw::Connection, connection: &Connection, cx: &mut Cx<'_>) {
    let is_endpoint = matches!(connection, Connection::Http(_));
    let is_https = matches!(connection, Connection::Http(http) if http.url.scheme() == "https");
    let is_database = connection.capability() == Some(Capability::Sql);
    let (tls, how) = match connection {
        Connection::Http(_) => (true, ""),
        Connection::Sqlite(..) => (false, "remove `client-cert`"),
        Connection::Postgres(server, _) | Connection::MySql(server, _) => {
            (server.tls, "add `?sslmode=verify-full` to the URL")
        }
        Connection::Redis(server) => (server.tls, "write `rediss://` in the URL"),
        Connection::Sentinel(known) => (known.server.tls, "write `rediss+sentinel://` in the URL"),
        Connection::Amqp(server) => (server.tls, "write `amqps://` in the URL"),
        Connection::Nats(server) => (server.tls, "write `tls://` in the URL"),
    };
    for (id, fits, message, help) in [
        (raw.headers.id, is_endpoint, "only `http` and `https` connections have headers", "remove `headers`"),
        (raw.proxy.id, is_endpoint, "only `http` and `https` connections have a proxy", "remove `proxy`"),
        (
            raw.traceparent.id,
            is_endpoint,
            "only `http` and `https` connections have trace context",
            "remove `traceparent`",
        ),
        (
            raw.verify.id,
            is_https,
            "only `https` connections have `verify`",
            "remove it: what else is encrypted is always verified in full",
        ),
        (raw.address.id, is_endpoint, "only `http` and `https` connections have an `address`", "write it in `url`"),
        (raw.oauth2.own.0, is_endpoint, "only `http` and `https` connections have `oauth2`", "remove `oauth2`"),
        (raw.client_cert.id, tls, "only connections over TLS have a client certificate", how),
        (raw.pool.id, is_database, "only databases have `pool`", "remove `pool`"),
        (raw.rows_max.id, is_database, "only databases have `rows-max`", "remove `rows-max`"),
    ] {
        if let (Some(id), false) = (id, fits) {
            cx.wrong(id, message, help);
        }
    }
}

/// A server that is reached by host and port.
fn server(
    raw: &raw::Connection,
    url: &Url,
    (ca, identity): (Option<Vec<u8>>, Option<Identity>),
    cx: &mut Cx<'_>,
) -> Option<ServerConnection> {
    let host = host(raw, url, cx)?;
    let tls = match url.scheme() {
        "postgres" | "postgresql" | "mysql" | "mariadb" => {
            sslmode(raw, url, cx)?.unwrap_or_else(|| identity.is_some() || !is_this_machine(&host))
        }
        scheme => {
            if url.query().is_some() {
                let help = "remove what follows the `?`; in passwords it is written as `%3F`";
                cx.wrong(raw.url.id?, "the URL has query parameters, and this kind of connection knows none", help);
                return None;
            }
            matches!(scheme, "rediss" | "valkeys" | "amqps" | "tls")
        }
    };
    let path = url.path().trim_start_matches('/');
    let is_redis = matches!(url.scheme(), "redis" | "rediss" | "valkey" | "valkeys");
    if is_redis && !path.is_empty() && path.parse::<u32>().is_err() {
        cx.wrong(raw.url.id?, "the path of the URL is no database number", "write `/0`, or nothing for the first");
        return None;
    }
    Some(ServerConnection { url: url.clone(), tls, ca, identity })
}

/// Whether a database's URL asks for TLS; the inner none where it does not say. What encrypts is verified in full: an
/// encrypted line to whoever answers protects nothing.
fn sslmode(raw: &raw::Connection, url: &Url, cx: &mut Cx<'_>) -> Option<Option<bool>> {
    const HELP: &str = "`sslmode` (`ssl-mode`) is `disable`, `prefer`, `require`, `verify-ca` or `verify-full`; there is \
                        no other parameter";
    let id = raw.url.id?;
    let mut mode = None;
    // Neither keys nor values are quoted: a password with a `?` in it may have ended up here.
    for (key, value) in url.query_pairs() {
        if !matches!(key.as_ref(), "sslmode" | "ssl-mode") {
            cx.wrong(id, "the URL has a query parameter that is not known", HELP);
            return None;
        }
        mode = Some(match value.to_ascii_lowercase().replace('_', "-").as_str() {
            "disable" | "disabled" => false,
            "prefer" | "preferred" | "require" | "required" | "verify-ca" | "verify-full" | "verify-identity" => true,
            _ => {
                cx.wrong(id, "the `sslmode` in the URL is not known", HELP);
                return None;
            }
        });
    }
    Some(mode)
}

fn is_this_machine(host: &Host) -> bool {
    match host {
        Host::Name(name) => name == "localhost",
        Host::Address(address) => address.is_loopback(),
    }
}

/// The URL, and the hosts beyond the first that only Redis Sentinel's have.
fn url(raw: &raw::Connection, cx: &mut Cx<'_>) -> Option<(Url, Vec<String>)> {
    const OFFERED: [&str; 17] = [
        "http",
        "https",
        "postgres",
        "postgresql",
        "mysql",
        "mariadb",
        "sqlite",
        "redis",
        "rediss",
        "valkey",
        "valkeys",
        "redis+sentinel",
        "rediss+sentinel",
        "amqp",
        "amqps",
        "nats",
        "tls",
    ];
    let text = raw.url.read(cx)?;
    let id = raw.url.id?;
    // Neither text nor parser may be quoted: there is a password in it.
    let (text, others) = sentinel::split(&text);
    let Ok(url) = Url::parse(&text) else {
        cx.wrong(id, "the URL cannot be read", "write `https://host`, `https://host:port/path`, `postgres://…`");
        return None;
    };
    if OFFERED.contains(&url.scheme()) {
        return Some((url, others));
    }
    let message = match url.scheme() {
        scheme if SCHEMES_KNOWN.contains(&scheme) => {
            format!("connections of scheme `{scheme}` are not offered by this version")
        }
        _ => "connections of this scheme are not offered by this version".to_owned(),
    };
    cx.wrong(id, message, format!("{SCHEMES_HELP}; for others grant `tcp` to host and port"));
    None
}

/// Notes the credentials of a URL that keeps them.
pub(super) fn keep_secret(url: &Url, cx: &mut Cx<'_>) {
    // `nats://TOKEN@host`: what stands in the user's place is the credential.
    let token = || matches!(url.scheme(), "nats" | "tls").then(|| url.username());
    if let Some(password) = url.password().or_else(token).filter(|password| !password.is_empty()) {
        cx.secrets.extend([decode_percent(password), password.to_owned(), url.as_str().to_owned()]);
    }
}

fn host(raw: &raw::Connection, url: &Url, cx: &mut Cx<'_>) -> Option<Host> {
    // A scheme that browsers do not know keeps its host as text.
    let host = Host::parse(url.host_str().unwrap_or_default()).ok();
    if let (Some(id), None) = (raw.url.id, &host) {
        cx.wrong(id, "the URL names no host", format!("write `{}://host` or `{0}://host:port/…`", url.scheme()));
    }
    host
}

/// `sqlite:///var/lib/x.db`, or `sqlite:x.db` and `sqlite://x.db` from the configuration file's directory.
fn file(raw: &raw::Connection, url: &Url, cx: &mut Cx<'_>) -> Option<PathBuf> {
    let name = format!("{}{}", url.host_str().unwrap_or_default(), url.path());
    let name = decode_percent(name.strip_suffix('/').unwrap_or(&name));
    if name.is_empty() || url.query().is_some() {
        let id = raw.url.id?;
        cx.wrong(id, "the URL names no file", "write `sqlite:///absolute/path` or `sqlite:relative/path`, without `?`");
        return None;
    }
    Some(cx.base_dir.join(name))
}

fn endpoint(raw: &raw::Connection, mut url: Url, headers: &mut Vec<(String, String)>, cx: &mut Cx<'_>) -> Option<Url> {
    let id = raw.url.id?;
    if url.fragment().is_some() || url.query().is_some() {
        cx.wrong(
            id,
            "the URL of a connection has a `?` or `#` part",
            "the guest adds the query; escape `?` and `#` in \
            passwords as `%3F` and `%23`",
        );
        return None;
    }
    let (user, password) = (decode_percent(url.username()), url.password().map(decode_percent));
    let secret = url.password().unwrap_or_else(|| url.username()).to_owned();
    if !secret.is_empty() {
        let basic = format!("{user}:{}", password.as_deref().unwrap_or_default());
        let basic = base64::engine::general_purpose::STANDARD.encode(basic);
        let known = headers.iter().any(|(name, _)| name == "authorization");
        if known {
            let help = "keep one of them";
            cx.wrong(id, "credentials both in the URL and in the `authorization` header", help);
        }
        headers.push(("authorization".to_owned(), format!("Basic {basic}")));
        cx.secrets.extend([decode_percent(&secret), secret, basic]);
        // Cannot fail: http and https URLs have a host.
        let _ = url.set_username("").and_then(|()| url.set_password(None));
    }
    Some(url)
}

fn headers(raw: &raw::Connection, cx: &mut Cx<'_>) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    for (name, At { value, id }) in raw.headers.read(cx).unwrap_or_default() {
        let lower = name.to_ascii_lowercase();
        if is_secret_key(&lower) {
            // Servers echo the credential without its scheme, too.
            cx.secrets.extend(value.split_once(' ').map(|(_, credential)| credential.to_owned()));
            cx.secrets.push(value.clone());
        }
        let place = cx.tree.node(id).key;
        if http::HeaderName::try_from(lower.as_str()).is_err() {
            let fault = Fault::at(place, format!("`{name}` is not a header name"));
            cx.faults.push(fault.help("use letters, digits and `-`"));
        } else if is_reserved_header(&lower) {
            let fault = Fault::at(place, format!("header `{name}` is set by the host only"));
            let help = "the host itself sets `host`, length and framing; for another name in `host`, write it in `url` \
                        and where to connect in `address`; for a proxy, `proxy`";
            cx.faults.push(fault.help(help));
        } else if http::HeaderValue::try_from(value.as_str()).is_err() {
            let fault =
                Fault::at(place, format!("the value of header `{name}` has characters that headers cannot carry"));
            cx.faults.push(fault.help("remove line breaks and control characters"));
        }
        headers.push((lower, value));
    }
    headers
}

fn authorities(raw: &raw::Connection, cx: &mut Cx<'_>) -> Option<Vec<u8>> {
    certificates(&raw.ca, cx)
}

/// The PEM file that `key` names, if there is a certificate in it.
pub(super) fn certificates(key: &Key<Text>, cx: &mut Cx<'_>) -> Option<Vec<u8>> {
    let help =
        "name a PEM file with `-----BEGIN CERTIFICATE-----` in it; relative paths start at the configuration file";
    let (id, pem) = pem(key, help, cx)?;
    let count = CertificateDer::pem_slice_iter(pem.as_bytes()).take_while(Result::is_ok).count();
    if count == 0 {
        cx.wrong(id, format!("{} holds no certificate", cx.typed(id)), help);
    }
    Some(pem.into_bytes())
}

/// The text of the file that `key` names.
fn pem(key: &Key<Text>, help: &str, cx: &mut Cx<'_>) -> Option<(NodeId, String)> {
    let path = cx.base_dir.join(key.read(cx)?);
    let id = key.id?;
    cx.files.push(path.clone());
    match (cx.read_file)(&path) {
        Ok(pem) => Some((id, pem)),
        Err(error) => {
            cx.wrong(id, format!("cannot read {}: {error}", cx.typed(id)), help);
            None
        }
    }
}

/// Certificate and key, which need each other.
fn identity(raw: &raw::Connection, cx: &mut Cx<'_>) -> Option<Identity> {
    let help = "name a PEM file with `-----BEGIN PRIVATE KEY-----` in it, not encrypted";
    let certificate = certificates(&raw.client_cert, cx);
    let key = pem(&raw.client_key, help, cx);
    if let Some((id, key)) = &key {
        // Line by line: whatever quotes a part of it is cut.
        let lines = key.lines().map(str::trim).filter(|line| line.len() >= 16 && !line.starts_with("-----"));
        cx.secrets.extend(lines.map(str::to_owned));
        // The parser's own words quote the line they stumble over.
        if PrivateKeyDer::from_pem_slice(key.as_bytes()).is_err() {
            cx.wrong(*id, format!("{} holds no private key that can be used", cx.typed(*id)), help);
        }
    }
    match (raw.client_cert.id, raw.client_key.id) {
        (Some(id), None) => cx.wrong(id, "`client-cert` without `client-key`", "add `client-key = \"client.key\"`"),
        (None, Some(id)) => cx.wrong(id, "`client-key` without `client-cert`", "add `client-cert = \"client.pem\"`"),
        _ => {}
    }
    Some(Identity { certificate: certificate?, key: key?.1.into_bytes() })
}

/// Neither text nor parser may be quoted: there may be a password in it.
fn proxy(raw: &raw::Connection, cx: &mut Cx<'_>) -> Option<Url> {
    let text = raw.proxy.read(cx)?;
    let id = raw.proxy.id?;
    let help = "write `http://proxy:3128` or `http://user:password@proxy:3128`";
    let url = Url::parse(&text).ok().filter(|url| {
        url.scheme() == "http"
            && url.has_host()
            && matches!(url.path(), "" | "/")
            && url.query().is_none()
            && url.fragment().is_none()
    });
    match &url {
        Some(url) => keep_secret(url, cx),
        None => cx.wrong(id, "the URL is not that of an HTTP proxy", help),
    }
    url
}

/// `10.0.0.5:8443`, `[fd00::5]:8443`, `node-3.internal:8443`.
fn address(raw: &raw::Connection, cx: &mut Cx<'_>) -> Option<(Host, u16)> {
    let text = raw.address.read(cx)?;
    let id = raw.address.id?;
    if let Some(proxy) = raw.proxy.id {
        cx.wrong(proxy, "both `proxy` and `address`", "keep one: a proxy finds the way itself");
    }
    let found = text.rsplit_once(':').and_then(|(host, port)| {
        let port: u16 = port.parse().ok().filter(|port| *port != 0)?;
        Some((Host::parse(host).ok()?, port))
    });
    if found.is_none() {
        let help = "write `address = \"10.0.0.5:8443\"`, `\"[fd00::5]:8443\"` or `\"node-3.internal:8443\"`";
        cx.wrong(id, format!("{} is no host with a port", cx.typed(id)), help);
    }
    found
}

/// `%40` to `@`; what is no escape stays.
pub(super) fn decode_percent(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let escape = digits.filter(|digits| *first == b'%' && digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        if let Some(byte) = escape.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Escapes in user information are undone; a lone percent sign stays.
    #[test]
    fn percent_escapes_are_undone() {
        assert_eq!(decode_percent("p%40ss%2Fw%C3%A9"), "p@ss/wé");
        assert_eq!(decode_percent("100%"), "100%");
        assert_eq!(decode_percent("%+1"), "%+1");
    }
}
