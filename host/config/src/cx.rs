//! What resolving carries along, and how a [`Key`] is read.
//!
//! The one place that decides whether a message may quote a value: see [`Cx::typed`] and [`Cx::detail`].

use std::borrow::Cow;
use std::fmt::Display;
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::decode::Key;
use super::errors::Fault;
use super::source::{Place, Source};
use super::tree::{NodeId, Tree, Value};

/// What resolving works with: the tree, and what it has found out so far.
pub(super) struct Cx<'a> {
    /// The merged files.
    pub(super) tree: &'a Tree,
    /// The texts the tree was made of.
    pub(super) sources: &'a [Source],
    /// Offsets of the line breaks in each of them: every check asks for its line.
    pub(super) newlines: Vec<Vec<usize>>,
    /// What is wrong.
    pub(super) faults: Vec<Fault>,
    /// What is odd.
    pub(super) warnings: Vec<String>,
    /// Values that must not leave the host, beside the tree's.
    pub(super) secrets: Vec<String>,
    /// Checks that grants name and no `[[check]]` declares.
    pub(super) peers_missing: Vec<(String, Fault)>,
    /// Files read while resolving.
    pub(super) files: Vec<PathBuf>,
    /// What relative paths are relative to.
    pub(super) base_dir: &'a Path,
    /// Reads a file as text.
    pub(super) read_file: &'a dyn Fn(&Path) -> std::io::Result<String>,
}

/// A value with the node it was read from.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    /// The value.
    pub(super) value: T,
    /// Where it stands.
    pub(super) id: NodeId,
}

/// A kind of value.
pub(super) trait Leaf {
    /// What it is read into.
    type Value;

    /// For messages: `a duration such as "15s"`.
    fn expected() -> String;

    /// Reads it; none after noting what is wrong.
    fn read(cx: &mut Cx<'_>, id: NodeId) -> Option<Self::Value>;

    /// Its JSON Schema.
    fn schema() -> serde_json::Value;
}

impl<T: Leaf> Key<T> {
    /// The value, if it is there and right; what is wrong is noted.
    pub(super) fn read(&self, cx: &mut Cx<'_>) -> Option<T::Value> {
        self.id.and_then(|id| T::read(cx, id))
    }

    /// The value or `default`.
    pub(super) fn or(&self, cx: &mut Cx<'_>, default: T::Value) -> T::Value {
        self.read(cx).unwrap_or(default)
    }
}

impl<T: Leaf> JsonSchema for Key<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Key".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        T::schema().try_into().expect("every leaf's schema is an object")
    }
}

impl Cx<'_> {
    /// Notes that the value at `id` is wrong.
    pub(super) fn wrong(&mut self, id: NodeId, message: impl Into<String>, help: impl Into<String>) {
        self.faults.push(Fault::at(self.tree.node(id).place, message).help(help));
    }

    /// `probity.toml:12`
    pub(super) fn origin(&self, place: Place) -> String {
        self.sources
            .get(place.source)
            .map_or_else(String::new, |source| format!("{}:{}", source.path.display(), self.line(place)))
    }

    /// The line of a place; 0 when it is in no file.
    pub(super) fn line(&self, place: Place) -> u32 {
        let newlines = self.newlines.get(place.source);
        let before = newlines.map(|newlines| newlines.partition_point(|newline| *newline < place.start) + 1);
        before.and_then(|line| u32::try_from(line).ok()).unwrap_or(0)
    }

    /// The value at `id` as typed, quoted if it may be.
    pub(super) fn typed(&self, id: NodeId) -> String {
        let node = self.tree.node(id);
        match &node.value {
            _ if node.secret => "the value".to_owned(),
            Value::Text { typed, .. } if typed.contains(':') && typed.contains('@') => "the value".to_owned(),
            Value::Text { typed, .. } => format!("`{}`", typed.chars().take(80).collect::<String>()),
            Value::Integer(value) => format!("`{value}`"),
            Value::Float(value) => format!("`{value}`"),
            Value::Bool(value) => format!("`{value}`"),
            Value::Datetime(value) => format!("`{value}`"),
            Value::Array(_) => "an array".to_owned(),
            Value::Table(_) => "a table".to_owned(),
            Value::Broken => "the value".to_owned(),
        }
    }

    /// `detail` if the value stands in the file, so that no part of a secret gets out with it.
    pub(super) fn detail(&self, id: NodeId, detail: impl Display) -> String {
        let node = self.tree.node(id);
        match &node.value {
            Value::Text { typed, filled } if !node.secret && typed == filled && !typed.contains('@') => {
                format!(": {}", detail.to_string().trim_end_matches('.'))
            }
            _ => String::new(),
        }
    }

    /// Notes that the value at `id` is not what `T` expects.
    pub(super) fn mismatch<T: Leaf>(&mut self, id: NodeId, detail: &str) {
        let (typed, name) = (self.typed(id), self.tree.node(id).name.clone());
        if matches!(self.tree.node(id).value, Value::Broken) {
            return;
        }
        self.wrong(id, format!("{typed} is no value for `{name}`{detail}"), format!("`{name}` is {}", T::expected()));
    }

    /// The text as filled, if it is one.
    pub(super) fn text(&self, id: NodeId) -> Option<String> {
        match &self.tree.node(id).value {
            Value::Text { filled, .. } => Some(filled.clone()),
            _ => None,
        }
    }

    /// A whole number, or a string with a placeholder that became one.
    pub(super) fn integer(&self, id: NodeId) -> Option<i64> {
        match &self.tree.node(id).value {
            Value::Integer(value) => Some(*value),
            Value::Text { typed, filled } if typed.contains("${") => filled.trim().parse().ok(),
            _ => None,
        }
    }
}
