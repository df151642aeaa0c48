//! `/health` and `/health/{group}`.
//!
//! A summary costs the same for ten checks and ten thousand. The full body is put together from text that was made once
//! per result; only ages are written anew.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use probity_config::{Config, Server};
use probity_core::check::{Counts, Status};
use probity_core::clock::unix_ms;
use serde::Serialize;

use super::answer::{self, Refusal};
use super::app::{App, Shared};
use super::auth;
use super::dialect::{self, Dialect};
use super::query::{self, Name};
use super::time::{millis, rfc3339};
use crate::board::{Index, ScopeId, Slot, Summary, View};
use crate::plan::PlannedCheck;

/// What an aggregate is made of, whatever the dialect.
pub(super) struct Aggregated<'a> {
    pub(super) summary: &'a Summary,
    pub(super) index: &'a Index,
    /// The checks to show; none when details are not to be seen or not wanted.
    pub(super) members: Option<Members<'a>>,
    pub(super) server: &'a Server,
    pub(super) now_unix_ms: u64,
    pub(super) start: Instant,
}

/// The checks of a scope.
#[derive(Clone, Copy)]
pub(super) struct Members<'a> {
    index: &'a Index,
    group: Option<&'a str>,
}

impl<'a> Members<'a> {
    pub(super) fn iter(self) -> impl Iterator<Item = (&'a Arc<str>, &'a Arc<Slot>)> {
        self.index
            .checks
            .iter()
            .filter(move |(_, slot)| self.group.is_none_or(|group| slot.planned().groups.contains(group)))
    }
}

/// Where everything is asked for; groups are below.
pub(super) const PATH: &str = "/health";

/// `GET /health`.
pub(super) async fn all(State(app): State<Shared>, request: Request) -> Response {
    answer(&app, request, None).await
}

/// `GET /health/{group}`.
pub(super) async fn group(State(app): State<Shared>, Name(group): Name, request: Request) -> Response {
    answer(&app, request, Some(group)).await
}

/// The answer about a group, or about everything.
pub(super) async fn answer(app: &App, request: Request, group: Option<String>) -> Response {
    respond(app, request, group).await.unwrap_or_else(IntoResponse::into_response)
}

/// What was asked for, and what the board said then.
struct Asked {
    config: Arc<Config>,
    index: Arc<Index>,
    summary: Arc<Summary>,
    group: Option<String>,
    dialect: Dialect,
    details: bool,
    start: Instant,
}

async fn respond(app: &App, request: Request, group: Option<String>) -> Result<Response, Refusal> {
    let asked = Asked::new(app, &request, group)?;
    // Nothing of the request is needed from here on, and it cannot be kept while waiting.
    drop(request);
    let checks = if asked.details { asked.index.checks.len() } else { 0 };
    Ok(app.aside(checks, move || asked.answer()).await)
}

impl Asked {
    fn new(app: &App, request: &Request, group: Option<String>) -> Result<Self, Refusal> {
        let start = Instant::now();
        let config = app.state.config.load_full();
        let dialect = dialect::wanted(request)?;
        let index = app.state.board.index();
        let id = group.as_deref().map_or(ScopeId::All, |group| ScopeId::Group(group.into()));
        let summary = match (index.scopes.get(&id), &group) {
            (Some(scope), _) => scope.summary(),
            (None, Some(group)) if !config.groups.contains_key(group) => return Err(no_group(&index, &config, group)),
            (None, _) => Arc::new(NOTHING),
        };
        let summary = if app.state.board.is_open() { summary } else { Arc::new(begun(&summary)) };
        let details = auth::sees_details(&config.server, request.headers()) && !query::has(request.uri(), "summary");
        Ok(Self { config, index, summary, group, dialect, details, start })
    }

    fn answer(&self) -> Response {
        let server = &self.config.server;
        let members = self.details.then_some(Members { index: &self.index, group: self.group.as_deref() });
        let aggregated = Aggregated {
            summary: &self.summary,
            index: &self.index,
            members,
            server,
            now_unix_ms: unix_ms(),
            start: self.start,
        };
        let status = status_code(server, self.summary.status);
        match self.dialect {
            Dialect::Probity => answer::body(status, answer::JSON, body(&aggregated)),
            other => dialect::respond(other, status, &aggregated),
        }
    }
}

/// A group that is declared and has no check that counts.
const NOTHING: Summary = Summary {
    status: Status::Healthy,
    counts: Counts { healthy: 0, degraded: 0, unhealthy: 0, unknown: 0 },
    pending: 0,
    since_unix_ms: 0,
};

/// A summary from before the plugins were looked at: more checks may come, so nothing is known to be well.
fn begun(summary: &Summary) -> Summary {
    match summary.status {
        Status::Healthy | Status::Degraded => Summary { status: Status::Unknown, ..summary.clone() },
        Status::Unhealthy | Status::Unknown => summary.clone(),
    }
}

