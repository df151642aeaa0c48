//! `/metrics`.
//!
//! One rendering at a time. Whoever asks before it begins shares it: the answer is never older than the question, and a
//! crowd of scrapers costs the host two renderings at once, however many there are.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, VARY};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;

use super::answer::{self, Refusal};
use super::app::{Shared, not_made};
use super::unsent::Held;
use crate::metrics::to_prometheus_text;

const OPENMETRICS: HeaderValue = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
const PROMETHEUS: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Scrapers that wait for a rendering; further ones get 503.
const SCRAPERS_WAITING_MAX: usize = 256;

/// The renderings of the moment.
pub(super) struct Scrapes {
    /// One permit: for who renders.
    turn: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// The latest of each format, while somebody waits who may share it.
    latest: Mutex<[Option<Rendered>; 2]>,
}

#[derive(Clone)]
struct Rendered {
    begun: Instant,
    text: Bytes,
    held: Held,
}

impl Default for Scrapes {
    fn default() -> Self {
        Self { turn: Arc::new(Semaphore::new(1)), waiting: AtomicUsize::new(0), latest: Mutex::default() }
    }
}

impl Scrapes {
    fn wait(&self) -> Option<Waiter<'_>> {
        let before = self.waiting.fetch_add(1, Ordering::AcqRel);
        let waiter = Waiter(self);
        (before < SCRAPERS_WAITING_MAX).then_some(waiter)
    }

    fn latest(&self) -> MutexGuard<'_, [Option<Rendered>; 2]> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, older: bool, rendered: &Rendered) {
        if self.waiting.load(Ordering::Acquire) > 0 {
            self.latest()[usize::from(older)] = Some(rendered.clone());
        }
    }
}

/// One who waits. The last one to go turns off the light.
struct Waiter<'a>(&'a Scrapes);

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        if self.0.waiting.fetch_sub(1, Ordering::AcqRel) == 1 {
            *self.0.latest() = [None, None];
        }
    }
}

/// `GET /metrics`: OpenMetrics, unless only the older text is accepted. 200 whatever the checks say: a scrape is about
/// the scrape. 503 only when too much is unsent or asked for.
pub(super) async fn scrape(State(app): State<Shared>, request: Request) -> Response {
    let older = wants_older(&request);
    // Nothing of the request is kept while waiting.
    drop(request);
    let mut response = match rendered(&app, older).await {
        Ok(Rendered { text, held, .. }) => {
            let mut response = answer::body(StatusCode::OK, if older { PROMETHEUS } else { OPENMETRICS }, text);
            response.extensions_mut().insert(held);
            response
        }
        Err(refusal) => refusal.into_response(),
    };
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    response
}

async fn rendered(app: &Shared, older: bool) -> Result<Rendered, Refusal> {
    let asked = Instant::now();
    let Some(_waiter) = app.scrapes.wait() else {
        return Err(Refusal::busy("busy", "too many scrapers wait for an answer; ask again"));
    };
    let turn = Arc::clone(&app.scrapes.turn).acquire_owned().await.expect("the semaphore is never closed");
    let shared = app.scrapes.latest()[usize::from(older)].clone();
    if let Some(shared) = shared.filter(|rendered| rendered.begun >= asked) {
        return Ok(shared);
    }
    let theirs = Arc::clone(app);
    let render = move || {
        let rendered = render(&theirs, older);
        if let Ok(rendered) = &rendered {
            theirs.scrapes.keep(older, rendered);
        }
        // Here, so that whoever goes away in the meantime does not start another one beside this.
        drop(turn);
        rendered
    };
    tokio::task::spawn_blocking(render).await.unwrap_or_else(|error| Err(not_made(&error)))
}

fn render(app: &Shared, older: bool) -> Result<Rendered, Refusal> {
    let (begun, state) = (Instant::now(), &app.state);
    let text = state.metrics.render(&state.board, &state.plugins.load());
    let text = if older { to_prometheus_text(&text) } else { text };
    let held = Held::take(&app.unsent, text.len())?;
    // The room to grow in is not sent, and would be kept.
    Ok(Rendered { begun, text: Bytes::from(text.into_bytes().into_boxed_slice()), held })
}

fn wants_older(request: &Request) -> bool {
    let accepts = |kind: &str| {
        request.headers().get_all(ACCEPT).iter().any(|value| value.to_str().is_ok_and(|text| text.contains(kind)))
    };
    accepts("text/plain") && !accepts("application/openmetrics-text")
}
