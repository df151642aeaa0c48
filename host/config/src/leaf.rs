//! What the value of a key can be: how it is read, what a message says it should have been, and its JSON Schema.
//!
//! Bounds are part of the type, so that check, message, schema and reference cannot disagree.

use std::marker::PhantomData;
use std::time::Duration;

use probity_core::check::{OnUnknown, Probe, Severity, Window};
use serde_json::json;

use super::cx::{At, Cx, Leaf};
use super::errors::{Fault, listed, nearest};
use super::tree::{Node, NodeId, Value};
use super::units;
use crate::{Details, SecretPlace, Verify};

/// Any text.
pub(super) struct Text;

impl Leaf for Text {
    type Value = String;

    fn expected() -> String {
        "a string in quotes".to_owned()
    }

    fn read(cx: &mut Cx<'_>, id: NodeId) -> Option<String> {
        let text = cx.text(id);
        if text.is_none() {
            cx.mismatch::<Self>(id, "");
        }
        text
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "string" })
    }
}

/// `true` or `false`.
pub(super) struct Bool;

impl Leaf for Bool {
    type Value = bool;

    fn expected() -> String {
        "`true` or `false`, without quotes".to_owned()
    }

    fn read(cx: &mut Cx<'_>, id: NodeId) -> Option<bool> {
        let value = match &cx.tree.node(id).value {
            Value::Bool(value) => Some(*value),
            Value::Text { typed, filled } if typed.contains("${") => filled.trim().parse().ok(),
            _ => None,
        };
        if value.is_none() {
            cx.mismatch::<Self>(id, "");
        }
        value
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "boolean" })
    }
}

/// A whole number within bounds.
pub(super) struct Int<const MIN: u64, const MAX: u64>;

impl<const MIN: u64, const MAX: u64> Leaf for Int<MIN, MAX> {
    type Value = u64;

    fn expected() -> String {
        format!("a whole number from {} to {}", units::format_number(MIN), units::format_number(MAX))
    }

    fn read(cx: &mut Cx<'_>, id: NodeId) -> Option<u64> {
        let value = cx.integer(id).and_then(|value| u64::try_from(value).ok());
        let value = value.filter(|value| (MIN..=MAX).contains(value));
        if value.is_none() {
            cx.mismatch::<Self>(id, "");
        }
        value
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}

/// A duration within bounds, both in milliseconds.
pub(super) struct Time<const MIN_MS: u64, const MAX_MS: u64>;

impl<const MIN_MS: u64, const MAX_MS: u64> Leaf for Time<MIN_MS, MAX_MS> {
    type Value = Duration;

    fn expected() -> String {
        format!("a duration from {} to {}, such as \"250ms\", \"15s\" or \"1h30m\"", time(MIN_MS), time(MAX_MS))
    }

    fn read(cx: &mut Cx<'_>, id: NodeId) -> Option<Duration> {
        let Some(text) = cx.text(id) else {
            let unquoted = if cx.integer(id).is_some() { ": the unit is missing" } else { "" };
            cx.mismatch::<Self>(id, unquoted);
            return None;
        };
        match units::parse_duration(&text) {
            Ok(value) if (Duration::from_millis(MIN_MS)..=Duration::from_millis(MAX_MS)).contains(&value) => {
                Some(value)
            }
            Ok(_) => {
                cx.mismatch::<Self>(id, ": out of bounds");
                None
            }
            Err(why) => {
                cx.mismatch::<Self>(id, &cx.detail(id, why));
                None
            }
        }
    }

    fn schema() -> serde_json::Value {
        json!({
            "type": "string", "pattern": "^([0-9]+(d|h|m|s|ms))+$",
            "x-kind": "duration", "x-minimum": time(MIN_MS), "x-maximum": time(MAX_MS),
        })
    }
}

/// A size within bounds, both in bytes.
pub(super) struct Bytes<const MIN: u64, const MAX: u64>;

impl<const MIN: u64, const MAX: u64> Leaf for Bytes<MIN, MAX> {
    type Value = u64;

    fn expected() -> String {
        let (min, max) = (units::format_size(MIN), units::format_size(MAX));
        format!("a size from {min} to {max}, such as \"64KiB\" or \"32MiB\", or a number of bytes")
    }

