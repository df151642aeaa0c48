//! Hostile plugins that are too large, or too regular, to be written down.

use serde::Deserialize;
use serde_json::{Value, json};
use wasm_encoder::{
    Component, ComponentImportSection, ComponentSectionId, ComponentTypeRef, ComponentTypeSection, Encode,
    PrimitiveValType,
};

use crate::guests;

/// What is made, and how much of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Made {
    /// Of what kind.
    pub kind: Kind,
    /// How many, how deep, how long.
    pub count: usize,
    /// Bytes of each name, where there are names.
    #[serde(default)]
    pub bytes: usize,
}

/// The generators.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A component in a component in a component.
    NestedComponents,
    /// Empty components side by side.
    ManyComponents,
    /// Imports of functions that nobody offers, with names of `bytes` bytes.
    ManyImports,
    /// A guest that traps in a function with a name of so many bytes.
    LongName,
    /// A guest that traps in so many functions, each of which has a C++ name that stands for 2^40 characters.
    NestedName,
    /// A schema whose `$ref`s double at each of so many levels.
    DoublingReferences,
    /// So many `unevaluatedProperties` within each other, each beside two alternatives.
    Unevaluated,
    /// So many patterns, each of which is small and becomes large.
    ManyPatterns,
    /// A schema that is recursive in two ways at once; the check's configuration decides how deep that goes.
    RecursiveAlternatives,
    /// A schema of so many alternatives that all say what is wrong.
    ManyErrors,
    /// So many brackets as a schema.
    DeepJson,
    /// A schema longer than so many bytes.
    LongSchema,
}

impl Made {
    /// The bytes of the plugin's file.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let count = self.count;
        match self.kind {
            Kind::NestedComponents => nested_components(count),
            Kind::ManyComponents => many_components(count),
            Kind::ManyImports => many_imports(count, self.bytes),
            Kind::LongName => traps_in(&["a".repeat(count)]),
            Kind::NestedName => traps_in(&vec![nested_name(); count]),
            Kind::DoublingReferences => with_schema(&doubling_references(count).to_string()),
            Kind::Unevaluated => with_schema(&unevaluated(count).to_string()),
            Kind::ManyPatterns => with_schema(&many_patterns(count).to_string()),
            Kind::RecursiveAlternatives => with_schema(&recursive_alternatives(count).to_string()),
            Kind::ManyErrors => with_schema(&many_errors(count).to_string()),
            Kind::DeepJson => with_schema(&"[".repeat(count)),
            Kind::LongSchema => with_schema(&json!({ "description": "x".repeat(count) }).to_string()),
        }
    }
}

/// A healthy guest with this `config-schema`, whatever it is.
///
/// # Panics
/// When the text does not make a guest: a mistake here.
#[must_use]
pub fn with_schema(schema: &str) -> Vec<u8> {
    const AT: u32 = 64 << 10;
    let pages = 2 + schema.len() / (64 << 10);
    let length = u32::try_from(schema.len()).expect("a schema of the tests is small");
    let option: Vec<u8> = [1, AT, length].into_iter().flat_map(u32::to_le_bytes).collect();
    let fields = format!(
        "(memory (export \"memory\") {pages}) (data (i32.const {AT}) {}) (data (i32.const 108) {})",
        quoted(schema.as_bytes()),
        quoted(&option)
    );
    guests::encode(&fields).unwrap_or_else(|error| panic!("{error}"))
}

fn quoted(bytes: &[u8]) -> String {
    let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
    format!("\"{escaped}\"")
}

/// Sizes first, from the innermost outwards, so that a million levels take no square of time.
fn nested_components(depth: usize) -> Vec<u8> {
    const HEADER: [u8; 8] = Component::HEADER;
    let mut sizes = vec![HEADER.len()];
    for _ in 1..depth.max(1) {
        let inner = sizes.last().copied().unwrap_or_default();
        sizes.push(HEADER.len() + 1 + leb(inner).len() + inner);
    }
    let mut bytes = HEADER.to_vec();
    for inner in sizes.iter().rev().skip(1) {
        bytes.push(ComponentSectionId::Component.into());
        bytes.extend(leb(*inner));
        bytes.extend(HEADER);
    }
    bytes
}

