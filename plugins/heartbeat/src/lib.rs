//! Whether a job reported in time to `POST /heartbeats/NAME`, and that all was well.

use probity_sdk::heartbeats::Beat;
use probity_sdk::prelude::*;
use probity_sdk::units::Quantity;
use serde::{Deserialize, Deserializer, de};

/// Keys of `[check.config]`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Config {
    #[serde(deserialize_with = "not_empty")]
    name: String,
    period: Span,
    #[serde(default = "grace_default")]
    grace: Span,
    #[serde(default)]
    duration: AtMost<Span>,
    #[serde(default)]
    never: Never,
}

/// What a job is that has not reported yet.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Never {
    Healthy,
    /// Somebody forgot to set it up, or its first turn has not come.
    #[default]
    Degraded,
    Unhealthy,
}

const fn grace_default() -> Span {
    Span::from_ms(60_000)
}

fn not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() { Err(de::Error::custom("must not be empty")) } else { Ok(text) }
}

/// The check.
struct Heartbeat;

impl Check for Heartbeat {
    type Config = Config;

    fn describe() -> Metadata {
        Metadata::new("heartbeat", env!("CARGO_PKG_VERSION"))
            .description("Whether a job reported in time, and that all was well")
            .default_interval_ms(15_000)
            .config_schema(include_str!("../schema.json"))
            .config_example(include_str!("../example.json"))
    }

    fn run(config: &Config) -> Result<Outcome, Failure> {
        Ok(match heartbeats::last(&config.name)? {
            Some(beat) => judge(&beat, config),
            None => missing(config),
        })
    }
}

fn missing(config: &Config) -> Outcome {
    let text = format!("{} has not reported yet", config.name);
    match config.never {
        Never::Healthy => Outcome::healthy(text),
        Never::Degraded => Outcome::degraded(text),
        Never::Unhealthy => Outcome::unhealthy(text),
    }
}

fn judge(beat: &Beat, config: &Config) -> Outcome {
    let said = if beat.message.is_empty() { String::new() } else { format!(": {}", beat.message) };
    let age = ago(beat.age_ms);
    let mut outcome = Outcome::healthy(format!("{} reported {age} ago{said}", config.name));
    if !beat.ok {
        outcome = outcome.finding(Status::Unhealthy, &format!("{} failed {age} ago{said}", config.name));
    }
    let limit = AtMost::new(config.period, Span::from_ms(config.period.as_ms().saturating_add(config.grace.as_ms())));
    outcome = outcome.judge("age", beat.age_ms as f64, "ms", &limit);
    match beat.duration_ms {
        Some(ms) => outcome.judge("duration", ms, "ms", &config.duration),
        None => outcome,
    }
}

/// Whole seconds from the first on: nobody reads the milliseconds of a day.
fn ago(ms: u64) -> String {
    let shown = if ms < 1_000 { ms } else { ms - ms % 1_000 };
    Span::show(shown as f64, "ms")
}

probity_sdk::export!(Heartbeat);

#[cfg(test)]
mod tests {
    use super::*;
    use probity_sdk::serde_json::{Value, json};
    use probity_sdk::testing::{TestHost, assert_schema_matches};

    const NOW: u64 = 1_800_000_000_000;

    fn beat(seconds_ago: u64) -> Beat {
        Beat { at_unix_ms: NOW - seconds_ago * 1_000, ok: true, ..Beat::default() }
    }

    fn run(beats: Vec<Beat>, mut config: Value) -> Outcome {
        config["name"] = "backup".into();
        TestHost::new().now_unix_ms(NOW).heartbeat("backup", Ok(beats)).run::<Heartbeat>(config).unwrap()
    }

    #[test]
    fn schema_matches_the_configuration() {
        assert_schema_matches::<Heartbeat>();
    }

    // On time is healthy, late within the grace degraded, later unhealthy.
    #[test]
    fn lateness_is_judged() {
        let config = json!({"period": "1h", "grace": "10m"});
        let status = |ago| run(vec![beat(ago)], config.clone()).status;
        assert_eq!([3600, 3601, 4201].map(status), [Status::Healthy, Status::Degraded, Status::Unhealthy]);
        assert_eq!(run(vec![beat(59)], config).message, "backup reported 59 s ago");
    }

    // A failed end is unhealthy with what the job said, however recent it is.
    #[test]
    fn failed_end_is_unhealthy() {
        let failed = Beat { ok: false, message: "disk full".into(), ..beat(5) };
        let outcome = run(vec![failed, beat(65)], json!({"period": "1h"}));
        assert_eq!((outcome.status, outcome.message.as_str()), (Status::Unhealthy, "backup failed 5 s ago: disk full"));
    }

    // A job that takes longer and longer shows before it is late.
    #[test]
    fn duration_is_judged() {
        let slow = Beat { duration_ms: Some(90_000.0), ..beat(5) };
        let outcome = run(vec![slow], json!({"period": "1h", "duration": {"warn": "1m"}}));
        assert_eq!(outcome.status, Status::Degraded, "{}", outcome.message);
        assert_eq!(run(vec![beat(5)], json!({"period": "1h", "duration": {"warn": "1m"}})).status, Status::Healthy);
    }

    // Before the first report it is what the operator says, by default degraded.
    #[test]
    fn silence_is_what_was_said() {
        assert_eq!(run(vec![], json!({"period": "1h"})).message, "backup has not reported yet");
        let status = |never: &str| run(vec![], json!({"period": "1h", "never": never})).status;
        assert_eq!(
            ["healthy", "degraded", "unhealthy"].map(status),
            [Status::Healthy, Status::Degraded, Status::Unhealthy]
        );
    }

    // A heartbeat that nobody declared says nothing about the job.
    #[test]
    fn undeclared_is_a_failure() {
        let result = TestHost::new().run::<Heartbeat>(json!({"name": "backup", "period": "1h"}));
        assert!(matches!(result, Err(Failure::Capability(error)) if error.kind == ErrorKind::NotFound));
    }
}
