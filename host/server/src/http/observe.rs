//! Around every handler: bodies are bounded, the request is counted and logged.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, Route};
use futures_util::future::BoxFuture;
use http_body_util::{BodyExt, Limited};
use hyper::body::Body as _;
use tower_layer::layer_fn;
use tower_service::Service;

use super::activity::Activity;
use super::answer::{self, Refusal};
use super::app::{App, Shared};
use super::{auth, unsent};
use crate::metrics::RouteMetrics;

/// Bytes of a request's body. Only heartbeats want one, and read it themselves; clients that send an empty object elsewhere
/// are not turned away.
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

/// The connection that a request came over. Not there when the router is called without a socket, nor for the words of
/// probes, which hold nothing.
#[derive(Clone)]
pub(super) struct Over(pub(super) Arc<Activity>);

/// What is known about a route before the first request.
#[derive(Clone)]
pub(super) struct Observed {
    app: Shared,
    series: Arc<RouteMetrics>,
    volume: Volume,
    /// The handler of `POST` reads the body, within bounds of its own.
    reads_itself: bool,
}

impl Observed {
    pub(super) fn new(app: &Shared, pattern: &'static str, volume: Volume) -> Self {
        Self { app: Arc::clone(app), series: app.state.metrics.route(pattern), volume, reads_itself: false }
    }

    /// Of a route whose handler reads bodies.
    pub(super) fn reading_itself(self) -> Self {
        Self { reads_itself: true, ..self }
    }

    pub(super) fn watch(self, methods: MethodRouter<Shared>) -> MethodRouter<Shared> {
        methods.layer(layer_fn(move |route| Watched { route, observed: self.clone() }))
    }

    /// Counts an answer, and logs it where `uri` is told.
    pub(super) fn answered(&self, method: &Method, uri: Option<&Uri>, status: u16, took: Duration) {
        self.series.observe(method.as_str(), status, took);
        if let Some(uri) = uri {
            self.log(method, uri, status, took);
        }
    }

    /// Whether answers are logged at all.
    pub(super) fn logs(&self) -> bool {
        match self.volume {
            Volume::Quiet => tracing::enabled!(target: "probity::access", tracing::Level::DEBUG),
            Volume::Loud => tracing::enabled!(target: "probity::access", tracing::Level::INFO),
        }
    }

    fn log(&self, method: &Method, uri: &Uri, status: u16, took: Duration) {
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let (method, path) = (answer::shown(method.as_str()), answer::shown(uri.path()));
        match self.volume {
            Volume::Quiet => {
                tracing::debug!(target: "probity::access", %method, path, status, took_us, "answered");
            }
            Volume::Loud => tracing::info!(target: "probity::access", %method, path, status, took_us, "answered"),
        }
    }
}

/// A route that is counted. A service rather than axum's `from_fn`, which costs a probe a tenth of its answer.
#[derive(Clone)]
struct Watched {
    route: Route,
    observed: Observed,
}

impl Service<Request> for Watched {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        <Route as Service<Request>>::poll_ready(&mut self.route, cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let Self { mut route, observed } = self.clone();
        let start = Instant::now();
        let method = request.method().clone();
        // The path only: a query may hold what someone pasted there by mistake.
        let uri = observed.logs().then(|| request.uri().clone());
        Box::pin(async move {
            let response = answered(&observed, &mut route, request).await.unwrap_or_else(IntoResponse::into_response);
            observed.answered(&method, uri.as_ref(), response.status().as_u16(), start.elapsed());
            Ok(response)
        })
    }
}

/// The answer of `route` to a request within bounds, with its share of what may be unsent.
async fn answered(observed: &Observed, route: &mut Route, request: Request) -> Result<Response, Refusal> {
    let app = &observed.app;
    let over = request.extensions().get::<Over>().cloned();
    let made = async {
        let is_theirs = observed.reads_itself && request.method() == Method::POST;
        let request = if is_theirs || request.body().is_end_stream() { request } else { bounded(app, request).await? };
        let Ok(response) = route.call(request).await;
        Ok(response)
    };
    unsent::within(over.as_ref().map(|Over(activity)| activity), &app.unsent, made).await
}

/// The request with its body read, within bounds. What comes without a token is not read: every route that wants a body
/// wants a token first. The body of a method that has none means nothing (RFC 9110, 9.3.1), and some probers send one.
async fn bounded(app: &App, request: Request) -> Result<Request, Refusal> {
    if !matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH) {
        return Ok(request.map(|_| Body::empty()));
    }
    let too_large = || {
        let text = format!("the body of a request may have {BODY_BYTES_MAX} bytes");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", text)
    };
    if request.body().size_hint().lower() > BODY_BYTES_MAX as u64 {
        return Err(too_large());
    }
    let (parts, body) = request.into_parts();
    if !auth::has_any_token(&app.state.config.load(), &parts.headers) {
        return Ok(Request::from_parts(parts, Body::empty()));
    }
    match tokio::time::timeout(BODY_TIME_MAX, Limited::new(body, BODY_BYTES_MAX).collect()).await {
        Ok(Ok(body)) => Ok(Request::from_parts(parts, Body::from(body.to_bytes()))),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Refusal::new(StatusCode::BAD_REQUEST, "broken_body", "the body ended early")),
        Err(_) => {
            let text = format!("the body did not arrive within {} s", BODY_TIME_MAX.as_secs());
            Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", text))
        }
    }
}
