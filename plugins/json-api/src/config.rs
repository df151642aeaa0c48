//! Keys of `[check.config]`.

use std::collections::BTreeMap;

use probity_check::http::Codes;
use probity_check::json::Rule;
use probity_check::prelude::*;
use probity_check::serde_json::{self, Value};
use serde::{Deserialize, Deserializer, de};

/// The check's configuration; schema.json documents each key.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Config {
    #[serde(default, deserialize_with = "some_not_empty")]
    pub(crate) endpoint: Option<String>,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    #[serde(deserialize_with = "steps")]
    pub(crate) steps: Vec<Step>,
    #[serde(default)]
    pub(crate) latency: AtMost<Span>,
}

/// One call of the scenario.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Step {
    #[serde(deserialize_with = "not_empty")]
    pub(crate) name: String,
    #[serde(default = "method_default", deserialize_with = "method")]
    pub(crate) method: String,
    #[serde(deserialize_with = "not_empty")]
    pub(crate) url: String,
    #[serde(default, deserialize_with = "some_not_empty")]
    pub(crate) endpoint: Option<String>,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) body: Option<String>,
    #[serde(default, deserialize_with = "some")]
    pub(crate) json: Option<Value>,
    #[serde(default)]
    pub(crate) timeout: Option<Span>,
    #[serde(default = "status_default", deserialize_with = "status")]
    pub(crate) status: Vec<Codes>,
    #[serde(default)]
    pub(crate) expect: Vec<Rule>,
    /// Variable → pointer.
    #[serde(default, deserialize_with = "capture")]
    pub(crate) capture: BTreeMap<String, String>,
    /// Measurement → pointer.
    #[serde(default, deserialize_with = "measure")]
    pub(crate) measure: BTreeMap<String, Measured>,
    #[serde(default, deserialize_with = "max_redirects")]
    pub(crate) max_redirects: u32,
    #[serde(default)]
    pub(crate) latency: AtMost<Span>,
    #[serde(default)]
    pub(crate) always: bool,
}

/// A value of the answer to be reported.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Measured {
    #[serde(deserialize_with = "probity_check::json::pointer")]
    pub(crate) pointer: String,
    #[serde(default)]
    pub(crate) unit: String,
}

fn method_default() -> String {
    "GET".to_owned()
}

fn status_default() -> Vec<Codes> {
    vec![Codes::SUCCESS]
}

fn not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() { Err(de::Error::custom("must not be empty")) } else { Ok(text) }
}

fn some_not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    not_empty(deserializer).map(Some)
}

/// A body that is there, `null` included.
fn some<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

fn method<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let method = not_empty(deserializer)?;
    let is_method = method.bytes().all(|byte| byte.is_ascii_uppercase());
    if is_method {
        Ok(method)
    } else {
        Err(de::Error::custom(format_args!("{method:?} is no method: write GET or POST")))
    }
}

fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Codes>, D::Error> {
    let codes = Vec::<Codes>::deserialize(deserializer)?;
    if codes.is_empty() { Err(de::Error::custom("name at least one status")) } else { Ok(codes) }
}

/// Steps of one scenario: each is a round trip, and the host's quota of calls is not for one check to empty.
pub(crate) const STEPS_MAX: usize = 20;

/// Results name steps, so their names differ.
fn steps<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Step>, D::Error> {
    let steps = Vec::<Step>::deserialize(deserializer)?;
    if steps.is_empty() || steps.len() > STEPS_MAX {
        return Err(de::Error::custom(format_args!("{} steps, 1 to {STEPS_MAX} are allowed", steps.len())));
    }
    for (at, step) in steps.iter().enumerate() {
        let name = &step.name;
        if steps[..at].iter().any(|other| other.name == *name) {
            return Err(de::Error::custom(format_args!("two steps are called {name:?}")));
        }
        if step.body.is_some() && step.json.is_some() {
            return Err(de::Error::custom(format_args!("step {name:?} has both `body` and `json`")));
        }
    }
    Ok(steps)
}

/// Names become series of metrics, and come after the step's.
const MEASURED_NAME_CHARS_MAX: usize = 64;

/// `name = "/pointer"`, or with a unit `name = { pointer = "/pointer", unit = "ms" }`.
fn measure<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Measured>, D::Error> {
    let typed = BTreeMap::<String, Value>::deserialize(deserializer)?;
    let one = |(name, value): (String, Value)| {
        if name.is_empty() || name.chars().count() > MEASURED_NAME_CHARS_MAX {
            return Err(de::Error::custom(format_args!(
                "a name has 1 to {MEASURED_NAME_CHARS_MAX} characters: {name:?}"
            )));
        }
        let table = if value.is_string() { serde_json::json!({ "pointer": value }) } else { value };
        let measured =
            serde_json::from_value(table).map_err(|error| de::Error::custom(format_args!("{name}: {error}")))?;
        Ok((name, measured))
    };
    typed.into_iter().map(one).collect()
}

fn max_redirects<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let max = u32::deserialize(deserializer)?;
    if max > 10 { Err(de::Error::custom(format_args!("{max} redirects are too many, at most 10"))) } else { Ok(max) }
}

fn capture<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let captures = BTreeMap::<String, String>::deserialize(deserializer)?;
    for (name, pointer) in &captures {
        if !is_variable(name) {
            return Err(de::Error::custom(format_args!("{name:?} is no variable: write letters, digits, - and _")));
        }
        if !(pointer.is_empty() || pointer.starts_with('/')) {
            return Err(de::Error::custom(format_args!("{pointer:?} is no JSON pointer: write /{pointer}")));
        }
    }
    Ok(captures)
}

/// What may stand between `{{` and `}}`.
pub(crate) fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}
