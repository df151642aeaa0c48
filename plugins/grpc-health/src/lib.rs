//! Asks a gRPC server for its health (grpc.health.v1) and judges answer and latency.

use std::collections::BTreeMap;

use probity_check::json::quote;
use probity_check::prelude::*;
use probity_check::units::Quantity;
use serde::{Deserialize, Deserializer, de};

mod message;

/// Where every server has it.
const METHOD: &str = "/grpc.health.v1.Health/Check";

/// Bytes of an answer that are read: a health message has two.
const ANSWER_BYTES_MAX: u32 = 64 << 10;

/// Keys of `[check.config]`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Config {
    #[serde(default, deserialize_with = "server")]
    url: Option<String>,
    #[serde(default, deserialize_with = "not_empty")]
    endpoint: Option<String>,
    #[serde(default, deserialize_with = "service")]
    service: String,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    #[serde(default)]
    timeout: Option<Span>,
    #[serde(default)]
    latency: AtMost<Span>,
}

fn not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() { Err(de::Error::custom("must not be empty")) } else { Ok(Some(text)) }
}

/// Scheme and authority: the path is gRPC's.
fn server<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let authority = rest.map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    match authority.filter(|authority| !authority.is_empty() && !authority.contains(['/', '?', '#'])) {
        Some(_) => Ok(Some(text.strip_suffix('/').unwrap_or(&text).to_owned())),
        None => Err(de::Error::custom("write http://HOST:PORT or https://HOST:PORT")),
    }
}

fn service<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.chars().count() > 1024 { Err(de::Error::custom("longer than 1024 characters")) } else { Ok(text) }
}

/// The check.
struct GrpcHealth;

impl Check for GrpcHealth {
    type Config = Config;

    fn describe() -> Metadata {
        Metadata::new("grpc-health", env!("CARGO_PKG_VERSION"))
            .description("Asks a gRPC server for its health (grpc.health.v1) and judges answer and latency")
            .probe(Probe::Ready)
            .default_interval_ms(15_000)
            .default_timeout_ms(5_000)
            .config_schema(include_str!("../schema.json"))
            .config_example(include_str!("../example.json"))
    }

    fn run(config: &Config) -> Result<Outcome, Failure> {
        let target = match (&config.url, &config.endpoint) {
            (Some(url), None) => url,
            (None, Some(name)) => name,
            (Some(_), Some(_)) => return Err(Failure::invalid_config("/endpoint", "only one of `url` and `endpoint`")),
            (None, None) => return Err(Failure::invalid_config("/url", "name a `url`, or an `endpoint`")),
        };
        match ask(config, target) {
            Ok(outcome) => Ok(outcome),
            // A body without end is no health message.
            Err(error) if error.kind.is_about_the_target() || error.kind == ErrorKind::TooLarge => {
                Ok(Outcome::unhealthy(format!("{target}: {error}")))
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn ask(config: &Config, target: &str) -> Result<Outcome, Error> {
    let response = request(config).send()?;
    let verdict = judge(&response)?;
    let latency_ms = response.timing().total_ms;
    let what = if config.service.is_empty() { target } else { &config.service };
    let outcome = match verdict {
        Ok(()) => Outcome::healthy(format!("{what} is SERVING, {}", Span::show(latency_ms, "ms"))),
        Err(why) => Outcome::unhealthy(format!("{what}: {why}")),
    };
    let outcome = outcome.judge("latency", latency_ms, "ms", &config.latency);
    Ok(match response.remote_address() {
        Some(address) => outcome.detail("address", address),
        None => outcome,
    })
}

fn request(config: &Config) -> http::Request {
    let (url, endpoint) = match &config.url {
        Some(url) => (format!("{url}{METHOD}"), None),
        None => (METHOD.to_owned(), config.endpoint.clone()),
    };
    let mut request = http::Request::new("POST", url).require_http2().max_body_bytes(ANSWER_BYTES_MAX);
    request.endpoint = endpoint;
    request.timeout_ms = config.timeout.map(Span::as_timeout_ms);
    for (name, value) in &config.metadata {
        request = request.header(name, value.as_bytes());
    }
    let left = config.timeout.map_or(u32::MAX, Span::as_timeout_ms).min(context::remaining_ms());
    request
        .header("content-type", "application/grpc")
        // At most eight digits.
        .header("grpc-timeout", format!("{}m", left.clamp(1, 99_999_999)))
        .body(message::request(&config.service))
}

/// Whether the service serves, or why not.
fn judge(response: &http::Response) -> Result<Result<(), String>, Error> {
    let is_grpc = response.header("content-type").is_some_and(|kind| kind.starts_with("application/grpc"));
    if response.status() != 200 || !is_grpc {
        return Ok(Err(format!("answered HTTP {} and no gRPC", response.status())));
    }
    // Before the trailers, which are complete only when the body is.
    let body = response.body()?;
    let trailers = response.trailers();
    // A call that fails at once has its status in the head.
    let field = |name: &str| {
        let found = trailers.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).or_else(|| response.header(name))
    };
    let Some(code) = field("grpc-status") else {
        return Ok(Err("the call ended without a grpc-status".to_owned()));
    };
    if code != "0" {
        let message = field("grpc-message").unwrap_or_default();
        return Ok(Err(refusal(&code, &message)));
    }
    Ok(match message::status(&body) {
        Ok(1) => Ok(()),
        Ok(0) => Err("the server does not know (UNKNOWN)".to_owned()),
        Ok(2) => Err("NOT_SERVING".to_owned()),
        Ok(3) => Err("no such service (SERVICE_UNKNOWN)".to_owned()),
        Ok(other) => Err(format!("an unknown status, {other}")),
        Err(why) => Err(why.to_owned()),
    })
}

/// What a grpc-status other than OK means here.
fn refusal(code: &str, message: &str) -> String {
    let name = match code {
        "1" => "CANCELLED",
        "3" => "INVALID_ARGUMENT",
        "4" => "DEADLINE_EXCEEDED",
        "5" => "no such service (NOT_FOUND",
        "7" => "PERMISSION_DENIED",
        "8" => "RESOURCE_EXHAUSTED",
        "12" => "the server does not implement grpc.health.v1 (UNIMPLEMENTED",
        "13" => "INTERNAL",
        "14" => "UNAVAILABLE",
        "16" => "UNAUTHENTICATED",
        _ => "failed",
    };
    let close = if name.contains('(') { ")" } else { "" };
    let said = if message.is_empty() { String::new() } else { format!(": {}", quote(&percent_decoded(message))) };
    format!("{name}{close}, grpc-status {}{said}", code.chars().take(10).collect::<String>())
}

/// `grpc-message` is UTF-8 with what is not printable ASCII as `%XX`.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match hex.filter(|_| first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

probity_check::export!(GrpcHealth);

#[cfg(test)]
mod tests;
