//! `/checks`: what is known about each check.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use probity_config::Timing;
use probity_core::check::{Observed, Outcome, Run};
use probity_core::clock::unix_ms;
use serde_json::{Map, Value, json};

use super::answer::{self, Refusal};
use super::app::{App, Shared};
use super::auth;
use super::query::Name;
use super::time::{millis, rfc3339};
use crate::board::{HistoryEntry, Slot, View};

/// How much of a check is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// Without messages and data: to those without a token.
    Public,
    /// In a list: without logs, calls and traces.
    Listed,
    /// Everything.
    Whole,
}

/// `GET /checks`.
pub(super) async fn list(State(app): State<Shared>, request: Request) -> Response {
    let depth = depth(&app, &request, Depth::Listed);
    // Nothing of the request is kept while waiting.
    drop(request);
    let now = unix_ms();
    let index = app.state.board.index();
    let size = index.checks.len();
    let make = move || {
        let checks: Vec<Value> = index.checks.values().map(|slot| check(slot, &slot.view(), depth, now)).collect();
        answer::json(StatusCode::OK, &json!({ "checks": checks }))
    };
    app.aside(size, make).await
}

/// `GET /checks/{name}`.
pub(super) async fn one(State(app): State<Shared>, Name(name): Name, request: Request) -> Response {
    let depth = depth(&app, &request, Depth::Whole);
    match slot(&app, &name) {
        Ok(slot) => answer::json(StatusCode::OK, &check(&slot, &slot.view(), depth, unix_ms())),
        Err(refusal) => refusal.into_response(),
    }
}

/// `GET /checks/{name}/history`.
pub(super) async fn history(State(app): State<Shared>, Name(name): Name, request: Request) -> Response {
    let details = depth(&app, &request, Depth::Whole) != Depth::Public;
    drop(request);
    let slot = match slot(&app, &name) {
        Ok(slot) => slot,
        Err(refusal) => return refusal.into_response(),
    };
    let entries = app.state.config.load().schedule.history;
    let make = move || {
        let runs: Vec<Value> = slot.history().iter().map(|entry| history_entry(entry, details)).collect();
        answer::json(StatusCode::OK, &json!({ "check": name, "history": runs }))
    };
    app.aside(entries, make).await
}

/// What the sender of `request` may see, at most `most`.
pub(super) fn depth(app: &App, request: &Request, most: Depth) -> Depth {
    if auth::sees_details(&app.state.config.load().server, request.headers()) { most } else { Depth::Public }
}

/// The slot of a check, or the refusal that names near ones.
pub(super) fn slot(app: &App, name: &str) -> Result<Arc<Slot>, Refusal> {
    app.state.board.slot(name).ok_or_else(|| {
        let index = app.state.board.index();
        let near = nearest(name, index.checks.keys().map(|known| &**known));
        Refusal::not_found("no_such_check", format!("no check {}{near}; GET /checks lists them", answer::shown(name)))
    })
}

/// `; did you mean NAME`, when one is near.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    const NEAR: f64 = 0.7;
    // Ten thousand comparisons are cheap, of long names they are not.
    if name.len() > probity_config::NAME_CHARS_MAX {
        return String::new();
    }
    known
        .map(|known| (strsim::jaro_winkler(known, name), known))
        .filter(|(likeness, _)| *likeness >= NEAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or_else(String::new, |(_, known)| format!("; did you mean {known}"))
}

