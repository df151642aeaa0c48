//! Sends an HTTP request and judges status, headers, body, JSON, latency and certificate.

use probity_check::json::quote;
use probity_check::prelude::*;
use probity_check::serde_json::{self, Value};
use probity_check::units::Quantity;

mod config;

use config::Config;

/// The check.
struct Http;

impl Check for Http {
    type Config = Config;

    fn describe() -> Metadata {
        Metadata::new("http", env!("CARGO_PKG_VERSION"))
            .description("Sends an HTTP request and judges status, headers, body, JSON, latency and certificate")
            .probe(Probe::Ready)
            .default_interval_ms(15_000)
            .default_timeout_ms(5_000)
            .config_schema(include_str!("../schema.json"))
            .config_example(include_str!("../example.json"))
    }

    fn run(config: &Config) -> Result<Outcome, Failure> {
        match request(config).send().and_then(|response| judge(&response, config)) {
            Ok(outcome) => Ok(outcome),
            Err(error) if error.kind.is_about_the_target() => {
                Ok(Outcome::unhealthy(format!("{} {}: {error}", config.method, config.url)))
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn request(config: &Config) -> http::Request {
    let mut request = http::Request::new(&config.method, &config.url).max_redirects(config.max_redirects);
    request.endpoint.clone_from(&config.endpoint);
    request.timeout_ms = config.timeout.map(Span::as_timeout_ms);
    request.body = config.body.as_ref().map(|body| body.clone().into_bytes());
    for (name, value) in &config.headers {
        request = request.header(name, value.as_bytes());
    }
    request
}

fn judge(response: &http::Response, config: &Config) -> Result<Outcome, Error> {
    let status = response.status();
    let needs_body = !(config.contains.is_empty() && config.excludes.is_empty() && config.json.is_empty());
    // Before the timing, which is complete only when the body is.
    let body = if needs_body { response.body()? } else { Vec::new() };
    let latency_ms = response.timing().total_ms;
    let text = format!("{} {}: {status} in {}", config.method, config.url, Span::show(latency_ms, "ms"));
    let mut outcome = judge_status(Outcome::healthy(text), response, config);
    outcome = judge_headers(outcome, response, config);
    outcome = judge_body(outcome, &body, config);
    outcome = judge_certificate(outcome, response, config);
    outcome = outcome.judge("latency", latency_ms, "ms", &config.latency).measure("status", u32::from(status), "1");
    Ok(match response.remote_address() {
        Some(address) => outcome.detail("address", address),
        None => outcome,
    })
}

fn judge_status(outcome: Outcome, response: &http::Response, config: &Config) -> Outcome {
    let status = response.status();
    match http::Codes::complaint(&config.status, status) {
        // The host followed as many as it was asked to.
        Some(complaint) if config.max_redirects > 0 && is_redirect(status) && response.header("location").is_some() => {
            let (followed, plural) = (config.max_redirects, if config.max_redirects == 1 { "" } else { "s" });
            outcome.finding(Status::Unhealthy, &format!("{complaint}; {followed} redirect{plural} followed"))
        }
        Some(complaint) => outcome.finding(Status::Unhealthy, &complaint),
        None => outcome,
    }
}

/// Those that the host follows where there is somewhere to go.
const fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

fn judge_headers(mut outcome: Outcome, response: &http::Response, config: &Config) -> Outcome {
    for (name, expected) in &config.expect_headers {
        // A server may send a header more than once: `set-cookie`, `link`, `vary`.
        let values = response.header_values(name);
        let finding = match &values[..] {
            [] => format!("header {name} is missing"),
            values if values.iter().any(|value| value.contains(expected.as_str())) => continue,
            values => format!("header {name} is {}, expected {}", listed(values), quote(expected)),
        };
        outcome = outcome.finding(Status::Unhealthy, &finding);
    }
    outcome
}

/// As many values as a message has room for.
fn listed(values: &[String]) -> String {
    const SHOWN_MAX: usize = 5;
    let shown: Vec<String> = values.iter().take(SHOWN_MAX).map(|value| quote(value)).collect();
    match values.len().saturating_sub(SHOWN_MAX) {
        0 => shown.join(" and "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn judge_body(mut outcome: Outcome, body: &[u8], config: &Config) -> Outcome {
    let text = String::from_utf8_lossy(body);
    for expected in config.contains.iter().filter(|expected| !text.contains(expected.as_str())) {
        outcome = outcome.finding(Status::Unhealthy, &format!("body does not contain {}", quote(expected)));
    }
    for refused in config.excludes.iter().filter(|refused| text.contains(refused.as_str())) {
        outcome = outcome.finding(Status::Unhealthy, &format!("body contains {}", quote(refused)));
    }
    if config.json.is_empty() {
        return outcome;
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(document) => config.json.iter().fold(outcome, |outcome, rule| rule.judge(outcome, &document)),
        Err(error) => outcome.finding(Status::Unhealthy, &format!("body is not JSON: {error}")),
    }
}

fn judge_certificate(outcome: Outcome, response: &http::Response, config: &Config) -> Outcome {
    let Some(session) = response.tls() else {
        return outcome;
    };
    let outcome = match &session.verified {
        Ok(()) => outcome,
        Err(reason) => outcome.finding(Status::Unhealthy, &format!("certificate is not trusted: {reason}")),
    };
    tls::judge_expiry(outcome, &session.chain, &config.certificate_days)
}

probity_check::export!(Http);

#[cfg(test)]
mod tests;
