//! `/heartbeats`: jobs report here, and what they reported is shown.
//!
//! Reporting wants a token, the heartbeat's own or one that opens everything, so that nobody else can say that a job is
//! well.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use http_body_util::BodyExt;
use serde_json::{Map, Value, json};

use super::answer::{self, Refusal};
use super::app::{App, Shared};
use super::auth;
use super::checks::nearest;
use super::query::Name;
use super::time::rfc3339;
use crate::capabilities::{HEARTBEAT_MESSAGE_BYTES_MAX, Pulse, Push, unix_ms};
use crate::config::{Config, Heartbeat};

/// `GET /heartbeats`.
pub(super) async fn list(State(app): State<Shared>, request: Request) -> Response {
    let config = app.state.config.load_full();
    let details = auth::sees_details(&config.server, request.headers());
    drop(request);
    let (entries, state) = (config.heartbeats.len(), Arc::clone(&app.state.state));
    let make = move || {
        let show = |name: &String| shown(name, &state.heartbeats().pulse(name), details, unix_ms());
        let heartbeats: Vec<Value> = config.heartbeats.keys().map(show).collect();
        answer::json(StatusCode::OK, &json!({ "heartbeats": heartbeats }))
    };
    app.aside(entries, make).await
}

/// `GET /heartbeats/{name}`: the latest beat.
pub(super) async fn one(State(app): State<Shared>, Name(name): Name, request: Request) -> Response {
    let config = app.state.config.load_full();
    if let Err(refusal) = declared(&config, &name) {
        return refusal.into_response();
    }
    let details = auth::sees_details(&config.server, request.headers());
    let pulse = app.state.state.heartbeats().pulse(&name);
    answer::json(StatusCode::OK, &shown(&name, &pulse, details, unix_ms()))
}

/// `POST /heartbeats/{name}` and the routes below it.
pub(super) fn pusher(
    push: Push,
) -> impl Fn(State<Shared>, Name, Request) -> BoxFuture<'static, Response> + Clone + Send + Sync + 'static {
    move |State(app), Name(name), request| {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let config = app.state.config.load_full();
            let heartbeat = match admitted(&config, &name, &parts.headers) {
                Ok(heartbeat) => heartbeat,
                Err(refusal) => return refusal.into_response(),
            };
            // Read and bounded before the route was called.
            let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            let message = message(&config, &body);
            let details = auth::sees_details(&config.server, &parts.headers);
            let pulse = take_in(&app, &name, heartbeat, push, message);
            answer::json(StatusCode::OK, &shown(&name, &pulse, details, unix_ms()))
        })
    }
}

fn admitted<'a>(
    config: &'a Arc<Config>,
    name: &str,
    headers: &axum::http::HeaderMap,
) -> Result<&'a Heartbeat, Refusal> {
    let heartbeat = declared(config, name)?;
    auth::may_push(&config.server, heartbeat.token.as_ref(), headers)?;
    Ok(heartbeat)
}

fn declared<'a>(config: &'a Arc<Config>, name: &str) -> Result<&'a Heartbeat, Refusal> {
    config.heartbeats.get(name).ok_or_else(|| {
        let near = nearest(name, config.heartbeats.keys().map(String::as_str));
        let text = format!("no heartbeat {}{near}; GET /heartbeats lists them", answer::shown(name));
        Refusal::not_found("no_such_heartbeat", text)
    })
}

/// The first line of what the job says, safe to show.
fn message(config: &Config, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let line = text.trim_start().lines().next().unwrap_or_default();
    crate::text::clean(&config.secrets.redact(line), HEARTBEAT_MESSAGE_BYTES_MAX)
}

fn take_in(app: &App, name: &str, heartbeat: &Heartbeat, push: Push, message: String) -> Pulse {
    let now = unix_ms();
    let pulse = app.state.state.heartbeats().push(name, push, message, now, heartbeat.history);
    app.state.metrics.heartbeat(name, push.as_str());
    tracing::debug!(heartbeat = name, push = push.as_str(), "heartbeat received");
    pulse
}

fn shown(name: &str, pulse: &Pulse, details: bool, now_unix_ms: u64) -> Value {
    let beat = pulse.last().map(|beat| {
        let mut to = Map::new();
        to.insert("at".to_owned(), json!(rfc3339(beat.at_unix_ms)));
        to.insert("age_ms".to_owned(), json!(beat.age_ms(now_unix_ms)));
        to.insert("ok".to_owned(), json!(beat.ok));
        to.insert("duration_ms".to_owned(), json!(beat.duration_ms));
        if details {
            to.insert("message".to_owned(), json!(beat.message));
        }
        to
    });
    json!({ "name": name, "started": pulse.started_unix_ms.map(rfc3339), "last": beat })
}
