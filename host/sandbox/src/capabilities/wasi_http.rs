//! `wasi:http/outgoing-handler`, for `fetch` in JavaScript and SDKs that bring their own client: the same client, the
//! same grants, the same limits as `http`.
//!
//! Bodies are read whole in both directions, within the limits of the run: what is held of them and of heads is charged
//! to the same budgets as that of `http`, for as long as the guest has any of it. They come as they are on the wire:
//! encodings, characters and cookies are the business of the client inside, as `wasi:http` promises.

use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use probity_config::is_reserved_header;
use probity_core::SpanId;
use probity_core::check::{Capability, Level};
use probity_core::text::clean;
use probity_drivers::budget::{Budgets, Charge};
use probity_drivers::client::Response;
use probity_drivers::request::Request;
use probity_drivers::{CallError, ErrorKind};
use tokio::sync::Semaphore;
use wasmtime_wasi_http::{
    Error, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

use super::{CheckEnv, HostError, HostState, TARGET_BYTES_MAX};

/// Bytes of a set of headers, as wasmtime counts them.
const FIELDS_BYTES_MAX: usize = 32 << 10;

/// Bytes of a piece of a request's body, as the guest writes it; two wait for the host at most. They are not charged
/// before the request is sent.
const CHUNK_BYTES_MAX: usize = 16 << 10;

/// Calls beyond `host-calls` that the report shows.
const REFUSED_TOLD_MAX: u32 = 16;

/// Bytes kept of an error, for the log.
const ERROR_BYTES_MAX: usize = 1 << 10;

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
    budgets: Budgets,
    /// Calls of the run so far that did not come this way.
    other_calls: u32,
    /// Those that did, refused ones included.
    made: u32,
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
        let (deadline, span) = (self.calls_end(), self.span());
        let (env, quota) = (&self.env, &self.quota);
        let wasi = self.wasi_http.get_or_insert_with(|| {
            let mut ctx = WasiHttpCtx::new();
            ctx.set_field_size_limit(FIELDS_BYTES_MAX);
            let hooks = Hooks {
                env: Arc::clone(env),
                deadline,
                span,
                sockets: quota.sockets(),
                budgets: quota.budgets(),
                other_calls: 0,
                made: 0,
                fetches: Fetches::default(),
            };
            Box::new(WasiHttp { ctx, hooks })
        });
        wasi.hooks.other_calls = self.record.count;
        wasi.hooks.deadline = deadline;
        WasiHttpCtxView { hooks: &mut wasi.hooks, table: &mut self.wasi_table, ctx: &mut wasi.ctx }
    }
}

impl HostState {
    /// Puts what went through `wasi:http` into the record. A denial cannot carry its text to the guest, so it is logged.
    pub(super) fn record_fetches(&mut self) {
        let Some(wasi) = self.wasi_http.take() else { return };
        let fetches = std::mem::take(&mut *wasi.hooks.fetches.lock().unwrap_or_else(PoisonError::into_inner));
        let untold = wasi.hooks.made.saturating_sub(u32::try_from(fetches.len()).unwrap_or(u32::MAX));
        self.record.count = self.record.count.saturating_add(wasi.hooks.made);
        for fetch in fetches {
            if let Some(error) = &fetch.error {
                self.log(Level::Warn, &error.message, &[]);
            }
            let answer = fetch.error.map_or(Ok(()), Err);
            // The answer is the guest's already.
            let _: Result<(), HostError> = self.finish(Capability::Http, "fetch", &fetch.target, fetch.when, answer);
        }
        if untold > 0 {
            self.tally(Capability::Http, ErrorKind::Quota.as_str(), untold);
        }
    }

    /// Calls that were made through `wasi:http` and are not in the record yet.
    pub(super) fn fetched(&self) -> u32 {
        self.wasi_http.as_ref().map_or(0, |wasi| wasi.hooks.made)
    }
}

