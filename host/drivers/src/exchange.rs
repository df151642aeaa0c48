//! One request on one fresh connection: connect, shake hands, send, read the head, then the body.
//!
//! Connections are not kept: every run sees the look-up, the connect and the handshake that a new client would see, and
//! no check shares a connection with another. Every phase is under the deadline; dropping an [`Exchange`] ends it.

use std::error::Error as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::TokioIo;
use probity_config::grants::{Host, HostPattern};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout_at;
use url::Url;

use super::budget::Budget;
use super::content::too_large;
use super::net::{Net, io_error, timeout};
use super::proxy::Proxy;
use super::request::invalid;
use super::tasks::Tasks;
use super::tls::{self, Offer, TlsInfo, Trust};
use super::{CallError, ErrorKind};

/// Bytes of a response's head.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// Headers of a response.
const HEADERS_MAX: usize = 100;

/// Bytes of what comes after a response's body. HTTP/1.1 has the same bound in hyper.
const TRAILER_BYTES_MAX: usize = 16 << 10;

/// Bytes an HTTP/2 server may send unasked.
const WINDOW_BYTES: u32 = 256 << 10;

/// One request, judged and complete.
#[derive(Clone, Debug)]
pub(super) struct Hop<'a> {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Speak nothing else, also without TLS.
    pub(super) http2_only: bool,
    /// What let it through; decides which addresses are allowed.
    pub(super) pattern: HostPattern,
    /// The line for refusals.
    pub(super) line: String,
    pub(super) trust: &'a Trust,
    /// What to go through.
    pub(super) proxy: Option<&'a Proxy>,
    /// Where to connect to instead of where the name leads; the name stays what is asked for.
    pub(super) address: Option<&'a (Host, u16)>,
}

/// A response whose body is still to be read.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) status: StatusCode,
    pub(super) version: &'static str,
    pub(super) headers: HeaderMap,
    pub(super) address: SocketAddr,
    pub(super) tls: Option<TlsInfo>,
    pub(super) dns: Option<Duration>,
    pub(super) connect: Duration,
    pub(super) first_byte: Duration,
    /// Complete when the body is.
    pub(super) trailers: HeaderMap,
    body: Incoming,
    /// Drive the connection; dropped last.
    _tasks: Tasks,
}

impl Exchange {
    /// Opens a connection and sends `hop`.
    ///
    /// # Errors
    /// Those of [`Net::connect`]; `tls`, `protocol`, `too-large` for the head; `timeout`.
    pub(super) async fn open(net: &Net, hop: Hop<'_>, deadline: Instant) -> Result<Self, CallError> {
        let host = Host::of_url(&hop.url).ok_or_else(|| invalid("the url has no host".to_owned()))?;
        let port = hop.url.port_or_known_default().unwrap_or_default();
        let secure = hop.url.scheme() == "https";
        let connected = match (hop.proxy, hop.address) {
            (None, None) => net.connect(&host, port, &hop.pattern, &hop.line, deadline).await?,
            // The operator named it in the configuration: no grant adds to that.
            (None, Some((at, port))) => {
                let line = "it is named as the connection's `address`";
                net.connect(at, *port, &HostPattern::exactly(at), line, deadline).await?
            }
            (Some(proxy), _) => {
                net.judge_literal(&host, &hop.pattern, &hop.line)?;
                // Proxies read HTTP/1.1 only.
                let tunnel = secure || hop.http2_only;
                proxy.connect(net, tunnel.then_some((&host, port)), deadline).await?
            }
        };
        let tasks = Tasks::default();
        // Boxed, all of them: whoever waits for one answer keeps no room for the other ways to ask.
        let (tls, sent, answer) = if secure {
            let offer = if hop.http2_only { Offer::Http2 } else { Offer::Http };
            let (stream, info) = tls::handshake(connected.stream, &host, hop.trust, offer, deadline).boxed().await?;
            let sent = Instant::now();
            let is_http2 = info.alpn.as_deref() == Some("h2");
            if hop.http2_only && !is_http2 {
                let message = format!("{host} did not agree to speak HTTP/2 (ALPN `h2`)");
                return Err(CallError::new(ErrorKind::Protocol, message));
            }
            let answer = if is_http2 {
                in_time(deadline, &host, send_http2(stream, hop, &tasks).boxed()).await
            } else {
                in_time(deadline, &host, send_http1(stream, hop, &tasks).boxed()).await
            };
            (Some(info), sent, answer?)
        } else {
            let sent = Instant::now();
            let answer = if hop.http2_only {
                in_time(deadline, &host, send_http2(connected.stream, hop, &tasks).boxed()).await
            } else {
                in_time(deadline, &host, send_http1(connected.stream, hop, &tasks).boxed()).await
            };
            (None, sent, answer?)
        };
        let first_byte = sent.elapsed();
        let (head, body) = answer.into_parts();
        Ok(Self {
            status: head.status,
            version: version(head.version),
            headers: head.headers,
            address: connected.address,
            tls,
            dns: connected.dns,
            connect: connected.connect,
            first_byte,
            trailers: HeaderMap::new(),
            body,
            _tasks: tasks,
        })
    }