    fn read(cx: &mut Cx<'_>, id: NodeId) -> Option<u64> {
        let read = match (cx.integer(id), cx.text(id)) {
            (Some(bytes), _) => u64::try_from(bytes).map_err(|_| String::new()),
            (None, Some(text)) => units::parse_size(&text).map_err(|why| cx.detail(id, why)),
            (None, None) => Err(String::new()),
        };
        match read {
            Ok(bytes) if (MIN..=MAX).contains(&bytes) => return Some(bytes),
            Ok(_) => cx.mismatch::<Self>(id, ": out of bounds"),
            Err(detail) => cx.mismatch::<Self>(id, &detail),
        }
        None
    }

    fn schema() -> serde_json::Value {
        json!({
            "type": ["string", "integer"], "pattern": "^[0-9]+(B|KiB|MiB|GiB)$", "minimum": MIN, "maximum": MAX,
            "x-kind": "size", "x-minimum": units::format_size(MIN), "x-maximum": units::format_size(MAX),
        })
    }
}

/// One of a closed set of words.
pub(super) trait Words: Copy + 'static {
    /// The words and what they mean.
    const WORDS: &'static [(&'static str, Self)];
}

impl Words for Details {
    const WORDS: &'static [(&'static str, Self)] =
        &[("never", Self::Never), ("authorized", Self::Authorized), ("always", Self::Always)];
}

impl Words for Verify {
    const WORDS: &'static [(&'static str, Self)] =
        &[("full", Self::Full), ("chain", Self::Chain), ("none", Self::None)];
}

impl Words for SecretPlace {
    const WORDS: &'static [(&'static str, Self)] = &[("header", Self::Header), ("body", Self::Body)];
}

impl Words for Severity {
    const WORDS: &'static [(&'static str, Self)] =
        &[("critical", Self::Critical), ("warning", Self::Warning), ("info", Self::Info)];
}

impl Words for Probe {
    const WORDS: &'static [(&'static str, Self)] =
        &[("live", Self::Live), ("ready", Self::Ready), ("startup", Self::Startup)];
}

impl Words for OnUnknown {
    const WORDS: &'static [(&'static str, Self)] =
        &[("healthy", Self::Healthy), ("degraded", Self::Degraded), ("unhealthy", Self::Unhealthy)];
}

/// A word of `T`.
pub(super) struct Word<T>(PhantomData<T>);

impl<T: Words> Leaf for Word<T> {
    type Value = T;

    fn expected() -> String {
        format!("one of {}", listed(T::WORDS.iter().map(|(word, _)| *word)))
    }

    fn read(cx: &mut Cx<'_>, id: NodeId) -> Option<T> {
        let text = cx.text(id);
        let found = text.as_deref().and_then(|text| T::WORDS.iter().find(|(word, _)| *word == text));
        if found.is_none() {
            let near = text.as_deref().and_then(|text| nearest(text, T::WORDS.iter().map(|(word, _)| *word)));
            let hint = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
            cx.mismatch::<Self>(id, &hint);
        }
        found.map(|(_, value)| *value)
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "string", "enum": T::WORDS.iter().map(|(word, _)| word).collect::<Vec<_>>() })
    }
}

/// An array of `T`, at most `MAX` of them.
pub(super) struct List<T, const MAX: usize>(PhantomData<T>);

impl<T: Leaf, const MAX: usize> Leaf for List<T, MAX> {
    type Value = Vec<At<T::Value>>;

    fn expected() -> String {
        format!("an array in brackets, at most {MAX} long, each {}", T::expected())
    }

    fn read(cx: &mut Cx<'_>, id: NodeId) -> Option<Self::Value> {
        let tree = cx.tree;
        let Value::Array(elements) = &tree.node(id).value else {
            cx.mismatch::<Self>(id, "");
            return None;
        };
        if elements.len() > MAX {
            cx.mismatch::<Self>(id, &format!(" of {}", elements.len()));
            return None;
        }
        Some(elements.iter().filter_map(|id| Some(At { value: T::read(cx, *id)?, id: *id })).collect())
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "array", "items": T::schema(), "maxItems": MAX })
    }
}

/// A table of any names to `T`, at most `MAX` of them.
pub(super) struct Map<T, const MAX: usize>(PhantomData<T>);

