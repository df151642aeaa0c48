//! Keys of `[check.config]`.

use probity_check::prelude::*;
use probity_check::serde_json::Value as Json;
use probity_check::units::Number;
use serde::{Deserialize, Deserializer, de};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Config {
    #[serde(deserialize_with = "not_empty")]
    pub(crate) connection: String,
    #[serde(default)]
    pub(crate) mode: Mode,
    #[serde(default)]
    pub(crate) latency: AtMost<Span>,
    #[serde(default, deserialize_with = "some_not_empty")]
    pub(crate) query: Option<String>,
    #[serde(default, deserialize_with = "params")]
    pub(crate) params: Vec<sql::Value>,
    #[serde(default)]
    pub(crate) at_most: AtMost<Number>,
    #[serde(default)]
    pub(crate) at_least: AtLeast<Number>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) equals: Option<Json>,
    #[serde(default)]
    pub(crate) on_null: Option<OnNull>,
    #[serde(default = "lag_default")]
    pub(crate) lag: AtMost<Span>,
    #[serde(default = "used_default")]
    pub(crate) used_percent: AtMost,
    #[serde(default = "table_default", deserialize_with = "table")]
    pub(crate) table: String,
    #[serde(default, deserialize_with = "column")]
    pub(crate) column: Option<String>,
    #[serde(default, deserialize_with = "some_not_empty")]
    pub(crate) expect: Option<String>,
    #[serde(default = "count_default", deserialize_with = "count")]
    pub(crate) count: u32,
}

/// What is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mode {
    #[default]
    Ping,
    Query,
    ReplicationLag,
    Connections,
    Migrations,
}

/// What a null is: an aggregate over no rows gives one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OnNull {
    Healthy,
    Degraded,
    Unhealthy,
}

impl OnNull {
    pub(crate) const fn status(self) -> Status {
        match self {
            Self::Healthy => Status::Healthy,
            Self::Degraded => Status::Degraded,
            Self::Unhealthy => Status::Unhealthy,
        }
    }
}

impl Config {
    /// Whether the value of `query` has to be a number.
    pub(crate) fn is_bounded(&self) -> bool {
        self.at_most != AtMost::default() || self.at_least != AtLeast::default()
    }

    /// What belongs together.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.on_null.is_some() && self.mode != Mode::Query {
            return Err(Failure::invalid_config("/on-null", "only mode `query` has a value that may be null"));
        }
        match (self.mode, &self.query) {
            (Mode::Query, None) => Err(Failure::invalid_config("/query", "mode `query` needs a statement")),
            (Mode::Query, Some(_)) | (_, None) => Ok(()),
            (_, Some(_)) => Err(Failure::invalid_config("/query", "only mode `query` has a statement")),
        }
    }
}

fn lag_default() -> AtMost<Span> {
    AtMost::new(Span::from_ms(30_000), Span::from_ms(5 * 60_000))
}

fn used_default() -> AtMost {
    AtMost::new(80.0, 95.0)
}

fn table_default() -> String {
    "schema_migrations".to_owned()
}

fn count_default() -> u32 {
    1
}

fn not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() { Err(de::Error::custom("must not be empty")) } else { Ok(text) }
}

fn some_not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    not_empty(deserializer).map(Some)
}

fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let count = u32::deserialize(deserializer)?;
    if (1..=1_000_000).contains(&count) { Ok(count) } else { Err(de::Error::custom("from 1 to 1000000")) }
}

/// Names go into the statement as they are, so they are plain ones.
fn column<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let name = String::deserialize(deserializer)?;
    if is_plain(&name) { Ok(Some(name)) } else { Err(de::Error::custom("a name of letters, digits and `_`")) }
}

fn table<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    let plain = name.split('.').all(is_plain) && name.split('.').count() <= 2;
    if plain { Ok(name) } else { Err(de::Error::custom("`TABLE` or `SCHEMA.TABLE`, of letters, digits and `_`")) }
}

fn is_plain(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn scalar<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
    match Json::deserialize(deserializer)? {
        value @ (Json::String(_) | Json::Number(_) | Json::Bool(_)) => Ok(Some(value)),
        _ => Err(de::Error::custom("a text, a number, `true` or `false`")),
    }
}

fn params<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<sql::Value>, D::Error> {
    let values = Vec::<Json>::deserialize(deserializer)?;
    if values.len() > 100 {
        return Err(de::Error::custom("at most 100"));
    }
    let values = values.into_iter().map(|value| match value {
        Json::Null => Ok(sql::Value::Null),
        Json::Bool(value) => Ok(value.into()),
        Json::String(text) => Ok(text.into()),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(value), _) => Ok(value.into()),
            (None, Some(value)) => Ok(value.into()),
            (None, None) => Err(de::Error::custom("a number that fits 64 bits")),
        },
        Json::Array(_) | Json::Object(_) => Err(de::Error::custom("texts, numbers, `true`, `false` or null")),
    });
    values.collect()
}
