//! Query strings, of which routes know few keys.

use std::borrow::Cow;

use axum::extract::Request;

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
