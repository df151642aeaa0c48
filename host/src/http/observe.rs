//! Around every handler: bodies are bounded, the request is counted and logged.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use http_body_util::{BodyExt, Limited};
use hyper::body::Body as _;

use super::answer::Refusal;
use super::app::Shared;
use crate::metrics::RouteMetrics;

/// Bytes of a request's body. No route wants one; clients that send an empty object are not turned away.
pub const BODY_BYTES_MAX: usize = 16 << 10;

/// How long such a body may take.
const BODY_TIME_MAX: Duration = Duration::from_secs(5);

/// How loud a route is in the access log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Volume {
    /// Asked every few seconds by machines: level debug.
    Quiet,
    /// Asked by people: level info.
    Loud,
}

/// What is known about a route before the first request.
#[derive(Clone)]
pub(super) struct Observed {
    series: Arc<RouteMetrics>,
    volume: Volume,
}

impl Observed {
    pub(super) fn new(app: &Shared, pattern: &'static str, volume: Volume) -> Self {
        Self { series: app.state.metrics.route(pattern), volume }
    }

    pub(super) fn watch(self, methods: MethodRouter<Shared>) -> MethodRouter<Shared> {
        methods.layer(from_fn_with_state(self, observe))
    }
}

async fn observe(State(observed): State<Observed>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let method = request.method().clone();
    let logged = match observed.volume {
        Volume::Quiet => tracing::enabled!(target: "probity::access", tracing::Level::DEBUG),
        Volume::Loud => tracing::enabled!(target: "probity::access", tracing::Level::INFO),
    };
    // The path only: a query may hold what someone pasted there by mistake.
    let uri = logged.then(|| request.uri().clone());
    let response = if request.body().is_end_stream() {
        next.run(request).await
    } else {
        match without_body(request).await {
            Ok(request) => next.run(request).await,
            Err(refusal) => refusal.into_response(),
        }
    };
    let took = start.elapsed();
    let status = response.status().as_u16();
    observed.series.observe(method.as_str(), status, took);
    if let Some(uri) = uri {
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        match observed.volume {
            Volume::Quiet => {
                tracing::debug!(target: "probity::access", %method, path = uri.path(), status, took_us, "answered");
            }
            Volume::Loud => {
                tracing::info!(target: "probity::access", %method, path = uri.path(), status, took_us, "answered");
            }
        }
    }
    response
}

/// Takes the body off a request, within bounds.
async fn without_body(request: Request) -> Result<Request, Refusal> {
    if !matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH) {
        let text = format!("a {} request has no body here", request.method());
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "unexpected_body", text));
    }
    let too_large = || {
        let text = format!("the body of a request may have {BODY_BYTES_MAX} bytes");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", text)
    };
    if request.body().size_hint().lower() > BODY_BYTES_MAX as u64 {
        return Err(too_large());
    }
    let (parts, body) = request.into_parts();
    match tokio::time::timeout(BODY_TIME_MAX, Limited::new(body, BODY_BYTES_MAX).collect()).await {
        Ok(Ok(_)) => Ok(Request::from_parts(parts, Body::empty())),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Refusal::new(StatusCode::BAD_REQUEST, "broken_body", "the body ended early")),
        Err(_) => {
            let text = format!("the body did not arrive within {} s", BODY_TIME_MAX.as_secs());
            Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", text))
        }
    }
}
