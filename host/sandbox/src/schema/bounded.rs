//! Which schemas are known to be small work.
//!
//! Without references each part of a schema meets each part of a configuration at most once. References that lead to
//! definitions of the same document, and never back, are as if the definition stood in their place; so the size of a
//! schema with its references unfolded, times that of the configuration, bounds the steps, the memory for errors, and with
//! its depth the stack. Keywords that look at what others evaluated, or that lead elsewhere, break that, and so may those
//! that nobody here has thought through: only known ones count as bounded.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// Nodes of a schema with its references unfolded. Those of real checks have some hundred.
const NODES_MAX: u64 = 4_096;

/// Levels of it. Real ones have some ten.
const DEPTH_MAX: usize = 48;

/// Patterns in it, and bytes of each.
const PATTERNS_MAX: u64 = 64;
const PATTERN_TEXT_BYTES_MAX: usize = 256;

/// Bytes of text that count as a node.
const BYTES_PER_NODE: u64 = 64;

/// What a schema, or a part of it, amounts to with its references unfolded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Size {
    nodes: u64,
    patterns: u64,
    depth: usize,
}

impl Size {
    fn add(&mut self, part: Self) {
        self.nodes = self.nodes.saturating_add(part.nodes);
        self.patterns = self.patterns.saturating_add(part.patterns);
        self.depth = self.depth.max(part.depth + 1);
    }

    /// Steps that a configuration takes at most: each node of the schema looks at each node of it, and each pattern at
    /// each byte.
    pub(super) fn steps(self, config: &Value) -> u64 {
        let nodes = self.nodes.saturating_mul(nodes(config));
        nodes.saturating_add(self.patterns.saturating_mul(text_bytes(config)))
    }

    const fn fits(self) -> bool {
        self.nodes <= NODES_MAX && self.patterns <= PATTERNS_MAX && self.depth <= DEPTH_MAX
    }
}

/// The size of a schema that is bounded.
pub(super) fn size(schema: &Value) -> Option<Size> {
    let mut walk = Walk { root: schema, known: HashMap::new(), depth: 0 };
    let size = walk.schema(schema, true)?;
    size.fits().then_some(size)
}

/// The nodes of a value; long text counts as several.
fn nodes(value: &Value) -> u64 {
    let text = |text: &str| text.len() as u64 / BYTES_PER_NODE;
    1 + match value {
        Value::String(string) => text(string),
        Value::Array(items) => items.iter().map(nodes).sum(),
        Value::Object(fields) => fields.iter().map(|(key, value)| text(key) + nodes(value)).sum(),
        _ => 0,
    }
}

/// Bytes of text in a value, keys included.
fn text_bytes(value: &Value) -> u64 {
    match value {
        Value::String(string) => string.len() as u64,
        Value::Array(items) => items.iter().map(text_bytes).sum(),
        Value::Object(fields) => fields.iter().map(|(key, value)| key.len() as u64 + text_bytes(value)).sum(),
        _ => 0,
    }
}

struct Walk<'a> {
    root: &'a Value,
    /// Definitions by pointer; none for one that is being looked at, which is how a circle is found.
    known: HashMap<&'a str, Option<Size>>,
    /// Levels above the part that is being looked at.
    depth: usize,
}

impl<'a> Walk<'a> {
    fn schema(&mut self, schema: &'a Value, is_root: bool) -> Option<Size> {
        if self.depth > DEPTH_MAX {
            return None;
        }
        self.depth += 1;
        let size = self.fields(schema, is_root);
        self.depth -= 1;
        size
    }

    fn fields(&mut self, schema: &'a Value, is_root: bool) -> Option<Size> {
        let mut size = Size { nodes: 1, ..Size::default() };
        let fields = match schema {
            Value::Bool(_) => return Some(size),
            Value::Object(fields) => fields,
            _ => return None,
        };
        for (key, value) in fields {
            size.add(self.keyword(key, value, is_root)?);
            // Before it goes deeper, so that no more is walked than is allowed.
            if !size.fits() {
                return None;
            }
        }
        Some(size)
    }

