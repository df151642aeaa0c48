//! `/live`, `/ready`, `/startup` and their other names.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use probity_core::check::{Aggregate, OnUnknown, Probe, Reason, Status};
use probity_core::text::in_line;

use super::app::{App, Shared};
use super::{answer, auth, query};
use crate::board::{Index, ProbeAnswer, Slot};
use crate::plan::PlannedCheck;

/// What a probe says, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Ok,
    Unhealthy,
    Starting,
    Draining,
    /// Nothing would stop a runaway check: the process is of no use.
    Unsupervised,
}

/// Every probe with its names.
pub(super) const PATHS: [(Probe, &[&str]); 3] = [
    (Probe::Live, &["/live", "/livez", "/healthz", "/health/live"]),
    (Probe::Ready, &["/ready", "/readyz", "/health/ready"]),
    (Probe::Startup, &["/startup", "/startupz", "/health/started", "/health/startup"]),
];

/// Whether `uri` asks for a probe's word: that is answered to everybody, whatever else goes on.
pub(super) fn is_word(uri: &Uri) -> bool {
    let path = uri.path();
    PATHS.iter().any(|(_, paths)| paths.contains(&path)) && !query::has(uri, "verbose")
}

/// A probe's word.
pub(super) fn word(app: &App, probe: Probe) -> Response {
    let state = &app.state;
    let checks = || state.board.probe(probe);
    let verdict = verdict(probe, state.sandbox.is_alive(), state.lifecycle.is_draining(), checks);
    answer::constant(verdict.status(), verdict.word())
}

/// Answers one probe.
pub(super) async fn answer(app: Shared, probe: Probe, request: Request) -> Response {
    if request.uri().query().is_none() {
        return word(&app, probe);
    }
    let details = auth::sees_details(&app.state.config.load().server, request.headers());
    let uri = request.uri().clone();
    drop(request);
    if !query::has(&uri, "verbose") {
        return detailed(&app, probe, &uri, details);
    }
    let checks = app.state.board.index().checks.len();
    let theirs = Arc::clone(&app);
    app.aside(checks, move || detailed(&theirs, probe, &uri, details)).await
}

impl Verdict {
    const fn status(self) -> StatusCode {
        match self {
            Self::Ok => StatusCode::OK,
            Self::Unhealthy | Self::Starting | Self::Draining | Self::Unsupervised => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unhealthy => "unhealthy",
            Self::Starting => "starting",
            Self::Draining => "draining",
            Self::Unsupervised => "unsupervised",
        }
    }
}

/// What counts before the checks do.
fn verdict(probe: Probe, sandbox_alive: bool, draining: bool, checks: impl FnOnce() -> ProbeAnswer) -> Verdict {
    match probe {
        Probe::Live if !sandbox_alive => return Verdict::Unsupervised,
        Probe::Ready if draining => return Verdict::Draining,
        Probe::Live | Probe::Ready | Probe::Startup => {}
    }
    match checks() {
        ProbeAnswer::Pass => Verdict::Ok,
        ProbeAnswer::Unhealthy => Verdict::Unhealthy,
        ProbeAnswer::Starting => Verdict::Starting,
    }
}

/// `?verbose` and `?exclude=NAME`, in the manner of Kubernetes.
fn detailed(app: &App, probe: Probe, uri: &Uri, details: bool) -> Response {
    let excluded: BTreeSet<String> = query::all(uri, "exclude").into_iter().collect();
    let index = app.state.board.index();
    let verdict = verdict(probe, app.state.sandbox.is_alive(), app.state.lifecycle.is_draining(), || {
        let said = app.state.board.probe(probe);
        // Which checks there are is not known yet, so none can be left out.
        if excluded.is_empty() || !app.state.board.is_open() { said } else { without(&index, probe, said, &excluded) }
    });
    if !query::has(uri, "verbose") {
        return answer::constant(verdict.status(), verdict.word());
    }
    answer::body(verdict.status(), answer::TEXT, report(&index, probe, verdict, &excluded, details))
}

