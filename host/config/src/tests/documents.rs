//! The schema, the reference and the document in the repository say what the code does.

use std::path::Path;

use serde_json::{Map, Value};

use super::super::reference::EXAMPLE;
use super::super::{Config, reference, schema};
use super::{good, read};

// docs/configuration.md is what the types say. PROBITY_BLESS=1 writes it.
#[test]
fn document_equals_the_reference() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    if std::env::var_os("PROBITY_BLESS").is_some() {
        std::fs::write(&path, reference()).expect("docs is writable");
    }
    let document = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(document == reference(), "docs/configuration.md is stale: run this test with PROBITY_BLESS=1");
}

// The example in the document is a valid file without warnings.
#[test]
fn example_is_valid() {
    let config = good(EXAMPLE);
    assert!(config.checks.contains_key("orders-backlog"));
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
}

fn defaults_of(root: &Value, table: &Value, into: &mut Map<String, Value>) {
    let table = table["$ref"].as_str().and_then(|path| root.pointer(&path[1..])).unwrap_or(table);
    for (key, property) in table["properties"].as_object().into_iter().flatten() {
        if let Some(default) = property.get("default") {
            into.insert(key.clone(), default.clone());
        }
        let mut below = Map::new();
        if key != "check" {
            defaults_of(root, property, &mut below);
        }
        if !below.is_empty() {
            into.insert(key.clone(), below.into());
        }
    }
}

// Writing out every default that the reference states changes nothing.
#[test]
fn stated_defaults_are_the_real_ones() {
    let root = schema();
    let mut file = Map::new();
    defaults_of(&root, &root, &mut file);
    assert!(file["limits"]["fuel"].is_number() && file["server"]["listen"].is_string());
    let stated = good(&toml::to_string(&Value::Object(file)).expect("defaults are TOML"));
    let none = Config::default_in(Path::new("conf"));
    let shown = |config: Config| {
        let defaults = super::super::Defaults { timeout_is_set: false, ..config.defaults };
        format!("{:#?}", Config { files: Vec::new(), fingerprint: Vec::new(), defaults, ..config })
    };
    assert_eq!(shown(stated), shown(none));
}

// The defaults of one check that the reference states are the real ones, too.
#[test]
fn stated_defaults_of_a_check_are_the_real_ones() {
    let root = schema();
    let mut check = Map::new();
    defaults_of(&root, &root["properties"]["check"]["items"], &mut check);
    check.remove("limits");
    check.insert("name".to_owned(), "a".into());
    let file = serde_json::json!({ "check": [check] });
    let mut stated = good(&toml::to_string(&file).expect("defaults are TOML"));
    let none = good("[[check]]\nname = \"a\"");
    // Only one of them has a table of its own that stands somewhere.
    stated.checks.get_mut("a").expect("a check").places = none.checks["a"].places.clone();
    assert_eq!(format!("{:?}", stated.checks), format!("{:?}", none.checks));
}

// The schema is valid, accepts the example and rejects unknown keys and values out of bounds.
#[test]
fn schema_agrees_with_the_parser() {
    let validator = jsonschema::draft202012::new(&schema()).expect("the schema is valid");
    let accepted = |text: &str| validator.is_valid(&toml::from_str::<Value>(text).expect("TOML"));
    assert!(accepted(EXAMPLE));
    for text in [
        "[server]\nlisten = 5",
        "[server]\nlisen = \"127.0.0.1:80\"",
        "[limits]\nfuel = 0",
        "[limits]\nmemory = \"32MB\"",
        "[[check]]\nname = \"a\"\nunhealthy-after = { failures = 3 }",
        "[[check]]\nname = \"A\"",
        "[[check]]\nevery = \"1s\"",
        "[[check]]\nname = \"a\"\nseverity = \"high\"",
    ] {
        assert!(!accepted(text) && read(text).is_err(), "{text}");
    }
}

// Every key has a meaning in the reference.
#[test]
fn every_key_is_described() {
    fn visit(value: &Value, path: &str) {
        for (key, property) in value["properties"].as_object().into_iter().flatten() {
            let described = property["description"].is_string() || property["$ref"].is_string();
            assert!(described || property["anyOf"].is_array(), "{path}.{key}");
        }
    }
    let root = schema();
    visit(&root, "");
    for (name, table) in root["$defs"].as_object().expect("tables") {
        visit(table, name);
        assert!(table["description"].is_string(), "{name}");
    }
}
