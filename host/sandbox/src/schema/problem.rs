//! What is wrong with a configuration, in the words of who typed it: the key, what was near it, and examples in place of
//! patterns.

use std::fmt;

use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::{ValidationError, Validator};
use probity_config::nearest;
use probity_core::text::clean;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{PATTERN_BYTES_MAX, PROBLEM_BYTES_MAX, PROBLEMS_MAX, compile, order};

/// Keys and values that are listed where one of them was meant.
const LISTED_MAX: usize = 12;

/// One thing that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Which value, as a JSON pointer; of a key that should not be there, the key's.
    pub pointer: String,
    /// What is wrong with it. Cut and cleaned.
    pub message: String,
}

/// What is told of a configuration that does not suit, at least one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Something wrong with a configuration as a whole.
    pub(super) fn whole(message: &str) -> Self {
        Self(vec![Problem::at(String::new(), message)])
    }

    /// One by one.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            write!(f, "{}{problem}", if at > 0 { "; " } else { "" })?;
        }
        Ok(())
    }
}

impl Problem {
    pub(super) fn at(pointer: String, message: &str) -> Self {
        Self { pointer, message: clean(message, PROBLEM_BYTES_MAX / 2) }
    }
}

impl fmt::Display for Problem {
    /// `config.oldest.warn: …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = clean(&self.pointer.replace('/', "."), PROBLEM_BYTES_MAX / 2 - 10);
        write!(f, "config{place}: {}", self.message)
    }
}

/// What is wrong with `config`, if anything.
pub(super) fn problems(schema: &Value, validator: &Validator, config: &Value) -> Option<Problems> {
    let mut found = Vec::new();
    if validator.is_valid(config) {
        order::check(schema, config, &mut found);
    } else {
        for error in validator.iter_errors(config).take(PROBLEMS_MAX) {
            add(schema, &error, &mut found);
        }
    }
    found.truncate(PROBLEMS_MAX);
    (!found.is_empty()).then_some(Problems(found))
}

fn add(schema: &Value, error: &ValidationError<'_>, found: &mut Vec<Problem>) {
    let pointer = error.instance_path().to_string();
    let message = match error.kind() {
        Kind::AdditionalProperties { unexpected } => {
            let known = beside(schema, error, "properties").and_then(Value::as_object);
            let known: Vec<&str> = known.into_iter().flat_map(|known| known.keys().map(String::as_str)).collect();
            found.extend(unexpected.iter().take(PROBLEMS_MAX).map(|key| {
                let escaped = key.replace('~', "~0").replace('/', "~1");
                Problem::at(format!("{pointer}/{escaped}"), &unknown_key(key, &known))
            }));
            return;
        }
        Kind::Required { property } => format!("`{}` is missing", property.as_str().unwrap_or_default()),
        Kind::Enum { options } => none_of(error.instance(), options),
        Kind::Pattern { pattern } => misshapen(error.instance(), pattern, beside(schema, error, "examples")),
        // One of several shapes: a number or a text such as `32MiB`. What is said is about the text.
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } if error.instance().is_string() => {
            let of_text =
                |error: &&ValidationError<'_>| matches!(error.kind(), Kind::Pattern { .. } | Kind::Enum { .. });
            match context.iter().flatten().find(of_text) {
                Some(inner) => return add(schema, inner, found),
                None => error.to_string(),
            }
        }
        _ => error.to_string(),
    };
    found.push(Problem::at(pointer, &message));
}

fn unknown_key(key: &str, known: &[&str]) -> String {
    match nearest(key, known.iter().copied()) {
        Some(near) => format!("unknown key; did you mean `{near}`?"),
        None if known.is_empty() => "unknown key; there are none here".to_owned(),
        None => format!("unknown key; there are {}", listed(known.iter().copied())),
    }
}

fn none_of(value: &Value, options: &Value) -> String {
    let options: Vec<&str> = options.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    match value.as_str().and_then(|typed| nearest(typed, options.iter().copied())) {
        Some(near) => format!("{value} is no value of it; did you mean \"{near}\"?"),
        None => format!("{value} is no value of it; there are {}", listed(options.iter().copied())),
    }
}

/// Examples of the schema's own or of a kind of text that everybody writes alike; the pattern only where there are none.
fn misshapen(value: &Value, pattern: &str, examples: Option<&Value>) -> String {
    let own = examples.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let own = listed(own);
    match of_kind(pattern) {
        _ if !own.is_empty() => format!("{value} does not fit; write it like {own}"),
        Some(told) => format!("{value} does not fit; {told}"),
        None => format!("{value} does not match \"{pattern}\""),
    }
}

/// Texts that only patterns of one kind let pass, and one that they do not.
const KINDS: [(&str, [&str; 3], &str); 4] = [
    ("durations read `250ms`, `15s`, `5m`", ["250ms", "15s", "5m"], "5"),
    ("sizes read `512KiB`, `32MiB`, `5GiB`", ["512KiB", "32MiB", "5GiB"], "15s"),
    ("offsets read `+01:00`, `-08:00`", ["+01:00", "-08:00", "+00:00"], "01:00"),
    ("ranges of status codes read `200-299`", ["200-299", "200-204", "404-404"], "15-16"),
];

fn of_kind(pattern: &str) -> Option<&'static str> {
    let validator = compile(&json!({ "pattern": pattern }), Some(PATTERN_BYTES_MAX)).ok()?;
    let passes = |text: &str| validator.is_valid(&json!(text));
    let fits = |(_, texts, other): &&(&str, [&str; 3], &str)| {
        texts.iter().all(|text| passes(text)) && !passes(other) && !passes("word")
    };
    KINDS.iter().find(fits).map(|(told, ..)| *told)
}

/// The keyword beside the one that `error` is about.
fn beside<'a>(schema: &'a Value, error: &ValidationError<'_>, keyword: &str) -> Option<&'a Value> {
    let path = error.schema_path().to_string();
    schema.pointer(path.rsplit_once('/')?.0)?.get(keyword)
}

fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.take(LISTED_MAX).map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
