//! Rules for the values of a JSON document, as `http` and `json-api` read them from configuration.

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use crate::threshold::Judge;
use crate::units::Number;
use crate::{AtLeast, AtMost, Outcome, Status};

/// How much of an unexpected text a message quotes, in characters.
const QUOTE_MAX_CHARS: usize = 80;

/// What is asked of the value at a JSON pointer. A value that is missing, or not what was asked for, is unhealthy;
/// numbers have thresholds.
///
/// ```
/// use probity_check::json::Rule;
/// use probity_check::{Outcome, Status};
/// use serde_json::json;
///
/// let rule: Rule = serde_json::from_value(json!({"pointer": "/queue", "at-most": {"warn": 100}})).unwrap();
/// let outcome = rule.judge(Outcome::healthy("fine"), &json!({"queue": 101}));
/// assert_eq!((outcome.status, outcome.message.as_str()), (Status::Degraded, "/queue 101, more than 100"));
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rule {
    /// Where: `/items/0/state`; `""` is the whole document.
    #[serde(deserialize_with = "pointer")]
    pub pointer: String,
    /// The value must be this, `null` included.
    #[serde(default, deserialize_with = "some")]
    pub equals: Option<Value>,
    /// The value must be a text that contains this, or a list with this element.
    #[serde(default)]
    pub contains: Option<String>,
    /// Whether there must be a value, `null` included, or must be none.
    #[serde(default)]
    pub exists: Option<bool>,
    /// The value must be a number: more than this is degraded, or unhealthy.
    #[serde(default)]
    pub at_most: AtMost<Number>,
    /// The value must be a number: less than this is degraded, or unhealthy.
    #[serde(default)]
    pub at_least: AtLeast<Number>,
}

impl Rule {
    /// Adds what `document` breaks to `outcome`, and the value as a measurement where it is judged as a number.
    #[must_use]
    pub fn judge(&self, outcome: Outcome, document: &Value) -> Outcome {
        let pointer = &self.pointer;
        let Some(value) = document.pointer(pointer) else {
            return match self.exists {
                Some(false) => outcome,
                _ => outcome.finding(Status::Unhealthy, &format!("JSON has no {pointer}")),
            };
        };
        let shown = || shorten(&value.to_string());
        if self.exists == Some(false) {
            return outcome.finding(Status::Unhealthy, &format!("{pointer} is {}, expected nothing", shown()));
        }
        let mut outcome = outcome;
        if let Some(expected) = self.equals.as_ref().filter(|expected| *expected != value) {
            let finding = format!("{pointer} is {}, expected {}", shown(), shorten(&expected.to_string()));
            outcome = outcome.finding(Status::Unhealthy, &finding);
        }
        if let Some(part) = self.contains.as_ref().filter(|part| !contains(value, part)) {
            let finding = format!("{pointer} is {}, expected to contain {}", shown(), quote(part));
            outcome = outcome.finding(Status::Unhealthy, &finding);
        }
        if self.is_numeric() { self.judge_number(outcome, value) } else { outcome }
    }

    fn is_numeric(&self) -> bool {
        self.at_most != AtMost::default() || self.at_least != AtLeast::default()
    }

    fn judge_number(&self, outcome: Outcome, value: &Value) -> Outcome {
        let pointer = &self.pointer;
        let Some(number) = Number::of_json(value) else {
            let finding = format!("{pointer} is {}, expected a number", shorten(&value.to_string()));
            return outcome.finding(Status::Unhealthy, &finding);
        };
        // One measurement, two judgements: the other side has no bounds, or both apply.
        let below = self.at_least.complaint_exact(number, "").map(|complaint| format!("{pointer} {complaint}"));
        let outcome = outcome.judge_exact(pointer, number, "", &self.at_most);
        match below {
            Some(finding) => outcome.finding(self.at_least.judge_exact(number), &finding),
            None => outcome,
        }
    }
}

fn contains(value: &Value, part: &str) -> bool {
    match value {
        Value::String(text) => text.contains(part),
        Value::Array(items) => items.iter().any(|item| item == part),
        _ => false,
    }
}

