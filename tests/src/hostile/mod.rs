//! The hostile corpus: inputs that once hurt a host, or were made to, each with the verdict that is right and the memory
//! that it may cost. One file of `tests/hostile` is one input; `tests/hostile/README.md` says how to add one.

pub mod clients;
pub mod made;
#[cfg(target_os = "linux")]
pub mod watch;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::guests;

/// One input.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What it is, in one sentence.
    pub about: String,
    /// A file for the plugin directory.
    pub plugin: Option<Plugin>,
    /// What somebody without a token sends.
    pub client: Option<clients::Client>,
    /// What must come of it.
    pub expect: Expect,
}

/// A plugin, given in one of five ways.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plugin {
    /// The fields of a core module, as in `tests/guests`.
    pub guest: Option<String>,
    /// A whole component as text.
    pub component: Option<String>,
    /// A file beside, as it is.
    pub file: Option<PathBuf>,
    /// The `config-schema` of a guest that is otherwise healthy.
    pub schema: Option<String>,
    /// What a generator makes.
    pub made: Option<made::Made>,
    /// `[check.config]` of its check, as TOML; none leaves the check to the defaults.
    pub config: Option<String>,
}

/// The verdict.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The version is refused, and this is in the message.
    pub rejected: Option<String>,
    /// It loads, and its check comes to this status.
    pub status: Option<String>,
    /// With this in the check's message, error or reason.
    #[serde(default)]
    pub says: String,
    /// MiB that the host may grow by meanwhile. Its compiler's process has a limit of its own.
    pub memory_mib: u64,
}

/// Every input by the name of its file.
///
/// # Panics
/// When one cannot be read: a mistake in the corpus.
#[must_use]
pub fn corpus() -> BTreeMap<String, Case> {
    let files = std::fs::read_dir(folder()).expect("the corpus is part of the repository");
    let files = files.filter_map(|entry| Some(entry.ok()?.path()));
    let files = files.filter(|path| path.extension().is_some_and(|end| end == "toml"));
    let cases = files.map(|path| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let case: Case = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        // A check that has not run yet is unknown, too.
        let is_a_verdict = case.expect.status.as_deref() != Some("unknown") || !case.expect.says.is_empty();
        assert!(is_a_verdict, "{}: `unknown` needs what the check says", path.display());
        (name, case)
    });
    cases.collect()
}

impl Plugin {
    /// A guest of these fields.
    #[must_use]
    pub fn guest(fields: &str) -> Self {
        Self { guest: Some(fields.to_owned()), component: None, file: None, schema: None, made: None, config: None }
    }

    /// The bytes of the file.
    ///
    /// # Panics
    /// When it is given in no way, or wrongly: a mistake in the corpus.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        if let Some(fields) = &self.guest {
            return guests::encode(fields).unwrap_or_else(|error| panic!("{error}"));
        }
        if let Some(text) = &self.component {
            return wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"));
        }
        if let Some(file) = &self.file {
            return std::fs::read(folder().join(file)).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        }
        match (&self.schema, &self.made) {
            (Some(schema), _) => made::with_schema(schema),
            (None, Some(made)) => made.bytes(),
            (None, None) => panic!("a plugin needs `guest`, `component`, `file`, `schema` or `made`"),
        }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("hostile")
}