/// The answer of a probe as if some checks were not there.
fn without(index: &Index, probe: Probe, said: ProbeAnswer, excluded: &BTreeSet<String>) -> ProbeAnswer {
    let included = |slot: &&Arc<Slot>| slot.planned().counts() && !excluded.contains(&*slot.planned().name);
    let counted = || index.checks.values().filter(included);
    let expected = |slot: &&Arc<Slot>| slot.planned().is_expected() && !slot.view().concluded;
    if said == ProbeAnswer::Starting && counted().any(|slot| expected(&slot)) {
        return ProbeAnswer::Starting;
    }
    let mut sum = Aggregate::default();
    for slot in counted().filter(|slot| slot.planned().probes.contains(&probe)) {
        add(&mut sum, slot);
    }
    if sum.status() == Status::Unhealthy { ProbeAnswer::Unhealthy } else { ProbeAnswer::Pass }
}

fn report(index: &Index, probe: Probe, verdict: Verdict, excluded: &BTreeSet<String>, details: bool) -> String {
    let mut text = String::new();
    let members = index.checks.iter().filter(|(_, slot)| slot.planned().probes.contains(&probe));
    for (name, slot) in members {
        if excluded.contains(&**name) {
            line(&mut text, format_args!("[+]{name} excluded: ok"));
            continue;
        }
        let view = slot.view();
        let mut alone = Aggregate::default();
        add(&mut alone, slot);
        let planned = slot.planned();
        let awaited = planned.is_expected() && !view.concluded && verdict == Verdict::Starting;
        let failing = awaited || planned.counts() && alone.status() == Status::Unhealthy;
        let sign = if failing { '-' } else { '+' };
        let word = match (!view.concluded, view.status) {
            (_, Status::Healthy) => "ok",
            (true, Status::Unknown) => view.unknown.as_ref().map_or("pending", |failure| failure.reason.as_str()),
            (_, status) => status.as_str(),
        };
        // Cleaned where it came in; a line of its own would be an answer of another check.
        let message = in_line(view.message());
        if details && !message.is_empty() {
            line(&mut text, format_args!("[{sign}]{name} {word}: {message}"));
        } else {
            line(&mut text, format_args!("[{sign}]{name} {word}"));
        }
        if let Some(said) = unrun(planned) {
            line(&mut text, format_args!("warn: {name} {said}"));
        }
    }
    if index.checks.is_empty() {
        line(&mut text, format_args!("warn: this host has no checks: nothing is looked at"));
    } else if probe == Probe::Ready && !index.checks.values().any(|slot| slot.planned().probes.contains(&probe)) {
        line(&mut text, format_args!("warn: no check joins {}: nothing is looked at for it", probe.as_str()));
    }
    for name in excluded.iter().filter(|name| !index.checks.contains_key(name.as_str())) {
        line(&mut text, format_args!("warn: no check {} to exclude", answer::shown(name)));
    }
    let end = if verdict == Verdict::Ok { "passed" } else { "failed" };
    line(&mut text, format_args!("{} check {end}: {}", probe.as_str(), verdict.word()));
    text
}

/// What is said of a check that is not run until somebody does something about it.
fn unrun(planned: &PlannedCheck) -> Option<String> {
    let reason = planned.blocked.as_ref()?.reason;
    match reason {
        Reason::Compiling | Reason::Pending => None,
        _ if planned.counts() => {
            Some(format!("is not run ({}): it counts as {}", reason.as_str(), weight(planned.on_unknown)))
        }
        _ => Some(format!("is not run ({}): no [[check]] names it, so it counts nowhere", reason.as_str())),
    }
}

const fn weight(on_unknown: OnUnknown) -> &'static str {
    match on_unknown {
        OnUnknown::Healthy => "healthy",
        OnUnknown::Degraded => "degraded",
        OnUnknown::Unhealthy => "unhealthy",
    }
}

fn add(sum: &mut Aggregate, slot: &Slot) {
    let (view, planned) = (slot.view(), slot.planned());
    sum.add(view.status, planned.severity, planned.on_unknown, planned.awaits(view.pending));
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    writeln!(text, "{arguments}").expect("writing to a string does not fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    // A host that cannot stop a runaway check asks to be restarted, and only that: it still has answers.
    #[test]
    fn a_silent_ticker_fails_live_only() {
        let pass = || ProbeAnswer::Pass;
        assert_eq!(verdict(Probe::Live, false, false, pass).status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(verdict(Probe::Ready, false, false, pass), Verdict::Ok);
        assert_eq!(verdict(Probe::Startup, false, false, pass), Verdict::Ok);
    }
}
