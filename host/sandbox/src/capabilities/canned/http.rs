//! `http` from a script.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use ::http::{HeaderValue, Uri, header};
use bytes::Bytes;
use probity_core::check::Capability;
use probity_drivers::CallError;
use probity_drivers::client::{Response, Timing};
use probity_drivers::content::too_large;
use probity_drivers::request::Request;
use probity_drivers::tls::{Certificate, TlsInfo};
use url::Url;
use wasmtime::component::Resource;

use super::super::HostError;
use super::super::bindings::probity::check::{http, types};
use super::super::http::{IncomingResponse, OutgoingRequest};
use super::{Actor, Answer, HttpAnswer, Script, stray};

impl Actor<'_> {
    fn exchange(
        &mut self,
        operation: &'static str,
        request: Result<Request, CallError>,
    ) -> Result<Resource<IncomingResponse>, HostError> {
        let (script, request) = (self.script()?, request?.with_cookies(self.0.cookies.clone()));
        let asked = asked(&request);
        let target = asked.split_once(' ').map_or("", |(_, url)| url).split(['?', '#']).next().unwrap_or_default();
        let response = self.0.call_now(Capability::Http, operation, target, |_| script.exchange(&request))?;
        Ok(self.0.table.push(IncomingResponse(response))?)
    }
}

impl Script {
    /// What the case answers to a request, whichever interface it came by.
    ///
    /// Cookies go with the requests of a run as in a host.
    pub(crate) fn exchange(&self, request: &Request) -> Result<Response, CallError> {
        let (asked, url) = (asked(request), place(request));
        let jar = request.jar().cloned().zip(url);
        let with_cookies = jar.as_ref().and_then(|(jar, url)| request.with_cookie_header(jar, url));
        let request = with_cookies.as_ref().unwrap_or(request);
        let hint = || format!("[[case.http]]\nrequest = {asked:?}\nstatus = 200\nbody = \"…\"");
        let (line, Answer::Http(answer)) = self.take(&asked, hint)? else { return Err(stray()) };
        for text in differences(&answer, request) {
            self.differs(line, text);
        }
        if let Some((jar, url)) = &jar {
            let pairs = answer.headers.iter().filter(|(name, _)| name == header::SET_COOKIE.as_str());
            let values = pairs.filter_map(|(_, value)| HeaderValue::from_bytes(value).ok());
            jar.store(url, &values.map(|value| (header::SET_COOKIE, value)).collect());
        }
        Ok(respond(*answer, request, self.session(request)?))
    }

    /// That of the `tls` entry for the same server; none without one.
    fn session(&self, request: &Request) -> Result<Option<TlsInfo>, CallError> {
        let url = request.url.parse::<Uri>().ok().filter(|url| url.scheme_str() == Some("https"));
        let Some(url) = url.filter(|_| request.endpoint.is_none()) else { return Ok(None) };
        let asked = format!("tls {}:{}", url.host().unwrap_or_default(), url.port_u16().unwrap_or(443));
        if !self.entries.iter().any(|entry| entry.asked == asked) {
            return Ok(None);
        }
        match self.take(&asked, String::new)?.1 {
            Answer::Tls(info, _) => Ok(Some(info.into())),
            _ => Err(stray()),
        }
    }
}

/// Where a request goes, as far as cookies care: an endpoint is a host of its own.
fn place(request: &Request) -> Option<Url> {
    match &request.endpoint {
        Some(endpoint) => Url::parse(&format!("https://{endpoint}.invalid{}", request.url)).ok(),
        None => Url::parse(&request.url).ok(),
    }
}

/// `GET http://service.test/stats`, or `GET billing:/stats` through an endpoint.
fn asked(request: &Request) -> String {
    match &request.endpoint {
        Some(endpoint) => format!("{} {endpoint}:{}", request.method, request.url),
        None => format!("{} {}", request.method, request.url),
    }
}

