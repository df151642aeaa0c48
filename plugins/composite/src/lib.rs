//! Whether enough of several checks are healthy: all, any, or a quorum.
//!
//! With `k` required it is healthy when `k` checks are, degraded when `k` at least work, and unhealthy otherwise.

use std::collections::BTreeMap;

use probity_check::peers::Snapshot;
use probity_check::prelude::*;
use serde::{Deserialize, Deserializer, de};

/// Checks that are not fine and named in the message.
const NAMED_MAX: usize = 5;

/// Keys of `[check.config]`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Config {
    #[serde(default, deserialize_with = "names")]
    checks: Vec<String>,
    #[serde(default, deserialize_with = "some_not_empty")]
    group: Option<String>,
    #[serde(default)]
    require: Require,
    #[serde(default)]
    on_unknown: OnUnknown,
}

/// How many have to be fine.
#[derive(Clone, Copy, Default)]
enum Require {
    #[default]
    All,
    Any,
    AtLeast(usize),
}

/// How a check without a conclusion counts.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OnUnknown {
    Healthy,
    /// A check that cannot judge is no proof that what it judges is down.
    #[default]
    Degraded,
    Unhealthy,
    Ignore,
}

impl<'de> Deserialize<'de> for Require {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Require;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("\"all\", \"any\" or a number from 1 to 10000")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Require, E> {
                match text {
                    "all" => Ok(Require::All),
                    "any" => Ok(Require::Any),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Require, E> {
                let count = usize::try_from(number).ok().filter(|count| (1..=10_000).contains(count));
                count.map(Require::AtLeast).ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(number), &self))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

/// More would not fit into a run's host calls.
fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    if names.len() > 90 || names.iter().any(String::is_empty) {
        return Err(de::Error::custom("at most 90 names, and no empty one; use a group for more"));
    }
    Ok(names)
}

fn some_not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() { Err(de::Error::custom("must not be empty")) } else { Ok(Some(text)) }
}

/// The check.
struct Composite;

impl Check for Composite {
    type Config = Config;

    fn describe() -> Metadata {
        Metadata::new("composite", env!("CARGO_PKG_VERSION"))
            .description("Whether enough of several checks are healthy: all, any, or a quorum")
            .default_interval_ms(5_000)
            .config_schema(include_str!("../schema.json"))
            .config_example(include_str!("../example.json"))
    }

    fn run(config: &Config) -> Result<Outcome, Failure> {
        if config.checks.is_empty() && config.group.is_none() {
            return Err(Failure::invalid_config("/checks", "name at least one check, or a `group`"));
        }
        let mut counted = Vec::new();
        for (name, peer) in look(config)? {
            if let Some(status) = counts_as(&peer, config.on_unknown) {
                counted.push((name, status, peer));
            }
        }
        if counted.is_empty() {
            return Err(Failure::other("there is no other check to count"));
        }
        Ok(judge(&counted, config.require))
    }
}

/// Every check that is asked for, once.
fn look(config: &Config) -> Result<BTreeMap<String, Snapshot>, Error> {
    let mut peers = BTreeMap::new();
    if let Some(group) = &config.group {
        peers.extend(peers::by_tag(group)?);
    }
    for name in &config.checks {
        if !peers.contains_key(name) {
            peers.insert(name.clone(), peers::latest(name)?);
        }
    }
    Ok(peers)
}

fn counts_as(peer: &Snapshot, on_unknown: OnUnknown) -> Option<Status> {
    match (peer.status, on_unknown) {
        (Some(status), _) => Some(status),
        (None, OnUnknown::Healthy) => Some(Status::Healthy),
        (None, OnUnknown::Degraded) => Some(Status::Degraded),
        (None, OnUnknown::Unhealthy) => Some(Status::Unhealthy),
        (None, OnUnknown::Ignore) => None,
    }
}

