//! HTTP client. The grant lists the URLs (`http = ["https://api.internal/*"]`)
//! and endpoints that the check may use.

mod codes;

use crate::units::Span;
use crate::{Error, ErrorKind, host};

pub use codes::Codes;

/// A request, sent with [`Request::send`] or, several at once, [`send_all`].
///
/// ```no_run
/// # use probity_check::prelude::*;
/// let response = http::Request::new("POST", "/orders")
///     .endpoint("shop") // base URL and credentials are the host's
///     .header("content-type", "application/json")
///     .body(r#"{"dry-run":true}"#)
///     .timeout(Span::from_ms(500))
///     .send()?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The method, in capitals.
    pub method: String,
    /// An absolute URL, or a path when [`Request::endpoint`] is set.
    pub url: String,
    /// An endpoint declared in the host's configuration.
    pub endpoint: Option<String>,
    /// Headers; of one name the last counts.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body; none when absent.
    pub body: Option<Vec<u8>>,
    /// Milliseconds for the whole exchange; the host's cap applies as well.
    pub timeout_ms: Option<u32>,
    /// Redirects to follow; by default a redirect is returned, not followed.
    pub max_redirects: Option<u32>,
    /// Bytes of the body to read at most; the host's cap applies as well.
    pub max_body_bytes: Option<u32>,
    /// HTTP/2 or nothing, see [`Request::require_http2`].
    pub http2_only: bool,
}

impl Request {
    /// A request without headers or body.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self { method: method.into(), url: url.into(), ..Self::default() }
    }

    /// Sends through an endpoint declared in the host's configuration: base
    /// URL, credentials, client certificate and proxy, which the check never sees.
    #[must_use]
    pub fn endpoint(mut self, name: impl Into<String>) -> Self {
        self.endpoint = Some(name.into());
        self
    }

    /// Sets a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.body = Some(bytes.into());
        self
    }

    /// Limits the whole exchange.
    #[must_use]
    pub fn timeout(mut self, span: Span) -> Self {
        self.timeout_ms = Some(span.as_timeout_ms());
        self
    }

    /// Follows up to this many redirects, each checked against the grants.
    #[must_use]
    pub fn max_redirects(mut self, max: u32) -> Self {
        self.max_redirects = Some(max);
        self
    }

    /// Stops reading the body after this many bytes.
    #[must_use]
    pub fn max_body_bytes(mut self, max: u32) -> Self {
        self.max_body_bytes = Some(max);
        self
    }

    /// Speaks HTTP/2 and nothing else, to an `http` URL from the first byte
    /// ("prior knowledge"): what gRPC wants. The host adds `te: trailers`.
    #[must_use]
    pub fn require_http2(mut self) -> Self {
        self.http2_only = true;
        self
    }

    /// Sends it and waits for the answer, whatever its status.
    ///
    /// # Errors
    /// An [`Error`] when there is no answer: refused, timeout, denied, …
    pub fn send(self) -> Result<Response, Error> {
        let asked = name_of(&self.url);
        host::http_send(self).map(|answer| Response { answer, asked })
    }
}

/// Sends a GET with the defaults.
///
/// # Errors
/// An [`Error`] when there is no answer.
pub fn get(url: &str) -> Result<Response, Error> {
    Request::new("GET", url).send()
}

/// Sends all side by side; answers in the same order.
pub fn send_all(requests: Vec<Request>) -> Vec<Result<Response, Error>> {
    let asked: Vec<String> = requests.iter().map(|request| name_of(&request.url)).collect();
    let answers = host::http_send_all(requests).into_iter().zip(asked);
    answers.map(|(answer, asked)| answer.map(|answer| Response { answer, asked })).collect()
}

/// An address for messages: without what may be secret in it.
fn name_of(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let authority = rest.find('/').unwrap_or(rest.len());
    let host = rest[..authority].rfind('@').map_or(0, |at| at + 1);
    format!("{scheme}://{}", &rest[host..])
}

/// An answer. Its parts are fetched from the host when asked for.
#[derive(Debug)]
pub struct Response {
    answer: host::HttpResponse,
    /// Its address, for messages.
    asked: String,
}

impl Response {
    /// The status code.
    pub fn status(&self) -> u16 {
        self.answer.status()
    }

    /// `1.1`, `2`.
    pub fn version(&self) -> String {
        self.answer.version()
    }

