//! `/health` as others write it, so that existing dashboards work unchanged. One file per family of shapes.

mod json;
mod lines;

use axum::extract::Request;
use axum::http::header::ACCEPT;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;

use super::answer::{self, Refusal};
use super::health::Aggregated;
use super::query;

/// A way to write an aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Our own.
    Probity,
    /// draft-inadarei-api-health-check-06.
    HealthJson,
    /// Spring Boot Actuator.
    Spring,
    /// MicroProfile Health.
    MicroProfile,
    /// ASP.NET with Xabaril's UI.
    Xabaril,
    /// The output of a Nagios plugin.
    Nagios,
    /// For people.
    Text,
}

const HEALTH_JSON: &str = "application/health+json";

impl Dialect {
    const NAMES: [(&'static str, Self); 7] = [
        ("json", Self::Probity),
        ("health+json", Self::HealthJson),
        ("spring", Self::Spring),
        ("microprofile", Self::MicroProfile),
        ("xabaril", Self::Xabaril),
        ("nagios", Self::Nagios),
        ("text", Self::Text),
    ];
}

/// The dialect a request asks for: `?format=` first, then `Accept`.
pub(super) fn wanted(request: &Request) -> Result<Dialect, Refusal> {
    if let Some((_, format)) = query::pairs(request.uri()).find(|(key, _)| key == "format") {
        // A plus sign in a query is a blank unless it is escaped, and nobody escapes it.
        let format = format.replace(' ', "+");
        let known = Dialect::NAMES.iter().find(|(name, _)| *name == format);
        return known.map(|(_, dialect)| *dialect).ok_or_else(|| {
            let names: Vec<&str> = Dialect::NAMES.iter().map(|(name, _)| *name).collect();
            let text = format!("no format {}; there are {}", answer::shown(&format), names.join(", "));
            Refusal::new(StatusCode::BAD_REQUEST, "unknown_format", text)
        });
    }
    let asks = |value: &HeaderValue| {
        let kinds = value.to_str().unwrap_or_default().split(',');
        kinds.map(|kind| kind.split(';').next().unwrap_or_default().trim()).any(|kind| kind == HEALTH_JSON)
    };
    let health_json = request.headers().get_all(ACCEPT).iter().any(asks);
    Ok(if health_json { Dialect::HealthJson } else { Dialect::Probity })
}

/// Writes an aggregate in a dialect that is not ours.
pub(super) fn respond(dialect: Dialect, status: StatusCode, of: &Aggregated<'_>) -> Response {
    let value = match dialect {
        Dialect::Nagios => return answer::body(status, answer::TEXT, lines::nagios(of)),
        Dialect::Text | Dialect::Probity => return answer::body(status, answer::TEXT, lines::text(of)),
        Dialect::HealthJson => json::health_json(of),
        Dialect::Spring => json::spring(of),
        Dialect::MicroProfile => json::microprofile(of),
        Dialect::Xabaril => json::xabaril(of),
    };
    let mut response = answer::json(status, &value);
    if dialect == Dialect::HealthJson {
        let headers = response.headers_mut();
        headers.insert(axum::http::header::CONTENT_TYPE, HeaderValue::from_static(HEALTH_JSON));
    }
    response
}