fn judge(counted: &[(String, Status, Snapshot)], require: Require) -> Outcome {
    let total = counted.len();
    let needed = match require {
        Require::All => total,
        Require::Any => 1,
        Require::AtLeast(count) => count,
    };
    let at_most = |worst: Status| counted.iter().filter(|(_, status, _)| *status <= worst).count();
    let (healthy, working) = (at_most(Status::Healthy), at_most(Status::Degraded));
    let status = match () {
        () if healthy >= needed => Status::Healthy,
        () if working >= needed => Status::Degraded,
        () => Status::Unhealthy,
    };
    let mut text = format!("{healthy} of {total} healthy, {needed} needed");
    let mut others: Vec<_> = counted.iter().filter(|(_, status, _)| *status != Status::Healthy).collect();
    others.sort_by_key(|(_, status, _)| std::cmp::Reverse(*status));
    let named: Vec<String> =
        others.iter().take(NAMED_MAX).map(|(name, _, peer)| format!("{name} {}", word(peer))).collect();
    if !named.is_empty() {
        let more =
            if others.len() > NAMED_MAX { format!(" and {} more", others.len() - NAMED_MAX) } else { String::new() };
        text = format!("{text}: {}{more}", named.join(", "));
    }
    let mut outcome = Outcome::new(status, text)
        .measure("healthy", healthy, "{checks}")
        .measure("working", working, "{checks}")
        .measure("total", total, "{checks}");
    for (name, _, peer) in others.into_iter().take(NAMED_MAX) {
        outcome = outcome.detail(name.clone(), peer.message.clone());
    }
    outcome
}

fn word(peer: &Snapshot) -> &'static str {
    match peer.status {
        Some(status) => status.as_str(),
        None if peer.stale => "stale",
        None => "unknown",
    }
}

probity_check::export!(Composite);

#[cfg(test)]
mod tests {
    use super::*;
    use probity_check::serde_json::{Value, json};
    use probity_check::testing::{TestHost, assert_schema_matches};

    const HEALTHY: Option<Status> = Some(Status::Healthy);
    const DEGRADED: Option<Status> = Some(Status::Degraded);
    const DOWN: Option<Status> = Some(Status::Unhealthy);

    fn run(peers: [Option<Status>; 3], mut config: Value) -> Outcome {
        let mut host = TestHost::new();
        for (name, status) in ["a", "b", "c"].into_iter().zip(peers) {
            host = host.peer(name, &["all"], status);
        }
        config["group"] = "all".into();
        host.run::<Composite>(config).unwrap()
    }

    #[test]
    fn schema_matches_the_configuration() {
        assert_schema_matches::<Composite>();
    }

    // All, any and a quorum, over checks that are up and down.
    #[test]
    fn requirement_is_counted() {
        let status = |peers, require: Value| run(peers, json!({ "require": require })).status;
        let one_down = [HEALTHY, HEALTHY, DOWN];
        assert_eq!(status(one_down, json!("all")), Status::Unhealthy);
        assert_eq!(status(one_down, json!("any")), Status::Healthy);
        assert_eq!(status(one_down, json!(2)), Status::Healthy);
        assert_eq!(status(one_down, json!(3)), Status::Unhealthy);
        assert_eq!(status([DOWN, DOWN, DOWN], json!("any")), Status::Unhealthy);
    }

    // A quorum that only stands because some still work is degraded, and the message names who is not well.
    #[test]
    fn working_is_less_than_healthy() {
        let outcome = run([HEALTHY, DEGRADED, DOWN], json!({"require": 2}));
        assert_eq!(
            (outcome.status, outcome.message.as_str()),
            (Status::Degraded, "1 of 3 healthy, 2 needed: c unhealthy, b degraded")
        );
    }

    // A check without a conclusion counts as the operator says, by default as degraded.
    #[test]
    fn unknown_counts_as_told() {
        let status = |said: Value| run([HEALTHY, HEALTHY, None], said).status;
        assert_eq!(status(json!({})), Status::Degraded);
        assert_eq!(status(json!({"on-unknown": "unhealthy"})), Status::Unhealthy);
        assert_eq!(status(json!({"on-unknown": "healthy"})), Status::Healthy);
        assert_eq!(status(json!({"on-unknown": "ignore"})), Status::Healthy);
    }

    // A check that is named and in the group counts once, and the composite itself never.
    #[test]
    fn each_counts_once_and_itself_never() {
        let host = TestHost::new().check_id("sum").peer("a", &["all"], HEALTHY).peer("sum", &["all"], DOWN);
        let outcome = host.run::<Composite>(json!({"group": "all", "checks": ["a"]})).unwrap();
        assert_eq!(outcome.message, "1 of 1 healthy, 1 needed");
    }

    // Nothing to count is no judgement, and neither is a check that does not exist.
    #[test]
    fn nothing_to_count_is_a_failure() {
        let empty = TestHost::new().run::<Composite>(json!({}));
        assert!(matches!(empty, Err(Failure::InvalidConfig(text)) if text.starts_with("at /checks")));
        assert!(matches!(TestHost::new().run::<Composite>(json!({"group": "none"})), Err(Failure::Other(_))));
        let missing = TestHost::new().run::<Composite>(json!({"checks": ["gone"]}));
        assert!(matches!(missing, Err(Failure::Capability(error)) if error.kind == ErrorKind::NotFound));
    }
}
