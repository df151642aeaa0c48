//! Schemas of plugins: what they refuse, in which words, and what a hostile one costs.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn here(schema: &Value) -> Result<Schema, String> {
    Schema::new(&schema.to_string(), Arc::default())
}

/// Definitions of which each refers to the next one twice.
fn doubling(levels: usize) -> Value {
    let mut definitions = serde_json::Map::new();
    for level in 0..levels {
        let next = json!({ "$ref": format!("#/$defs/d{}", level + 1) });
        definitions.insert(format!("d{level}"), json!({ "allOf": [next, next] }));
    }
    definitions.insert(format!("d{levels}"), json!({ "type": "object" }));
    json!({ "$defs": definitions, "$ref": "#/$defs/d0" })
}

// The schemas of the checks that come with the host, and of the examples, are small work.
#[test]
fn schemas_of_real_checks_are_evaluated_here() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut seen = 0;
    for dir in ["plugins", "examples/database", "examples/quickstart"] {
        for entry in fs::read_dir(root.join(dir)).unwrap() {
            let file = entry.unwrap().path().join("schema.json");
            let Ok(text) = fs::read_to_string(&file) else { continue };
            let schema = Schema::new(&text, Arc::default()).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
            assert!(schema.here.is_some());
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen} schemas were found");
}

// What Rust's derive writes is small work, too.
#[test]
fn derived_schemas_are_evaluated_here() {
    #[derive(schemars::JsonSchema)]
    #[allow(dead_code, reason = "only its schema is of interest")]
    struct Config {
        /// Where.
        url: String,
        limit: Option<u32>,
        mode: Mode,
        parts: std::collections::BTreeMap<String, Vec<Part>>,
    }
    #[derive(schemars::JsonSchema)]
    #[allow(dead_code, reason = "only its schema is of interest")]
    enum Mode {
        Fast,
        Slow { seconds: f64 },
    }
    #[derive(schemars::JsonSchema)]
    #[allow(dead_code, reason = "only its schema is of interest")]
    struct Part {
        name: String,
    }
    let schema = serde_json::to_value(schemars::schema_for!(Config)).unwrap();
    assert!(bounded::size(&schema).is_some(), "{schema}");
}

// Schemas that are small on disk and endless work are never begun in the host's process.
#[test]
fn endless_schemas_are_not_evaluated_here() {
    let nested = (0..8).fold(json!({}), |inner, _| {
        json!({ "anyOf": [inner.clone(), { "unevaluatedProperties": false }], "unevaluatedProperties": inner })
    });
    let many: serde_json::Map<String, Value> =
        (0..1_500).map(|at| (format!("(a|b|{at})*"), json!({ "minLength": at }))).collect();
    let circle = json!({ "$defs": { "a": { "anyOf": [{ "$ref": "#/$defs/a" }, { "$ref": "#/$defs/a" }] } }, "$ref": "#/$defs/a" });
    let itself = json!({ "properties": { "a": { "$ref": "#" } } });
    let deep = (0..100).fold(json!({}), |inner, _| json!({ "not": inner }));
    for schema in [
        doubling(40),
        circle,
        itself,
        deep,
        nested,
        json!({ "patternProperties": many }),
        json!({ "$dynamicRef": "#a" }),
        json!({ "$id": "http://example.org/a", "$ref": "b" }),
        json!({ "$schema": "http://example.org/meta" }),
        json!({ "pattern": "a".repeat(257) }),
        json!({ "enum": vec![0; 5_000] }),
        json!({ "properties": { "a": { "$defs": {}, "items": { "unheardOf": {} } } } }),
    ] {
        assert_eq!(bounded::size(&schema), None, "{schema:.200}");
        // And without another process it is refused rather than begun.
        let why = here(&schema).err().unwrap();
        assert!(why.contains("no process"), "{why}");
    }
    assert!(bounded::size(&doubling(5)).is_some());
}

