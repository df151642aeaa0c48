//! What every answer has in common: a type, `no-store`, and errors as JSON.

use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

pub(super) const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// An answer with a body of a type, which no browser is to guess at.
pub(super) fn body(status: StatusCode, content_type: HeaderValue, body: impl Into<Body>) -> Response {
    let mut response = bare(status, content_type, body.into());
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A constant answer, which holds nothing of anybody's; costs no formatting.
pub(super) fn constant(status: StatusCode, text: &'static str) -> Response {
    bare(status, TEXT, Body::from(Bytes::from_static(text.as_bytes())))
}

/// Never stored on the way: every answer is about now.
fn bare(status: StatusCode, content_type: HeaderValue, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// An answer in JSON.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => body(status, JSON, bytes),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written as JSON");
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the host could not answer").into_response()
        }
    }
}

/// Bytes of what a client said that are said back to it, or to the log.
const SHOWN_BYTES_MAX: usize = 100;

/// What a client said, cut and safe to show.
pub(super) fn shown(said: &str) -> String {
    probity_core::text::clean(said, SHOWN_BYTES_MAX).escape_debug().to_string()
}

/// Why a request gets no answer. The text is for whoever asked; what is inside the host goes to the log.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// Seconds after which to ask again.
    retry_after: Option<&'static str>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), retry_after: None }
    }

    pub(super) fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// The host is asked for more than it may do at once; `code` is in the metrics.
    pub(super) fn busy(code: &'static str, message: impl Into<String>) -> Self {
        Self { retry_after: Some("1"), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message) }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let error = serde_json::json!({ "error": self.code, "message": self.message });
        let mut response = body(self.status, JSON, error.to_string());
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"probity\""));
        }
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(seconds));
        }
        response
    }
}
