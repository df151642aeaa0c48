//! `http`: the contract's requests and responses, judged and sent by [`probity_drivers::client`].

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt as _;
use probity_core::check::Capability;
use probity_drivers::client::Response;
use probity_drivers::request::Request;
use probity_drivers::tls::{Certificate, TlsInfo};
use probity_drivers::{CallError, ErrorKind};
use url::Url;
use wasmtime::component::{Resource, ResourceTableError};

use super::bindings::probity::check::http::{Headers, Host, HostRequest, HostResponse, Timing};
use super::bindings::probity::check::types;
use super::{HostError, HostState, small};

/// A guest's request under construction.
#[derive(Clone, Debug)]
pub struct OutgoingRequest {
    pub(super) request: Request,
    /// The body was more than the run may hold: said when the request is sent, as `set-body` cannot fail.
    too_large: bool,
}

/// A response in a guest's hands.
#[derive(Debug)]
pub struct IncomingResponse(pub(super) Response);

/// Bytes kept of a method or URL: more than any is allowed to have, so that sending says what is wrong.
const TEXT_BYTES_MAX: usize = 9 << 10;

impl Host for HostState {
    async fn get(&mut self, url: String) -> Result<Resource<IncomingResponse>, HostError> {
        self.send_one("get", Ok(Request::new("GET", &url))).await
    }

    /// Each request counts as a call of its own.
    async fn send_all(
        &mut self,
        requests: Vec<Resource<OutgoingRequest>>,
    ) -> wasmtime::Result<Vec<Result<Resource<IncomingResponse>, types::Error>>> {
        let mut ready = Vec::new();
        for request in &requests {
            let span = self.span_of_call(ready.len());
            ready.push(match self.admit(Capability::Http) {
                Ok(()) => self.table.get(request)?.ready().map(|request| request.asked_by(span)),
                Err(HostError::Answer(error)) => Err(error),
                Err(HostError::Trap(error)) => return Err(error),
            });
        }
        let mut answers = Vec::with_capacity(ready.len());
        let answered = self.leash.errand(small(self.side_by_side(ready))).await;
        for (sent, when, answer) in answered {
            answers.push(match self.finish(Capability::Http, "send", &sent, when, answer) {
                Ok(response) => Ok(self.keep(response)?),
                Err(HostError::Answer(error)) => Err(error.into()),
                Err(HostError::Trap(error)) => return Err(error),
            });
        }
        Ok(answers)
    }
}

impl HostState {
    async fn send_one(
        &mut self,
        operation: &'static str,
        request: Result<Request, CallError>,
    ) -> Result<Resource<IncomingResponse>, HostError> {
        let env = self.env.clone();
        let budgets = self.quota.budgets();
        let (place, deadline) = (self.quota.socket(), self.deadline(None));
        let jar = self.cookies.clone();
        let target = request.as_ref().map_or_else(|_| String::new(), target);
        let span = self.span_of_call(0);
        let work = async move {
            let (request, _place) = (request?.asked_by(span).charged_to(budgets).with_cookies(jar), place?);
            env.services.http.send(&request, &env.grants, &env.limits, deadline).await
        };
        let response = self.call(Capability::Http, operation, &target, small(work)).await?;
        Ok(self.keep(response)?)
    }

    /// Sends as many at once as there are sockets left; answers in the same order, with target and time.
    fn side_by_side(
        &self,
        requests: Vec<Result<Request, CallError>>,
    ) -> impl Future<Output = Vec<(String, Range<Instant>, Result<Response, CallError>)>> + Send + use<> {
        let (env, places, deadline) = (Arc::clone(&self.env), self.quota.sockets(), self.deadline(None));
        let (budgets, jar) = (self.quota.budgets(), self.cookies.clone());
        let at_once = self.quota.sockets_left();
        let none_left = self.quota.socket().err();
        let send = move |request: Result<Request, CallError>| {
            let (env, places, none_left) = (Arc::clone(&env), Arc::clone(&places), none_left.clone());
            let (budgets, jar) = (budgets.clone(), jar.clone());
            async move {
                let start = Instant::now();
                let sent = request.as_ref().map_or_else(|_| String::new(), target);
                let answer = async {
                    let request = request?.charged_to(budgets).with_cookies(jar);
                    none_left.map_or(Ok(()), Err)?;
                    let _place = places.acquire().await.ok();
                    env.services.http.send(&request, &env.grants, &env.limits, deadline).await
                };
                let answer = answer.await;
                (sent, start..Instant::now(), answer)
            }
        };
        futures_util::stream::iter(requests).map(send).buffered(at_once.max(1)).collect()
    }

    fn keep(&mut self, response: Response) -> Result<Resource<IncomingResponse>, ResourceTableError> {
        self.note(&response.notes);
        self.note(response.tls.as_ref().map_or(&[][..], |tls| &tls.notes));
        self.table.push(IncomingResponse(response))
    }
}

/// What the report shows: no query, no credentials.
fn target(request: &Request) -> String {
    if let Some(endpoint) = &request.endpoint {
        let path = request.url.split(['?', '#']).next().unwrap_or_default();
        return format!("{endpoint}:{path}");
    }
    match Url::parse(&request.url) {
        Ok(url) if url.has_host() => {
            format!("{}://{}", url.scheme(), &url[url::Position::BeforeHost..url::Position::AfterPath])
        }
        _ => "(no url)".to_owned(),
    }
}

impl OutgoingRequest {
    pub(super) fn ready(&self) -> Result<Request, CallError> {
        if self.too_large {
            return Err(CallError::new(ErrorKind::TooLarge, "the request's body is more than this run may hold"));
        }
        Ok(self.request.clone())
    }
}

