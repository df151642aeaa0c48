//! The HTTP client of checks: judges every hop of a request, and sends it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use percent_encoding::CONTROLS;
use probity_config::grants::{Host, HostPattern};
use probity_config::{Connection, Grants, Limits, Secrets};
use probity_core::SpanId;
use url::Url;

use super::budget::{Budget, Charge};
use super::content::{self, Room};
use super::cookies::Jar;
use super::endpoint::Endpoint;
use super::exchange::{Exchange, Hop};
use super::net::Net;
use super::request::{Request, invalid};
use super::tls::{TlsInfo, Trust};
use super::{CallError, ErrorKind};

/// Bytes of a request's URL.
const URL_BYTES_MAX: usize = 8 << 10;

/// Sends requests for checks. Cheap to clone; one per configuration.
#[derive(Clone, Debug)]
pub struct HttpClient {
    net: Net,
    /// With the reason for those that cannot be used.
    endpoints: Arc<BTreeMap<String, Result<Endpoint, String>>>,
    trust: Trust,
    /// What is told of the tokens that are fetched.
    secrets: Secrets,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Response {
    /// 100 to 999.
    pub status: u16,
    /// `1.0`, `1.1` or `2`.
    pub version: &'static str,
    /// In the order of the first appearance of each name, names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, or the `too-large` in its place.
    pub body: Result<Bytes, CallError>,
    /// As `headers`: what came after the body.
    pub trailers: Vec<(String, Vec<u8>)>,
    /// Where the time went.
    pub timing: Timing,
    /// Of the last hop, when it was https.
    pub tls: Option<TlsInfo>,
    /// Where the last hop was sent.
    pub remote_address: SocketAddr,
    /// After redirects.
    pub final_url: Url,
    /// What an operator should know beside.
    pub notes: Vec<String>,
    /// What the run pays for all but the body.
    pub head: Option<Arc<Charge>>,
}

/// Time per phase of the last hop; none where the phase did not happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// Name look-up.
    pub dns: Option<Duration>,
    /// TCP connect.
    pub connect: Option<Duration>,
    /// TLS handshake.
    pub tls: Option<Duration>,
    /// From the connection being ready to the response's head.
    pub first_byte: Duration,
    /// Everything, all hops and the body.
    pub total: Duration,
}

impl HttpClient {
    /// For the `connections` of one configuration. One that cannot be used fails only the checks that use it.
    #[must_use]
    pub fn new(net: Net, connections: &BTreeMap<String, Connection>) -> Self {
        let endpoints = connections.iter().filter_map(|(name, connection)| match connection {
            Connection::Http(connection) => Some((name.clone(), Endpoint::new(connection))),
            _ => None,
        });
        Self { net, endpoints: Arc::new(endpoints.collect()), trust: Trust::default(), secrets: Secrets::default() }
    }

    /// The same with the tokens it fetches kept out of whatever `secrets` are kept out of.
    #[must_use]
    pub fn keeping(self, secrets: &Secrets) -> Self {
        Self { secrets: secrets.clone(), ..self }
    }

    /// The connections that cannot be used, and why.
    pub fn unusable(&self) -> impl Iterator<Item = (&str, &str)> {
        self.endpoints.iter().filter_map(|(name, endpoint)| Some((name.as_str(), endpoint.as_ref().err()?.as_str())))
    }

    /// Sends `request` as far as `grants` allow, and reads the answer.
    ///
    /// Ends by `deadline` or the request's own timeout, whichever is first. Cancel-safe: dropping it closes the socket.
    ///
    /// # Errors
    /// `invalid-argument`, `denied` (naming the line to add), `not-found` for an endpoint; `dns`, `refused`,
    /// `unreachable`, `tls`, `protocol`, `too-large` for a response's head, `timeout`.
    pub async fn send(
        &self,
        request: &Request,
        grants: &Grants,
        limits: &Limits,
        deadline: Instant,
    ) -> Result<Response, CallError> {
        let start = Instant::now();
        let deadline =
            request.timeout.and_then(|timeout| start.checked_add(timeout)).map_or(deadline, |own| own.min(deadline));
        let body_max = request.body_bytes_max.unwrap_or(u64::MAX).min(limits.response_bytes);
        let redirects_max = request.redirects_max.min(Request::REDIRECTS_MAX);
        let mut trip = self.trip(request, grants)?;
        let mut followed = 0;
        let mut exchange = loop {
            // Boxed: with TLS and two protocols in it, it is ten times as large as the rest of this.
            let exchange = self.exchange(&trip, grants, deadline).boxed().await?;
            if let Some(jar) = trip.jar {
                jar.store(&trip.url, &exchange.headers);
            }
            // Where nobody follows, nobody needs to understand where it leads.
            if followed == redirects_max {
                break exchange;
            }
            let Some(next) = trip.redirect(exchange.status, &exchange.headers)? else { break exchange };
            trip = next;
            followed += 1;
        };
        let room = Room { max: body_max, budget: &request.budgets().bodies, deadline };
        let body = exchange.body(room.max, room.budget, deadline).await?;
        let total = start.elapsed();
        let body = match body {
            Ok(body) if !request.raw => content::decoded(body, &exchange.headers, room).await,
            body => body,
        };
        let mut response = response(exchange, body, trip.url, total);
        response.notes.extend(more_redirects(&response, followed));
        response.charged_to(&request.budgets().heads)
    }

