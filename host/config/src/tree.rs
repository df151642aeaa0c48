//! All sources as one tree: every value with its place, placeholders replaced, tables of several files merged.
//!
//! Nodes live in one arena and are named by [`NodeId`], so that what serde made of the tree can lead back to places.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::errors::Fault;
use super::interpolate::{self, Lookup};
use super::source::{Place, Source, is_secret_key};

/// Index of a node in its [`Tree`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeId(pub(super) u32);

/// One value.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// The key it stands under; of an array's element, the array's.
    pub(super) name: String,
    /// Where that key is.
    pub(super) key: Place,
    /// Where the value is; of a table with a header, the header.
    pub(super) place: Place,
    /// Whether the value must not be quoted.
    pub(super) secret: bool,
    /// The value.
    pub(super) value: Value,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A string as typed and as filled.
    Text { typed: String, filled: String },
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
    /// A date or time, as typed.
    Datetime(String),
    /// An array.
    Array(Vec<NodeId>),
    /// A table.
    Table(BTreeMap<String, NodeId>),
    /// Already reported: nothing more to say about it.
    Broken,
}

/// The merged tree.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    /// What came from the environment or a file, or stands under a key for secrets.
    pub(super) secrets: BTreeSet<String>,
    /// Files that placeholders read.
    pub(super) files: Vec<PathBuf>,
    /// Whether a source is left out, so that what is missing says nothing.
    pub(super) is_partial: bool,
}

impl Tree {
    /// The table that the sources make together.
    pub(super) const ROOT: NodeId = NodeId(0);

    /// Parses and merges `sources`. A source that is no TOML is left out after its first error.
    pub(super) fn build(sources: &[Source], lookup: &Lookup<'_>, faults: &mut Vec<Fault>) -> Self {
        let place = Place { source: usize::MAX, start: 0, end: 0 };
        let value = Value::Table(BTreeMap::new());
        let root = Node { name: String::new(), key: place, place, secret: false, value };
        let tree = Self { nodes: vec![root], secrets: BTreeSet::new(), files: Vec::new(), is_partial: false };
        let mut builder = Builder { tree, source: 0, lookup, faults };
        for (index, source) in sources.iter().enumerate() {
            builder.source = index;
            match DeTable::parse(&source.text) {
                Ok(table) => {
                    let entries = builder.table("", table.into_inner(), false);
                    builder.merge(Self::ROOT, entries, true);
                }
                Err(error) => builder.syntax(source, &error),
            }
        }
        builder.tree
    }

    /// The node of `id`.
    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }
}

struct Builder<'a> {
    tree: Tree,
    source: usize,
    lookup: &'a Lookup<'a>,
    faults: &'a mut Vec<Fault>,
}

impl Builder<'_> {
    fn place(&self, span: std::ops::Range<usize>) -> Place {
        Place { source: self.source, start: span.start, end: span.end }
    }

    fn syntax(&mut self, source: &Source, error: &toml::de::Error) {
        let span = error.span().unwrap_or(source.text.len()..source.text.len());
        let help = match error.message() {
            message if message.contains("duplicate") => {
                "a file may say a key once; `[[check]]`, with two brackets, repeats"
            }
            message if message.contains("recursion") => "nest less deeply",
            message if message.contains("unclosed") => "close it, or look for a quote or bracket too many before it",
            _ => "strings, durations and sizes stand in quotes: `every = \"15s\"`",
        };
        let message = error.message().trim_end_matches(", expected nothing");
        self.faults.push(Fault::at(self.place(span), format!("not TOML: {message}")).help(help));
        self.tree.is_partial = true;
    }

    fn push(&mut self, node: Node) -> NodeId {
        let id = NodeId(u32::try_from(self.tree.nodes.len()).expect("sources are bounded far below 4 Gi values"));
        self.tree.nodes.push(node);
        id
    }

    fn table(&mut self, parent: &str, table: DeTable<'_>, secret: bool) -> BTreeMap<String, NodeId> {
        table
            .into_iter()
            .map(|(key, value)| {
                let place = self.place(key.span());
                let name = key.into_inner().into_owned();
                // A grant holds names of secrets: they are in every message that is of use.
                let secret = secret || (is_secret_key(&name) && parent != "grants");
                let id = self.value(&name, place, value, secret);
                (name, id)
            })
            .collect()
    }

    fn value(&mut self, name: &str, key: Place, value: Spanned<DeValue<'_>>, secret: bool) -> NodeId {
        let place = self.place(value.span());
        let value = match value.into_inner() {
            DeValue::String(typed) => self.text(typed.into_owned(), place, secret),
            DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix()).map_or_else(
                |_| {
                    self.faults.push(Fault::at(place, "a number beyond 64 bits"));
                    Value::Broken
                },
                Value::Integer,
            ),
            DeValue::Float(float) => Value::Float(float.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(value) => Value::Bool(value),
            DeValue::Datetime(datetime) => Value::Datetime(datetime.to_string()),
            DeValue::Array(array) => {
                Value::Array(array.into_iter().map(|element| self.value(name, key, element, secret)).collect())
            }
            DeValue::Table(table) => Value::Table(self.table(name, table, secret)),
        };
        self.push(Node { name: name.to_owned(), key, place, secret, value })
    }

    fn text(&mut self, typed: String, place: Place, secret: bool) -> Value {
        match interpolate::fill(&typed, self.lookup) {
            Ok(mut filled) => {
                self.tree.files.append(&mut filled.files);
                self.tree.secrets.extend(filled.secrets);
                if secret {
                    self.tree.secrets.insert(filled.text.clone());
                }
                Value::Text { typed, filled: filled.text }
            }
            Err(wrong) => {
                self.faults.push(Fault::at(place, wrong.message).help(wrong.help));
                Value::Broken
            }
        }
    }

    /// Adds `entries` to the table `into`: tables merge, `[[check]]` is appended, all else may be said once.
    fn merge(&mut self, into: NodeId, entries: BTreeMap<String, NodeId>, is_root: bool) {
        for (name, new) in entries {
            let Value::Table(table) = &mut self.tree.nodes[into.0 as usize].value else { return };
            let Some(old) = table.get(&name).copied() else {
                table.insert(name, new);
                continue;
            };
            let added = std::mem::replace(&mut self.tree.nodes[new.0 as usize].value, Value::Broken);
            match (&mut self.tree.nodes[old.0 as usize].value, added) {
                (Value::Table(_), Value::Table(added)) => self.merge(old, added, false),
                (Value::Array(array), Value::Array(mut added)) if is_root && name == "check" => {
                    array.append(&mut added);
                }
                _ => {
                    let (old, new) = (self.tree.node(old), self.tree.node(new));
                    let fault = Fault::at(new.key, format!("`{name}` is set in two files"))
                        .also(old.key, "first set here")
                        .help("keep one of them; later files add to earlier ones and replace nothing");
                    self.faults.push(fault);
                }
            }
        }
    }
}
