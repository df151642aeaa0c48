//! One key: whether it is there, how long it is, how old.

use probity_check::prelude::*;
use probity_check::redis::{Connection, Reply};
use probity_check::units::Quantity;
use serde::Deserialize;

/// A number below this is a time in seconds, one above in milliseconds: the year 5138 and 1973.
const SECONDS_MAX: f64 = 1e11;

/// How far clocks may differ before a moment counts as one to come.
const AHEAD_MAX: Span = Span::from_ms(60_000);

/// What is expected of a key.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct KeyRule {
    #[serde(deserialize_with = "super::not_empty")]
    key: String,
    #[serde(default = "yes")]
    exists: bool,
    #[serde(default)]
    length: AtMost,
    #[serde(default)]
    length_min: AtLeast,
    #[serde(default)]
    age: AtMost<Span>,
    #[serde(default)]
    ttl: AtLeast<Span>,
}

const fn yes() -> bool {
    true
}

impl KeyRule {
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Adds what there is to say of the key.
    pub(crate) fn judge(&self, mut outcome: Outcome, connection: &Connection) -> Result<Outcome, Error> {
        let key = self.key.as_str();
        let kind = connection.command("TYPE", &[key])?;
        let kind = kind.as_text().ok_or_else(|| odd("TYPE"))?.into_owned();
        match (kind.as_str(), self.exists) {
            ("none", true) => return Ok(outcome.finding(Status::Unhealthy, &format!("{key} does not exist"))),
            ("none", false) => return Ok(outcome),
            (_, false) => return Ok(outcome.finding(Status::Unhealthy, &format!("{key} exists"))),
            (_, true) => {}
        }
        if self.length != AtMost::default() || self.length_min != AtLeast::default() {
            outcome = match length(connection, key, &kind)? {
                Some(length) => outcome.judge(&format!("{key} length"), length, "{elements}", &self.length).judge(
                    &format!("{key} least length"),
                    length,
                    "{elements}",
                    &self.length_min,
                ),
                None => outcome.finding(Status::Unhealthy, &format!("{key} is a {kind}, which has no length")),
            };
        }
        if self.age != AtMost::default() {
            outcome = match moment_ms(connection, key, &kind)? {
                Some(moment) => self.judge_age(outcome, clock::now_unix_ms() as f64 - moment),
                None => outcome.finding(Status::Unhealthy, &format!("{key} holds no time")),
            };
        }
        if self.ttl != AtLeast::default() {
            outcome = match connection.command("PTTL", &[key])?.as_integer().ok_or_else(|| odd("PTTL"))? {
                // It never expires, which is long enough.
                -1 => outcome,
                // It did, since it was looked at.
                left if left < 0 => outcome.finding(Status::Unhealthy, &format!("{key} does not exist")),
                left => outcome.judge(&format!("{key} time to live"), left as f64, "ms", &self.ttl),
            };
        }
        Ok(outcome)
    }

    /// A moment that is yet to come is no fresh one: it would be for as long as it is.
    fn judge_age(&self, outcome: Outcome, age_ms: f64) -> Outcome {
        let key = &self.key;
        if age_ms < -AHEAD_MAX.amount() {
            let ahead = Span::show(-age_ms, "ms");
            return outcome.finding(Status::Unhealthy, &format!("{key} holds a time that is {ahead} ahead"));
        }
        outcome.judge(&format!("{key} age"), age_ms.max(0.0), "ms", &self.age)
    }
}

fn odd(command: &str) -> Error {
    Error::new(ErrorKind::Protocol, format!("the reply to {command} is not of its kind"))
}

fn length(connection: &Connection, key: &str, kind: &str) -> Result<Option<f64>, Error> {
    let command = match kind {
        "string" => "STRLEN",
        "list" => "LLEN",
        "set" => "SCARD",
        "zset" => "ZCARD",
        "hash" => "HLEN",
        "stream" => "XLEN",
        _ => return Ok(None),
    };
    let length = connection.command(command, &[key])?.as_integer().ok_or_else(|| odd(command))?;
    Ok(Some(length as f64))
}

/// The moment that the key tells, in milliseconds since 1970.
fn moment_ms(connection: &Connection, key: &str, kind: &str) -> Result<Option<f64>, Error> {
    match kind {
        "string" => {
            let value = connection.command("GET", &[key])?;
            let number: Option<f64> = value.as_text().and_then(|text| text.trim().parse().ok());
            let number = number.filter(|number| number.is_finite() && *number > 0.0);
            Ok(number.map(|number| if number < SECONDS_MAX { number * 1e3 } else { number }))
        }
        "stream" => {
            let info = connection.command("XINFO", &["STREAM", key])?;
            let last = info.get("last-generated-id").and_then(Reply::as_text);
            Ok(last.and_then(|id| id.split('-').next()?.parse().ok()))
        }
        _ => Ok(None),
    }
}
