//! From a JSON document to a configuration type, with the path of what does not fit.
//!
//! The document is parsed once, then walked by one small deserializer: the
//! path costs nothing until something is wrong, and a component carries no
//! copy of the JSON parser for each configuration type.

use std::fmt;

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, Expected, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, Visitor,
};
use serde_json::{Map, Value};

use crate::Failure;

/// Parses a configuration document; nothing at all counts as an empty table.
pub(crate) fn parse<T: DeserializeOwned>(document: &str) -> Result<T, Failure> {
    let document = if document.trim().is_empty() { "{}" } else { document };
    let value: Value = serde_json::from_slice(document.as_bytes())
        .map_err(|error| Failure::invalid_config("/", format_args!("not a JSON document: {error}")))?;
    T::deserialize(Node(&value)).map_err(|error| Failure::invalid_config(&error.pointer(), &error.reason))
}

/// What does not fit, and where.
#[derive(Debug)]
struct Misfit {
    /// Keys and indices from the value up to the root.
    path: Vec<String>,
    reason: String,
}

impl Misfit {
    fn inside(mut self, key: &str) -> Self {
        self.path.push(key.replace('~', "~0").replace('/', "~1"));
        self
    }

    /// The path as a JSON pointer, `/` for the document itself.
    fn pointer(&self) -> String {
        if self.path.is_empty() {
            return "/".to_owned();
        }
        self.path.iter().rev().fold(String::new(), |pointer, key| pointer + "/" + key)
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Misfit {}

impl de::Error for Misfit {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self { path: Vec::new(), reason: reason.to_string() }
    }
}

/// Every number is read alike; its visitor knows what fits.
macro_rules! numbers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
            self.deserialize_f64(visitor)
        })*
    };
}

/// A value of the document.
#[derive(Clone, Copy)]
struct Node<'de>(&'de Value);

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(_) => self.deserialize_f64(visitor),
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(_) => self.deserialize_seq(visitor),
            Value::Object(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::Bool(value) => visitor.visit_bool(*value),
            other => Err(mismatch(other, &visitor)),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let Value::Number(number) = self.0 else { return Err(mismatch(self.0, &visitor)) };
        match (number.as_u64(), number.as_i64()) {
            (Some(value), _) => visitor.visit_u64(value),
            (None, Some(value)) => visitor.visit_i64(value),
            (None, None) => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::String(text) => visitor.visit_borrowed_str(text),
            other => Err(mismatch(other, &visitor)),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::Array(values) => visitor.visit_seq(Items { values: values.iter(), index: 0 }),
            other => Err(mismatch(other, &visitor)),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::Object(entries) => visitor.visit_map(Entries::of(entries)),
            other => Err(mismatch(other, &visitor)),
        }
    }

    numbers! { deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
    deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32 }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    /// Only from a table: serde would also take a list of the fields' values.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.deserialize_map(visitor)
    }

    /// A case is its name, or a table with its name as the only key.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::String(text) => visitor.visit_enum(StrDeserializer::new(text)),
            Value::Object(entries) => visitor.visit_enum(MapAccessDeserializer::new(Entries::of(entries))),
            _ => self.deserialize_any(visitor),
        }
    }

    serde::forward_to_deserialize_any! {
        char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

/// Why a value is not what was expected, once for all types: the component
/// carries one such function and not one for each visitor.
fn mismatch(value: &Value, expected: &dyn Expected) -> Misfit {
    let found = match value {
        Value::Null => Unexpected::Unit,
        Value::Bool(value) => Unexpected::Bool(*value),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(value), _) => Unexpected::Unsigned(value),
            (None, Some(value)) => Unexpected::Signed(value),
            (None, None) => Unexpected::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => Unexpected::Str(text),
        Value::Array(_) => Unexpected::Seq,
        Value::Object(_) => Unexpected::Map,
    };
    de::Error::invalid_type(found, expected)
}

impl<'de> IntoDeserializer<'de, Misfit> for Node<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