/// The configured HTTP status. Nothing concluded yet is no success.
fn status_code(server: &Server, status: Status) -> StatusCode {
    let code = match status {
        Status::Healthy => return StatusCode::OK,
        Status::Degraded => server.degraded_status,
        Status::Unhealthy | Status::Unknown => server.unhealthy_status,
    };
    StatusCode::from_u16(code).unwrap_or(StatusCode::SERVICE_UNAVAILABLE)
}

/// Groups that the refusal of an unknown one lists.
const GROUPS_SHOWN_MAX: usize = 50;

fn no_group(index: &Index, config: &Config, group: &str) -> Refusal {
    let named = index.scopes.keys().filter_map(|id| if let ScopeId::Group(name) = id { Some(&**name) } else { None });
    let known: std::collections::BTreeSet<&str> = named.chain(config.groups.keys().map(String::as_str)).collect();
    let (group, more) = (answer::shown(group), known.len().saturating_sub(GROUPS_SHOWN_MAX));
    let known: Vec<&str> = known.into_iter().take(GROUPS_SHOWN_MAX).collect();
    let text = match (known.is_empty(), more) {
        (true, _) => format!("no group {group}: no check names one (key `groups`)"),
        (false, 0) => format!("no group {group}; there are {}", known.join(", ")),
        (false, more) => format!("no group {group}; there are {} and {more} more", known.join(", ")),
    };
    Refusal::not_found("no_such_group", text)
}

/// What the native body begins with.
#[derive(Serialize)]
struct Head<'a> {
    status: Status,
    timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    counts: Counted,
    duration_ms: f64,
}

#[derive(Serialize)]
struct Counted {
    healthy: u32,
    degraded: u32,
    unhealthy: u32,
    unknown: u32,
    pending: u32,
}

/// The native body, in one piece of memory that is large enough from the start.
fn body(of: &Aggregated<'_>) -> Vec<u8> {
    const HEAD_BYTES: usize = 320;
    const AGE_BYTES: usize = 16;
    let views: Vec<_> =
        of.members.iter().flat_map(|members| members.iter()).map(|(name, slot)| (name, slot, slot.view())).collect();
    let checks: Vec<_> = views
        .iter()
        .map(|(name, slot, view)| (view, view.rendered.get_or_make(|| fragment(name, slot.planned(), view))))
        .collect();
    let bytes: usize = checks.iter().map(|(_, [before, after])| before.len() + AGE_BYTES + after.len()).sum();
    let mut body = Vec::with_capacity(HEAD_BYTES + bytes);
    let Counts { healthy, degraded, unhealthy, unknown } = of.summary.counts;
    let head = Head {
        status: of.summary.status,
        timestamp: rfc3339(of.now_unix_ms),
        version: of.server.version.as_deref(),
        counts: Counted { healthy, degraded, unhealthy, unknown, pending: of.summary.pending },
        duration_ms: millis(of.start.elapsed()),
    };
    put(&mut body, &head);
    if of.members.is_some() {
        // The head's closing brace comes after the checks.
        body.pop();
        body.extend_from_slice(b",\"checks\":{");
        for (at, (view, [before, after])) in checks.into_iter().enumerate() {
            if at > 0 {
                body.push(b',');
            }
            body.extend_from_slice(before.as_bytes());
            put(&mut body, &view.age_ms(of.now_unix_ms));
            body.extend_from_slice(after.as_bytes());
        }
        body.extend_from_slice(b"}}");
    }
    body.push(b'\n');
    body
}

/// A check's entry, with a hole for its age.
fn fragment(name: &str, planned: &PlannedCheck, view: &View) -> [Box<str>; 2] {
    let mut before = format!("{}:{{\"status\":\"{}\"", quoted(name), view.status);
    if let Some(failure) = &view.unknown {
        before.push_str(",\"reason\":");
        before.push_str(&json(failure));
    }
    let message = view.message();
    if !message.is_empty() {
        before.push_str(",\"message\":");
        before.push_str(&quoted(message));
    }
    let duration_ms = view.run.as_ref().map(|run| millis(run.duration));
    before.push_str(&format!(",\"duration_ms\":{},\"age_ms\":", json(&duration_ms)));
    let mut after =
        format!(",\"severity\":\"{}\",\"since\":\"{}\"", planned.severity.as_str(), rfc3339(view.since_unix_ms));
    if let Some(Ok(outcome)) = view.run.as_ref().map(|run| &run.end) {
        if !outcome.measurements.is_empty() {
            after.push_str(",\"measurements\":");
            after.push_str(&json(&super::checks::measurements(outcome)));
        }
        if !outcome.details.is_empty() {
            after.push_str(",\"details\":");
            after.push_str(&json(&super::checks::details(outcome)));
        }
    }
    after.push('}');
    [before.into(), after.into()]
}

fn quoted(text: &str) -> String {
    json(&text)
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

fn put(body: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(body, value).expect("writing numbers and text to memory does not fail");
}
