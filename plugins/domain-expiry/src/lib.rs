//! Days until the registration of a domain ends, as its registry says by RDAP (RFC 9083).

use probity_check::prelude::*;
use probity_check::serde_json::Value;
use serde::{Deserialize, Deserializer, Serialize, de};

mod date;

/// States in which a registry has taken a domain out of the DNS, or is about to: as RDAP writes them (RFC 8056), and as
/// [`word`] makes one of all the ways in which they are written.
const STATES_BAD: [(&str, &str); 5] = [
    ("client hold", "clienthold"),
    ("server hold", "serverhold"),
    ("redemption period", "redemptionperiod"),
    ("pending delete", "pendingdelete"),
    ("inactive", "inactive"),
];

/// Events that are the end of the registration, the registry's word before the registrar's (RFC 9083, 10.2.3), as
/// [`word`] makes them of what registries write.
const ENDS: [&[&str]; 2] = [
    &[
        "expiration",
        "expirationdate",
        "registrationexpiration",
        "registryexpiration",
        "registryexpirydate",
        "expiry",
        "expirydate",
        "expires",
        "domainexpiration",
    ],
    &["registrarexpiration", "registrarregistrationexpiration", "registrarregistrationexpirationdate"],
];

/// Letters and digits only, in lower case, after the `#` of an address: `clientHold`, `Client Hold`, `client-hold` and
/// `https://icann.org/epp#clientHold` are one word.
fn word(text: &str) -> String {
    let text = text.rsplit('#').next().unwrap_or_default();
    text.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// How long a date is good for when the registry does not answer: registrations do not get shorter.
const KEPT_FOR: Span = Span::from_ms(7 * 86_400_000);

const KEY: &str = "expiry";

/// Keys of `[check.config]`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Config {
    #[serde(deserialize_with = "domain")]
    domain: String,
    #[serde(default = "rdap_url_default", deserialize_with = "rdap_url")]
    rdap_url: String,
    #[serde(default)]
    timeout: Option<Span>,
    #[serde(default = "days_default")]
    days: AtLeast,
}

/// Knows the server of every registry, and redirects there.
fn rdap_url_default() -> String {
    "https://rdap.org".to_owned()
}

/// Renewals are done by hand, and by people on holiday.
fn days_default() -> AtLeast {
    AtLeast::new(30.0, 7.0)
}

/// A name as the DNS writes it, so that nothing of it means anything in a URL.
fn domain<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    let is_label =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if name.contains('.') && name.split('.').all(is_label) {
        return Ok(name.to_ascii_lowercase());
    }
    Err(de::Error::custom(format_args!("{name:?} is no domain: write example.org, or xn--… for other letters")))
}

fn rdap_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let url = String::deserialize(deserializer)?;
    if !(url.starts_with("https://") || url.starts_with("http://")) {
        return Err(de::Error::custom("write the RDAP server's URL: https://rdap.example/"));
    }
    Ok(url.trim_end_matches('/').to_owned())
}

/// The check.
struct DomainExpiry;

impl Check for DomainExpiry {
    type Config = Config;

    fn describe() -> Metadata {
        Metadata::new("domain-expiry", env!("CARGO_PKG_VERSION"))
            .description("Days until the registration of a domain ends, by RDAP")
            .default_interval_ms(6 * 3_600_000)
            .default_timeout_ms(20_000)
            .config_schema(include_str!("../schema.json"))
            .config_example(include_str!("../example.json"))
    }

    fn run(config: &Config) -> Result<Outcome, Failure> {
        match ask(config) {
            Ok(Answer::Registered(registration)) => {
                let kept = Kept { domain: config.domain.clone(), expires_unix_ms: registration.expires_unix_ms };
                state::set_json(KEY, &kept, Some(KEPT_FOR))?;
                Ok(judge(config, registration.expires_unix_ms, &registration.states))
            }
            Ok(Answer::Unknown) => Ok(Outcome::unhealthy(format!("{} is not registered", config.domain))),
            // A missing grant does not wait for a week to be told.
            Err(Failure::Capability(error)) if !error.kind.is_about_the_target() => Err(error.into()),
            // What is wrong with a registry says nothing about the domain.
            Err(failure) => match kept(config)? {
                Some(expires_unix_ms) => {
                    Ok(judge(config, expires_unix_ms, &[]).detail("from an earlier run", failure.to_string()))
                }
                None => Err(failure),
            },
        }
    }
}

