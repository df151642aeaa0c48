//! Values that one step captures and later ones use, as `{{name}}`.

use std::collections::BTreeMap;
use std::fmt::Write;

use probity_check::serde_json::Value;

use crate::config::is_variable;

/// Characters of one value. A token has a few thousand at most.
const VALUE_BYTES_MAX: usize = 16 << 10;

/// Shorter values are not worth hiding, and hiding them would garble messages.
const HIDDEN_BYTES_MIN: usize = 4;

/// Values by name.
#[derive(Debug, Default)]
pub(crate) struct Variables(BTreeMap<String, Value>);

/// A piece of a template.
#[derive(Debug, PartialEq)]
enum Piece<'a> {
    Text(&'a str),
    Variable(&'a str),
}

/// Splits at `{{name}}`. What does not look like a variable is text.
fn pieces(template: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = template;
    let mut text_from = template;
    while let Some(open) = rest.find("{{") {
        let after = &rest[open + 2..];
        let found = after.find("}}").map(|close| (after[..close].trim(), &after[close + 2..]));
        match found {
            Some((name, behind)) if is_variable(name) => {
                let text = &text_from[..text_from.len() - rest.len() + open];
                pieces.extend((!text.is_empty()).then_some(Piece::Text(text)));
                pieces.push(Piece::Variable(name));
                rest = behind;
                text_from = behind;
            }
            _ => rest = after,
        }
    }
    pieces.extend((!text_from.is_empty()).then_some(Piece::Text(text_from)));
    pieces
}

/// The variables of a template.
pub(crate) fn names(template: &str) -> impl Iterator<Item = &str> {
    pieces(template).into_iter().filter_map(|piece| match piece {
        Piece::Variable(name) => Some(name),
        Piece::Text(_) => None,
    })
}

/// The variables of every text in `value`.
pub(crate) fn names_in(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => names(text).collect(),
        Value::Array(items) => items.iter().flat_map(names_in).collect(),
        Value::Object(fields) => fields.values().flat_map(names_in).collect(),
        _ => Vec::new(),
    }
}

impl Variables {
    pub(crate) fn set(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The template with its values; a variable without one is left out, which the check does not let happen.
    pub(crate) fn fill(&self, template: &str) -> String {
        self.fill_with(template, |text, filled| filled.push_str(text))
    }

    /// As [`Self::fill`]; a value is one piece of a path or query, unless the URL begins with it.
    pub(crate) fn fill_url(&self, template: &str) -> String {
        let starts_with_it = matches!(pieces(template).first(), Some(Piece::Variable(_)));
        self.fill_with(template, |text, filled| {
            if starts_with_it && filled.is_empty() {
                filled.push_str(text);
                return;
            }
            for byte in text.bytes() {
                match byte {
                    b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => filled.push(byte.into()),
                    _ => {
                        let _ = write!(filled, "%{byte:02X}");
                    }
                }
            }
        })
    }

    fn fill_with(&self, template: &str, put: impl Fn(&str, &mut String)) -> String {
        let mut filled = String::new();
        for piece in pieces(template) {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Variable(name) => put(&self.text(name), &mut filled),
            }
        }
        filled
    }

    /// Fills every text in `value`; one that is nothing but a variable becomes its value, whatever the type.
    pub(crate) fn fill_json(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => match pieces(text)[..] {
                [Piece::Variable(name)] => self.0.get(name).cloned().unwrap_or_default(),
                _ => Value::String(self.fill(text)),
            },
            Value::Array(items) => items.iter().map(|item| self.fill_json(item)).collect(),
            Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), self.fill_json(value))).collect(),
            other => other.clone(),
        }
    }

    fn text(&self, name: &str) -> String {
        self.0.get(name).map(text_of).unwrap_or_default()
    }

    /// `message` without captured values: they may be tokens, and messages are read by everybody.
    pub(crate) fn hide(&self, message: &str) -> String {
        let mut values: Vec<(&str, String)> =
            self.0.iter().map(|(name, value)| (name.as_str(), text_of(value))).collect();
        // The longest first: one value may hold another.
        values.sort_by_key(|(_, text)| std::cmp::Reverse(text.len()));
        let mut hidden = message.to_owned();
        for (name, text) in values.iter().filter(|(_, text)| text.len() >= HIDDEN_BYTES_MIN) {
            hidden = hidden.replace(text.as_str(), &format!("{{{{{name}}}}}"));
        }
        hidden
    }
}

/// Whether `value` can stand in a template.
///
/// # Errors
/// Why not.
pub(crate) fn check(value: &Value) -> Result<(), String> {
    if matches!(value, Value::Null | Value::Array(_) | Value::Object(_)) {
        return Err("is no text, number or boolean".to_owned());
    }
    let bytes = text_of(value).len();
    if bytes > VALUE_BYTES_MAX {
        return Err(format!("has {bytes} bytes, at most {VALUE_BYTES_MAX} are kept"));
    }
    Ok(())
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use probity_check::serde_json::json;

    fn variables() -> Variables {
        let mut variables = Variables::default();
        variables.set("id", json!(17));
        variables.set("token", json!("a/b c"));
        variables
    }

    // Braces that hold no variable are text.
    #[test]
    fn templates_split_at_variables() {
        assert_eq!(pieces("a{{x}}b"), [Piece::Text("a"), Piece::Variable("x"), Piece::Text("b")]);
        assert_eq!(pieces("{{ x }}{{y}}"), [Piece::Variable("x"), Piece::Variable("y")]);
        for text in ["{{", "{{}}", "{{a b}}", "{a}", "}}{{", "{\"a\":{\"b\":{}}}"] {
            assert_eq!(pieces(text), [Piece::Text(text)], "{text}");
        }
        assert_eq!(pieces("{{a b}} {{c}}"), [Piece::Text("{{a b}} "), Piece::Variable("c")]);
        assert_eq!(pieces(""), []);
    }

    // A value in a URL stays one piece of it; a URL that was captured is used as it is.
    #[test]
    fn urls_are_filled_safely() {
        assert_eq!(variables().fill_url("/orders/{{id}}?t={{token}}"), "/orders/17?t=a%2Fb%20c");
        let mut variables = variables();
        variables.set("location", json!("https://shop.test/orders/1?x=y"));
        assert_eq!(variables.fill_url("{{location}}&id={{token}}"), "https://shop.test/orders/1?x=y&id=a%2Fb%20c");
    }

    // A text that is only a variable keeps the value's type.
    #[test]
    fn json_keeps_types() {
        let filled = variables().fill_json(&json!({"id": "{{id}}", "text": "order {{id}}", "list": ["{{token}}", 1]}));
        assert_eq!(filled, json!({"id": 17, "text": "order 17", "list": ["a/b c", 1]}));
    }

    // Captured values never show, unless they are too short to be secret.
    #[test]
    fn values_are_hidden() {
        assert_eq!(variables().hide("got a/b c for 17"), "got {{token}} for 17");
    }
}