fn differences(answer: &HttpAnswer, request: &Request) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(wanted) = answer.sent_body.as_deref().filter(|wanted| !same_body(wanted, &request.body)) {
        let (wanted, sent) = (String::from_utf8_lossy(wanted), String::from_utf8_lossy(&request.body));
        found.push(format!("the body sent with {}: expected {wanted:?}, was {sent:?}", asked(request)));
    }
    for (name, wanted) in &answer.sent_headers {
        let sent = request.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        if sent.as_ref() != Some(wanted) {
            let sent = sent.map_or("not sent".to_owned(), |sent| format!("{sent:?}"));
            found.push(format!("header {name} of {}: expected {wanted:?}, was {sent}", asked(request)));
        }
    }
    let timeout_ms = request.timeout.map(|timeout| timeout.as_millis());
    if let Some(wanted) = answer.sent_timeout_ms.filter(|wanted| timeout_ms != Some((*wanted).into())) {
        let set = timeout_ms.map_or("not set".to_owned(), |ms| format!("{ms} ms"));
        found.push(format!("the timeout of {}: expected {wanted} ms, was {set}", asked(request)));
    }
    if let Some(wanted) = answer.sent_max_redirects.filter(|wanted| *wanted != request.redirects_max) {
        found.push(format!("redirects of {}: expected {wanted}, was {}", asked(request), request.redirects_max));
    }
    found
}

/// The same bytes, or the same JSON in other words.
fn same_body(wanted: &[u8], sent: &[u8]) -> bool {
    let json = |bytes| serde_json::from_slice::<serde_json::Value>(bytes).ok();
    wanted == sent || json(wanted).is_some_and(|wanted| json(sent) == Some(wanted))
}

fn respond(answer: HttpAnswer, request: &Request, session: Option<TlsInfo>) -> Response {
    let max = request.body_bytes_max.unwrap_or(u64::MAX);
    let body = answer.body.and_then(|body| if body.len() as u64 > max { Err(too_large(max, "")) } else { Ok(body) });
    Response {
        status: answer.status,
        version: if request.http2_only { "2" } else { "1.1" },
        headers: answer.headers,
        body: body.map(Bytes::from),
        trailers: answer.trailers,
        timing: Timing { tls: session.as_ref().map(|session| session.handshake), ..answer.timing },
        tls: session,
        remote_address: SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 80)),
        final_url: "http://scripted.invalid/".parse().expect("this is a URL"),
        notes: Vec::new(),
        head: None,
    }
}

impl From<types::TlsInfo> for TlsInfo {
    fn from(info: types::TlsInfo) -> Self {
        let certificate = |found: types::Certificate| Certificate {
            subject: found.subject,
            issuer: found.issuer,
            serial: found.serial,
            not_before_unix: found.not_before_unix,
            not_after_unix: found.not_after_unix,
            dns_names: found.dns_names,
            sha256: found.sha256,
        };
        Self {
            protocol: if info.protocol == "TLSv1.2" { "TLSv1.2" } else { "TLSv1.3" },
            cipher: info.cipher,
            alpn: info.alpn,
            handshake: Duration::try_from_secs_f64(info.handshake_ms / 1e3).unwrap_or_default(),
            chain: info.chain.into_iter().map(certificate).collect(),
            verified: info.verified,
            notes: Vec::new(),
        }
    }
}

impl http::Host for Actor<'_> {
    async fn get(&mut self, url: String) -> Result<Resource<IncomingResponse>, HostError> {
        self.exchange("get", Ok(Request::new("GET", &url)))
    }

    async fn send_all(
        &mut self,
        requests: Vec<Resource<OutgoingRequest>>,
    ) -> wasmtime::Result<Vec<Result<Resource<IncomingResponse>, types::Error>>> {
        let mut answers = Vec::with_capacity(requests.len());
        for request in &requests {
            let ready = self.0.table.get(request)?.ready();
            answers.push(match self.exchange("send", ready) {
                Ok(response) => Ok(response),
                Err(HostError::Answer(error)) => Err(error.into()),
                Err(HostError::Trap(error)) => return Err(error),
            });
        }
        Ok(answers)
    }
}