fn judge(config: &Config, expires_unix_ms: i64, states: &[String]) -> Outcome {
    let days = (expires_unix_ms as f64 - clock::now_unix_ms() as f64) / 86_400_000.0;
    let text = format!("{} is registered for {days:.0} more days", config.domain);
    let mut outcome = Outcome::healthy(text).judge("registered", days, "d", &config.days);
    for (state, _) in STATES_BAD.iter().filter(|(_, written)| states.iter().any(|state| state == written)) {
        outcome = outcome.finding(Status::Unhealthy, &format!("the registry says: {state}"));
    }
    outcome
}

/// What the last answer said.
#[derive(Serialize, Deserialize)]
struct Kept {
    domain: String,
    expires_unix_ms: i64,
}

fn kept(config: &Config) -> Result<Option<i64>, Error> {
    match state::get_json::<Kept>(KEY) {
        Ok(kept) => Ok(kept.filter(|kept| kept.domain == config.domain).map(|kept| kept.expires_unix_ms)),
        Err(error) if error.kind == ErrorKind::Protocol => Ok(None),
        Err(error) => Err(error),
    }
}

/// What a registry says of a name.
enum Answer {
    Registered(Registration),
    /// There is no such registration.
    Unknown,
}

struct Registration {
    expires_unix_ms: i64,
    /// As [`word`] makes them.
    states: Vec<String>,
}

/// The parts of an RDAP answer that matter here. Whatever else there is, contacts above all, may have any shape.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(default)]
    ldh_name: Value,
    #[serde(default)]
    unicode_name: Value,
    #[serde(default)]
    events: Value,
    #[serde(default)]
    status: Value,
}

/// The texts in a list; a single one is a list of its own.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn ask(config: &Config) -> Result<Answer, Failure> {
    let url = format!("{}/domain/{}", config.rdap_url, config.domain);
    let mut request = http::Request::new("GET", &url).header("accept", "application/rdap+json").max_redirects(3);
    request.timeout_ms = config.timeout.map(Span::as_timeout_ms);
    let response = request.send()?;
    match response.status() {
        200 => registration(&config.domain, &response.json()?).map(Answer::Registered),
        404 => Ok(Answer::Unknown),
        429 => Err(Failure::other("the RDAP server limits how often it may be asked: status 429")),
        status => Err(Failure::other(format_args!("the RDAP server answers with status {status}"))),
    }
}

fn registration(domain: &str, document: &Document) -> Result<Registration, Failure> {
    // Not every registry writes the name in letters of the DNS, which is optional.
    let name = document.ldh_name.as_str().or_else(|| document.unicode_name.as_str()).unwrap_or_default();
    if !name.trim().trim_end_matches('.').eq_ignore_ascii_case(domain) {
        return Err(Failure::other(format_args!("the RDAP server answers about {name:?}")));
    }
    let dates = ENDS.iter().map(|actions| ends(&document.events, actions)).find(|dates| !dates.is_empty());
    let Some(dates) = dates else {
        return Err(Failure::other("the registry does not publish when the registration ends"));
    };
    // Of several the first one counts: it is the one that hurts.
    let Some(expires_unix_ms) = dates.iter().filter_map(|date| date::parse(date)).min() else {
        return Err(Failure::other(format_args!("{:?} is no date", dates[0])));
    };
    let states = texts(&document.status).into_iter().map(word).collect();
    Ok(Registration { expires_unix_ms, states })
}

/// The dates of the events that have one of these actions.
fn ends<'a>(events: &'a Value, actions: &[&str]) -> Vec<&'a str> {
    let is_end =
        |event: &&Value| event["eventAction"].as_str().is_some_and(|action| actions.contains(&word(action).as_str()));
    let events = events.as_array().into_iter().flatten().filter(is_end);
    events.filter_map(|event| event["eventDate"].as_str()).collect()
}

probity_check::export!(DomainExpiry);

#[cfg(test)]
mod tests;