/// A text in quotes, its start if it is long.
pub fn quote(text: &str) -> String {
    format!("{:?}", shorten(text))
}

/// The start of a text, with `…` where it goes on.
pub fn shorten(text: &str) -> String {
    match text.char_indices().nth(QUOTE_MAX_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A value that is there, `null` included: `equals = null` asks for a null.
fn some<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// A JSON pointer: empty, or starting with a slash. For `#[serde(deserialize_with)]`.
///
/// # Errors
/// Anything else, with the correction.
pub fn pointer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
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
    use serde_json::json;

    fn verdict(rule: Value, document: &Value) -> (Status, String) {
        let rule: Rule = serde_json::from_value(rule).unwrap();
        let outcome = rule.judge(Outcome::healthy("fine"), document);
        (outcome.status, outcome.message)
    }

    // Each kind of rule accepts what it names and tells what it found instead.
    #[test]
    fn rules_tell_what_they_found() {
        let document = json!({"state": "ready", "tags": ["a", "b"], "n": 5, "none": null});
        for (rule, finding) in [
            (json!({"pointer": "/state", "equals": "ready"}), "fine"),
            (json!({"pointer": "/state", "equals": "down"}), "/state is \"ready\", expected \"down\""),
            (json!({"pointer": "/none", "equals": null}), "fine"),
            (json!({"pointer": "/state", "contains": "read"}), "fine"),
            (json!({"pointer": "/tags", "contains": "b"}), "fine"),
            (json!({"pointer": "/tags", "contains": "c"}), "/tags is [\"a\",\"b\"], expected to contain \"c\""),
            (json!({"pointer": "/none", "exists": true}), "fine"),
            (json!({"pointer": "/gone", "exists": false}), "fine"),
            (json!({"pointer": "/gone"}), "JSON has no /gone"),
            (json!({"pointer": "/n", "exists": false}), "/n is 5, expected nothing"),
            (json!({"pointer": "/state", "at-least": {"crit": 1}}), "/state is \"ready\", expected a number"),
        ] {
            let (status, message) = verdict(rule.clone(), &document);
            assert_eq!(message, finding, "{rule}");
            assert_eq!(status == Status::Healthy, finding == "fine", "{rule}");
        }
    }

    // Numbers have thresholds on both sides.
    #[test]
    fn numbers_are_judged() {
        let rule = json!({"pointer": "", "at-most": {"warn": 10, "crit": 20}, "at-least": {"warn": 2, "crit": 1}});
        let status = |number: i32| verdict(rule.clone(), &json!(number)).0;
        assert_eq!([5, 11, 21].map(status), [Status::Healthy, Status::Degraded, Status::Unhealthy]);
        assert_eq!([1, 0].map(status), [Status::Degraded, Status::Unhealthy]);
    }

    // Integers are compared as integers, by thresholds and by `equals`.
    #[test]
    fn large_integers_are_told_apart() {
        let document: Value = serde_json::from_str(r#"{"id": 9007199254740993}"#).unwrap();
        let large = |key: &str| json!({"pointer": "/id", key: {"crit": 9_007_199_254_740_992_i64}});
        assert_eq!(verdict(large("at-most"), &document).0, Status::Unhealthy);
        assert_eq!(verdict(large("at-least"), &document).0, Status::Healthy);
        let equals = |pointer: &str, value: Value| verdict(json!({"pointer": pointer, "equals": value}), &document).0;
        assert_eq!(equals("/id", json!(9_007_199_254_740_993_i64)), Status::Healthy);
        assert_eq!(equals("/id", json!(9_007_199_254_740_992_i64)), Status::Unhealthy);
        assert_eq!(equals("/id", json!(9_007_199_254_740_992.0)), Status::Unhealthy);
    }

    // A long text does not flood the message.
    #[test]
    fn quotes_are_short() {
        assert_eq!(shorten(&"ä".repeat(100)).chars().count(), QUOTE_MAX_CHARS + 1);
    }
}