    /// One hop; once more with a new token where the server does not take the one that was kept.
    async fn exchange(&self, trip: &Trip<'_>, grants: &Grants, deadline: Instant) -> Result<Exchange, CallError> {
        let Some(oauth) = trip.endpoint.and_then(|endpoint| endpoint.oauth.as_ref()) else {
            return Exchange::open(&self.net, trip.hop(grants, None)?, deadline).await;
        };
        let lease = oauth.token((&self.net, &self.trust, &self.secrets), deadline).await?;
        let exchange = Exchange::open(&self.net, trip.hop(grants, Some(&lease.header))?, deadline).await?;
        if exchange.status != StatusCode::UNAUTHORIZED || lease.is_new {
            return Ok(exchange);
        }
        oauth.forget(&lease);
        let lease = oauth.token((&self.net, &self.trust, &self.secrets), deadline).await?;
        Exchange::open(&self.net, trip.hop(grants, Some(&lease.header))?, deadline).await
    }

    /// Whether `grants` let a check use the connection `name`.
    ///
    /// # Errors
    /// `denied` with the line to add, or `not-found` with the names there are.
    pub fn check_endpoint(&self, name: &str, grants: &Grants) -> Result<(), CallError> {
        self.endpoint(name, grants).map(|_| ())
    }

    fn endpoint(&self, name: &str, grants: &Grants) -> Result<&Endpoint, CallError> {
        if !grants.allows_endpoint(name) {
            let line = Grants::line_for_endpoint(name);
            let message = format!("connection `{name}` is not granted to this check; to allow it, add: {line}");
            return Err(CallError::new(ErrorKind::Denied, message));
        }
        match self.endpoints.get(name) {
            Some(Ok(endpoint)) => Ok(endpoint),
            Some(Err(why)) => {
                Err(CallError::new(ErrorKind::Other, format!("connection `{name}` cannot be used: {why}")))
            }
            None => {
                let message = format!("no connection `{name}`; to declare it, add: [connections.{name}]");
                Err(CallError::new(ErrorKind::NotFound, message))
            }
        }
    }

    fn trip<'a>(&'a self, request: &'a Request, grants: &Grants) -> Result<Trip<'a>, CallError> {
        let method = request.method()?;
        if request.url.len() > URL_BYTES_MAX {
            return Err(invalid(format!("the url is longer than {URL_BYTES_MAX} bytes")));
        }
        let (url, endpoint) = if let Some(name) = &request.endpoint {
            let endpoint = self.endpoint(name, grants)?;
            (endpoint.join(&request.url)?, Some(endpoint))
        } else {
            let url = Url::parse(&request.url).map_err(|error| {
                invalid(format!("`{}` is not an absolute url: {error}", request.url.escape_debug()))
            })?;
            (url, None)
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("credentials in a url: declare them in a connection, and use the endpoint".to_owned()));
        }
        let mut headers = request.headers().clone();
        headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static(USER_AGENT));
        headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        let http2_only = request.http2_only;
        if http2_only {
            headers.insert(header::TE, HeaderValue::from_static("trailers"));
        }
        Ok(Trip {
            method,
            url,
            headers,
            body: request.body.clone(),
            http2_only,
            endpoint,
            span: request.span(),
            trust: &self.trust,
            jar: request.jar(),
        })
    }
}

/// What servers see unless the guest says otherwise.
pub(super) const USER_AGENT: &str = concat!("probity/", env!("CARGO_PKG_VERSION"));

/// A request on its way through redirects. `headers` are the guest's; the endpoint's are added for each hop.
#[derive(Clone)]
struct Trip<'a> {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
    http2_only: bool,
    endpoint: Option<&'a Endpoint>,
    span: Option<SpanId>,
    trust: &'a Trust,
    jar: Option<&'a Jar>,
}

