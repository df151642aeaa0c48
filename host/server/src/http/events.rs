//! `/events`: transitions and reloads as server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use probity_core::clock::unix_ms;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, broadcast, watch};

use super::answer::{self, Refusal};
use super::app::{EVENT_LISTENERS_MAX, Shared};
use super::auth;
use crate::board::Event;
use crate::metrics::Metrics;

const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");

/// The longest silence on a stream; proxies and the host's own idle limit close silent connections.
const KEEP_ALIVE_MAX: Duration = Duration::from_secs(15);

/// The first bytes, so that a client knows that it listens; and how long it waits before it connects again.
const GREETING: &[u8] = b"retry: 3000\n: probity events\n\n";

/// One listener.
struct Listener {
    feed: broadcast::Receiver<Arc<Event>>,
    ending: watch::Receiver<bool>,
    keep_alive: Duration,
    details: bool,
    /// Written before anything else.
    ready: VecDeque<Bytes>,
    ended: bool,
    _seat: Seat,
}

/// A place among the listeners, given back when the stream is dropped.
struct Seat {
    _permit: OwnedSemaphorePermit,
    metrics: Arc<Metrics>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.metrics.listeners(-1);
    }
}

/// `GET /events`.
pub(super) async fn stream(State(app): State<Shared>, request: Request) -> Response {
    let Ok(permit) = Arc::clone(&app.listeners).try_acquire_owned() else {
        let text = format!("there are {EVENT_LISTENERS_MAX} listeners, which is the limit");
        return Refusal::busy("too_many_listeners", text).into_response();
    };
    app.state.metrics.listeners(1);
    let seat = Seat { _permit: permit, metrics: Arc::clone(&app.state.metrics) };
    let config = app.state.config.load();
    let mut listener = Listener {
        feed: app.state.board.subscribe(),
        ending: app.ending.clone(),
        keep_alive: KEEP_ALIVE_MAX.min(config.server.idle_timeout / 3),
        details: auth::sees_details(&config.server, request.headers()),
        ready: VecDeque::from([Bytes::from_static(GREETING)]),
        ended: false,
        _seat: seat,
    };
    if app.state.lifecycle.is_draining() {
        listener.take(&Event::Draining { at_unix_ms: unix_ms() });
    }
    let frames = stream::unfold(listener, async |mut listener| {
        let frame = listener.next().await?;
        Some((Ok::<_, Infallible>(frame), listener))
    });
    answer::body(StatusCode::OK, EVENT_STREAM, Body::from_stream(frames))
}

impl Listener {
    /// The next bytes; none when the stream ends.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(frame) = self.ready.pop_front() {
            return Some(frame);
        }
        if self.ended {
            return None;
        }
        tokio::select! {
            biased;
            event = self.feed.recv() => match event {
                Ok(event) => self.take(&event),
                Err(RecvError::Lagged(missed)) => {
                    self.ready.push_back(frame("lagged", &format!("{{\"missed\":{missed}}}")));
                }
                Err(RecvError::Closed) => self.ended = true,
            },
            // A router without a server has no one to say when to end: then its sender is gone, and this never answers.
            () = ended(&mut self.ending) => self.take(&Event::Draining { at_unix_ms: unix_ms() }),
            () = tokio::time::sleep(self.keep_alive) => self.ready.push_back(Bytes::from_static(b":\n\n")),
        }
        self.ready.pop_front()
    }

    fn take(&mut self, event: &Event) {
        let data =
            if self.details { serde_json::to_string(event) } else { serde_json::to_string(&event.without_details()) };
        match data {
            Ok(data) => self.ready.push_back(frame(event.name(), &data)),
            Err(error) => tracing::error!(%error, "an event could not be written as JSON"),
        }
        self.ended |= matches!(event, Event::Draining { .. });
    }
}

async fn ended(ending: &mut watch::Receiver<bool>) {
    if ending.wait_for(|ending| *ending).await.is_err() {
        std::future::pending().await
    }
}

/// `data` is JSON, so it has no newline of its own.
fn frame(name: &str, data: &str) -> Bytes {
    format!("event: {name}\ndata: {data}\n\n").into()
}
