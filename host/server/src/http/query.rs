//! What routes take from a request's path and query.

use std::borrow::Cow;

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};

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
pub(super) fn pairs(uri: &Uri) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
}

/// Whether `key` is there: `?key`, `?key=1`, but not `?key=false`.
pub(super) fn has(uri: &Uri, key: &str) -> bool {
    pairs(uri).any(|(name, value)| name == key && !matches!(&*value, "0" | "false" | "no"))
}

/// The values of `key`.
pub(super) fn all(uri: &Uri, key: &str) -> Vec<String> {
    pairs(uri).filter(|(name, _)| name == key).map(|(_, value)| value.into_owned()).collect()
}
