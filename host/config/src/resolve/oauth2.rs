//! `[connections.NAME.oauth2]`: where the tokens of an endpoint come from.

use base64::Engine;
use url::Url;
use url::form_urlencoded::byte_serialize;

use super::connection::certificates;
use crate::cx::Cx;
use crate::decode::Key;
use crate::errors::Fault;
use crate::leaf::Text;
use crate::raw;
use crate::valid::{OAuth2, SecretPlace};

/// The settings, if the table is there; `headers` are those of the connection.
pub(super) fn client(raw: &raw::OAuth2, headers: &[(String, String)], cx: &mut Cx<'_>) -> Option<OAuth2> {
    let own = raw.own.0?;
    for (key, name, example) in [
        (&raw.token_url, "token-url", "\"https://login.internal/oauth2/token\""),
        (&raw.client_id, "client-id", "\"probity\""),
        (&raw.client_secret, "client-secret", "\"${CLIENT_SECRET}\""),
    ] {
        if key.id.is_none() {
            let fault = Fault::at(cx.tree.node(own).place, format!("`oauth2` without `{name}`"));
            cx.faults.push(fault.help(format!("add `{name} = {example}`")));
        }
    }
    if headers.iter().any(|(name, _)| name == "authorization") {
        let help = "keep one of them: the token is sent in that header";
        cx.wrong(own, "both `oauth2` and an `authorization` header", help);
    }
    let token_url = token_url(&raw.token_url, cx);
    let (client_id, client_secret) = (raw.client_id.read(cx), raw.client_secret.read(cx));
    if let (Some(id), Some(secret)) = (&client_id, &client_secret) {
        keep_secret(id, secret, cx);
    }
    Some(OAuth2 {
        scope: raw.scope.read(cx),
        audience: raw.audience.read(cx),
        secret_in: raw.secret_in.or(cx, SecretPlace::Header),
        ca: certificates(&raw.ca, cx),
        token_url: token_url?,
        client_id: client_id?,
        client_secret: client_secret?,
    })
}

/// In all the forms in which it is sent.
fn keep_secret(id: &str, secret: &str, cx: &mut Cx<'_>) {
    let escaped = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", escaped(id), escaped(secret));
    let basic = base64::engine::general_purpose::STANDARD.encode(pair);
    cx.secrets.extend([secret.to_owned(), escaped(secret), basic]);
}

/// The secret goes there: in the clear only on this machine.
fn token_url(key: &Key<Text>, cx: &mut Cx<'_>) -> Option<Url> {
    let text = key.read(cx)?;
    let id = key.id?;
    let url = Url::parse(&text).ok().filter(|url| {
        let is_bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        matches!(url.scheme(), "http" | "https") && url.has_host() && is_bare
    });
    let Some(url) = url else {
        let help = "write `https://login.internal/oauth2/token`, without user and password";
        cx.wrong(id, "`token-url` is not the URL of a token endpoint", help);
        return None;
    };
    let is_here = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if url.scheme() == "http" && !is_here {
        cx.wrong(id, "the secret would be sent in the clear", "write `https://`; `http://` is for this machine only");
        return None;
    }
    Some(url)
}
