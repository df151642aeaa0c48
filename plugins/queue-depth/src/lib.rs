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
        let (mut texts, mut unseen) = (Vec::new(), Vec::new());
        let mut outcome = Outcome::default();
        for name in &config.queues {
            outcome = match queue::inspect(name) {
                Ok(stats) => {
                    texts.push(summary(name, &stats));
                    judge(outcome, name, &stats, config, &mut unseen)
                }
                // What the broker hides from its user says nothing of the queue.
                Err(error) if is_refusal(&error) => {
                    unseen.push(Error { message: format!("{name}: {}", error.message), ..error });
                    outcome
                }
                Err(error) if error.kind.is_about_the_target() => {
                    outcome.finding(Status::Unhealthy, &format!("{name}: {error}"))
                }
                Err(error) => return Err(error.into()),
            };
        }
        if let Some(first) = unseen.first() {
            let message = unseen.iter().map(|error| error.message.as_str()).collect::<Vec<_>>().join("; ");
            // Bad news stays bad news; good news must not rest on what was not seen.
            if outcome.status != Status::Unhealthy {
                return Err(Error { message, ..first.clone() }.into());
            }
            outcome = outcome.detail("not judged", message);
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

/// What the broker does not tell cannot be judged: with a threshold for it there is no conclusion, and no other one either.
fn judge(mut outcome: Outcome, name: &str, stats: &Stats, config: &Config, unseen: &mut Vec<Error>) -> Outcome {
    let mut untold = |key: &str, is_asked: bool| {
        if is_asked {
            let message = format!("{name}: its broker does not tell `{key}`, which {}", told_by(key));
            unseen.push(Error::new(ErrorKind::Unsupported, message));
        }
    };
    let counted = |value: Option<u64>| value.map(|value| value as f64);
    for (key, value, unit, threshold) in [
        ("depth", counted(stats.depth), "{messages}", &config.depth),
        ("in-flight", counted(stats.in_flight), "{messages}", &config.in_flight),
        ("lag", counted(stats.lag), "{messages}", &config.lag),
    ] {
        match value {
            Some(value) => {
                outcome = outcome.judge(&format!("{name} {}", key.replace('-', " ")), value, unit, threshold);
            }
            None => untold(key, *threshold != AtMost::default()),
        }
    }
    match stats.consumers {
        Some(count) => {
            outcome = outcome.judge(&format!("{name} consumers"), count.into(), "{consumers}", &config.consumers);
        }
        None => untold("consumers", config.consumers != AtLeast::default()),
    }
    match (stats.oldest_age_ms, stats.depth) {
        (Some(age), _) => outcome.judge(&format!("{name} oldest age"), age as f64, "ms", &config.oldest_age),
        // In an empty queue nothing waits.
        (None, Some(0)) => outcome,
        (None, _) => {
            untold("oldest-age", config.oldest_age != AtMost::default());
            outcome
        }
    }
}

/// Who tells the number of a key, and with what right.
fn told_by(key: &str) -> &'static str {
    match key {
        "oldest-age" => {
            "NATS tells, of a `consumer` to a user who may ask `$JS.API.STREAM.MSG.GET.*`, and Redis of streams, but not \
             RabbitMQ"
        }
        "lag" => "NATS tells of a `consumer`, and Redis from 7.0 on of a `group`",
        "in-flight" => "NATS tells of a `consumer`, and Redis of a `group`",
        "consumers" => "RabbitMQ tells, NATS of a stream without `consumer`, and Redis of a `group`",
        _ => "every broker tells but Redis before 7.0 of a `group`",
    }
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

    // A threshold for what the broker does not tell makes the check unknown, with every key that nothing was told for; what is
    // told to be bad stays bad, and says what was not judged.
    #[test]
    fn untold_numbers_are_no_judgement() {
        let untold = Stats { depth: Some(12), ..Stats::default() };
        for (key, threshold) in [
            ("in-flight", json!({"warn": 1})),
            ("lag", json!({"warn": 1})),
            ("consumers", json!({"crit": 1})),
            ("oldest-age", json!({"warn": "1m"})),
        ] {
            let mut config = json!({"queues": ["jobs"], "depth": {"warn": 1}});
            config[key] = threshold;
            let result = TestHost::new().queue("jobs", untold).run::<QueueDepth>(config.clone());
            let Err(Failure::Capability(error)) = result else { panic!("{key}: {result:?}") };
            assert_eq!(error.kind, ErrorKind::Unsupported, "{key}");
            assert!(error.message.starts_with(&format!("jobs: its broker does not tell `{key}`, which ")), "{error}");
            config["depth"] = json!({"crit": 1});
            let bad = TestHost::new().queue("jobs", untold).run::<QueueDepth>(config).unwrap();
            assert_eq!(
                (bad.status, bad.message.as_str()),
                (Status::Unhealthy, "jobs depth 12 messages, more than 1 messages")
            );
            assert!(bad.details.iter().any(|(name, text)| name == "not judged" && text.contains(key)), "{bad:?}");
        }
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