type Sent = Result<(http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>;

impl WasiHttpHooks for Hooks {
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(|name| name != http::header::CONTENT_LENGTH && is_reserved_header(name.as_str()))
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK_BYTES_MAX
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _done: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let limit = self.env.limits.host_calls;
        let before = self.other_calls.saturating_add(self.made);
        self.made = self.made.saturating_add(1);
        let (fetches, env, deadline) = (Arc::clone(&self.fetches), Arc::clone(&self.env), self.deadline);
        if before >= limit {
            let message = format!("more than {limit} host calls in one run (key `host-calls`)");
            let error = CallError::new(ErrorKind::Quota, message);
            // Of what is refused the report shows the first ones, and the number.
            if before < limit.saturating_add(REFUSED_TOLD_MAX) {
                let now = Instant::now();
                Fetch::keep(&fetches, Fetch { target: target(&request, &env), when: now..now, error: Some(error) });
            }
            return Box::new(async { Err(Error::ConnectionLimitReached) });
        }
        let (sockets, budgets, span) = (Arc::clone(&self.sockets), self.budgets.clone(), self.span);
        Box::new(async move {
            let start = Instant::now();
            let target = target(&request, &env);
            let work = async {
                let _place = sockets.acquire().await.ok();
                let request = read(request, options, env.limits.response_bytes, &budgets).await?;
                let request = request.asked_by(span).charged_to(budgets.clone());
                let answer = match &env.script {
                    Some(script) => script.exchange(&request),
                    None => env.services.http.send(&request, &env.grants, &env.limits, deadline).await,
                };
                answer.and_then(whole)
            };
            let answer = tokio::time::timeout_at(deadline.into(), work).await.unwrap_or_else(|_elapsed| {
                Err(CallError::new(ErrorKind::Timeout, "the run's time was used up in this call"))
            });
            let error = answer.as_ref().err().map(|error| CallError {
                message: clean(&env.secrets.redact(&error.message), ERROR_BYTES_MAX),
                ..error.clone()
            });
            Fetch::keep(&fetches, Fetch { target, when: start..Instant::now(), error });
            let done: Pin<Box<dyn Future<Output = Result<(), Error>> + Send>> = Box::pin(async { Ok(()) });
            answer.map(|response| (response, Box::new(done) as Box<_>)).map_err(wasi_error)
        })
    }
}

impl Fetch {
    fn keep(all: &Fetches, one: Self) {
        all.lock().unwrap_or_else(PoisonError::into_inner).push(one);
    }
}

/// What the report shows of a request: no query, no credentials, no more than it has room for.
fn target(request: &http::Request<WasiBody>, env: &CheckEnv) -> String {
    let uri = request.uri();
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let target = format!("{}://{host}{}", uri.scheme_str().unwrap_or("https"), uri.path());
    clean(&env.secrets.redact(&target), TARGET_BYTES_MAX)
}

/// The guest's request with its body, which the guest may still be writing.
async fn read(
    request: http::Request<WasiBody>,
    options: Option<RequestOptions>,
    body_max: u64,
    budgets: &Budgets,
) -> Result<Request, CallError> {
    let (parts, mut body) = request.into_parts();
    let mut own = Request::new(parts.method.as_str(), &parts.uri.to_string());
    own.raw = true;
    for (name, value) in parts.headers.iter().filter(|(name, _)| !is_reserved_header(name.as_str())) {
        own.add_header(name.as_str(), value.as_bytes())?;
    }
    let mut held = budgets.bodies.buffer();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            CallError::new(ErrorKind::InvalidArgument, format!("the request's body was not finished: {error}"))
        })?;
        // A request of ours has no trailers.
        let Some(data) = frame.data_ref() else { continue };
        if (held.len() + data.len()) as u64 > body_max {
            let message = format!("the request's body is larger than {body_max} bytes (key `response-bytes`)");
            return Err(CallError::new(ErrorKind::TooLarge, message));
        }
        held.extend(data, body_max)?;
    }
    own.body = held.freeze();
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

/// The values of a response's headers, and what pays for all of its head: both live as long as any of the values.
struct Values {
    bytes: Vec<u8>,
    _charge: Option<Arc<Charge>>,
}

impl AsRef<[u8]> for Values {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A `wasi:http` response has no place for a body that was too large.
fn whole(response: Response) -> Result<http::Response<WasiBody>, CallError> {
    let body = response.body?;
    let mut whole = http::Response::new(Full::new(body).map_err(|never| match never {}).boxed_unsync());
    let unusable = |_| CallError::new(ErrorKind::Protocol, "the response cannot be represented");
    *whole.status_mut() = http::StatusCode::from_u16(response.status)
        .map_err(|_| CallError::new(ErrorKind::Protocol, "no HTTP status"))?;
    let bytes: Vec<u8> = response.headers.iter().flat_map(|(_, value)| value).copied().collect();
    let mut values = Bytes::from_owner(Values { bytes, _charge: response.head });
    for (name, value) in response.headers {
        let name: http::HeaderName = name.parse().map_err(|_| unusable(()))?;
        let value = values.split_to(value.len());
        // Lengths and connection headers described the wire, not what the guest gets.
        if !is_reserved_header(name.as_str()) {
            let value = http::HeaderValue::from_maybe_shared(value).map_err(|_| unusable(()))?;
            whole.headers_mut().append(name, value);
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
