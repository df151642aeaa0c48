//! The tree to the structs of [`super::raw`], through serde, without ever failing.
//!
//! serde stops at the first error; an operator wants all of them. So a struct's fields are [`Key`]s, which only note
//! where their value is, and what does not fit is noted and left out: unknown keys here, values when a key is read.

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{Error as Never, StringDeserializer, U32Deserializer};
use serde::de::{DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};

use super::errors::{Fault, listed, nearest};
use super::tree::{NodeId, Tree, Value};

/// Marks a field that takes the node's id in place of its value.
const ID: &str = "$id";

/// The field of a struct that takes the id of the struct's own table.
const OWN: &str = "$own";

/// A key that may be in the file. `T` says what its value looks like: see [`super::leaf`].
pub(super) struct Key<T> {
    /// The value's node, when the key is there.
    pub(super) id: Option<NodeId>,
    leaf: PhantomData<T>,
}

impl<T> Default for Key<T> {
    fn default() -> Self {
        Self { id: None, leaf: PhantomData }
    }
}

/// The table that a struct was read from.
#[derive(Default)]
pub(super) struct Own(pub(super) Option<NodeId>);

impl<'de, T> Deserialize<'de> for Key<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(ID, IdVisitor).map(|id| Self { id: Some(id), leaf: PhantomData })
    }
}

impl<'de> Deserialize<'de> for Own {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(ID, IdVisitor).map(|id| Self(Some(id)))
    }
}

struct IdVisitor;

impl Visitor<'_> for IdVisitor {
    type Value = NodeId;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a node")
    }

    fn visit_u32<E>(self, id: u32) -> Result<NodeId, E> {
        Ok(NodeId(id))
    }
}

/// Reads the whole tree as `T`, whose every field has a default, and notes what does not fit.
pub(super) fn decode<T: for<'de> Deserialize<'de> + Default>(tree: &Tree, faults: &mut Vec<Fault>) -> T {
    let found = RefCell::new(Vec::new());
    let raw = T::deserialize(At { tree, id: Tree::ROOT, faults: &found }).unwrap_or_default();
    faults.append(&mut found.into_inner());
    raw
}

/// Keys that other tools have or older habits suggest, and what they are called here.
const OTHER_NAMES: [(&str, &str); 22] = [
    ("interval", "every"),
    ("period", "every"),
    ("periodSeconds", "every"),
    ("frequency", "every"),
    ("schedule", "cron"),
    ("tz", "timezone"),
    ("id", "name"),
    ("wasm", "plugin"),
    ("component", "plugin"),
    ("command", "plugin"),
    ("failure-threshold", "unhealthy-after"),
    ("failureThreshold", "unhealthy-after"),
    ("retries", "unhealthy-after"),
    ("success-threshold", "healthy-after"),
    ("successThreshold", "healthy-after"),
    ("timeoutSeconds", "timeout"),
    ("deadline", "timeout"),
    ("ttl", "stale-after"),
    ("address", "listen"),
    ("bind", "listen"),
    ("port", "listen"),
    ("path", "dir"),
];

/// Capabilities of the contract that a file may already grant and this version does not offer.
const CAPABILITIES_LATER: [&str; 1] = ["sql"];

#[derive(Clone, Copy)]
struct At<'a> {
    tree: &'a Tree,
    id: NodeId,
    faults: &'a RefCell<Vec<Fault>>,
}

impl<'a> At<'a> {
    fn entries(self, expected: &str) -> Vec<(&'a str, NodeId)> {
        let node = self.tree.node(self.id);
        match &node.value {
            Value::Table(table) => table.iter().map(|(name, id)| (name.as_str(), *id)).collect(),
            Value::Broken => Vec::new(),
            _ => {
                let name = &node.name;
                let fault = Fault::at(node.place, format!("`{name}` must be {expected}"));
                self.faults.borrow_mut().push(fault.help(format!("write it as `[{name}]` with its keys below")));
                Vec::new()
            }
        }
    }

    fn unknown(self, name: &str, id: NodeId, fields: &[&str]) {
        let fields = || fields.iter().copied().filter(|field| *field != OWN);
        let renamed = OTHER_NAMES.iter().find(|(other, ours)| *other == name && fields().any(|field| field == *ours));
        let near = renamed.map(|(_, ours)| *ours).or_else(|| nearest(name, fields()));
        let hint = match near {
            _ if CAPABILITIES_LATER.contains(&name) && fields().any(|field| field == "tcp") => {
                "this version does not offer that capability. ".to_owned()
            }
            Some(near) => format!("did you mean `{near}`? "),
            None => String::new(),
        };
        let fault = Fault::at(self.tree.node(id).key, format!("unknown key `{name}`"))
            .help(format!("{hint}allowed here: {}", listed(fields())));
        self.faults.borrow_mut().push(fault);
    }
}

impl<'de> Deserializer<'de> for At<'_> {
    type Error = Never;

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Never> {
        visitor.visit_u32(self.id.0)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Never> {
        let mut entries = self.entries("a table");
        entries.retain(|(name, id)| {
            let known = fields.contains(name) && *name != OWN;
            if !known {
                self.unknown(name, *id, fields);
            }
            known
        });
        if fields.contains(&OWN) {
            entries.push((OWN, self.id));
        }
        visitor.visit_map(Entries { at: self, left: entries.into_iter(), value: None })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Never> {
        let left = self.entries("a table of named tables").into_iter();
        visitor.visit_map(Entries { at: self, left, value: None })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Never> {
        let node = self.tree.node(self.id);
        let elements = match &node.value {
            Value::Array(elements) => elements.as_slice(),
            Value::Broken => &[],
            _ => {
                let name = &node.name;
                let fault = Fault::at(node.place, format!("`{name}` must be an array of tables"));
                self.faults
                    .borrow_mut()
                    .push(fault.help(format!("write `[[{name}]]`, with two brackets, for each one")));
                &[]
            }
        };
        visitor.visit_seq(Elements { at: self, left: elements.iter() })
    }

    // Every type in `raw` is a struct, a map, an array or a key; this serves serde's own wrappers.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Never> {
        visitor.visit_u32(self.id.0)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        tuple tuple_struct enum identifier ignored_any
    }
}

struct Entries<'a> {
    at: At<'a>,
    left: std::vec::IntoIter<(&'a str, NodeId)>,
    value: Option<NodeId>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Never;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Never> {
        let Some((name, id)) = self.left.next() else { return Ok(None) };
        self.value = Some(id);
        let name: StringDeserializer<Never> = name.to_owned().into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Never> {
        match self.value.take() {
            Some(id) => seed.deserialize(At { id, ..self.at }),
            None => seed.deserialize(U32Deserializer::new(0)),
        }
    }
}

struct Elements<'a> {
    at: At<'a>,
    left: std::slice::Iter<'a, NodeId>,
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Never;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Never> {
        self.left.next().map(|id| seed.deserialize(At { id: *id, ..self.at })).transpose()
    }
}