struct Items<'de> {
    values: std::slice::Iter<'de, Value>,
    index: usize,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Misfit;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Misfit> {
        let Some(value) = self.values.next() else { return Ok(None) };
        let item = seed.deserialize(Node(value)).map_err(|misfit| misfit.inside(&self.index.to_string()));
        self.index += 1;
        item.map(Some)
    }
}

struct Entries<'de> {
    entries: serde_json::map::Iter<'de>,
    /// The entry whose key was read last.
    current: Option<(&'de str, &'de Value)>,
}

impl<'de> Entries<'de> {
    fn of(entries: &'de Map<String, Value>) -> Self {
        Self { entries: entries.iter(), current: None }
    }
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Misfit;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Misfit> {
        self.current = self.entries.next().map(|(key, value)| (key.as_str(), value));
        match self.current {
            Some((key, _)) => seed.deserialize(StrDeserializer::new(key)).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Misfit> {
        let (key, value) = self.current.ok_or_else(|| de::Error::custom("a value was asked for before its key"))?;
        seed.deserialize(Node(value)).map_err(|misfit| misfit.inside(key))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;
    use crate::AtMost;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "kebab-case")]
    enum Mode {
        Fast,
        Slow(u8),
        Fixed { ms: u32 },
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields, default)]
    struct Config {
        targets: Vec<AtMost>,
        headers: BTreeMap<String, String>,
        mode: Option<Mode>,
        ratio: f64,
        small: i8,
    }

    fn refused(document: &str) -> String {
        parse::<Config>(document).unwrap_err().to_string()
    }

    // Every shape of JSON reaches its field.
    #[test]
    fn documents_are_read() {
        let config: Config =
            parse(r#"{"targets":[{"warn":1},{}],"headers":{"a":"b"},"mode":{"slow":3},"ratio":2,"small":-4}"#).unwrap();
        assert_eq!(config.targets, [AtMost { warn: Some(1.0), crit: None }, AtMost::default()]);
        assert_eq!(
            (config.headers["a"].as_str(), config.mode, config.ratio, config.small),
            ("b", Some(Mode::Slow(3)), 2.0, -4)
        );
        let mode = |document| parse::<Config>(document).unwrap().mode;
        assert_eq!(mode(r#"{"mode":"fast"}"#), Some(Mode::Fast));
        assert_eq!(mode(r#"{"mode":{"fixed":{"ms":7}}}"#), Some(Mode::Fixed { ms: 7 }));
        assert_eq!(mode(r#"{"mode":null}"#), None);
    }

    // A value of the wrong type is named by its path, whose special characters are escaped.
    #[test]
    fn misfits_are_named_by_path() {
        let text = refused(r#"{"targets":[{"warn":1},{"warn":"x"}]}"#);
        assert_eq!(text, "invalid config: at /targets/1/warn: invalid type: string \"x\", expected f64");
        let text = refused(r#"{"headers":{"a/b~c":1}}"#);
        assert!(text.starts_with("invalid config: at /headers/a~1b~0c: invalid type: integer `1`"), "{text}");
        assert!(refused(r#"{"small":300}"#).starts_with("invalid config: at /small: invalid value"));
        assert!(refused(r#"{"mode":"swift"}"#).contains("/mode: unknown variant `swift`, expected one of `fast`"));
    }

    // An unknown key is named, with the table it is in and what was allowed there.
    #[test]
    fn unknown_keys_are_named() {
        let text = refused(r#"{"target":[]}"#);
        assert!(text.contains("at /: unknown field `target`, expected one of `targets`, `headers`"), "{text}");
        let text = refused(r#"{"targets":[{"worn":1}]}"#);
        assert!(text.contains("at /targets/0: unknown field `worn`"), "{text}");
    }

    // What is not one JSON document is invalid configuration too.
    #[test]
    fn broken_documents_are_refused() {
        assert!(refused("{").starts_with("invalid config: at /: not a JSON document: EOF"));
        assert!(refused("{} {}").contains("trailing characters"));
        assert!(refused("[]").contains("at /: invalid"), "{}", refused("[]"));
    }

    // No document at all is an empty table: every key then has its default.
    #[test]
    fn nothing_is_an_empty_table() {
        assert_eq!(parse::<Config>("").unwrap(), Config::default());
    }
}
