//! Whether a check's JSON Schema says what its configuration type does.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{Check, Failure, config};

/// A key that no configuration has; an error about it lists the keys there are.
const NO_SUCH_KEY: &str = "?";

/// Panics, saying where, unless schema, example and configuration type agree.
///
/// The schema must be a valid JSON Schema (2020-12) of an object that is
/// closed (`additionalProperties: false`) over exactly the type's fields. Both
/// must accept the example, and judge alike each document made from it by
/// leaving out one key or giving it a value of another shape. The type needs
/// `deny_unknown_fields`.
///
/// # Panics
/// When they disagree, or there is no schema or no example.
pub fn assert_schema_matches<C: Check>() {
    let metadata = C::describe();
    let schema: Value = parse(&metadata.config_schema, "config_schema");
    let example: Value = parse(&metadata.config_example, "config_example");
    let validator = jsonschema::draft202012::new(&schema).expect("config_schema is a JSON Schema");
    assert_eq!(schema["additionalProperties"], json!(false), "config_schema must be closed");
    let properties: BTreeSet<String> = keys(&schema["properties"]);
    assert_eq!(properties, fields::<C::Config>(), "properties of config_schema, fields of the type");
    let accepts = |document: &Value| {
        let by_type = fits::<C::Config>(document);
        assert_eq!(
            validator.is_valid(document),
            by_type.is_ok(),
            "schema and type disagree on {document}: the schema says {:?}, the type {by_type:?}",
            validator.validate(document).map_err(|error| error.to_string()),
        );
        by_type
    };
    accepts(&example).unwrap_or_else(|failure| panic!("config_example {example}: {failure}"));
    for key in keys(&example) {
        let mut without = example.clone();
        without.as_object_mut().expect("the example is an object").remove(&key);
        drop(accepts(&without));
        let mut misshapen = example.clone();
        misshapen[&key] = json!({ NO_SUCH_KEY: 1 });
        let refused = accepts(&misshapen);
        assert!(refused.is_err(), "{key} accepts any shape: {misshapen}");
    }
}

fn parse(text: &Option<String>, what: &str) -> Value {
    let text = text.as_ref().unwrap_or_else(|| panic!("describe() gives no {what}"));
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{what}: {error}"))
}

fn keys(object: &Value) -> BTreeSet<String> {
    object.as_object().map(|object| object.keys().cloned().collect()).unwrap_or_default()
}

fn fits<T: DeserializeOwned>(document: &Value) -> Result<(), Failure> {
    config::parse::<T>(&document.to_string()).map(drop)
}

/// The fields of a configuration type, as serde's complaint about a key that is not one lists them.
fn fields<T: DeserializeOwned>() -> BTreeSet<String> {
    let complaint = match fits::<T>(&json!({ NO_SUCH_KEY: 1 })) {
        Err(failure) => failure.to_string(),
        Ok(()) => {
            panic!("the configuration type accepts unknown keys: add #[serde(deny_unknown_fields)]")
        }
    };
    let (_, listed) = complaint.split_once("expected").unwrap_or_default();
    listed.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}
