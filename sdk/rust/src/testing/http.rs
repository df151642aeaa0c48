//! The fake of `http`.

use std::collections::{HashMap, VecDeque};

use crate::http::{Request, Timing, TlsInfo};
use crate::{Error, ErrorKind};

/// What a fake server answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: Result<Vec<u8>, Error>,
    trailers: Vec<(String, Vec<u8>)>,
    timing: Timing,
    tls: Option<TlsInfo>,
}

impl Reply {
    /// An answer with this status, no headers, no body, after one millisecond.
    pub fn status(status: u16) -> Self {
        let timing = Timing { first_byte_ms: 1.0, total_ms: 1.0, ..Timing::default() };
        Self { status, headers: Vec::new(), body: Ok(Vec::new()), trailers: Vec::new(), timing, tls: None }
    }

    /// A 200 with this value as JSON.
    pub fn json(value: impl Into<serde_json::Value>) -> Self {
        let value: serde_json::Value = value.into();
        Self::status(200).header("content-type", "application/json").body(value.to_string())
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.body = Ok(bytes.into());
        self
    }

    /// Adds what comes after the body.
    #[must_use]
    pub fn trailer(mut self, name: &str, value: &str) -> Self {
        self.trailers.push((name.to_owned(), value.into()));
        self
    }

    /// Makes reading the body fail.
    #[must_use]
    pub fn body_error(mut self, error: Error) -> Self {
        self.body = Err(error);
        self
    }

    /// Sets how long the exchange took, in milliseconds.
    #[must_use]
    pub fn total_ms(mut self, ms: f64) -> Self {
        self.timing = Timing { first_byte_ms: ms, total_ms: ms, ..self.timing };
        self
    }

    /// Sets the TLS session.
    #[must_use]
    pub fn tls(mut self, info: TlsInfo) -> Self {
        self.tls = Some(info);
        self
    }
}

#[derive(Debug, Default)]
pub(crate) struct FakeHttp {
    /// By "METHOD target".
    replies: HashMap<String, VecDeque<Result<Reply, Error>>>,
    pub(crate) sent: Vec<Request>,
}

impl FakeHttp {
    pub(crate) fn push(&mut self, method: &str, target: &str, reply: Result<Reply, Error>) {
        self.replies.entry(format!("{method} {target}")).or_default().push_back(reply);
    }

    pub(crate) fn send(&mut self, request: Request) -> Result<HttpResponse, Error> {
        let target =
            request.endpoint.as_ref().map_or_else(|| request.url.clone(), |name| format!("{name}:{}", request.url));
        let key = format!("{} {target}", request.method);
        let http2 = request.http2_only;
        self.sent.push(request);
        let unknown = || Error::new(ErrorKind::Refused, format!("the test host knows no reply to {key}"));
        let replies = self.replies.get_mut(&key).ok_or_else(unknown)?;
        let reply = if replies.len() > 1 { replies.pop_front() } else { replies.front().cloned() };
        reply.ok_or_else(unknown)?.map(|reply| HttpResponse { reply, http2 })
    }
}

/// What a check holds of a [`Reply`].
#[derive(Debug)]
pub(crate) struct HttpResponse {
    reply: Reply,
    http2: bool,
}

impl HttpResponse {
    pub(crate) fn status(&self) -> u16 {
        self.reply.status
    }

    pub(crate) fn version(&self) -> String {
        if self.http2 { "2".to_owned() } else { "1.1".to_owned() }
    }

    pub(crate) fn headers(&self) -> Vec<(String, Vec<u8>)> {
        self.reply.headers.clone()
    }

    pub(crate) fn header(&self, name: &str) -> Option<Vec<u8>> {
        self.reply.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
    }

    pub(crate) fn body(&self) -> Result<Vec<u8>, Error> {
        self.reply.body.clone()
    }

    pub(crate) fn trailers(&self) -> Vec<(String, Vec<u8>)> {
        if self.reply.body.is_ok() { self.reply.trailers.clone() } else { Vec::new() }
    }

    pub(crate) fn timing(&self) -> Timing {
        self.reply.timing
    }

    pub(crate) fn tls(&self) -> Option<TlsInfo> {
        self.reply.tls.clone()
    }

    pub(crate) fn remote_address(&self) -> Option<String> {
        Some("127.0.0.1:80".to_owned())
    }
}