/// A check as JSON.
pub(super) fn check(slot: &Slot, view: &View, depth: Depth, now_unix_ms: u64) -> Value {
    let planned = slot.planned();
    let mut to = Map::new();
    let mut put = |key: &str, value: Value| drop(to.insert(key.to_owned(), value));
    put("name", json!(planned.name));
    put("status", json!(view.status));
    put("pending", json!(view.pending));
    if let Some(failure) = &view.unknown {
        let public = json!({ "reason": failure.reason });
        put("reason", if depth == Depth::Public { public } else { json!(failure) });
    }
    put("severity", json!(planned.severity));
    put("probes", json!(planned.probes));
    put("groups", json!(planned.groups));
    match &planned.timing {
        Timing::Every(every) => put("every_ms", json!(every.as_millis())),
        Timing::Cron(cron) => put("cron", json!(cron.text)),
    }
    put("since", json!(rfc3339(view.since_unix_ms)));
    put("last_run", json!(view.run.as_ref().map(|run| rfc3339(run.started_unix_ms))));
    put("next_run", json!(slot.next_due_unix_ms().map(rfc3339)));
    put("backoff_until", json!(slot.backoff_until_unix_ms().map(rfc3339)));
    put("duration_ms", json!(view.run.as_ref().map(|run| millis(run.duration))));
    put("age_ms", json!(view.age_ms(now_unix_ms)));
    put("stale_after_ms", json!(whole_ms(planned.stale_after)));
    put(
        "counters",
        json!({
            "runs": view.counters.runs,
            "failures": view.counters.failures,
            "consecutive_failures": view.counters.consecutive_failures,
            "missed": slot.missed(),
        }),
    );
    put("plugin", plugin(slot, view));
    if depth != Depth::Public {
        put("message", json!(view.message()));
        put("origin", json!(planned.origin));
        if let Some(run) = &view.run {
            of_run(&mut to, run, depth);
        }
    }
    Value::Object(to)
}

/// The version that runs; while there is none, the bytes that ran last.
fn plugin(slot: &Slot, view: &View) -> Value {
    let planned = slot.planned();
    let version = planned.version.as_ref();
    let digest = version.map(|version| &version.digest).or(view.run.as_ref().map(|run| &run.digest));
    json!({
        "name": planned.plugin,
        "version": version.map(|version| &version.metadata.version),
        "digest": digest,
    })
}

fn of_run(to: &mut Map<String, Value>, run: &Run, depth: Depth) {
    let mut put = |key: &str, value: Value| drop(to.insert(key.to_owned(), value));
    if let Ok(outcome) = &run.end {
        put("measurements", Value::Object(measurements(outcome)));
        put("details", Value::Object(details(outcome)));
    }
    put("usage", json!(run.usage));
    if depth == Depth::Whole {
        put("run_id", json!(run.id.to_string()));
        put("calls", json!(run.calls));
        put("log", json!(run.log));
        put("trace", json!(run.end.as_ref().err().and_then(|failure| failure.trace.as_deref())));
    }
}

/// Measurements by name; a repeated name replaces the earlier one.
pub(super) fn measurements(outcome: &Outcome) -> Map<String, Value> {
    let entry = |measurement: &probity_core::check::Measurement| {
        let mut entry = Map::new();
        entry.insert("value".into(), observed(&measurement.value));
        if let Some(unit) = &measurement.unit {
            entry.insert("unit".into(), json!(unit));
        }
        if let Some(status) = measurement.status {
            entry.insert("status".into(), json!(status));
        }
        Value::Object(entry)
    };
    outcome.measurements.iter().map(|measurement| (measurement.name.clone(), entry(measurement))).collect()
}

/// Free-form facts by name.
pub(super) fn details(outcome: &Outcome) -> Map<String, Value> {
    outcome.details.iter().map(|(key, text)| (key.clone(), json!(text))).collect()
}

/// A value as JSON: what JSON has no number for is null.
pub(super) fn observed(value: &Observed) -> Value {
    match value {
        Observed::Number(number) => json!(number),
        Observed::Integer(integer) => json!(integer),
        Observed::Text(text) => json!(text),
        Observed::Boolean(yes) => json!(yes),
    }
}

fn history_entry(entry: &HistoryEntry, details: bool) -> Value {
    let mut to = json!({
        "started": rfc3339(entry.started_unix_ms),
        "duration_ms": entry.duration_ms,
        "status": entry.status,
    });
    if let Some(reason) = entry.reason {
        to["reason"] = json!(reason);
    }
    if details {
        to["message"] = json!(entry.message);
    }
    to
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