    /// Reads the body, up to `max` bytes and what is left of `budget`, and what comes after it.
    ///
    /// # Errors
    /// `timeout`, `protocol`, `refused`. Too much is not an error of the exchange: the inner `too-large` stands in for
    /// the body, and the head stays good.
    pub(super) async fn body(
        &mut self,
        max: u64,
        budget: &Budget,
        deadline: Instant,
    ) -> Result<Result<Bytes, CallError>, CallError> {
        let too_large = || Err(too_large(max, ""));
        if self.body.size_hint().lower() > max {
            return Ok(too_large());
        }
        let mut bytes = budget.buffer();
        loop {
            let frame = timeout_at(deadline.into(), self.body.frame()).await.map_err(|_elapsed| {
                timeout(format!(
                    "the body was not complete in the time given: {} bytes from {}",
                    bytes.len(),
                    self.address
                ))
            })?;
            let Some(frame) = frame else { return Ok(Ok(bytes.freeze())) };
            let frame = frame.map_err(|error| http_error(&error, "reading the body"))?;
            if let Some(data) = frame.data_ref() {
                if (bytes.len() + data.len()) as u64 > max {
                    return Ok(too_large());
                }
                if let Err(full) = bytes.extend(data, max) {
                    return Ok(Err(full.into()));
                }
            } else if let Ok(trailers) = frame.into_trailers() {
                self.trailers = bounded(trailers)?;
            }
        }
    }
}

fn bounded(trailers: HeaderMap) -> Result<HeaderMap, CallError> {
    let bytes: usize = trailers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if trailers.len() > HEADERS_MAX || bytes > TRAILER_BYTES_MAX {
        let message = format!("more than {HEADERS_MAX} trailers or {TRAILER_BYTES_MAX} bytes of them");
        return Err(CallError::new(ErrorKind::Protocol, message));
    }
    Ok(trailers)
}

async fn in_time<T>(
    deadline: Instant,
    host: &Host,
    work: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    timeout_at(deadline.into(), work)
        .await
        .map_err(|_elapsed| timeout(format!("{host} accepted the connection but did not answer in the time given")))?
}

async fn send_http1<S>(stream: S, hop: Hop<'_>, tasks: &Tasks) -> Result<http::Response<Incoming>, CallError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::Builder::new()
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| http_error(&error, "HTTP/1.1"))?;
    tasks.spawner().spawn(async move {
        // The request's own future reports the error.
        let _ = connection.await;
    });
    // `HOST` of a connection wins.
    let authority = &hop.url[url::Position::BeforeHost..url::Position::AfterPort];
    let host = HeaderValue::from_str(authority).map_err(|_| invalid("the url has no usable host".to_owned()))?;
    let mut headers = hop.headers;
    headers.entry(header::HOST).or_insert(host);
    let target = match hop.proxy {
        // A proxy is told where to; inside a tunnel nobody needs to be.
        Some(proxy) if hop.url.scheme() == "http" => {
            headers.extend(proxy.authorization().map(|value| (header::PROXY_AUTHORIZATION, value.clone())));
            &hop.url[..url::Position::AfterQuery]
        }
        _ => &hop.url[url::Position::BeforePath..url::Position::AfterQuery],
    };
    let request = request(hop.method, target, headers, hop.body)?;
    sender.send_request(request).await.map_err(|error| http_error(&error, "HTTP/1.1"))
}

async fn send_http2<S>(stream: S, hop: Hop<'_>, tasks: &Tasks) -> Result<http::Response<Incoming>, CallError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http2::Builder::new(tasks.spawner())
        .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX))
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| http_error(&error, "HTTP/2"))?;
    tasks.spawner().spawn(async move {
        let _ = connection.await;
    });
    let target = &hop.url[..url::Position::AfterQuery];
    let request = request(hop.method, target, hop.headers, hop.body)?;
    sender.send_request(request).await.map_err(|error| http_error(&error, "HTTP/2"))
}

fn request(
    method: Method,
    target: &str,
    headers: HeaderMap,
    body: Bytes,
) -> Result<http::Request<Full<Bytes>>, CallError> {
    let uri: Uri = target.parse().map_err(|error| invalid(format!("the url cannot be sent: {error}")))?;
    let mut request = http::Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    Ok(request)
}

fn version(version: http::Version) -> &'static str {
    match version {
        http::Version::HTTP_2 => "2",
        http::Version::HTTP_10 => "1.0",
        _ => "1.1",
    }
}

/// hyper's error with its cause: an operating system's error keeps its kind and code.
fn http_error(error: &hyper::Error, doing: &str) -> CallError {
    let mut source = error.source();
    let mut message = format!("{doing}: {error}");
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            return io_error(io, doing);
        }
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    let kind = if error.is_parse_too_large() { ErrorKind::TooLarge } else { ErrorKind::Protocol };
    CallError::new(kind, message)
}