fn leb(value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.encode(&mut bytes);
    bytes
}

fn many_components(count: usize) -> Vec<u8> {
    let mut bytes = Component::HEADER.to_vec();
    for _ in 0..count {
        bytes.push(ComponentSectionId::Component.into());
        Component::HEADER.as_slice().encode(&mut bytes);
    }
    bytes
}

fn many_imports(count: usize, bytes: usize) -> Vec<u8> {
    let mut types = ComponentTypeSection::new();
    types.function().params([("a", PrimitiveValType::U32)]).result(None);
    let mut imports = ComponentImportSection::new();
    for number in 0..count {
        let name = format!("n{number}");
        let name = format!("{name}{}", "x".repeat(bytes.saturating_sub(name.len())));
        imports.import(name.as_str(), ComponentTypeRef::Func(0));
    }
    let mut component = Component::new();
    component.section(&types).section(&imports);
    component.finish()
}

/// A guest whose `run` calls functions of these names, the last of which traps.
fn traps_in(names: &[String]) -> Vec<u8> {
    let mut text = "(func $run (export \"probity:check/checker@0.1.0#run\") (param i32 i32) (result i32)
        (call $f0) (i32.const 192))\n"
        .to_owned();
    for (at, name) in names.iter().enumerate() {
        let body = if at + 1 < names.len() { format!("(call $f{})", at + 1) } else { "unreachable".to_owned() };
        text += &format!("(func $f{at} (@name {name:?}) {body})\n");
    }
    guests::encode(&text).unwrap_or_else(|error| panic!("{error}"))
}

/// `f` of a type that holds the type before it twice, forty times over.
fn nested_name() -> String {
    let mut name = "_Z1f1aIiiE".to_owned();
    for level in 0..40 {
        let inner = base36(level);
        name += &format!("S_IS{inner}_S{inner}_E");
    }
    name
}

/// The number of a substitution as the mangling has it.
fn base36(value: u32) -> String {
    let digit = |value: u32| char::from_digit(value, 36).unwrap_or('0').to_ascii_uppercase();
    if value < 36 { digit(value).to_string() } else { format!("{}{}", digit(value / 36), digit(value % 36)) }
}

fn doubling_references(levels: usize) -> Value {
    let mut defs = serde_json::Map::new();
    for level in 0..levels {
        let next = json!({ "$ref": format!("#/$defs/a{}", level + 1) });
        defs.insert(format!("a{level}"), json!({ "allOf": [next, next] }));
    }
    defs.insert(format!("a{levels}"), json!({ "type": "object" }));
    json!({ "$ref": "#/$defs/a0", "$defs": defs })
}

fn unevaluated(levels: usize) -> Value {
    (0..levels).fold(json!({ "type": "object" }), |inner, _| {
        json!({ "anyOf": [inner.clone(), { "properties": { "a": inner } }], "unevaluatedProperties": false })
    })
}

fn many_patterns(count: usize) -> Value {
    let properties = (0..count).map(|at| (format!("p{at}"), json!({ "pattern": "^(\\pL{50}){50}$" })));
    json!({ "properties": properties.collect::<serde_json::Map<_, _>>() })
}

fn recursive_alternatives(width: usize) -> Value {
    let again = json!({ "properties": { "a": { "$ref": "#" } }, "required": ["never"] });
    json!({ "anyOf": vec![again; width] })
}

fn many_errors(count: usize) -> Value {
    json!({ "enum": (0..count).map(|at| format!("a word that is not the configuration, number {at}")).collect::<Vec<_>>() })
}
