//! Keys of `[check.config]`.

use std::collections::BTreeMap;
use std::fmt;

use probity_sdk::prelude::*;
use probity_sdk::serde_json::Value;
use serde::de::{self, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

/// The check's configuration; schema.json documents each key.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Config {
    #[serde(deserialize_with = "not_empty")]
    pub(crate) url: String,
    #[serde(default, deserialize_with = "some_not_empty")]
    pub(crate) endpoint: Option<String>,
    #[serde(default = "method_default", deserialize_with = "method")]
    pub(crate) method: String,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) body: Option<String>,
    #[serde(default)]
    pub(crate) timeout: Option<Span>,
    #[serde(default, deserialize_with = "max_redirects")]
    pub(crate) max_redirects: u32,
    #[serde(default = "status_default", deserialize_with = "status")]
    pub(crate) status: Vec<Codes>,
    #[serde(default)]
    pub(crate) expect_headers: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "texts")]
    pub(crate) contains: Vec<String>,
    #[serde(default, deserialize_with = "texts")]
    pub(crate) excludes: Vec<String>,
    #[serde(default)]
    pub(crate) json: Vec<JsonRule>,
    #[serde(default)]
    pub(crate) latency: AtMost<Span>,
    #[serde(default = "certificate_default")]
    pub(crate) certificate_days: AtLeast,
}

/// What is asked of one value in a JSON body.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct JsonRule {
    #[serde(deserialize_with = "pointer")]
    pub(crate) pointer: String,
    #[serde(default, deserialize_with = "some")]
    pub(crate) equals: Option<Value>,
    #[serde(default)]
    pub(crate) at_most: AtMost,
    #[serde(default)]
    pub(crate) at_least: AtLeast,
}

impl JsonRule {
    /// Whether the value is compared as a number.
    pub(crate) fn is_numeric(&self) -> bool {
        self.at_most != AtMost::default() || self.at_least != AtLeast::default()
    }
}

/// A range of status codes, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Codes {
    first: u16,
    last: u16,
}

impl Codes {
    pub(crate) fn contain(self, status: u16) -> bool {
        (self.first..=self.last).contains(&status)
    }

    /// `204`, or `200-299`.
    fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let codes = Self { first: code(first)?, last: code(last)? };
        (codes.first <= codes.last).then_some(codes)
    }
}

impl fmt::Display for Codes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { first, last } if first == last => write!(f, "{first}"),
            Self { first, last } => write!(f, "{first}-{last}"),
        }
    }
}

fn code(text: &str) -> Option<u16> {
    let plain = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|code| plain && (100..=599).contains(code))
}

impl<'de> Deserialize<'de> for Codes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CodesVisitor)
    }
}

struct CodesVisitor;

impl Visitor<'_> for CodesVisitor {
    type Value = Codes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a status like 204 or \"200-299\"")
    }

    fn visit_u64<E: de::Error>(self, code: u64) -> Result<Codes, E> {
        Codes::parse(&code.to_string()).ok_or_else(|| E::invalid_value(Unexpected::Unsigned(code), &self))
    }

    fn visit_str<E: de::Error>(self, range: &str) -> Result<Codes, E> {
        let codes = Codes::parse(range).filter(|_| range.contains('-'));
        codes.ok_or_else(|| E::invalid_value(Unexpected::Str(range), &self))
    }
}

fn method_default() -> String {
    "GET".to_owned()
}

fn status_default() -> Vec<Codes> {
    vec![Codes { first: 200, last: 299 }]
}

/// A renewal that failed shows up three weeks ahead; three days are an emergency.
fn certificate_default() -> AtLeast {
    AtLeast::new(21.0, 3.0)
}

fn not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() { Err(de::Error::custom("must not be empty")) } else { Ok(text) }
}

fn some_not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    not_empty(deserializer).map(Some)
}

/// A value that is there, `null` included: `equals = null` asks for a null.
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

fn max_redirects<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let max = u32::deserialize(deserializer)?;
    if max > 10 { Err(de::Error::custom(format_args!("{max} redirects are too many, at most 10"))) } else { Ok(max) }
}

fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Codes>, D::Error> {
    let codes = Vec::<Codes>::deserialize(deserializer)?;
    if codes.is_empty() { Err(de::Error::custom("name at least one status")) } else { Ok(codes) }
}

fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let has_empty = texts.iter().any(String::is_empty);
    if has_empty { Err(de::Error::custom("an empty text is in every body")) } else { Ok(texts) }
}

fn pointer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let is_pointer = text.is_empty() || text.starts_with('/');
    if is_pointer {
        Ok(text)
    } else {
        Err(de::Error::custom(format_args!("{text:?} is no JSON pointer: write /{text}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use probity_sdk::serde_json::{from_value, json};

    // A status is a code or a range of codes, in order.
    #[test]
    fn statuses_read_as_codes_and_ranges() {
        let codes = |value: Value| from_value::<Codes>(value).ok();
        assert_eq!(codes(json!(204)), Some(Codes { first: 204, last: 204 }));
        assert_eq!(codes(json!("200-299")), Some(Codes { first: 200, last: 299 }));
        for wrong in [json!("2xx"), json!("299-200"), json!(99), json!(1000), json!("-1-200"), json!(null)] {
            assert_eq!(codes(wrong.clone()), None, "{wrong}");
        }
    }
}