    fn keyword(&mut self, key: &str, value: &'a Value, is_root: bool) -> Option<Size> {
        match key {
            "$ref" => self.reference(value.as_str()?),
            "$schema" if is_root => value.as_str().filter(|uri| is_draft(uri)).map(|_| Size::default()),
            "$defs" | "definitions" if is_root => self.definitions(value.as_object()?),
            "properties" | "dependentSchemas" => self.each(value.as_object()?.values()),
            "patternProperties" => {
                let schemas = value.as_object()?;
                let mut size = self.each(schemas.values())?;
                for pattern in schemas.keys() {
                    size.add(is_short(pattern)?);
                }
                Some(size)
            }
            "pattern" => is_short(value.as_str()?),
            "allOf" | "anyOf" | "oneOf" | "prefixItems" => self.each(value.as_array()?.iter()),
            "items" if value.is_array() => self.each(value.as_array()?.iter()),
            "items"
            | "additionalItems"
            | "additionalProperties"
            | "contains"
            | "propertyNames"
            | "not"
            | "if"
            | "then"
            | "else" => self.each(std::iter::once(value)),
            "format" => value.as_str().filter(|format| *format != "regex").map(|_| Size::default()),
            key => is_data(key).then(|| Size { nodes: nodes(value), ..Size::default() }),
        }
    }

    fn each(&mut self, schemas: impl Iterator<Item = &'a Value>) -> Option<Size> {
        let mut size = Size::default();
        for schema in schemas {
            size.add(self.schema(schema, false)?);
            if !size.fits() {
                return None;
            }
        }
        Some(size)
    }

    /// Definitions count when they are referred to; each must be bounded by itself.
    fn definitions(&mut self, definitions: &'a Map<String, Value>) -> Option<Size> {
        let mut size = Size::default();
        for definition in definitions.values() {
            let own = self.schema(definition, false)?;
            size.add(Size { nodes: nodes(definition), patterns: own.patterns, depth: own.depth });
            if !size.fits() {
                return None;
            }
        }
        Some(size)
    }

    fn reference(&mut self, to: &str) -> Option<Size> {
        let (table, name) = to
            .strip_prefix("#/$defs/")
            .map(|name| ("$defs", name))
            .or_else(|| to.strip_prefix("#/definitions/").map(|name| ("definitions", name)))?;
        // A pointer that goes on, or that is written with escapes, is left to who resolves it.
        if name.is_empty() || name.contains(['/', '~', '%']) {
            return None;
        }
        let (key, definition) = self.root.get(table)?.as_object()?.get_key_value(name)?;
        // One name in both tables would be one entry.
        if table == "definitions" && self.root.get("$defs").is_some() {
            return None;
        }
        match self.known.get(key.as_str()) {
            Some(known) => *known,
            None => {
                self.known.insert(key, None);
                let size = self.schema(definition, false)?;
                self.known.insert(key, Some(size));
                Some(size)
            }
        }
    }
}

fn is_short(pattern: &str) -> Option<Size> {
    (pattern.len() <= PATTERN_TEXT_BYTES_MAX).then_some(Size { nodes: 1, patterns: 1, depth: 0 })
}

/// Keywords whose value holds no schema.
fn is_data(key: &str) -> bool {
    const KNOWN: [&str; 24] = [
        "$comment",
        "const",
        "default",
        "dependentRequired",
        "deprecated",
        "description",
        "enum",
        "examples",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "maxContains",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minContains",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "multipleOf",
        "required",
        "title",
        "type",
    ];
    KNOWN.binary_search(&key).is_ok()
        || ["uniqueItems", "readOnly", "writeOnly"].contains(&key)
        || key.starts_with("x-")
}

/// The drafts that are known without a look elsewhere.
fn is_draft(uri: &str) -> bool {
    const DRAFTS: [&str; 5] = [
        "http://json-schema.org/draft-04/schema",
        "http://json-schema.org/draft-06/schema",
        "http://json-schema.org/draft-07/schema",
        "https://json-schema.org/draft/2019-09/schema",
        "https://json-schema.org/draft/2020-12/schema",
    ];
    DRAFTS.contains(&uri.strip_suffix('#').unwrap_or(uri))
}
