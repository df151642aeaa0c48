//! `wasi:http/outgoing-handler`, for `fetch` in JavaScript and SDKs that bring their own client: the same client, the
//! same grants, the same limits as `http`.
//!
//! Bodies are read whole in both directions, within the limits of the run.

use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use http_body_util::{BodyExt as _, Full, Limited};
use tokio::sync::Semaphore;
use wasmtime_wasi_http::{
    Error, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

use super::client::Response;
use super::request::{Request, is_forbidden};
use super::{CallError, CheckEnv, ErrorKind, HostError, HostState};
use crate::check::{Capability, Level};
use crate::trace::SpanId;

/// Bytes of a set of headers, as wasmtime counts them.
const FIELDS_BYTES_MAX: usize = 32 << 10;

/// The `wasi:http` of one run.
pub(super) struct WasiHttp {
    ctx: WasiHttpCtx,
    hooks: Hooks,
}

struct Hooks {
    env: Arc<CheckEnv>,
    deadline: Instant,
    /// The run's: the report has fetches in the order of their end, which nobody knows when they start.
    span: Option<SpanId>,
    sockets: Arc<Semaphore>,
    /// Calls the guest may still make: what `http` left when the first one was made.
    calls_left: u32,
    fetches: Fetches,
}

/// What was sent, in the order of completion.
type Fetches = Arc<Mutex<Vec<Fetch>>>;

struct Fetch {
    target: String,
    when: Range<Instant>,
    error: Option<CallError>,
}

impl WasiHttpView for HostState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let (env, quota, deadline) = (&self.env, &self.quota, self.calls_end);
        let span = self.span();
        let calls_left = env.limits.host_calls.saturating_sub(self.record.count);
        let wasi = self.wasi_http.get_or_insert_with(|| {
            let mut ctx = WasiHttpCtx::new();
            ctx.set_field_size_limit(FIELDS_BYTES_MAX);
            let hooks = Hooks {
                env: Arc::clone(env),
                deadline,
                span,
                sockets: quota.sockets(),
                calls_left,
                fetches: Fetches::default(),
            };
            Box::new(WasiHttp { ctx, hooks })
        });
        WasiHttpCtxView { hooks: &mut wasi.hooks, table: &mut self.wasi_table, ctx: &mut wasi.ctx }
    }
}

impl HostState {
    /// Puts what went through `wasi:http` into the record. A denial cannot carry its text to the guest, so it is logged.
    pub(super) fn record_fetches(&mut self) {
        let Some(wasi) = self.wasi_http.take() else { return };
        let fetches = std::mem::take(&mut *wasi.hooks.fetches.lock().unwrap_or_else(PoisonError::into_inner));
        for fetch in fetches {
            self.record.count = self.record.count.saturating_add(1);
            if let Some(error) = &fetch.error {
                self.log(Level::Warn, &error.message, &[]);
            }
            let answer = fetch.error.map_or(Ok(()), Err);
            // The answer is the guest's already.
            let _: Result<(), HostError> = self.finish(Capability::Http, "fetch", &fetch.target, fetch.when, answer);
        }
    }
}

type Sent = Result<(http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>;

impl WasiHttpHooks for Hooks {
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(|name| name != http::header::CONTENT_LENGTH && is_forbidden(name))
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _done: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let (env, deadline, sockets) = (Arc::clone(&self.env), self.deadline, Arc::clone(&self.sockets));
        let fetches = Arc::clone(&self.fetches);
        let span = self.span;
        let admitted = self.calls_left > 0;
        self.calls_left = self.calls_left.saturating_sub(1);
        Box::new(async move {
            let start = Instant::now();
            let uri = request.uri();
            let authority = uri.authority().map_or("", |authority| authority.as_str());
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            let target = format!("{}://{host}{}", uri.scheme_str().unwrap_or("https"), uri.path());
            let work = async {
                if !admitted {
                    let message =
                        format!("more than {} host calls in one run (key `host-calls`)", env.limits.host_calls);
                    return Err(CallError::new(ErrorKind::Quota, message));
                }
                let _place = sockets.acquire().await.ok();
                let request = read(request, options, env.limits.response_bytes).await?.asked_by(span);
                let answer = match &env.script {
                    Some(script) => script.exchange(&request),
                    None => env.services.http.send(&request, &env.grants, &env.limits, deadline).await,
                };
                answer.and_then(whole)
            };
            let answer = tokio::time::timeout_at(deadline.into(), work).await.unwrap_or_else(|_elapsed| {
                Err(CallError::new(ErrorKind::Timeout, "the run's time was used up in this call"))
            });
            let fetch = Fetch { target, when: start..Instant::now(), error: answer.as_ref().err().cloned() };
            fetches.lock().unwrap_or_else(PoisonError::into_inner).push(fetch);
            let done: Pin<Box<dyn Future<Output = Result<(), Error>> + Send>> = Box::pin(async { Ok(()) });
            answer.map(|response| (response, Box::new(done) as Box<_>)).map_err(wasi_error)
        })
    }
}

