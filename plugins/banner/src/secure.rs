//! TLS on the way: how each protocol agrees on it, and what is judged of it.

use probity_check::http::TlsInfo;
use probity_check::prelude::*;
use serde::Deserialize;

use crate::protocol::Protocol;
use crate::{Config, answer};

/// When TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tls {
    /// After both sides agreed in the clear.
    Starttls,
    /// Before the greeting.
    Immediate,
}

/// Shakes hands on `socket`.
pub(crate) fn start(socket: &tcp::Socket, config: &Config) -> Result<TlsInfo, Error> {
    socket.start_tls(config.server_name.as_deref(), config.authority.as_deref(), config.timeout)
}

/// Agrees on TLS after the greeting and shakes hands; the inner error is what the server has against it.
pub(crate) fn starttls(socket: &tcp::Socket, config: &Config) -> Result<Result<TlsInfo, String>, Error> {
    let protocol = config.protocol;
    // SMTP: who has not said hello may not begin TLS.
    let hello = protocol.question(&config.ehlo).filter(|_| protocol == Protocol::Smtp);
    let command = protocol.starttls().map(str::to_owned);
    for said in hello.into_iter().chain(command) {
        let answered = answer(socket, config, &said, |line, first| match said.as_str() {
            hello if hello.starts_with("EHLO") => protocol.last(line, first),
            _ => protocol.agrees(line),
        });
        if let Err(refusal) = answered? {
            return Ok(Err(refusal));
        }
    }
    start(socket, config).map(Ok)
}

/// Adds what is to be said of the session and its certificate.
pub(crate) fn judge(outcome: Outcome, info: &TlsInfo, config: &Config) -> Outcome {
    let mut outcome = outcome.detail("protocol", info.protocol.clone());
    if let (Err(why), true) = (&info.verified, config.verify) {
        outcome = outcome.finding(Status::Unhealthy, &format!("certificate is not trusted: {why}"));
    }
    tls::judge_expiry(outcome, &info.chain, &config.certificate_days)
}