impl<T: Leaf, const MAX: usize> Leaf for Map<T, MAX> {
    type Value = Vec<(String, At<T::Value>)>;

    fn expected() -> String {
        format!("a table of at most {MAX} names, each with {}", T::expected())
    }

    fn read(cx: &mut Cx<'_>, id: NodeId) -> Option<Self::Value> {
        let tree = cx.tree;
        match &tree.node(id).value {
            Value::Table(table) if table.len() <= MAX => Some(
                table
                    .iter()
                    .filter_map(|(name, id)| Some((name.clone(), At { value: T::read(cx, *id)?, id: *id })))
                    .collect(),
            ),
            _ => {
                cx.mismatch::<Self>(id, "");
                None
            }
        }
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "object", "additionalProperties": T::schema(), "maxProperties": MAX })
    }
}

/// `3`, or `{ failures = 3, of = 5 }`.
pub(super) struct Threshold;

impl Leaf for Threshold {
    type Value = Window;

    fn expected() -> String {
        "a number from 1 to 64, or `{ failures = 3, of = 5 }` with 1 <= failures <= of <= 64".to_owned()
    }

    fn read(cx: &mut Cx<'_>, id: NodeId) -> Option<Window> {
        let byte = |cx: &Cx<'_>, id| cx.integer(id).and_then(|value| u8::try_from(value).ok()).unwrap_or(0);
        let tree = cx.tree;
        let window = match &tree.node(id).value {
            Value::Table(table) if table.len() == 2 => {
                let part = |name| table.get(name).map_or(0, |id| byte(cx, *id));
                Window { failures: part("failures"), of: part("of") }
            }
            _ => Window::consecutive(byte(cx, id)),
        };
        let right = window.failures >= 1 && window.failures <= window.of && window.of <= 64;
        if !right {
            cx.mismatch::<Self>(id, "");
        }
        right.then_some(window)
    }

    fn schema() -> serde_json::Value {
        let count = json!({ "type": "integer", "minimum": 1, "maximum": 64 });
        json!({ "anyOf": [count, {
            "type": "object", "properties": { "failures": count, "of": count },
            "required": ["failures", "of"], "additionalProperties": false,
        }], "x-kind": "number or `{ failures, of }`" })
    }
}

/// A table handed on as JSON, at most `MAX` bytes of it.
pub(super) struct Json<const MAX: usize>;

impl<const MAX: usize> Leaf for Json<MAX> {
    type Value = serde_json::Value;

    fn expected() -> String {
        format!("a table of at most {MAX} bytes as JSON")
    }

    fn read(cx: &mut Cx<'_>, id: NodeId) -> Option<serde_json::Value> {
        let tree = cx.tree;
        let node = tree.node(id);
        if !matches!(node.value, Value::Table(_)) {
            cx.mismatch::<Self>(id, "");
            return None;
        }
        let before = cx.faults.len();
        let value = json_of(cx, node)?;
        if value.to_string().len() > MAX {
            cx.mismatch::<Self>(id, ": too large");
        }
        (cx.faults.len() == before).then_some(value)
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "object", "x-kind": "table" })
    }
}

fn json_of(cx: &mut Cx<'_>, node: &Node) -> Option<serde_json::Value> {
    let tree = cx.tree;
    Some(match &node.value {
        Value::Text { filled, .. } => filled.as_str().into(),
        Value::Integer(value) => (*value).into(),
        Value::Bool(value) => (*value).into(),
        Value::Datetime(value) => value.as_str().into(),
        Value::Float(value) => match serde_json::Number::from_f64(*value) {
            Some(number) => serde_json::Value::Number(number),
            None => {
                let fault = Fault::at(node.place, format!("`{value}` cannot be handed on as JSON"));
                cx.faults.push(fault.help("use a finite number or a string"));
                return None;
            }
        },
        Value::Array(elements) => elements.iter().filter_map(|id| json_of(cx, tree.node(*id))).collect(),
        Value::Table(table) => {
            let members = table.iter().filter_map(|(name, id)| Some((name.clone(), json_of(cx, tree.node(*id))?)));
            serde_json::Value::Object(members.collect())
        }
        Value::Broken => return None,
    })
}

fn time(ms: u64) -> String {
    units::format_duration(Duration::from_millis(ms))
}
