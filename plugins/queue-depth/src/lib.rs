//! Queues and streams: depth, lag, age of the oldest message, consumers.

use probity_check::prelude::*;
use probity_check::queue::Stats;
use serde::{Deserialize, Deserializer, de};

/// Keys of `[check.config]`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Config {
    #[serde(deserialize_with = "queues")]
    queues: Vec<String>,
    #[serde(default)]
    depth: AtMost,
    #[serde(default)]
    in_flight: AtMost,
    #[serde(default)]
    lag: AtMost,
    #[serde(default)]
    oldest_age: AtMost<Span>,
    #[serde(default)]
    consumers: AtLeast,
}

/// A check of nothing would always be healthy.
fn queues<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let queues = Vec::<String>::deserialize(deserializer)?;
    if queues.is_empty() || queues.iter().any(String::is_empty) {
        return Err(de::Error::custom("name at least one queue, and no empty one"));
    }
    Ok(queues)
}

/// The check.
struct QueueDepth;

impl Check for QueueDepth {
    type Config = Config;

    fn describe() -> Metadata {
        Metadata::new("queue-depth", env!("CARGO_PKG_VERSION"))
            .description("Queues and streams: depth, lag, age of the oldest message, consumers")
            .default_interval_ms(30_000)
            .default_timeout_ms(5_000)
            .config_schema(include_str!("../schema.json"))
            .config_example(include_str!("../example.json"))
    }

    fn run(config: &Config) -> Result<Outcome, Failure> {
        let mut texts = Vec::new();
        let mut outcome = Outcome::default();
        let mut unseen = None;
        for name in &config.queues {
            outcome = match queue::inspect(name) {
                Ok(stats) => {
                    texts.push(summary(name, &stats));
                    judge(outcome, name, &stats, config)
                }
                // What the broker hides from its user says nothing of the queue.
                Err(error) if is_refusal(&error) => {
                    unseen = unseen.or_else(|| Some(Error { message: format!("{name}: {}", error.message), ..error }));
                    outcome
                }
                Err(error) if error.kind.is_about_the_target() => {
                    outcome.finding(Status::Unhealthy, &format!("{name}: {error}"))
                }
                Err(error) => return Err(error.into()),
            };
        }
        match unseen {
            // Bad news stays bad news; good news must not rest on what was not seen.
            Some(error) if outcome.status != Status::Unhealthy => return Err(error.into()),
            Some(error) => outcome = outcome.detail("not judged", error.message),
            None => {}
        }
        if outcome.status == Status::Healthy {
            outcome.message = texts.join(", ");
        }
        Ok(outcome)
    }
}

/// Whether the broker says that its user may not look: Redis, RabbitMQ in two ways, NATS.
fn is_refusal(error: &Error) -> bool {
    let codes = ["NOPERM", "ACCESS_REFUSED", "RESOURCE_LOCKED", "Permissions Violation"];
    error.kind == ErrorKind::Remote && error.code.as_deref().is_some_and(|code| codes.contains(&code))
}

fn summary(name: &str, stats: &Stats) -> String {
    match (stats.depth, stats.lag) {
        (Some(1), _) => format!("{name}: 1 message waits"),
        (Some(depth), _) => format!("{name}: {depth} messages wait"),
        (None, Some(lag)) => format!("{name}: {lag} behind"),
        (None, None) => format!("{name} answers"),
    }
}

/// What the broker does not tell cannot be judged; a threshold for it is a finding, since nobody would notice otherwise.
fn judge(mut outcome: Outcome, name: &str, stats: &Stats, config: &Config) -> Outcome {
    let counted = |value: Option<u64>| value.map(|value| value as f64);
    for (what, value, unit, threshold) in [
        ("depth", counted(stats.depth), "{messages}", &config.depth),
        ("in flight", counted(stats.in_flight), "{messages}", &config.in_flight),
        ("lag", counted(stats.lag), "{messages}", &config.lag),
    ] {
        outcome = match value {
            Some(value) => outcome.judge(&format!("{name} {what}"), value, unit, threshold),
            None => untold(outcome, name, what, *threshold == AtMost::default()),
        };
    }
    outcome = match stats.consumers {
        Some(count) => outcome.judge(&format!("{name} consumers"), count.into(), "{consumers}", &config.consumers),
        None => untold(outcome, name, "consumers", config.consumers == AtLeast::default()),
    };
    match (stats.oldest_age_ms, stats.depth) {
        (Some(age), _) => outcome.judge(&format!("{name} oldest age"), age as f64, "ms", &config.oldest_age),
        // In an empty queue nothing waits.
        (None, Some(0)) => outcome,
        (None, _) => untold(outcome, name, "the age of its oldest message", config.oldest_age == AtMost::default()),
    }
}

