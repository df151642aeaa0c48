//! `/metrics`.

use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, VARY};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;

use super::answer;
use super::app::Shared;
use crate::metrics::to_prometheus_text;

const OPENMETRICS: HeaderValue = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
const PROMETHEUS: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// `GET /metrics`: OpenMetrics, unless only the older text is accepted. Always 200: a scrape is about the scrape.
pub(super) async fn scrape(State(app): State<Shared>, request: Request) -> Response {
    let older = wants_older(&request);
    let (state, size) = (app.state.clone(), app.state.board.index().checks.len());
    let make = move || {
        let text = state.metrics.render(&state.board, &state.plugins.load());
        if older {
            answer::body(StatusCode::OK, PROMETHEUS, to_prometheus_text(&text))
        } else {
            answer::body(StatusCode::OK, OPENMETRICS, text)
        }
    };
    let mut response = app.aside(size, make).await;
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    response
}

fn wants_older(request: &Request) -> bool {
    let accepts = |kind: &str| {
        request.headers().get_all(ACCEPT).iter().any(|value| value.to_str().is_ok_and(|text| text.contains(kind)))
    };
    accepts("text/plain") && !accepts("application/openmetrics-text")
}
