//! Before the router: who is asked for, and whether this connection may ask for it. Knows nothing of routes but which
//! ones are probes.

use axum::http::{Request, StatusCode};
use probity_config::Server;

use super::answer::{self, Refusal};
use super::places::Place;
use super::{auth, authority, probes};

/// What a request is let through as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// A probe's word, which holds nothing.
    Word,
    /// Anything else.
    Answer,
}

/// Lets `request` pass, or says why not, with the name of the reason in the metrics.
pub(super) fn pass<B>(request: &Request<B>, place: Place, server: &Server) -> Result<Pass, (&'static str, Refusal)> {
    let bad_host = |why| ("bad_host", Refusal::new(StatusCode::BAD_REQUEST, "bad_host", why));
    let host = authority::named(request).map_err(bad_host)?;
    if probes::is_word(request.uri()) {
        return Ok(Pass::Word);
    }
    if place == Place::Reserve {
        let text = "all connections are in use; what is left answers probes only: ask again";
        return Err(("no_place", Refusal::busy("busy", text)));
    }
    match host {
        Some(host) if !authority::is_served(host, &server.hosts) && !auth::has_token(server, request.headers()) => {
            Err(("unknown_host", unknown_host(host)))
        }
        _ => Ok(Pass::Answer),
    }
}

fn unknown_host(host: &str) -> Refusal {
    let host = answer::shown(host);
    let text = format!(
        "requests for {host} are not answered here without a token; if that is a name of this host, add it to the \
         configuration: [server] hosts = [\"{host}\"]"
    );
    Refusal::new(StatusCode::MISDIRECTED_REQUEST, "unknown_host", text)
}
