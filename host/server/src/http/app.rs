//! The table of routes.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State as ExtractState};
use axum::handler::Handler;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, any, get, on, post};
use probity_drivers::Push;
use tokio::sync::{Semaphore, watch};

use super::answer::{self, Refusal};
use super::metrics::Scrapes;
use super::observe::{Observed, Volume};
use super::state::State;
use super::unsent::{self, Budget, UNSENT_BYTES_MAX};
use super::{checks, events, health, heartbeats, manage, metrics, plugins, probes};

/// Listeners on the event stream; further ones get 503.
pub const EVENT_LISTENERS_MAX: usize = 64;

/// What the routes share.
pub(super) struct App {
    pub(super) state: State,
    /// One permit per listener on the event stream.
    pub(super) listeners: Arc<Semaphore>,
    /// Becomes true when streams are to end.
    pub(super) ending: watch::Receiver<bool>,
    /// What answers may hold until they are sent.
    pub(super) unsent: Arc<Budget>,
    pub(super) scrapes: Scrapes,
    /// One permit per long answer being made.
    long: Arc<Semaphore>,
    /// One permit per long answer asked for.
    asked: Semaphore,
}

/// Entries of an answer that is made where it is asked for. More take a millisecond, and many ask at once: no probe should
/// wait for them.
const ENTRIES_INLINE_MAX: usize = 50;

/// Long answers being made at once; further ones wait.
const LONG_ANSWERS_MAX: usize = 2;

/// Long answers being made or waited for; further ones are refused.
const LONG_WAITING_MAX: usize = 64;

impl App {
    /// Over `state`, with streams that end when `ending` becomes true, and answers that share `unsent`.
    pub(super) fn new(state: State, ending: watch::Receiver<bool>, unsent: Arc<Budget>) -> Shared {
        Arc::new(Self {
            state,
            ending,
            unsent,
            listeners: Arc::new(Semaphore::new(EVENT_LISTENERS_MAX)),
            scrapes: Scrapes::default(),
            long: Arc::new(Semaphore::new(LONG_ANSWERS_MAX)),
            asked: Semaphore::new(LONG_WAITING_MAX),
        })
    }

    /// Makes an answer with `entries` entries, on another thread when there are many.
    pub(super) async fn aside(&self, entries: usize, make: impl FnOnce() -> Response + Send + 'static) -> Response {
        if entries <= ENTRIES_INLINE_MAX {
            return make();
        }
        let Ok(_asked) = self.asked.try_acquire() else {
            return Refusal::busy("busy", "too many long answers are asked for; ask again").into_response();
        };
        let permit = Arc::clone(&self.long).acquire_owned().await.expect("the semaphore is never closed");
        let unsent = Arc::clone(&self.unsent);
        let make = move || {
            let made = unsent::count(make(), &unsent);
            // Here, so that whoever goes away in the meantime does not make room for another one beside this.
            drop(permit);
            made
        };
        let made = tokio::task::spawn_blocking(make).await.unwrap_or_else(|error| Err(not_made(&error)));
        made.unwrap_or_else(IntoResponse::into_response)
    }
}

