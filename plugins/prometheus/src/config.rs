//! Keys of `[check.config]`.

use std::collections::BTreeMap;

use probity_check::prelude::*;
use probity_check::units::Number;
use serde::{Deserialize, Deserializer, de};

/// The check's configuration; schema.json documents each key.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Config {
    #[serde(deserialize_with = "not_empty")]
    pub(crate) url: String,
    #[serde(default, deserialize_with = "some_not_empty")]
    pub(crate) endpoint: Option<String>,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) timeout: Option<Span>,
    #[serde(deserialize_with = "rules")]
    pub(crate) metrics: Vec<Rule>,
}

/// What is asked of the series of one metric.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Rule {
    /// What the result calls it; the metric's name when absent.
    #[serde(default, deserialize_with = "some_not_empty")]
    name: Option<String>,
    #[serde(deserialize_with = "not_empty")]
    metric: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    aggregate: Aggregate,
    #[serde(default)]
    pub(crate) rate: bool,
    #[serde(default)]
    divide_by: Option<Selector>,
    #[serde(default)]
    pub(crate) unit: String,
    #[serde(default)]
    pub(crate) missing: Verdict,
    #[serde(default)]
    pub(crate) on_null: Option<Verdict>,
    #[serde(default)]
    pub(crate) at_most: AtMost<Number>,
    #[serde(default)]
    pub(crate) at_least: AtLeast<Number>,
}

impl Rule {
    pub(crate) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.metric)
    }

    /// Whether its value has to be something.
    pub(crate) fn is_judged(&self) -> bool {
        self.bounds_above() || self.at_least != AtLeast::default()
    }

    /// Whether it may be too much.
    pub(crate) fn bounds_above(&self) -> bool {
        self.at_most != AtMost::default()
    }

    /// What is read: the series above the line, then those below it, if there is a line.
    pub(crate) fn selectors(&self) -> Vec<Selector> {
        let own = Selector { metric: self.metric.clone(), labels: self.labels.clone(), aggregate: self.aggregate };
        std::iter::once(own).chain(self.divide_by.clone()).collect()
    }
}

/// Which series, and what to make of them.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Selector {
    #[serde(deserialize_with = "not_empty")]
    pub(crate) metric: String,
    /// All of them must be there with these values; others may be there as well.
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) aggregate: Aggregate,
}

/// One number out of many series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Aggregate {
    #[default]
    Sum,
    Min,
    Max,
    Avg,
    Count,
}

/// What it means when there is nothing to judge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    Healthy,
    Degraded,
    #[default]
    Unhealthy,
}

fn not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() { Err(de::Error::custom("must not be empty")) } else { Ok(text) }
}

fn some_not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    not_empty(deserializer).map(Some)
}

/// Names are keys of the check's state and of its measurements, so they differ.
fn rules<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Rule>, D::Error> {
    let rules = Vec::<Rule>::deserialize(deserializer)?;
    if rules.is_empty() {
        return Err(de::Error::custom("name at least one metric"));
    }
    for (at, rule) in rules.iter().enumerate() {
        let name = rule.name();
        if rules[..at].iter().any(|other| other.name() == name) {
            return Err(de::Error::custom(format_args!("two metrics are called {name:?}: give one another `name`")));
        }
        if rule.on_null.is_some() && rule.divide_by.is_none() {
            return Err(de::Error::custom(format_args!(
                "{name:?}: `on-null` is for `divide-by`: else nothing is divided"
            )));
        }
        if rule.rate && rule.selectors().iter().any(|selector| selector.aggregate != Aggregate::Sum) {
            return Err(de::Error::custom(format_args!("{name:?}: the rate of anything but a sum means nothing")));
        }
    }
    Ok(rules)
}