fn untold(outcome: Outcome, name: &str, what: &str, is_unasked: bool) -> Outcome {
    if is_unasked {
        return outcome;
    }
    outcome.finding(Status::Degraded, &format!("{name}: its broker does not tell {what}"))
}

probity_check::export!(QueueDepth);

#[cfg(test)]
mod tests {
    use super::*;
    use probity_check::serde_json::{Value, json};
    use probity_check::testing::{TestHost, assert_schema_matches};

    const STATS: Stats =
        Stats { depth: Some(12), in_flight: Some(2), consumers: Some(1), oldest_age_ms: Some(90_000), lag: None };

    fn run(stats: Stats, mut config: Value) -> Outcome {
        config["queues"] = json!(["jobs"]);
        TestHost::new().queue("jobs", stats).run::<QueueDepth>(config).unwrap()
    }

    #[test]
    fn schema_matches_the_configuration() {
        assert_schema_matches::<QueueDepth>();
    }

    // Without thresholds the numbers are told, and nothing is judged.
    #[test]
    fn numbers_are_told() {
        let outcome = run(STATS, json!({}));
        assert_eq!((outcome.status, outcome.message.as_str()), (Status::Healthy, "jobs: 12 messages wait"));
        assert_eq!(outcome.measurements.len(), 4);
    }

    // Each number has its thresholds, and the message names queue and number.
    #[test]
    fn numbers_are_judged() {
        assert_eq!(run(STATS, json!({"depth": {"warn": 12}})).status, Status::Healthy);
        assert_eq!(run(STATS, json!({"depth": {"warn": 11}})).status, Status::Degraded);
        assert_eq!(run(STATS, json!({"in-flight": {"crit": 1}})).status, Status::Unhealthy);
        assert_eq!(run(STATS, json!({"oldest-age": {"warn": "1m"}})).status, Status::Degraded);
        let idle = run(Stats { consumers: Some(0), ..STATS }, json!({"consumers": {"crit": 1}}));
        assert_eq!(idle.status, Status::Unhealthy);
        assert!(idle.message.starts_with("jobs consumers 0"), "{}", idle.message);
    }

    // A threshold for what the broker does not tell is a finding, not silence.
    #[test]
    fn untold_numbers_are_findings() {
        let outcome = run(STATS, json!({"lag": {"warn": 1}}));
        let said = "jobs: its broker does not tell lag";
        assert_eq!((outcome.status, outcome.message.as_str()), (Status::Degraded, said));
        let empty = Stats { depth: Some(0), oldest_age_ms: None, ..STATS };
        assert_eq!(run(empty, json!({"oldest-age": {"warn": "1m"}})).status, Status::Healthy);
    }

    // A broker that does not answer, or has no such queue, is unhealthy; a missing grant says nothing about it.
    #[test]
    fn errors_are_told_apart() {
        let run = |kind| {
            let host = TestHost::new().queue_error("jobs", Error::new(kind, "why"));
            host.run::<QueueDepth>(json!({"queues": ["jobs"]}))
        };
        assert_eq!(run(ErrorKind::Remote).unwrap().message, "jobs: remote: why");
        assert!(matches!(run(ErrorKind::Denied), Err(Failure::Capability(_))));
    }

    // A queue that the broker hides from its user is unknown, and bad news of another one stays bad.
    #[test]
    fn hidden_queues_are_no_judgement() {
        for code in ["NOPERM", "ACCESS_REFUSED", "Permissions Violation"] {
            let refusal = Error { code: Some(code.into()), ..Error::new(ErrorKind::Remote, "may not") };
            let host = TestHost::new().queue("jobs", STATS).queue_error("secret", refusal);
            let run = |config: Value| host.run::<QueueDepth>(config);
            let unseen = run(json!({"queues": ["jobs", "secret"]}));
            assert!(
                matches!(&unseen, Err(Failure::Capability(error)) if error.message == "secret: may not"),
                "{unseen:?}"
            );
            let bad = run(json!({"queues": ["secret", "jobs"], "depth": {"crit": 1}})).unwrap();
            assert_eq!(bad.status, Status::Unhealthy, "{code}");
        }
    }
}