/// What is said when an answer could not be made.
pub(super) fn not_made(error: &tokio::task::JoinError) -> Refusal {
    tracing::error!(%error, "an answer was not made");
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the host could not answer")
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
POST /heartbeats/NAME               a job is done; /start begins it, /fail or /EXITCODE ends it (token); ?rid=ID of a run
POST /-/reload                      rescan plugins, reload the configuration (token)
GET  /metrics                       OpenMetrics
GET  /events                        server-sent events
";

/// The routes over `state`.
pub fn router(state: State) -> Router {
    // Nobody says when streams end: they end when the host drains.
    let (_never, ending) = watch::channel(false);
    router_of(&App::new(state, ending, Arc::new(Budget::new(UNSENT_BYTES_MAX))))
}

/// The routes of `app`.
pub(super) fn router_of(app: &Shared) -> Router {
    let mut table = Table { router: Router::new(), app: Arc::clone(app) };
    for (probe, paths) in probes::PATHS {
        for path in paths {
            let answer =
                move |ExtractState(app): ExtractState<Shared>, request: Request| probes::answer(app, probe, request);
            table = table.on(path, Volume::Quiet, asked(answer));
        }
    }
    for (push, path) in [(Push::Start, "/heartbeats/{name}/start"), (Push::Fail, "/heartbeats/{name}/fail")] {
        table = table.hearing(path, post(heartbeats::pusher(push)));
    }
    let router = table
        .on(health::PATH, Volume::Quiet, asked(health::all))
        .on("/health/{group}", Volume::Quiet, asked(health::group))
        .on("/metrics", Volume::Quiet, get(metrics::scrape))
        .on("/checks", Volume::Loud, get(checks::list))
        .on("/checks/{name}", Volume::Loud, get(checks::one))
        .on("/checks/{name}/history", Volume::Loud, get(checks::history))
        .on("/checks/{name}/run", Volume::Loud, post(manage::run))
        .on("/plugins", Volume::Loud, get(plugins::list))
        .on("/plugins/{name}", Volume::Loud, get(plugins::one))
        .on("/heartbeats", Volume::Loud, get(heartbeats::list))
        .hearing("/heartbeats/{name}", get(heartbeats::one).post(heartbeats::pusher(Push::Ok)))
        .hearing("/heartbeats/{name}/{code}", post(heartbeats::exited))
        .on("/-/reload", Volume::Loud, post(manage::reload))
        .on("/events", Volume::Loud, get(events::stream))
        .on("/", Volume::Loud, get(|| std::future::ready(answer::constant(StatusCode::OK, INDEX))))
        .router;
    let lost = Observed::new(app, crate::metrics::OTHER, Volume::Loud);
    router.fallback_service(lost.watch(any(lost_request)).with_state(Arc::clone(app))).with_state(Arc::clone(app))
}

/// The methods that probers use: HAProxy asks with `OPTIONS` unless it is told otherwise, and looks at the status.
fn asked<H, T>(handler: H) -> MethodRouter<Shared>
where
    H: Handler<T, Shared>,
    T: 'static,
{
    on(MethodFilter::GET.or(MethodFilter::OPTIONS), handler)
}

struct Table {
    router: Router<Shared>,
    app: Shared,
}

impl Table {
    fn on(self, pattern: &'static str, volume: Volume, methods: MethodRouter<Shared>) -> Self {
        let observed = Observed::new(&self.app, pattern, volume);
        self.with(pattern, observed, methods)
    }

    /// A route that reads bodies itself.
    fn hearing(self, pattern: &'static str, methods: MethodRouter<Shared>) -> Self {
        let observed = Observed::new(&self.app, pattern, Volume::Loud).reading_itself();
        self.with(pattern, observed, methods)
    }

    fn with(self, pattern: &'static str, observed: Observed, methods: MethodRouter<Shared>) -> Self {
        let router = self.router.route(pattern, observed.watch(methods.fallback(wrong_method)));
        Self { router, ..self }
    }
}

/// The header `Allow` is added by the router.
async fn wrong_method(request: Request) -> Response {
    let (method, path) = (answer::shown(request.method().as_str()), answer::shown(request.uri().path()));
    let text = format!("{method} is not allowed on {path}");
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
    // No route is longer.
    const CHARS_MAX: usize = 32;
    let path = Some(request.uri().path()).filter(|path| path.len() <= CHARS_MAX).unwrap_or_default();
    let near = ROUTES
        .iter()
        .map(|route| (strsim::normalized_levenshtein(route, path.trim_end_matches('/')), route))
        .filter(|(likeness, _)| *likeness >= NEAR)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let hint = near.map_or_else(String::new, |(_, route)| format!("; did you mean {route}"));
    Refusal::not_found("no_such_route", format!("there is nothing at this path{hint}; GET / lists the routes"))
        .into_response()
}
