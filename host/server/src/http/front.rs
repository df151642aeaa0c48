//! What machines ask for every few seconds, beside the table of routes, which costs as much as these answers.
//!
//! The table has the same paths: for every other method, and for callers without a socket.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::http::{Method, Request};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use probity_core::check::Probe;

use super::activity::Activity;
use super::app::Shared;
use super::observe::{Observed, Volume};
use super::{health, probes, unsent};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
enum Asked {
    /// The word of a probe.
    Word(Probe),
    /// `/health`, in any dialect.
    Health,
}

/// The paths that are answered here, each observed as its route is.
pub(super) struct Front {
    app: Shared,
    paths: Vec<(&'static str, Asked, Observed)>,
}

impl Front {
    /// That of `app`.
    pub(super) fn new(app: &Shared) -> Self {
        let words =
            probes::PATHS.iter().flat_map(|(probe, paths)| paths.iter().map(|path| (*path, Asked::Word(*probe))));
        let paths = words.chain([(health::PATH, Asked::Health)]);
        let paths = paths.map(|(path, asked)| (path, asked, Observed::new(app, path, Volume::Quiet))).collect();
        Self { app: app.clone(), paths }
    }

    /// The answer to `request`, with its share of what may be unsent where it came `over` a connection that counts; or the
    /// request again where the table is to answer it.
    pub(super) async fn answer(
        &self,
        request: Request<Incoming>,
        over: Option<&Arc<Activity>>,
    ) -> Result<Response, Request<Incoming>> {
        let Some((asked, observed)) = self.asked(&request) else { return Err(request) };
        let start = Instant::now();
        // The body of such a request means nothing.
        let (head, _) = request.into_parts();
        let (method, uri) = (head.method.clone(), observed.logs().then(|| head.uri.clone()));
        let response = match asked {
            Asked::Word(probe) => probes::word(&self.app, probe),
            Asked::Health => {
                let request = Request::from_parts(head, Body::empty());
                let made = async { Ok(health::answer(&self.app, request, None).await) };
                unsent::within(over, &self.app.unsent, made).await.unwrap_or_else(IntoResponse::into_response)
            }
        };
        observed.answered(&method, uri.as_ref(), response.status().as_u16(), start.elapsed());
        Ok(response)
    }

    fn asked<B>(&self, request: &Request<B>) -> Option<(Asked, &Observed)> {
        if !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
            return None;
        }
        let path = request.uri().path();
        let (_, asked, observed) = self.paths.iter().find(|(known, ..)| *known == path)?;
        match asked {
            Asked::Word(_) if request.uri().query().is_some() => None,
            asked => Some((*asked, observed)),
        }
    }
}
