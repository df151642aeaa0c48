//! Plays a scenario of several calls to a JSON API: logs in, acts, verifies, cleans up.

use probity_check::http::Codes;
use probity_check::json::Rule;
use probity_check::prelude::*;
use probity_check::serde_json::{self, Value};
use probity_check::units::Quantity;

mod config;
mod variables;

use config::{Config, Measured, Step};
use variables::Variables;

/// The variable that every scenario has: different in each run, to tell its own orders from others.
const RUN_ID: &str = "run-id";

/// The check.
struct JsonApi;

impl Check for JsonApi {
    type Config = Config;

    fn describe() -> Metadata {
        Metadata::new("json-api", env!("CARGO_PKG_VERSION"))
            .description("Plays a scenario of several calls to a JSON API: logs in, acts, verifies, cleans up")
            .probe(Probe::Ready)
            .default_interval_ms(60_000)
            .default_timeout_ms(20_000)
            .config_schema(include_str!("../schema.json"))
            .config_example(include_str!("../example.json"))
    }

    fn run(config: &Config) -> Result<Outcome, Failure> {
        check_variables(config)?;
        let mut variables = Variables::default();
        variables.set(RUN_ID, context::run_id().into());
        let mut outcome = Outcome::default();
        let mut total_ms = 0.0;
        let mut failure = None;
        for step in &config.steps {
            // After a step that failed only those that clean up are played, as far as what they need is known.
            let broken = outcome.status == Status::Unhealthy || failure.is_some();
            if broken && !(step.always && needs(step).iter().all(|name| variables.has(name))) {
                continue;
            }
            match play(step, config, &mut variables) {
                Ok(played) => {
                    total_ms += played.latency_ms;
                    outcome = merge(outcome, step, played, &variables);
                }
                // The first is the reason; what follows from it is not.
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        match failure {
            // A missing grant says nothing about the service, unless it was already found wanting.
            Some(error) if outcome.status != Status::Unhealthy => {
                let message = variables.hide(&error.message);
                Err(Error { message, ..error }.into())
            }
            _ => Ok(finish(outcome, config, total_ms)),
        }
    }
}

fn finish(outcome: Outcome, config: &Config, total_ms: f64) -> Outcome {
    let fine = format!("{} steps in {}", config.steps.len(), Span::show(total_ms, "ms"));
    let mut outcome = outcome.judge("latency", total_ms, "ms", &config.latency);
    if outcome.status == Status::Healthy {
        outcome.message = fine;
    }
    outcome
}

/// A variable that no earlier step captures is a slip of the pen, and better told before anything is sent.
fn check_variables(config: &Config) -> Result<(), Failure> {
    // The first step sends them as well, when nothing is captured yet.
    if let Some(name) = config.headers.values().flat_map(|text| variables::names(text)).find(|name| *name != RUN_ID) {
        let reason = format!("{{{{{name}}}}} is not known at the first step: set the header in the steps that know it");
        return Err(Failure::invalid_config("/headers", reason));
    }
    let mut known = vec![RUN_ID];
    for (at, step) in config.steps.iter().enumerate() {
        if let Some(name) = needs(step).into_iter().find(|name| !known.contains(name)) {
            let reason = format!("{{{{{name}}}}} is captured by no earlier step; known are {}", known.join(", "));
            return Err(Failure::invalid_config(&format!("/steps/{at}"), reason));
        }
        known.extend(step.capture.keys().map(String::as_str));
    }
    Ok(())
}

/// The variables that a step uses.
fn needs(step: &Step) -> Vec<&str> {
    let texts = [&step.url].into_iter().chain(&step.body).chain(step.headers.values());
    let values = step.json.iter().chain(step.expect.iter().filter_map(|rule| rule.equals.as_ref()));
    let contained = step.expect.iter().filter_map(|rule| rule.contains.as_ref());
    texts.chain(contained).flat_map(|text| variables::names(text)).chain(values.flat_map(variables::names_in)).collect()
}

/// One step that got an answer, or failed to for the target's reasons.
struct Played {
    outcome: Outcome,
    latency_ms: f64,
}

/// # Errors
/// What says nothing about the target: denied, quota.
fn play(step: &Step, config: &Config, variables: &mut Variables) -> Result<Played, Error> {
    let start_ns = clock::monotonic_ns();
    match request(step, config, variables).send().and_then(|response| judge(step, &response, variables)) {
        Ok(played) => Ok(played),
        Err(error) if error.kind.is_about_the_target() => {
            let latency_ms = clock::monotonic_ns().saturating_sub(start_ns) as f64 / 1e6;
            Ok(Played { outcome: Outcome::unhealthy(error.to_string()), latency_ms })
        }
        Err(error) => Err(error),
    }
}

fn request(step: &Step, config: &Config, variables: &Variables) -> http::Request {
    let mut request = http::Request::new(&step.method, variables.fill_url(&step.url));
    // An absolute URL goes where it says; a path goes below the scenario's endpoint.
    let is_path = !step.url.contains("://") && !request.url.contains("://");
    let shared = config.endpoint.clone().filter(|_| is_path);
    request.endpoint = step.endpoint.clone().or(shared);
    request.timeout_ms = step.timeout.map(Span::as_timeout_ms);
    request.max_redirects = (step.max_redirects > 0).then_some(step.max_redirects);
    if let Some(json) = &step.json {
        request = request.header("content-type", "application/json").body(variables.fill_json(json).to_string());
    }
    if let Some(body) = &step.body {
        request = request.body(variables.fill(body));
    }
    for (name, value) in config.headers.iter().chain(&step.headers) {
        request = request.header(name, variables.fill(value));
    }
    request
}

fn judge(step: &Step, response: &http::Response, variables: &mut Variables) -> Result<Played, Error> {
    let needs_body = !(step.expect.is_empty() && step.capture.is_empty() && step.measure.is_empty());
    let body = if needs_body { response.body()? } else { Vec::new() };
    let latency_ms = response.timing().total_ms;
    let mut outcome = Outcome::default();
    if let Some(complaint) = Codes::complaint(&step.status, response.status()) {
        outcome = outcome.finding(Status::Unhealthy, &complaint);
    } else if needs_body {
        outcome = match serde_json::from_slice::<Value>(&body) {
            Ok(document) => judge_document(outcome, step, &document, variables),
            Err(error) => outcome.finding(Status::Unhealthy, &format!("body is not JSON: {error}")),
        };
    }
    Ok(Played { outcome, latency_ms })
}

fn judge_document(mut outcome: Outcome, step: &Step, document: &Value, variables: &mut Variables) -> Outcome {
    for rule in &step.expect {
        let filled = Rule {
            equals: rule.equals.as_ref().map(|value| variables.fill_json(value)),
            contains: rule.contains.as_ref().map(|text| variables.fill(text)),
            ..rule.clone()
        };
        outcome = filled.judge(outcome, document);
    }
    for (name, measured) in &step.measure {
        outcome = measure(outcome, name, measured, document);
    }
    for (name, pointer) in &step.capture {
        let captured = match document.pointer(pointer) {
            Some(value) => variables::check(value).map(|()| value.clone()),
            None => Err("is missing".to_owned()),
        };
        match captured {
            Ok(value) => variables.set(name, value),
            // Without the value itself: it may be half of a secret.
            Err(what) => {
                let finding = format!("{pointer}, to be captured as {name}, {what}");
                outcome = outcome.finding(Status::Unhealthy, &finding);
            }
        }
    }
    outcome
}

/// Adds a value to what is reported. One that is not there is not well: nobody would see that it is missing.
fn measure(outcome: Outcome, name: &str, measured: &Measured, document: &Value) -> Outcome {
    let Measured { pointer, unit } = measured;
    match document.pointer(pointer) {
        Some(Value::Number(number)) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => outcome.measure(name, whole, unit),
            (None, Some(number)) => outcome.measure(name, number, unit),
            (None, None) => outcome.finding(Status::Unhealthy, &format!("{pointer} is a number out of all bounds")),
        },
        Some(Value::Bool(boolean)) => outcome.measure(name, *boolean, unit),
        // Without the value itself: it may be half of a secret.
        Some(_) => {
            let finding = format!("{pointer}, to be measured as {name}, is no number or boolean");
            outcome.finding(Status::Unhealthy, &finding)
        }
        None => outcome.finding(Status::Unhealthy, &format!("{pointer}, to be measured as {name}, is missing")),
    }
}

/// Adds a step's result, under its name and without captured values.
fn merge(outcome: Outcome, step: &Step, played: Played, variables: &Variables) -> Outcome {
    let Played { outcome: found, latency_ms } = played;
    let name = &step.name;
    let mut outcome = outcome.finding(found.status, &format!("{name}: {}", variables.hide(&found.message)));
    for mut measurement in found.measurements {
        measurement.name = format!("{name} {}", measurement.name);
        outcome.measurements.push(measurement);
    }
    outcome.judge(&format!("{name} latency"), latency_ms, "ms", &step.latency)
}

probity_check::export!(JsonApi);

#[cfg(test)]
mod tests;
