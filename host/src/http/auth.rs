//! Who asks, and what they may see and do.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};

use super::answer::Refusal;
use crate::config::{Details, Server};

/// Whether messages and data are shown to the sender of `headers`.
pub(super) fn sees_details(server: &Server, headers: &HeaderMap) -> bool {
    match server.details {
        Details::Never => false,
        Details::Always => true,
        Details::Authorized => has_token(server, headers),
    }
}

/// Whether the sender of `headers` may change something: always with a token, whatever `details` says.
pub(super) fn may_manage(server: &Server, headers: &HeaderMap) -> Result<(), Refusal> {
    if server.tokens.is_empty() {
        let text = "no token is configured, so nobody may do this; add to the configuration: \
                    [server.auth] tokens = [\"${PROBITY_TOKEN}\"]";
        return Err(Refusal::new(StatusCode::FORBIDDEN, "no_token_configured", text));
    }
    if has_token(server, headers) {
        return Ok(());
    }
    let (code, text) = if headers.contains_key(AUTHORIZATION) {
        ("wrong_token", "the token is not one of `server.auth.tokens`")
    } else {
        ("token_required", "this needs `Authorization: Bearer TOKEN` with one of `server.auth.tokens`")
    };
    Err(Refusal::new(StatusCode::UNAUTHORIZED, code, text))
}

fn has_token(server: &Server, headers: &HeaderMap) -> bool {
    let Some(candidate) = headers.get(AUTHORIZATION).and_then(|value| bearer(value.as_bytes())) else { return false };
    // All are compared, so that the time taken does not tell which one came near.
    server.tokens.iter().fold(false, |found, token| found | token.matches(candidate))
}

fn bearer(value: &[u8]) -> Option<&[u8]> {
    const SCHEME: &[u8] = b"bearer ";
    let (scheme, token) = value.split_at_checked(SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME).then(|| token.trim_ascii())
}