// Patterns are matched without backtracking; what cannot be is refused with a word about it.
#[test]
fn patterns_do_not_backtrack() {
    let slow = here(&json!({ "properties": { "a": { "pattern": "^(a|a|aa)*$" } } })).unwrap();
    let start = Instant::now();
    assert!(slow.refuse(&json!({ "a": format!("{}b", "a".repeat(10_000)) })).is_some());
    assert!(start.elapsed() < Duration::from_secs(2));
    for pattern in ["^(?=a)", r"^(a*)\1$", r"^[\p{L}]{1,900}$"] {
        let why = here(&json!({ "pattern": pattern })).err().unwrap();
        assert!(why.contains("without backtracking"), "{why}");
    }
}

// What is said about a configuration is short and on one line, whatever stands in it and in the schema.
#[test]
fn problems_are_cut_and_cleaned() {
    let long = "x\n\u{1b}[31m".repeat(1_000);
    let schema = here(&json!({ "properties": { "a": { "enum": [long] }, "b": false }, "additionalProperties": false }));
    let said = schema
        .unwrap()
        .refuse(&json!({ "a": long.replace('x', "y"), "b": 1, (long.as_str()): 1, "d": 2 }))
        .unwrap()
        .to_string();
    assert!(
        said.to_string().len() <= (PROBLEM_BYTES_MAX + 2) * PROBLEMS_MAX && !said.contains(['\n', '\u{1b}']),
        "{said}"
    );
    let why = here(&json!({ "type": long })).err().unwrap();
    assert!(why.len() <= PROBLEM_BYTES_MAX && !why.contains('\u{1b}'), "{why}");
}

// What is wrong is said of the key that it is wrong with, with the nearest key or value, and with examples in place of patterns.
#[test]
fn problems_are_told_as_they_were_typed() {
    let schema = here(&json!({
        "additionalProperties": false,
        "required": ["name"],
        "properties": {
            "name": { "type": "string" },
            "unpaid": { "$ref": "#/$defs/bounds" },
            "oldest": { "$ref": "#/$defs/duration" },
            "size": { "anyOf": [{ "type": "integer" }, { "type": "string", "pattern": "^[0-9]+([KMGT]iB|[KMGT]?B)$" }] },
            "mode": { "enum": ["fast", "slow"] },
            "method": { "pattern": "^[A-Z]+$", "examples": ["GET", "POST"] },
            "path": { "pattern": "^/" },
        },
        "$defs": {
            "bounds": {
                "additionalProperties": false,
                "properties": { "warn": { "type": "number" }, "crit": { "type": "number" } },
                "x-threshold": "at-most",
            },
            "duration": { "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$" },
        },
    }))
    .unwrap();
    let told = |mut config: Value| {
        config["name"] = json!("a");
        let problems = schema.refuse(&config).unwrap();
        let first = problems.iter().next().unwrap();
        (first.pointer.clone(), first.message.clone())
    };
    for (config, pointer, message) in [
        (json!({ "unpiad": 1 }), "/unpiad", "unknown key; did you mean `unpaid`?"),
        (json!({ "unpaid": { "wran": 1 } }), "/unpaid/wran", "unknown key; did you mean `warn`?"),
        (json!({ "unpaid": { "x/y": 1 } }), "/unpaid/x~1y", "unknown key; there are `crit`, `warn`"),
        (
            json!({ "oldest": "15 minutes" }),
            "/oldest",
            "\"15 minutes\" does not fit; durations read `250ms`, `15s`, `5m`",
        ),
        (json!({ "size": "32 MB" }), "/size", "\"32 MB\" does not fit; sizes read `512KiB`, `32MiB`, `5GiB`"),
        (json!({ "mode": "fsat" }), "/mode", "\"fsat\" is no value of it; did you mean \"fast\"?"),
        (json!({ "mode": 7 }), "/mode", "7 is no value of it; there are `fast`, `slow`"),
        (json!({ "method": "get" }), "/method", "\"get\" does not fit; write it like `GET`, `POST`"),
        (json!({ "path": "a" }), "/path", "\"a\" does not match \"^/\""),
        (
            json!({ "unpaid": { "warn": 5, "crit": 2 } }),
            "/unpaid/warn",
            "`warn` 5 is never reached before `crit` 2: `warn` must be at most `crit`",
        ),
    ] {
        assert_eq!(told(config.clone()), (pointer.to_owned(), message.to_owned()), "{config}");
    }
    let missing = schema.refuse(&json!({})).unwrap();
    assert_eq!(missing.to_string(), "config: `name` is missing");
}

