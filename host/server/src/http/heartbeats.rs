//! `/heartbeats`: jobs report here, and what they reported is shown.
//!
//! Reporting wants a token, the heartbeat's own or one that opens everything, so that nobody else can say that a job is
//! well.
//!
//! What a job says counts from the moment that it may say it: its text is cut, late, broken or of a strange encoding, and the
//! beat is taken in nevertheless, also when the job has gone away. A failure whose log is too long is a failure.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use http_body_util::BodyExt;
use probity_config::{Config, Heartbeat};
use probity_core::clock::unix_ms;
use probity_drivers::{HEARTBEAT_MESSAGE_BYTES_MAX, Pulse, Push, RUN_ID_BYTES_MAX, Report};
use serde_json::{Map, Value, json};

use super::answer::{self, Refusal};
use super::app::{App, Shared, not_made};
use super::auth;
use super::checks::nearest;
use super::query::{self, Name};
use super::time::rfc3339;

/// Bytes of a heartbeat's body that are looked at; of them the first line is kept.
const HEARTBEAT_BODY_BYTES_MAX: usize = 16 << 10;

/// Bytes of such a body that are read and dropped, so that the job sees its answer. What is longer is cut off.
const HEARTBEAT_DROPPED_BYTES_MAX: usize = 1 << 20;

/// How long such a body is waited for.
const BODY_TIME_MAX: Duration = Duration::from_secs(5);

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
    move |State(app), Name(name), request| Box::pin(hear(app, name, request, push, None))
}

/// `POST /heartbeats/{name}/{code}`: the exit code of a job says how it ended.
pub(super) async fn exited(
    State(app): State<Shared>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Response {
    let known = path.ok().and_then(|Path((name, code))| Some((name, code.parse::<u8>().ok()?)));
    let Some((name, code)) = known else {
        let text = "a heartbeat has the routes /start, /fail and the exit code of a job, 0 to 255";
        return Refusal::not_found("no_such_route", text).into_response();
    };
    let push = if code == 0 { Push::Ok } else { Push::Fail };
    hear(app, name, request, push, Some(code)).await
}

async fn hear(app: Shared, name: String, request: Request, push: Push, code: Option<u8>) -> Response {
    let (parts, body) = request.into_parts();
    let config = app.state.config.load_full();
    if let Err(refusal) = admitted(&config, &name, &parts.headers) {
        return refusal.into_response();
    }
    let details = auth::sees_details(&config.server, &parts.headers);
    // A task of its own: a job that goes away before its answer has said what it said.
    let heard = tokio::spawn(async move {
        let report = report(&config, &parts, body, push, code).await;
        let heartbeat = &config.heartbeats[&name];
        shown(&name, &take_in(&app, &name, heartbeat, report), details, unix_ms())
    });
    match heard.await {
        Ok(value) => answer::json(StatusCode::OK, &value),
        Err(error) => not_made(&error).into_response(),
    }
}

async fn report(config: &Config, parts: &Parts, body: Body, push: Push, code: Option<u8>) -> Report {
    let said = message(config, &beginning(body, BODY_TIME_MAX).await);
    let message = match code.filter(|code| *code != 0) {
        Some(code) if said.is_empty() => format!("exit code {code}"),
        Some(code) => probity_core::text::clean(&format!("exit code {code}: {said}"), HEARTBEAT_MESSAGE_BYTES_MAX),
        None => said,
    };
    Report { push, run: run_id(config, &parts.uri), message }
}

/// What the job calls its run: `?rid=ID`, or `?run=ID`. Cut, never refused: whatever it is called, it ended.
fn run_id(config: &Config, uri: &Uri) -> Option<String> {
    let (_, id) = query::pairs(uri).find(|(name, _)| name == "rid" || name == "run")?;
    let id = probity_core::text::clean(&config.secrets.redact(&id), RUN_ID_BYTES_MAX);
    (!id.is_empty()).then_some(id)
}

/// As much of a body as is looked at, whatever becomes of the rest.
async fn beginning(mut body: Body, within: Duration) -> Vec<u8> {
    let (mut kept, mut read) = (Vec::new(), 0);
    let reading = async {
        while let Some(Ok(frame)) = body.frame().await {
            let Ok(data) = frame.into_data() else { continue };
            read += data.len();
            kept.extend_from_slice(&data[..data.len().min(HEARTBEAT_BODY_BYTES_MAX - kept.len())]);
            if read > HEARTBEAT_DROPPED_BYTES_MAX {
                return;
            }
        }
    };
    if tokio::time::timeout(within, reading).await.is_err() {
        tracing::debug!("the text of a heartbeat did not arrive in time; the beat counts");
    }
    kept
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
    probity_core::text::clean(&config.secrets.redact(line), HEARTBEAT_MESSAGE_BYTES_MAX)
}

fn take_in(app: &App, name: &str, heartbeat: &Heartbeat, report: Report) -> Pulse {
    let push = report.push;
    let pulse = app.state.state.heartbeats().push(name, report, unix_ms(), heartbeat.history);
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
    let open = pulse.open().iter().map(|run| {
        let mut to = json!({ "started": rfc3339(run.at_unix_ms), "age_ms": run.age_ms(now_unix_ms) });
        if details {
            to["run"] = json!(run.id);
        }
        to
    });
    let started = pulse.open().last().map(|run| rfc3339(run.at_unix_ms));
    json!({ "name": name, "started": started, "open": open.collect::<Vec<_>>(), "last": beat })
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};

    use super::*;

    // A body that does not arrive is waited for so long and no longer, and one without an end is cut off; what is there by
    // then is looked at.
    #[tokio::test]
    async fn bodies_are_bounded_in_time_and_size() {
        let begun = || stream::iter([Ok::<_, std::io::Error>("disk full\n".to_owned())]);
        let stuck = Body::from_stream(begun().chain(stream::pending()));
        assert_eq!(beginning(stuck, Duration::from_millis(20)).await, b"disk full\n");
        let endless = Body::from_stream(stream::repeat_with(|| Ok::<_, std::io::Error>("x".repeat(1_000))));
        assert_eq!(beginning(endless, Duration::from_secs(60)).await.len(), HEARTBEAT_BODY_BYTES_MAX);
    }
}
