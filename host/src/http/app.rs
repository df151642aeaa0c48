//! The table of routes.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State as ExtractState};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any, get, post};
use tokio::sync::{Semaphore, watch};

use super::answer::{self, Refusal};
use super::observe::{Observed, Volume};
use super::state::State;
use super::{checks, events, health, heartbeats, manage, metrics, plugins, probes};
use crate::capabilities::Push;
use crate::check::Probe;

/// Listeners on the event stream; further ones get 503.
pub const EVENT_LISTENERS_MAX: usize = 64;

/// What the routes share.
pub(super) struct App {
    pub(super) state: State,
    /// One permit per listener on the event stream.
    pub(super) listeners: Arc<Semaphore>,
    /// Becomes true when streams are to end.
    pub(super) ending: watch::Receiver<bool>,
    /// One permit per long answer being made.
    long: Semaphore,
}

/// Checks in an answer that is made where it is asked for. More take milliseconds, which no probe should wait for.
const CHECKS_INLINE_MAX: usize = 250;

/// Long answers being made at once; further ones wait.
const LONG_ANSWERS_MAX: usize = 2;

impl App {
    /// Makes an answer about `checks` checks, on another thread when there are many.
    pub(super) async fn aside(&self, checks: usize, make: impl FnOnce() -> Response + Send + 'static) -> Response {
        if checks <= CHECKS_INLINE_MAX {
            return make();
        }
        let _permit = self.long.acquire().await.expect("the semaphore is never closed");
        tokio::task::spawn_blocking(make).await.unwrap_or_else(|error| {
            tracing::error!(%error, "an answer was not made");
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the host could not answer").into_response()
        })
    }
}

/// Handlers get this; one count up per request.
pub(super) type Shared = Arc<App>;

/// Every route that is meant for a person to know.
const INDEX: &str = "\
probity: a directory of WebAssembly checks becomes a health endpoint

GET  /live /ready /startup          probes: 200 or 503; ?verbose, ?exclude=NAME
     /livez /healthz, /readyz, /startupz, /health/live, /health/ready, /health/started
GET  /health /health/GROUP          everything; ?summary, ?format=health+json|spring|microprofile|xabaril|nagios|text
GET  /checks /checks/NAME /checks/NAME/history
POST /checks/NAME/run               run now (token)
GET  /plugins /plugins/NAME
GET  /heartbeats /heartbeats/NAME   what jobs reported
POST /heartbeats/NAME               a job is done; /start begins it, /fail ends it badly (token)
POST /-/reload                      rescan plugins, reload the configuration (token)
GET  /metrics                       OpenMetrics
GET  /events                        server-sent events
";

/// The routes over `state`.
pub fn router(state: State) -> Router {
    // Nobody says when streams end: they end when the host drains.
    let (_never, ending) = watch::channel(false);
    router_until(state, ending)
}

/// The routes, with streams that end when `ending` becomes true.
pub(super) fn router_until(state: State, ending: watch::Receiver<bool>) -> Router {
    let listeners = Arc::new(Semaphore::new(EVENT_LISTENERS_MAX));
    let app = Arc::new(App { state, listeners, ending, long: Semaphore::new(LONG_ANSWERS_MAX) });
    let mut table = Table { router: Router::new(), app: Arc::clone(&app) };
    for (probe, paths) in [
        (Probe::Live, ["/live", "/livez", "/healthz", "/health/live"].as_slice()),
        (Probe::Ready, ["/ready", "/readyz", "/health/ready"].as_slice()),
        (Probe::Startup, ["/startup", "/startupz", "/health/started", "/health/startup"].as_slice()),
    ] {
        for path in paths {
            let answer = move |ExtractState(app): ExtractState<Shared>, request: Request| {
                std::future::ready(probes::answer(&app, probe, &request))
            };
            table = table.on(path, Volume::Quiet, get(answer));
        }
    }
    for (push, path) in [(Push::Start, "/heartbeats/{name}/start"), (Push::Fail, "/heartbeats/{name}/fail")] {
        table = table.on(path, Volume::Loud, post(heartbeats::pusher(push)));
    }
    let router = table
        .on("/health", Volume::Quiet, get(health::all))
        .on("/health/{group}", Volume::Quiet, get(health::group))
        .on("/metrics", Volume::Quiet, get(metrics::scrape))
        .on("/checks", Volume::Loud, get(checks::list))
        .on("/checks/{name}", Volume::Loud, get(checks::one))
        .on("/checks/{name}/history", Volume::Loud, get(checks::history))
        .on("/checks/{name}/run", Volume::Loud, post(manage::run))
        .on("/plugins", Volume::Loud, get(plugins::list))
        .on("/plugins/{name}", Volume::Loud, get(plugins::one))
        .on("/heartbeats", Volume::Loud, get(heartbeats::list))
        .on("/heartbeats/{name}", Volume::Loud, get(heartbeats::one).post(heartbeats::pusher(Push::Ok)))
        .on("/-/reload", Volume::Loud, post(manage::reload))
        .on("/events", Volume::Loud, get(events::stream))
        .on("/", Volume::Loud, get(|| std::future::ready(answer::constant(StatusCode::OK, INDEX))))
        .router;
    let lost = Observed::new(&app, crate::metrics::OTHER, Volume::Loud);
    router.fallback_service(lost.watch(any(lost_request)).with_state(Arc::clone(&app))).with_state(app)
}

struct Table {
    router: Router<Shared>,
    app: Shared,
}

impl Table {
    fn on(self, pattern: &'static str, volume: Volume, methods: MethodRouter<Shared>) -> Self {
        let observed = Observed::new(&self.app, pattern, volume);
        let router = self.router.route(pattern, observed.watch(methods.fallback(wrong_method)));
        Self { router, ..self }
    }
}

/// The header `Allow` is added by the router.
async fn wrong_method(request: Request) -> Response {
    let text = format!("{} is not allowed on {}", request.method(), request.uri().path());
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", text).into_response()
}

async fn lost_request(request: Request) -> Response {
    const ROUTES: [&str; 11] = [
        "/live",
        "/ready",
        "/startup",
        "/health",
        "/checks",
        "/plugins",
        "/heartbeats",
        "/-/reload",
        "/metrics",
        "/events",
        "/health/live",
    ];
    const NEAR: f64 = 0.7;
    let path = request.uri().path();
    let near = ROUTES
        .iter()
        .map(|route| (strsim::normalized_levenshtein(route, path.trim_end_matches('/')), route))
        .filter(|(likeness, _)| *likeness >= NEAR)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let hint = near.map_or_else(String::new, |(_, route)| format!("; did you mean {route}"));
    Refusal::not_found("no_such_route", format!("there is nothing at this path{hint}; GET / lists the routes"))
        .into_response()
}
