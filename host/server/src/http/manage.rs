//! The two routes that change something. They always want a token; a header that no page of another site can send also
//! keeps forged requests of browsers out.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use probity_core::clock::unix_ms;
use serde_json::Value;

use super::answer::{self, Refusal};
use super::app::{App, Shared};
use super::query::Name;
use super::state::RunRefusal;
use super::{auth, checks};

/// `POST /checks/{name}/run`: runs now, or joins the run in flight.
pub(super) async fn run(State(app): State<Shared>, Name(name): Name, request: Request) -> Response {
    if let Err(refusal) = auth::may_manage(&app.state.config.load().server, request.headers()) {
        return refusal.into_response();
    }
    let depth = checks::depth(&app, &request, checks::Depth::Whole);
    match run_now(&app, &name, depth).await {
        Ok(check) => answer::json(StatusCode::OK, &check),
        Err(refusal) => refusal.into_response(),
    }
}

async fn run_now(app: &App, name: &str, depth: checks::Depth) -> Result<Value, Refusal> {
    checks::slot(app, name)?;
    let view = app.state.control.run_now(name).await.map_err(|refusal| refused(name, refusal))?;
    // The plan may have changed while it ran.
    let slot = checks::slot(app, name)?;
    Ok(checks::check(&slot, &view, depth, unix_ms()))
}

fn refused(name: &str, refusal: RunRefusal) -> Refusal {
    match refusal {
        RunRefusal::Unknown => Refusal::not_found("no_such_check", format!("no check {}", answer::shown(name))),
        RunRefusal::Blocked(failure) => {
            let text = format!("check {name} cannot run ({}): {}", failure.reason.as_str(), failure.message);
            Refusal::new(StatusCode::CONFLICT, "check_blocked", text)
        }
        RunRefusal::Busy => Refusal::busy("busy", format!("check {name} could not be run now; ask again")),
    }
}

/// `POST /-/reload`: rescans the plugins and reloads the configuration. 409 when something was rejected, or the plugin
/// directory cannot be read.
pub(super) async fn reload(State(app): State<Shared>, request: Request) -> Response {
    if let Err(refusal) = auth::may_manage(&app.state.config.load().server, request.headers()) {
        return refusal.into_response();
    }
    drop(request);
    let report = app.state.control.reload().await;
    let status = match report.config {
        "busy" => return Refusal::busy("busy", "a reload is under way; ask again").into_response(),
        "rejected" => StatusCode::CONFLICT,
        _ if !report.rejected.is_empty() || report.directory.is_some() => StatusCode::CONFLICT,
        _ => StatusCode::OK,
    };
    answer::json(status, &report)
}