impl http::HostRequest for Actor<'_> {
    async fn new(&mut self, method: String, url: String) -> wasmtime::Result<Resource<OutgoingRequest>> {
        http::HostRequest::new(self.0, method, url).await
    }

    /// Whether the endpoint is granted shows when it is used.
    async fn use_endpoint(&mut self, request: Resource<OutgoingRequest>, name: String) -> Result<(), HostError> {
        self.0.table.get_mut(&request)?.request.endpoint = Some(name);
        Ok(())
    }

    async fn set_header(
        &mut self,
        request: Resource<OutgoingRequest>,
        name: String,
        value: Vec<u8>,
    ) -> Result<(), HostError> {
        http::HostRequest::set_header(self.0, request, name, value).await
    }

    async fn set_body(&mut self, request: Resource<OutgoingRequest>, bytes: Vec<u8>) -> wasmtime::Result<()> {
        http::HostRequest::set_body(self.0, request, bytes).await
    }

    async fn set_timeout_ms(&mut self, request: Resource<OutgoingRequest>, ms: u32) -> wasmtime::Result<()> {
        http::HostRequest::set_timeout_ms(self.0, request, ms).await
    }

    async fn set_max_redirects(&mut self, request: Resource<OutgoingRequest>, max: u32) -> wasmtime::Result<()> {
        http::HostRequest::set_max_redirects(self.0, request, max).await
    }

    async fn set_max_body_bytes(&mut self, request: Resource<OutgoingRequest>, max: u32) -> wasmtime::Result<()> {
        http::HostRequest::set_max_body_bytes(self.0, request, max).await
    }

    async fn require_http2(&mut self, request: Resource<OutgoingRequest>) -> wasmtime::Result<()> {
        http::HostRequest::require_http2(self.0, request).await
    }

    async fn send(&mut self, request: Resource<OutgoingRequest>) -> Result<Resource<IncomingResponse>, HostError> {
        let ready = self.0.table.get(&request)?.ready();
        self.exchange("send", ready)
    }

    async fn drop(&mut self, request: Resource<OutgoingRequest>) -> wasmtime::Result<()> {
        http::HostRequest::drop(self.0, request).await
    }
}

impl http::HostResponse for Actor<'_> {
    async fn status(&mut self, response: Resource<IncomingResponse>) -> wasmtime::Result<u16> {
        http::HostResponse::status(self.0, response).await
    }

    async fn version(&mut self, response: Resource<IncomingResponse>) -> wasmtime::Result<String> {
        http::HostResponse::version(self.0, response).await
    }

    async fn headers(&mut self, response: Resource<IncomingResponse>) -> wasmtime::Result<http::Headers> {
        http::HostResponse::headers(self.0, response).await
    }

    async fn header(
        &mut self,
        response: Resource<IncomingResponse>,
        name: String,
    ) -> wasmtime::Result<Option<Vec<u8>>> {
        http::HostResponse::header(self.0, response, name).await
    }

    async fn body(&mut self, response: Resource<IncomingResponse>) -> Result<Vec<u8>, HostError> {
        http::HostResponse::body(self.0, response).await
    }

    async fn trailers(&mut self, response: Resource<IncomingResponse>) -> wasmtime::Result<http::Headers> {
        http::HostResponse::trailers(self.0, response).await
    }

    async fn timing(&mut self, response: Resource<IncomingResponse>) -> wasmtime::Result<http::Timing> {
        http::HostResponse::timing(self.0, response).await
    }

    async fn tls(&mut self, response: Resource<IncomingResponse>) -> wasmtime::Result<Option<types::TlsInfo>> {
        http::HostResponse::tls(self.0, response).await
    }

    async fn remote_address(&mut self, response: Resource<IncomingResponse>) -> wasmtime::Result<Option<String>> {
        http::HostResponse::remote_address(self.0, response).await
    }

    async fn drop(&mut self, response: Resource<IncomingResponse>) -> wasmtime::Result<()> {
        http::HostResponse::drop(self.0, response).await
    }
}