/// The guest's request with its body, which the guest may still be writing.
async fn read(
    request: http::Request<WasiBody>,
    options: Option<RequestOptions>,
    body_max: u64,
) -> Result<Request, CallError> {
    let (parts, body) = request.into_parts();
    let mut own = Request::new(parts.method.as_str(), &parts.uri.to_string());
    for (name, value) in parts.headers.iter().filter(|(name, _)| !is_forbidden(name)) {
        own.add_header(name.as_str(), value.as_bytes())?;
    }
    let max = usize::try_from(body_max).unwrap_or(usize::MAX);
    let body = Limited::new(body, max).collect().await;
    own.body = body
        .map_err(|error| {
            CallError::new(ErrorKind::TooLarge, format!("the request's body (at most {max} bytes): {error}"))
        })?
        .to_bytes();
    // The contract of `wasi:http` knows no timeout for the whole.
    own.timeout = options.and_then(|options| {
        let first_byte = options.first_byte_timeout?;
        Some(
            options.connect_timeout.unwrap_or(first_byte)
                + first_byte
                + options.between_bytes_timeout.unwrap_or_default(),
        )
    });
    Ok(own)
}

/// A `wasi:http` response has no place for a body that was too large.
fn whole(response: Response) -> Result<http::Response<WasiBody>, CallError> {
    let body = response.body?;
    let mut whole = http::Response::new(Full::new(body).map_err(|never| match never {}).boxed_unsync());
    let unusable = |_| CallError::new(ErrorKind::Protocol, "the response cannot be represented");
    *whole.status_mut() = http::StatusCode::from_u16(response.status)
        .map_err(|_| CallError::new(ErrorKind::Protocol, "no HTTP status"))?;
    for (name, value) in response.headers {
        let name: http::HeaderName = name.parse().map_err(|_| unusable(()))?;
        // Lengths and connection headers described the wire, not what the guest gets.
        if !is_forbidden(&name) {
            whole.headers_mut().append(name, http::HeaderValue::from_bytes(&value).map_err(|_| unusable(()))?);
        }
    }
    Ok(whole)
}

fn wasi_error(error: CallError) -> Error {
    match error.kind {
        ErrorKind::Denied => Error::HttpRequestDenied,
        ErrorKind::InvalidArgument => Error::HttpRequestUriInvalid,
        ErrorKind::Timeout => Error::ConnectionTimeout,
        ErrorKind::Dns => Error::DnsError { rcode: Some(error.message), info_code: None },
        ErrorKind::Refused => Error::ConnectionRefused,
        ErrorKind::Unreachable => Error::DestinationIpUnroutable,
        ErrorKind::Tls => Error::TlsCertificateError,
        ErrorKind::Protocol => Error::HttpProtocolError,
        ErrorKind::TooLarge => Error::HttpResponseBodySize(None),
        ErrorKind::Quota => Error::ConnectionLimitReached,
        ErrorKind::NotFound | ErrorKind::Auth | ErrorKind::Remote | ErrorKind::Unsupported | ErrorKind::Other => {
            Error::InternalError(Some(error.message))
        }
    }
}
