//! Thresholds whose bounds are the wrong way round, which no JSON Schema can say: `warn` beyond `crit` never warns.
//!
//! A schema marks a table of `warn` and `crit` with `"x-threshold": "at-most"`, where more is worse, or `"at-least"`.

use probity_config::{parse_duration, parse_size};
use serde_json::Value;

use super::problem::Problem;
use super::{PROBLEMS_MAX, STEPS_CHEAP};

/// Levels of a configuration, and references from one part of a schema to the next.
const DEPTH_MAX: usize = 32;

/// Adds what is out of order in `config`.
pub(super) fn check(schema: &Value, config: &Value, found: &mut Vec<Problem>) {
    let mut walk = Walk { root: schema, found, steps: 0 };
    walk.part(schema, config, "", 0);
}

struct Walk<'a> {
    root: &'a Value,
    found: &'a mut Vec<Problem>,
    steps: u64,
}

impl Walk<'_> {
    fn part(&mut self, schema: &Value, config: &Value, pointer: &str, depth: usize) {
        self.steps += 1;
        if depth > DEPTH_MAX || self.steps > STEPS_CHEAP || self.found.len() >= PROBLEMS_MAX {
            return;
        }
        // What cannot be followed is the validator's to judge.
        let root = self.root;
        let definition = |to: &str| root.pointer(to.strip_prefix('#')?);
        if let Some(definition) = schema["$ref"].as_str().and_then(definition) {
            self.part(definition, config, pointer, depth + 1);
        }
        if let Some(relation) = schema["x-threshold"].as_str() {
            self.found.extend(disordered(relation, config, pointer));
        }
        for key in ["allOf", "anyOf", "oneOf"] {
            for branch in schema[key].as_array().into_iter().flatten() {
                self.part(branch, config, pointer, depth + 1);
            }
        }
        for (key, value) in config.as_object().into_iter().flatten() {
            let of_key = schema["properties"].get(key).or_else(|| schema.get("additionalProperties"));
            if let Some(of_key) = of_key {
                let key = key.replace('~', "~0").replace('/', "~1");
                self.part(of_key, value, &format!("{pointer}/{key}"), depth + 1);
            }
        }
        for (at, value) in config.as_array().into_iter().flatten().enumerate() {
            self.part(&schema["items"], value, &format!("{pointer}/{at}"), depth + 1);
        }
    }
}

fn disordered(relation: &str, config: &Value, pointer: &str) -> Option<Problem> {
    let (warn, crit) = (config.get("warn")?, config.get("crit")?);
    let (first, last) = (amount(warn)?, amount(crit)?);
    let (wrong, right) = match relation {
        "at-most" => (first > last, "at most"),
        "at-least" => (first < last, "at least"),
        _ => return None,
    };
    let text = format!("`warn` {warn} is never reached before `crit` {crit}: `warn` must be {right} `crit`");
    wrong.then(|| Problem::at(format!("{pointer}/warn"), &text))
}

/// A number, a duration or a size.
fn amount(value: &Value) -> Option<f64> {
    let text = match value {
        Value::String(text) => text,
        other => return other.as_f64(),
    };
    let duration = parse_duration(text).ok().map(|duration| duration.as_secs_f64());
    duration.or_else(|| parse_size(text).ok().map(|bytes| bytes as f64)).or_else(|| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    // Bounds that are the wrong way round are found wherever a schema marks them, and those in order, alone, equal or of another
    // shape are not.
    #[test]
    fn bounds_have_an_order() {
        let schema = json!({
            "properties": {
                "latency": { "$ref": "#/$defs/most" },
                "free": { "x-threshold": "at-least" },
                "each": { "items": { "properties": { "age": { "anyOf": [{ "type": "string" }, { "$ref": "#/$defs/most" }] } } } },
            },
            "$defs": { "most": { "x-threshold": "at-most" } },
        });
        let pointers = |config: Value| -> Vec<String> {
            let mut found = Vec::new();
            check(&schema, &config, &mut found);
            found.into_iter().map(|problem| problem.pointer).collect()
        };
        assert_eq!(pointers(json!({ "latency": { "warn": "2m", "crit": "90s" } })), ["/latency/warn"]);
        assert_eq!(pointers(json!({ "free": { "warn": "512MiB", "crit": "1GiB" } })), ["/free/warn"]);
        assert_eq!(pointers(json!({ "each": [{}, { "age": { "warn": 2, "crit": 1 } }] })), ["/each/1/age/warn"]);
        for fine in [
            json!({ "latency": { "warn": "90s", "crit": "2m" }, "free": { "warn": 2, "crit": 1 } }),
            json!({ "latency": { "warn": "60s", "crit": "1m" } }),
            json!({ "latency": { "warn": "5m" }, "free": { "crit": 7 }, "each": [{ "age": "1m" }] }),
            json!({ "latency": { "warn": true, "crit": "1m" }, "free": 3, "other": { "warn": 2, "crit": 1 } }),
        ] {
            assert!(pointers(fine.clone()).is_empty(), "{fine}");
        }
    }

    // A schema that leads in circles is not followed for ever.
    #[test]
    fn circles_end() {
        let schema = json!({ "$ref": "#/$defs/a", "$defs": { "a": { "allOf": [{ "$ref": "#/$defs/a" }, { "$ref": "#/$defs/a" }] } } });
        let mut found = Vec::new();
        check(&schema, &json!({}), &mut found);
        assert!(found.is_empty());
    }
}