    /// All headers in order.
    pub fn headers(&self) -> Vec<(String, Vec<u8>)> {
        self.answer.headers()
    }

    /// The first header of this name, in any case, as text; bytes that are not
    /// UTF-8 are replaced.
    pub fn header(&self, name: &str) -> Option<String> {
        self.answer.header(name).map(|value| String::from_utf8_lossy(&value).into_owned())
    }

    /// Every header of this name, in any case and in order, as text.
    pub fn header_values(&self, name: &str) -> Vec<String> {
        let all = self.headers().into_iter().filter(|(own, _)| own.eq_ignore_ascii_case(name));
        all.map(|(_, value)| String::from_utf8_lossy(&value).into_owned()).collect()
    }

    /// The body, with `content-encoding` undone and text in UTF-8.
    ///
    /// # Errors
    /// An [`Error`] when it broke off, took too long, or was too large.
    pub fn body(&self) -> Result<Vec<u8>, Error> {
        self.answer.body()
    }

    /// The body as text.
    ///
    /// # Errors
    /// As [`Response::body`], and [`ErrorKind::Protocol`], with the address that was asked, when it is not UTF-8.
    pub fn text(&self) -> Result<String, Error> {
        String::from_utf8(self.body()?).map_err(|error| self.unfit(&format!(": {error}")))
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// As [`Response::body`], and [`ErrorKind::Protocol`], with the address that was asked, when it is no JSON or not a `T`.
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body()?).map_err(|error| {
            let what = if error.is_data() { "" } else { " is no JSON" };
            self.unfit(&format!("{what}: {error}"))
        })
    }

    fn unfit(&self, why: &str) -> Error {
        Error::new(ErrorKind::Protocol, format!("body of {}{why}", self.asked))
    }

    /// What came after the body, in the form of [`Response::headers`].
    pub fn trailers(&self) -> Vec<(String, Vec<u8>)> {
        self.answer.trailers()
    }

    /// Milliseconds per phase.
    pub fn timing(&self) -> Timing {
        self.answer.timing()
    }

    /// The TLS session; `None` for plain HTTP.
    pub fn tls(&self) -> Option<TlsInfo> {
        self.answer.tls()
    }

    /// The address that answered.
    pub fn remote_address(&self) -> Option<String> {
        self.answer.remote_address()
    }
}

/// Milliseconds per phase; `None` where the phase did not happen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Timing {
    /// Name resolution.
    pub dns_ms: Option<f64>,
    /// TCP connect.
    pub connect_ms: Option<f64>,
    /// TLS handshake.
    pub tls_ms: Option<f64>,
    /// From the connection being ready to the first byte of the answer.
    pub first_byte_ms: f64,
    /// From the start to the last byte of the answer, all hops included.
    pub total_ms: f64,
}

/// A TLS session.
#[derive(Clone, Debug, PartialEq)]
pub struct TlsInfo {
    /// `TLSv1.3`
    pub protocol: String,
    /// The cipher suite's name.
    pub cipher: String,
    /// The protocol agreed on by ALPN.
    pub alpn: Option<String>,
    /// Length of the handshake in milliseconds.
    pub handshake_ms: f64,
    /// The certificates that lead to an authority, leaf first; all that were sent where none do.
    pub chain: Vec<Certificate>,
    /// Why the chain is not trusted, if it is not.
    pub verified: Result<(), String>,
}

/// A certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// Whom it names.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// Its serial number in hexadecimal.
    pub serial: String,
    /// Valid from, in seconds since 1970.
    pub not_before_unix: i64,
    /// Valid until, in seconds since 1970.
    pub not_after_unix: i64,
    /// Its subject alternative DNS names.
    pub dns_names: Vec<String>,
    /// SHA-256 of its DER bytes in hexadecimal.
    pub sha256: String,
}

impl Certificate {
    /// Whose it is, in a word: its subject, or the first name it is for where the subject is empty.
    pub fn shown(&self) -> &str {
        match self.dns_names.first() {
            Some(name) if self.subject.is_empty() => name,
            _ => &self.subject,
        }
    }

    /// Days until it expires, negative afterwards.
    pub fn days_left(&self, now_unix_ms: u64) -> f64 {
        (self.not_after_unix as f64 - now_unix_ms as f64 / 1000.0) / 86_400.0
    }
}