// A pattern and a long text are no small work either, however small the pattern.
#[test]
fn long_texts_are_not_matched_here() {
    let schema = here(&json!({ "properties": { "a": { "pattern": "(a|b){90}c" } } })).unwrap();
    assert_eq!(schema.refuse(&json!({ "a": "a".repeat(1_000) + "c" })), None);
    let said = schema.refuse(&json!({ "a": "a".repeat(STEPS_MAX as usize) })).unwrap().to_string();
    assert!(said.contains("no process"), "{said}");
}

// A large configuration against a large schema is no longer small work.
#[test]
fn large_products_are_not_evaluated_here() {
    let properties: serde_json::Map<String, Value> =
        (0..500).map(|at| (format!("p{at}"), json!({ "type": "string" }))).collect();
    let schema = here(&json!({ "items": { "properties": properties } })).unwrap();
    assert_eq!(schema.refuse(&json!([{}, {}])), None);
    let said = schema.refuse(&Value::Array(vec![json!({}); 1_000])).unwrap().to_string();
    assert!(said.contains("no process"), "{said}");
}

/// Schemas of all that counts as bounded, a few levels deep, with definitions that refer to later ones.
fn schemas() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(true)),
        Just(json!({ "type": "string", "pattern": "^(a|b)*c{2,5}$" })),
        Just(json!({ "minLength": 3, "maxLength": 1 })),
        Just(json!({ "enum": ["a", "b", 1, null] })),
        Just(json!({ "type": ["object", "array"], "minProperties": 2, "uniqueItems": true })),
        (0..4_usize).prop_map(|at| json!({ "$ref": format!("#/$defs/d{at}") })),
    ];
    let one = leaf.prop_recursive(4, 60, 4, |inner| {
        prop_oneof![
            (prop::sample::select(vec!["anyOf", "oneOf", "allOf"]), prop::collection::vec(inner.clone(), 1..4))
                .prop_map(|(key, of)| json!({ key: of })),
            (
                prop::sample::select(vec!["not", "items", "contains", "additionalProperties", "propertyNames"]),
                inner.clone()
            )
                .prop_map(|(key, of)| json!({ key: of })),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| json!({ "if": a, "then": b, "else": c })),
            prop::collection::btree_map("[ab]", inner.clone(), 0..3)
                .prop_map(|of| json!({ "properties": of.clone(), "patternProperties": of })),
        ]
    });
    prop::collection::vec(one, 5).prop_map(|parts| {
        // Each definition may refer to those after it; what refers back is not bounded and not begun.
        let mut parts = parts.into_iter();
        let root = parts.next().unwrap_or_default();
        let definitions: serde_json::Map<String, Value> =
            parts.enumerate().map(|(at, part)| (format!("d{at}"), part)).collect();
        let mut schema = json!({ "allOf": [root] });
        schema["$defs"] = Value::Object(definitions);
        schema
    })
}

fn configs() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![Just(json!("a")), Just(json!("abacc")), Just(json!(1)), Just(json!(null))];
    leaf.prop_recursive(4, 80, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::btree_map("[abc]{1,2}", inner, 0..6).prop_map(|fields| json!(fields)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
    // A schema that counts as bounded is judged within a second against whatever counts as small with it.
    #[test]
    fn bounded_schemas_end(schema in schemas(), config in configs()) {
        let start = Instant::now();
        if let Some(size) = bounded::size(&schema)
            && size.steps(&config) <= STEPS_MAX
        {
            if let Ok(validator) = compile(&schema, Some(PATTERN_BYTES_MAX)) {
                let said = problems(&schema, &validator, &config);
                prop_assert!(said.is_none_or(|said| said.to_string().len() <= (PROBLEM_BYTES_MAX + 2) * PROBLEMS_MAX));
            }
            prop_assert!(start.elapsed() < Duration::from_secs(1), "{schema} {config}");
        }
    }
}
