//! `[connections]`: endpoints, databases and brokers with their credentials.

use std::collections::BTreeMap;
use std::path::PathBuf;

use base64::Engine;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use url::Url;

use crate::check::Capability;
use crate::config::cx::{At, Cx};
use crate::config::decode::Key;
use crate::config::errors::Fault;
use crate::config::leaf::Text;
use crate::config::source::is_secret_key;
use crate::config::tree::NodeId;
use crate::config::valid::{Connection, HttpConnection, Identity, ServerConnection, SqlBounds};
use crate::config::{is_name, raw};

use super::{narrow, sentinel};

/// Schemes that are not offered, known well enough to be named in a message. Anything else may be half a password.
const SCHEMES_KNOWN: [&str; 9] = ["kafka", "mongodb", "ws", "wss", "ftp", "tcp", "grpc", "file", "unix"];

const SCHEMES_HELP: &str = "`http`, `https`, `postgres`, `mysql`, `mariadb`, `sqlite`, `redis`, `rediss`, \
                            `redis+sentinel`, `amqp`, `amqps`, `nats` and `tls` (NATS) are offered";

/// Headers that the host or the protocol sets.
const HEADERS_TAKEN: [&str; 7] =
    ["connection", "content-length", "expect", "host", "te", "transfer-encoding", "upgrade"];

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
        let traceparent = raw.traceparent.or(cx, false);
        let Some((url, others)) = url else { continue };
        let server = |url| ServerConnection { url, ca: ca.clone() };
        let bounds = SqlBounds { pool: narrow(raw.pool.or(cx, 4)), rows_max: narrow(raw.rows_max.or(cx, 1000)) };
        let connection = match url.scheme() {
            "http" | "https" => endpoint(raw, url, &mut headers, cx).map(|url| {
                Connection::Http(HttpConnection { url, headers, ca: ca.clone(), identity, proxy, traceparent })
            }),
            "redis+sentinel" | "rediss+sentinel" => has_host(raw, &url, cx)
                .then(|| sentinel::connection(raw, &url, &others, ca.as_ref(), cx))
                .flatten()
                .map(Connection::Sentinel),
            "sqlite" => file(raw, &url, cx).map(|file| Connection::Sqlite(file, bounds)),
            scheme => {
                keep_secret(&url, cx);
                let server = has_host(raw, &url, cx).then(|| server(url.clone()));
                server.map(|server| match scheme {
                    "postgres" | "postgresql" => Connection::Postgres(server, bounds),
                    "mysql" | "mariadb" => Connection::MySql(server, bounds),
                    "redis" | "rediss" | "valkey" | "valkeys" => Connection::Redis(server),
                    "amqp" | "amqps" => Connection::Amqp(server),
                    _ => Connection::Nats(server),
                })
            }
        };
        if let Some(connection) = connection {
            if !matches!(connection, Connection::Http(_)) {
                only_for_endpoints(raw, cx);
            }
            let is_database = connection.capability() == Some(Capability::Sql);
            for (key, id) in [("pool", raw.pool.id), ("rows-max", raw.rows_max.id)] {
                if let (Some(id), false) = (id, is_database) {
                    cx.wrong(id, format!("only databases have `{key}`"), format!("remove `{key}`"));
                }
            }
            connections.insert(name.clone(), connection);
        }
    }
    connections
}

fn only_for_endpoints(raw: &raw::Connection, cx: &mut Cx<'_>) {
    for (id, what, key) in [
        (raw.headers.id, "headers", "headers"),
        (raw.client_cert.id, "a client certificate", "client-cert"),
        (raw.client_key.id, "a client certificate", "client-key"),
        (raw.proxy.id, "a proxy", "proxy"),
        (raw.traceparent.id, "trace context", "traceparent"),
    ] {
        if let Some(id) = id {
            cx.wrong(id, format!("only `http` and `https` connections have {what}"), format!("remove `{key}`"));
        }
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

fn has_host(raw: &raw::Connection, url: &Url, cx: &mut Cx<'_>) -> bool {
    let has = url.host_str().is_some_and(|host| !host.is_empty());
    if let (Some(id), false) = (raw.url.id, has) {
        cx.wrong(id, "the URL names no host", format!("write `{}://host` or `{0}://host:port/…`", url.scheme()));
    }
    has
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
        if http::HeaderName::try_from(lower.as_str()).is_err() || HEADERS_TAKEN.contains(&lower.as_str()) {
            let fault = Fault::at(place, format!("`{name}` is no header that can be set"));
            cx.faults.push(fault.help("use letters, digits and `-`; the host itself sets length, framing and `host`"));
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
fn certificates(key: &Key<Text>, cx: &mut Cx<'_>) -> Option<Vec<u8>> {
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
