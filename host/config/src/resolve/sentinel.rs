//! `redis+sentinel://user:password@host:26379,host2:26379/mymaster/0`: several sentinels, and the primary they know.

use url::Url;

use super::connection::{decode_percent, keep_secret};
use crate::cx::Cx;
use crate::interpolate::encode;
use crate::raw;
use crate::valid::{Identity, SentinelConnection, ServerConnection};

/// Sentinels of one connection.
const SENTINELS_MAX: usize = 16;

const FORM: &str =
    "write `redis+sentinel://user:password@host:26379,host2:26379/PRIMARY/0`, `rediss+sentinel://` for TLS";

/// `text` with its first host only, as URLs have one, and the other hosts.
pub(super) fn split(text: &str) -> (String, Vec<String>) {
    let whole = || (text.to_owned(), Vec::new());
    let Some((scheme, rest)) = text.split_once("://") else { return whole() };
    if !matches!(scheme, "redis+sentinel" | "rediss+sentinel") {
        return whole();
    }
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (user, hosts) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
    let mut hosts = hosts.split(',').map(str::to_owned);
    let first = hosts.next().unwrap_or_default();
    (format!("{scheme}://{user}{first}{path}"), hosts.collect())
}

/// The connection that `url`, which has the first host, and the `others` say.
pub(super) fn connection(
    raw: &raw::Connection,
    url: &Url,
    others: &[String],
    (ca, identity): (Option<Vec<u8>>, Option<Identity>),
    cx: &mut Cx<'_>,
) -> Option<SentinelConnection> {
    let id = raw.url.id?;
    let mut wrong = |message: &str| {
        cx.wrong(id, message, FORM);
        None
    };
    let mut parts = url.path().trim_start_matches('/').splitn(2, '/');
    let primary = decode_percent(parts.next().unwrap_or_default());
    if primary.is_empty() {
        return wrong("the URL does not say what the sentinels call the primary");
    }
    let database = parts.next().unwrap_or_default();
    if !database.is_empty() && database.parse::<u32>().is_err() {
        return wrong("what follows the primary's name in the URL is no database number");
    }
    if others.len() >= SENTINELS_MAX {
        return wrong("the URL names more than 16 sentinels");
    }
    let mut server = url.clone();
    // Neither scheme is one that browsers know, so that it can be replaced; the host stands for what is found later.
    let tls = url.scheme() == "rediss+sentinel";
    let scheme = if tls { "rediss" } else { "redis" };
    server.set_scheme(scheme).ok()?;
    server.set_path(database);
    server.set_query(None);
    let mut sentinel = server.clone();
    sentinel.set_path("");
    sentinel.set_username("").and_then(|()| sentinel.set_password(None)).ok()?;
    for (key, value) in url.query_pairs() {
        match &*key {
            // Setting does not encode percent signs.
            "sentinel-user" => sentinel.set_username(&encode(&value)).ok()?,
            "sentinel-password" => sentinel.set_password(Some(&encode(&value))).ok()?,
            _ => return wrong("after `?` only `sentinel-user` and `sentinel-password` are known"),
        }
    }
    let mut sentinels = vec![sentinel.clone()];
    for other in others {
        // Parsed as the first one was.
        let Ok(host) = Url::parse(&format!("{scheme}://{other}")) else {
            return wrong("one of the hosts in the URL cannot be read");
        };
        let bare = matches!(host.path(), "" | "/") && host.username().is_empty() && host.password().is_none();
        if !bare || !host.has_host() {
            return wrong("one of the hosts in the URL cannot be read");
        }
        let mut next = sentinel.clone();
        next.set_host(host.host_str()).ok()?;
        next.set_port(host.port()).ok()?;
        sentinels.push(next);
    }
    // The form in which a guest's log might quote it has all hosts.
    keep_secret(url, cx);
    keep_secret(&sentinel, cx);
    let reached = |url| ServerConnection { url, tls, ca: ca.clone(), identity: identity.clone() };
    Some(SentinelConnection {
        sentinels: sentinels.into_iter().map(reached).collect(),
        primary,
        server: reached(server),
    })
}
