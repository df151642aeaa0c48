//! Keys of `[check.config]`.

use std::collections::BTreeMap;

use probity_check::http::Codes;
use probity_check::json::Rule;
use probity_check::prelude::*;
use serde::{Deserialize, Deserializer, de};

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
    pub(crate) json: Vec<Rule>,
    #[serde(default)]
    pub(crate) latency: AtMost<Span>,
    #[serde(default = "certificate_default")]
    pub(crate) certificate_days: AtLeast,
}

fn method_default() -> String {
    "GET".to_owned()
}

fn status_default() -> Vec<Codes> {
    vec![Codes::SUCCESS]
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