impl HostRequest for HostState {
    async fn new(&mut self, method: String, url: String) -> wasmtime::Result<Resource<OutgoingRequest>> {
        let request = Request::new(head(&method), head(&url));
        Ok(self.table.push(OutgoingRequest { request, too_large: false })?)
    }

    async fn use_endpoint(&mut self, request: Resource<OutgoingRequest>, name: String) -> Result<(), HostError> {
        self.env.services.http.check_endpoint(&name, &self.env.grants)?;
        self.table.get_mut(&request)?.request.endpoint = Some(name);
        Ok(())
    }

    async fn set_header(
        &mut self,
        request: Resource<OutgoingRequest>,
        name: String,
        value: Vec<u8>,
    ) -> Result<(), HostError> {
        Ok(self.table.get_mut(&request)?.request.set_header(&name, &value)?)
    }

    async fn set_body(&mut self, request: Resource<OutgoingRequest>, bytes: Vec<u8>) -> wasmtime::Result<()> {
        let budgets = self.quota.budgets();
        let entry = self.table.get_mut(&request)?;
        // What it had comes free first.
        entry.request.body = Bytes::new();
        let held = budgets.bodies.hold(bytes);
        entry.too_large = held.is_err();
        entry.request.body = held.unwrap_or_default();
        Ok(())
    }

    async fn set_timeout_ms(&mut self, request: Resource<OutgoingRequest>, ms: u32) -> wasmtime::Result<()> {
        self.table.get_mut(&request)?.request.timeout = Some(Duration::from_millis(ms.into()));
        Ok(())
    }

    async fn set_max_redirects(&mut self, request: Resource<OutgoingRequest>, max: u32) -> wasmtime::Result<()> {
        self.table.get_mut(&request)?.request.redirects_max = max;
        Ok(())
    }

    async fn set_max_body_bytes(&mut self, request: Resource<OutgoingRequest>, max: u32) -> wasmtime::Result<()> {
        self.table.get_mut(&request)?.request.body_bytes_max = Some(max.into());
        Ok(())
    }

    async fn require_http2(&mut self, request: Resource<OutgoingRequest>) -> wasmtime::Result<()> {
        self.table.get_mut(&request)?.request.http2_only = true;
        Ok(())
    }

    async fn send(&mut self, request: Resource<OutgoingRequest>) -> Result<Resource<IncomingResponse>, HostError> {
        let request = self.table.get(&request)?.ready();
        self.send_one("send", request).await
    }

    async fn drop(&mut self, request: Resource<OutgoingRequest>) -> wasmtime::Result<()> {
        self.table.delete(request)?;
        Ok(())
    }
}

/// The first bytes of `text`, at a character.
fn head(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]
}

impl HostResponse for HostState {
    async fn status(&mut self, response: Resource<IncomingResponse>) -> wasmtime::Result<u16> {
        Ok(self.table.get(&response)?.0.status)
    }

    async fn version(&mut self, response: Resource<IncomingResponse>) -> wasmtime::Result<String> {
        Ok(self.table.get(&response)?.0.version.to_owned())
    }

    async fn headers(&mut self, response: Resource<IncomingResponse>) -> wasmtime::Result<Headers> {
        Ok(self.table.get(&response)?.0.headers.clone())
    }

    /// The first value of that name, in any case.
    async fn header(
        &mut self,
        response: Resource<IncomingResponse>,
        name: String,
    ) -> wasmtime::Result<Option<Vec<u8>>> {
        let headers = &self.table.get(&response)?.0.headers;
        Ok(headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(&name)).map(|(_, value)| value.clone()))
    }

    async fn body(&mut self, response: Resource<IncomingResponse>) -> Result<Vec<u8>, HostError> {
        Ok(self.table.get(&response)?.0.body.clone()?.to_vec())
    }

    async fn trailers(&mut self, response: Resource<IncomingResponse>) -> wasmtime::Result<Headers> {
        Ok(self.table.get(&response)?.0.trailers.clone())
    }

    async fn timing(&mut self, response: Resource<IncomingResponse>) -> wasmtime::Result<Timing> {
        let timing = self.table.get(&response)?.0.timing;
        Ok(Timing {
            dns_ms: timing.dns.map(ms),
            connect_ms: timing.connect.map(ms),
            tls_ms: timing.tls.map(ms),
            first_byte_ms: ms(timing.first_byte),
            total_ms: ms(timing.total),
        })
    }

    async fn tls(&mut self, response: Resource<IncomingResponse>) -> wasmtime::Result<Option<types::TlsInfo>> {
        Ok(self.table.get(&response)?.0.tls.clone().map(Into::into))
    }

    async fn remote_address(&mut self, response: Resource<IncomingResponse>) -> wasmtime::Result<Option<String>> {
        Ok(Some(self.table.get(&response)?.0.remote_address.to_string()))
    }

    async fn drop(&mut self, response: Resource<IncomingResponse>) -> wasmtime::Result<()> {
        self.table.delete(response)?;
        Ok(())
    }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

impl From<Certificate> for types::Certificate {
    fn from(certificate: Certificate) -> Self {
        Self {
            subject: certificate.subject,
            issuer: certificate.issuer,
            serial: certificate.serial,
            not_before_unix: certificate.not_before_unix,
            not_after_unix: certificate.not_after_unix,
            dns_names: certificate.dns_names,
            sha256: certificate.sha256,
        }
    }
}

impl From<TlsInfo> for types::TlsInfo {
    fn from(info: TlsInfo) -> Self {
        Self {
            protocol: info.protocol.to_owned(),
            cipher: info.cipher,
            alpn: info.alpn,
            handshake_ms: ms(info.handshake),
            chain: info.chain.into_iter().map(Into::into).collect(),
            verified: info.verified,
        }
    }
}

#[cfg(test)]
mod tests;
