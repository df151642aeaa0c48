//! A named HTTP endpoint: base URL, credentials and authorities that the guest never sees.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use probity_config::grants::{Host, is_ambiguous};
use probity_config::{HttpConnection, Verify, is_reserved_header};
use url::Url;

use super::oauth::OAuth;
use super::proxy::Proxy;
use super::request::invalid;
use super::tls::Trust;
use super::{CallError, ErrorKind};

/// One connection of the configuration, ready for use.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    /// Without user information and fragment.
    base: Url,
    /// They win over the guest's.
    headers: HeaderMap,
    /// The connection's own authorities and certificate; none = the system's, and no certificate.
    pub(super) trust: Option<Trust>,
    /// What every request goes through.
    pub(super) proxy: Option<Proxy>,
    /// Where requests go instead of where the name leads.
    pub(super) address: Option<(Host, u16)>,
    /// Where the token of every request comes from.
    pub(super) oauth: Option<OAuth>,
    /// Whether requests carry the span that asks.
    pub(super) traceparent: bool,
}

impl Endpoint {
    /// From the configuration.
    ///
    /// # Errors
    /// What of it cannot be used.
    pub(super) fn new(connection: &HttpConnection) -> Result<Self, String> {
        let mut base = connection.url.clone();
        if !matches!(base.scheme(), "http" | "https") {
            return Err(format!("scheme `{}` is not an HTTP endpoint: `http` or `https` is allowed", base.scheme()));
        }
        let mut headers = HeaderMap::new();
        if !base.username().is_empty() || base.password().is_some() {
            headers.insert(AUTHORIZATION, basic(&base)?);
        }
        for (name, value) in &connection.headers {
            let parsed: HeaderName = name.parse().map_err(|_| format!("`{name}` is not a header name"))?;
            if is_reserved_header(parsed.as_str()) {
                return Err(format!("header `{parsed}` is set by the host only"));
            }
            headers
                .insert(parsed, sensitive(value).ok_or_else(|| format!("header `{name}` holds control characters"))?);
        }
        // Cannot fail for a URL that has a host, which http and https URLs do.
        let _ = base.set_username("");
        let _ = base.set_password(None);
        base.set_fragment(None);
        let (ca, identity) = (connection.ca.as_deref(), connection.identity.as_ref());
        let verify = connection.verify;
        let is_own = ca.is_some() || identity.is_some() || verify != Verify::Full;
        let trust = is_own.then(|| Trust::new(ca, identity)).transpose().map_err(|error| format!("TLS: {error}"))?;
        let trust = trust.map(|trust| trust.verifying(verify));
        let proxy =
            connection.proxy.as_ref().map(Proxy::new).transpose().map_err(|error| format!("`proxy`: {error}"))?;
        let oauth = connection.oauth2.as_ref().map(|oauth2| OAuth::new(oauth2, proxy.clone()));
        let oauth = oauth.transpose().map_err(|error| format!("`oauth2`: {error}"))?;
        let (address, traceparent) = (connection.address.clone(), connection.traceparent);
        Ok(Self { base, headers, trust, proxy, address, oauth, traceparent })
    }

    /// The headers that go with every request through here.
    pub(super) const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The guest's `path` (with its query) below the base URL.
    ///
    /// # Errors
    /// `invalid-argument` when it is no path, or leads out of the base.
    pub(super) fn join(&self, path: &str) -> Result<Url, CallError> {
        if !(path.is_empty() || path.starts_with(['/', '?'])) || path.starts_with("//") {
            return Err(invalid("with an endpoint the url is a path that starts with one `/`".to_owned()));
        }
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        if path.contains(['#', '\\']) || is_ambiguous(path) {
            return Err(invalid("the path holds encoded or doubtful separators".to_owned()));
        }
        let mut url = self.base.clone();
        if !path.is_empty() {
            url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        }
        let query: Vec<&str> = [self.base.query(), query].into_iter().flatten().collect();
        url.set_query((!query.is_empty()).then(|| query.join("&")).as_deref());
        if !self.covers(&url) {
            return Err(CallError::new(ErrorKind::InvalidArgument, "the path leads out of the endpoint's base URL"));
        }
        Ok(url)
    }

    /// Whether `url` is at or below the base, so that the credentials may go there.
    pub(super) fn covers(&self, url: &Url) -> bool {
        let base = self.base.path().trim_end_matches('/');
        url.origin() == self.base.origin()
            && !is_ambiguous(url.path())
            && url.path().strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// Basic authentication with a URL's user information.
pub(super) fn basic(url: &Url) -> Result<HeaderValue, String> {
    let decoded = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
    let mut pair = decoded(url.username());
    pair.push(b':');
    pair.extend(decoded(url.password().unwrap_or_default()));
    sensitive(&format!("Basic {}", STANDARD.encode(pair))).ok_or_else(|| "unusable user information".to_owned())
}

/// Kept out of debug output, and out of HPACK's tables.
pub(super) fn sensitive(value: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str) -> Endpoint {
        Endpoint::new(&crate::client::tests::connection(url)).unwrap()
    }

    // A guest's path goes below the base, with both queries.
    #[test]
    fn paths_join_below_the_base() {
        let billing = endpoint("https://u:p%40ss@billing.internal/v1/?key=k#f");
        for (path, url) in [
            ("/orders?x=1", "https://billing.internal/v1/orders?key=k&x=1"),
            ("", "https://billing.internal/v1/?key=k"),
            ("?x", "https://billing.internal/v1/?key=k&x"),
            ("/", "https://billing.internal/v1/?key=k"),
            ("/a b", "https://billing.internal/v1/a%20b?key=k"),
        ] {
            assert_eq!(billing.join(path).unwrap().as_str(), url);
        }
        assert_eq!(billing.headers()[AUTHORIZATION], "Basic dTpwQHNz");
        assert!(!format!("{billing:?}").contains("dTpw"));
        assert_eq!(endpoint("http://h").join("/a").unwrap().as_str(), "http://h/a");
    }

    // No spelling of a path leads out of the base, or to another host.
    #[test]
    fn paths_stay_below_the_base() {
        let billing = endpoint("https://billing.internal/v1");
        for path in [
            "orders",
            "//evil.example/",
            "https://evil.example/",
            "/../admin",
            "/..",
            "/%2e%2e/admin",
            "/..%2fadmin",
            "/x/../../v1evil",
            "/\\evil",
            "@evil.example/",
            ":80/",
            "/..;/admin",
            "/a#b",
        ] {
            assert!(billing.join(path).is_err(), "{path}: {:?}", billing.join(path).map(String::from));
        }
        assert!(!billing.covers(&"https://billing.internal/v1evil".parse().unwrap()));
        assert!(!billing.covers(&"http://billing.internal/v1".parse().unwrap()));
    }
}