impl<'a> Trip<'a> {
    /// The next request, if it is granted: through the endpoint while the URL is below its base, else by pattern.
    fn hop(&self, grants: &Grants, token: Option<&HeaderValue>) -> Result<Hop<'a>, CallError> {
        let line = Grants::line_for_http(&self.url);
        let mut headers = self.headers.clone();
        let (pattern, trust, proxy, address) = if let Some(endpoint) = self.endpoint {
            if let Some(span) = self.span.filter(|_| endpoint.traceparent) {
                let value = HeaderValue::from_str(&span.traceparent());
                headers.insert("traceparent", value.expect("an id is hexadecimal digits"));
            }
            for (name, value) in endpoint.headers() {
                headers.insert(name, value.clone());
            }
            if let Some(token) = token {
                headers.insert(header::AUTHORIZATION, token.clone());
            }
            let host = Host::of_url(&self.url).ok_or_else(|| invalid("the endpoint has no host".to_owned()))?;
            let trust = endpoint.trust.as_ref().unwrap_or(self.trust);
            (HostPattern::exactly(&host), trust, endpoint.proxy.as_ref(), endpoint.address.as_ref())
        } else {
            if !matches!(self.url.scheme(), "http" | "https") {
                return Err(invalid(format!("scheme `{}`: `http` or `https` is allowed", self.url.scheme())));
            }
            let Some(pattern) = grants.allows_http(&self.url) else {
                let target = &self.url[..url::Position::AfterPath];
                let message = format!("{target} is not granted to this check; to allow it, add: {line}");
                return Err(CallError::new(ErrorKind::Denied, message));
            };
            (pattern.host.clone(), self.trust, None, None)
        };
        if let Some(cookies) = self.jar.and_then(|jar| jar.header(&self.url, headers.get(header::COOKIE))) {
            headers.insert(header::COOKIE, cookies);
        }
        let (method, url, body) = (self.method.clone(), self.url.clone(), self.body.clone());
        Ok(Hop { method, url, headers, body, http2_only: self.http2_only, pattern, line, trust, proxy, address })
    }

    /// Where a response with this head leads, as browsers and curl go.
    fn redirect(&self, status: StatusCode, headers: &HeaderMap) -> Result<Option<Self>, CallError> {
        let keeps_method = match status.as_u16() {
            301 | 302 => self.method != Method::POST,
            303 => matches!(self.method, Method::GET | Method::HEAD),
            307 | 308 => true,
            _ => return Ok(None),
        };
        let Some(location) = headers.get(header::LOCATION) else { return Ok(None) };
        let bad = || {
            CallError::new(
                ErrorKind::Protocol,
                format!("{} redirects to what is no url", self.url.origin().ascii_serialization()),
            )
        };
        let mut url = self.url.join(&text_of(location)).map_err(|_| bad())?;
        // Credentials chosen by a server are not sent.
        url.set_username("").and_then(|()| url.set_password(None)).map_err(|()| bad())?;
        let mut next = self.clone();
        if url.origin() != self.url.origin() {
            for name in [header::AUTHORIZATION, header::COOKIE] {
                next.headers.remove(name);
            }
        }
        next.endpoint = self.endpoint.filter(|endpoint| endpoint.covers(&url));
        if !keeps_method {
            next.method = Method::GET;
            next.body = Bytes::new();
            next.headers.remove(header::CONTENT_TYPE);
        }
        next.url = url;
        Ok(Some(next))
    }
}

/// A header as text: many servers write UTF-8 where only ASCII is allowed; other bytes are escaped as they are.
fn text_of(value: &HeaderValue) -> String {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => text.to_owned(),
        Err(_) => percent_encoding::percent_encode(value.as_bytes(), CONTROLS).to_string(),
    }
}

/// What to say when an answer that leads on came after all the redirects that may be followed.
fn more_redirects(response: &Response, followed: u32) -> Option<String> {
    let leads_on = matches!(response.status, 301 | 302 | 303 | 307 | 308)
        && response.headers.iter().any(|(name, _)| name == header::LOCATION.as_str());
    (leads_on && followed > 0).then(|| {
        let (plural, from) = (if followed == 1 { "" } else { "s" }, &response.final_url[..url::Position::AfterPath]);
        format!("{followed} redirect{plural} followed, and {from} redirects once more")
    })
}

fn response(exchange: Exchange, body: Result<Bytes, CallError>, final_url: Url, total: Duration) -> Response {
    Response {
        status: exchange.status.as_u16(),
        version: exchange.version,
        headers: pairs(&exchange.headers),
        body,
        trailers: pairs(&exchange.trailers),
        timing: Timing {
            dns: exchange.dns,
            connect: Some(exchange.connect),
            tls: exchange.tls.as_ref().map(|tls| tls.handshake),
            first_byte: exchange.first_byte,
            total,
        },
        tls: exchange.tls,
        remote_address: exchange.address,
        final_url,
        notes: Vec::new(),
        head: None,
    }
}

/// What a name or value in a list costs beside its own bytes.
const ITEM_OVERHEAD_BYTES: usize = 48;

impl Response {
    fn charged_to(self, budget: &Budget) -> Result<Self, CallError> {
        Ok(Self { head: Some(Arc::new(budget.charge(self.head_len())?)), ..self })
    }

    /// Bytes held for it beside its body.
    fn head_len(&self) -> usize {
        let pairs = self.headers.iter().chain(&self.trailers);
        let pairs: usize = pairs.map(|(name, value)| name.len() + value.len() + ITEM_OVERHEAD_BYTES).sum();
        let chain = self.tls.iter().flat_map(|tls| &tls.chain).flat_map(|certificate| {
            let texts = [&certificate.subject, &certificate.issuer, &certificate.serial, &certificate.sha256];
            texts.into_iter().chain(&certificate.dns_names)
        });
        let chain: usize = chain.map(|text| text.len() + ITEM_OVERHEAD_BYTES).sum();
        pairs + chain + self.final_url.as_str().len() + size_of::<Self>()
    }
}

fn pairs(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect()
}

#[cfg(test)]
pub(super) mod tests;
