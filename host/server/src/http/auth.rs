//! Who asks, and what they may see and do.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use probity_config::{Config, Details, Server, Token};

use super::answer::Refusal;

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
    may(server, None, headers)
}

/// Whether the sender of `headers` may report to a heartbeat: with its own token or with one that opens everything.
pub(super) fn may_push(server: &Server, own: Option<&Token>, headers: &HeaderMap) -> Result<(), Refusal> {
    may(server, own, headers)
}

/// Whether the sender of `headers` has a token that opens anything at all. Only then is a body worth reading.
pub(super) fn has_any_token(config: &Config, headers: &HeaderMap) -> bool {
    let Some(candidate) = candidate(headers) else { return false };
    let own = config.heartbeats.values().filter_map(|heartbeat| heartbeat.token.as_ref());
    config.server.tokens.iter().chain(own).fold(false, |found, token| found | token.matches(candidate))
}

fn may(server: &Server, own: Option<&Token>, headers: &HeaderMap) -> Result<(), Refusal> {
    if server.tokens.is_empty() && own.is_none() {
        let text = "no token is configured, so nobody may do this; add to the configuration: \
                    [server.auth] tokens = [\"${PROBITY_TOKEN}\"]";
        return Err(Refusal::new(StatusCode::FORBIDDEN, "no_token_configured", text));
    }
    let owns = own.zip(candidate(headers)).is_some_and(|(token, candidate)| token.matches(candidate));
    if has_token(server, headers) | owns {
        return Ok(());
    }
    let tokens = if own.is_some() { "`server.auth.tokens` or the heartbeat's `token`" } else { "`server.auth.tokens`" };
    let (code, text) = if headers.contains_key(AUTHORIZATION) {
        ("wrong_token", format!("the token is not one of {tokens}"))
    } else {
        ("token_required", format!("this needs `Authorization: Bearer TOKEN` with one of {tokens}"))
    };
    Err(Refusal::new(StatusCode::UNAUTHORIZED, code, text))
}

/// Whether the sender of `headers` has a token that opens everything.
pub(super) fn has_token(server: &Server, headers: &HeaderMap) -> bool {
    let Some(candidate) = candidate(headers) else { return false };
    // All are compared, so that the time taken does not tell which one came near.
    server.tokens.iter().fold(false, |found, token| found | token.matches(candidate))
}

fn candidate(headers: &HeaderMap) -> Option<&[u8]> {
    headers.get(AUTHORIZATION).and_then(|value| bearer(value.as_bytes()))
}

fn bearer(value: &[u8]) -> Option<&[u8]> {
    const SCHEME: &[u8] = b"bearer ";
    let (scheme, token) = value.split_at_checked(SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME).then(|| token.trim_ascii())
}
