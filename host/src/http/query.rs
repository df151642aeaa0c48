//! What routes take from a request's path and query.

use std::borrow::Cow;

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;

use super::answer::Refusal;

/// The name in a path: of a check, a plugin or a group.
pub(super) struct Name(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let refuse = |_: PathRejection| Refusal::new(StatusCode::BAD_REQUEST, "bad_path", "the path is not UTF-8");
        Path::from_request_parts(parts, state).await.map(|Path(name)| Self(name)).map_err(refuse)
    }
}

/// The decoded pairs of a request's query.
pub(super) fn pairs(request: &Request) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes())
}

/// Whether `key` is there: `?key`, `?key=1`, but not `?key=false`.
pub(super) fn has(request: &Request, key: &str) -> bool {
    pairs(request).any(|(name, value)| name == key && !matches!(&*value, "0" | "false" | "no"))
}

/// The values of `key`.
pub(super) fn all(request: &Request, key: &str) -> Vec<String> {
    pairs(request).filter(|(name, _)| name == key).map(|(_, value)| value.into_owned()).collect()
}
