//! An HTTP request as a guest builds it, before it is judged.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use probity_config::is_reserved_header;
use probity_core::SpanId;

use super::budget::Budgets;
use super::cookies::Jar;
use super::{CallError, ErrorKind};

/// What a guest wants sent. Judged only by [`super::client::HttpClient::send`].
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// As typed; checked at sending, since the contract's constructor cannot fail.
    pub method: String,
    /// Absolute, or a path when `endpoint` is set.
    pub url: String,
    /// The connection to send through.
    pub endpoint: Option<String>,
    /// The body.
    pub body: Bytes,
    /// From the look-up to the last byte of the body, redirects included; none = what is left of the run.
    pub timeout: Option<Duration>,
    /// Redirects followed, at most [`Request::REDIRECTS_MAX`]. The next one is the response.
    pub redirects_max: u32,
    /// Bytes of the response's body; the host's own limit stays.
    pub body_bytes_max: Option<u64>,
    /// HTTP/2 or nothing, without TLS as well.
    pub http2_only: bool,
    /// The body is wanted as it is on the wire, and nobody keeps cookies: `wasi:http` promises no more.
    pub raw: bool,
    /// The span that asks, for connections that pass it on.
    span: Option<SpanId>,
    /// Who pays for what comes back.
    budgets: Budgets,
    /// The cookies of whoever asks.
    jar: Jar,
    headers: HeaderMap,
}

impl Request {
    /// Redirects followed, whatever the guest asks for.
    pub const REDIRECTS_MAX: u32 = 10;

    /// Headers a guest may set.
    const HEADERS_MAX: usize = 64;

    /// Bytes of all headers a guest may set.
    const HEADER_BYTES_MAX: usize = 16 << 10;

    /// A request with nothing but these.
    #[must_use]
    pub fn new(method: &str, url: &str) -> Self {
        Self { method: method.to_owned(), url: url.to_owned(), ..Self::default() }
    }

    /// The same, asked by `span`.
    #[must_use]
    pub fn asked_by(self, span: Option<SpanId>) -> Self {
        Self { span, ..self }
    }

    pub(super) const fn span(&self) -> Option<SpanId> {
        self.span
    }

    /// The same, with a response that `budgets` pay for.
    pub fn charged_to(self, budgets: Budgets) -> Self {
        Self { budgets, ..self }
    }

    pub(super) const fn budgets(&self) -> &Budgets {
        &self.budgets
    }

    /// The same, with the cookies in `jar`, which also keeps those that come back.
    pub fn with_cookies(self, jar: Jar) -> Self {
        Self { jar, ..self }
    }

    /// The cookies, unless nobody keeps any.
    pub fn jar(&self) -> Option<&Jar> {
        Some(&self.jar).filter(|_| !self.raw)
    }

    /// The same with the cookies of `jar` for `url`; none when there are none.
    pub fn with_cookie_header(&self, jar: &Jar, url: &url::Url) -> Option<Self> {
        let value = jar.header(url, self.headers.get(http::header::COOKIE))?;
        let mut request = self.clone();
        request.headers.insert(http::header::COOKIE, value);
        Some(request)
    }

    /// Sets a header, replacing earlier values.
    ///
    /// # Errors
    /// `invalid-argument` for what is no header, is too much, or is the host's business (`Host`, lengths, connection
    /// and proxy headers: with them a guest could make two parties read two different requests).
    pub fn set_header(&mut self, name: &str, value: &[u8]) -> Result<(), CallError> {
        let (name, value) = checked(name, value)?;
        self.headers.remove(&name);
        self.add(name, value)
    }

    /// Adds a header beside earlier values.
    ///
    /// # Errors
    /// As [`Self::set_header`].
    pub fn add_header(&mut self, name: &str, value: &[u8]) -> Result<(), CallError> {
        let (name, value) = checked(name, value)?;
        self.add(name, value)
    }

    fn add(&mut self, name: HeaderName, value: HeaderValue) -> Result<(), CallError> {
        let bytes: usize = self.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        let bytes = bytes + name.as_str().len() + value.len();
        if self.headers.len() >= Self::HEADERS_MAX || bytes > Self::HEADER_BYTES_MAX {
            let (count, bytes) = (Self::HEADERS_MAX, Self::HEADER_BYTES_MAX);
            return Err(invalid(format!("more than {count} headers or {bytes} bytes of them")));
        }
        self.headers.append(name, value);
        Ok(())
    }

    /// What was set so far.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// `CONNECT` would make a tunnel, `TRACE` would show the credentials that the host added.
    pub(super) fn method(&self) -> Result<Method, CallError> {
        match self.method.parse::<Method>() {
            Ok(Method::CONNECT | Method::TRACE) => Err(invalid(format!("method {} is not for checks", self.method))),
            Ok(method) => Ok(method),
            Err(_) => Err(invalid(format!("`{}` is not an HTTP method", self.method.escape_debug()))),
        }
    }
}

fn checked(name: &str, value: &[u8]) -> Result<(HeaderName, HeaderValue), CallError> {
    let shown = name.escape_debug();
    let parsed =
        HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid(format!("`{shown}` is not a header name")))?;
    if is_reserved_header(parsed.as_str()) {
        return Err(invalid(format!("header `{parsed}` is set by the host only")));
    }
    if value.len() > Request::HEADER_BYTES_MAX {
        return Err(invalid(format!("header `{parsed}` is longer than {} bytes", Request::HEADER_BYTES_MAX)));
    }
    let value = HeaderValue::from_bytes(value)
        .map_err(|_| invalid(format!("the value of header `{parsed}` holds control characters")))?;
    Ok((parsed, value))
}

pub(super) fn invalid(message: String) -> CallError {
    CallError::new(ErrorKind::InvalidArgument, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Headers with which two readers could see two requests are the host's own.
    #[test]
    fn forbidden_headers() {
        let mut request = Request::new("GET", "http://h/");
        for name in
            ["Host", "connection", "Content-Length", "TRANSFER-ENCODING", "upgrade", "te", "Proxy-Authorization"]
        {
            assert_eq!(request.set_header(name, b"x").unwrap_err().kind, ErrorKind::InvalidArgument, "{name}");
            assert!(request.add_header(name, b"x").is_err(), "{name}");
        }
        for (name, value) in [("x y", "v"), ("", "v"), ("x\r\nhost", "v"), ("x", "a\r\nb: c"), ("x", "a\0b")] {
            assert!(request.set_header(name, value.as_bytes()).is_err(), "{name:?}: {value:?}");
        }
        assert!(request.headers().is_empty());
    }

    // A guest cannot pile up headers.
    #[test]
    fn headers_are_bounded() {
        let mut request = Request::new("GET", "http://h/");
        assert!((0..65).any(|index| request.add_header(&format!("x-{index}"), b"v").is_err()));
        assert!(Request::new("GET", "/").set_header("x", &[b'a'; 17_000]).is_err());
    }

    // A guest cannot open a tunnel or have its request echoed.
    #[test]
    fn methods() {
        for method in ["CONNECT", "TRACE", "", "GE T", "G\r\nX"] {
            assert!(Request::new(method, "/").method().is_err(), "{method:?}");
        }
        assert_eq!(Request::new("PROPFIND", "/").method().unwrap().as_str(), "PROPFIND");
    }
}
