//! One set of bytes of a plugin: loaded, or refused.

use std::sync::Arc;
use std::time::Duration;

use probity_core::text::clean;
use probity_sandbox::{CompileError, Metadata, Problems, Program, Sandbox, Schema};
use serde::Serialize;

/// One loaded version.
#[derive(Debug)]
pub struct Version {
    /// SHA-256 of the file, lower-case hex.
    pub digest: Arc<str>,
    /// Bytes of the file.
    pub size: u64,
    /// What runs.
    pub program: Program,
    /// What it says about itself.
    pub metadata: Metadata,
    /// When it became current, milliseconds since the Unix epoch.
    pub loaded_unix_ms: u64,
    /// Compiling or loading from the cache, and the trial.
    pub load_time: Duration,
    schema: Option<Schema>,
}

/// Bytes that did not become a version.
#[derive(Clone, Debug, Serialize)]
pub struct Rejection {
    /// SHA-256 of the file; none when it was not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Bytes of the file.
    pub size: u64,
    /// Which step refused.
    pub stage: Stage,
    /// The whole chain of causes in one line, cut and cleaned.
    pub message: String,
    /// When, milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
}

/// The steps from file to version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The file's name, which is to be the plugin's.
    Name,
    /// Reading the file.
    Read,
    /// Its digest is not the pinned one.
    Pin,
    /// Recognising, compiling, checking imports and exports.
    Compile,
    /// The trial call of `describe`.
    Describe,
    /// The configuration schema, or a check's configuration against it.
    Config,
}

/// Bytes of a rejection's message.
const MESSAGE_BYTES_MAX: usize = 2 << 10;

/// A refusal before it has a digest and a time.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) stage: Stage,
    pub(super) message: String,
    /// It was the machine, not the bytes: they are tried again.
    pub(super) passes: bool,
}

impl Refusal {
    /// One whose message may hold whatever a file says or is called.
    pub(super) fn new(stage: Stage, message: impl AsRef<str>) -> Self {
        Self { stage, message: clean(message.as_ref(), MESSAGE_BYTES_MAX), passes: false }
    }

    pub(super) fn passing(stage: Stage, message: impl AsRef<str>) -> Self {
        Self { passes: true, ..Self::new(stage, message) }
    }

    pub(super) fn compile(error: &CompileError) -> Self {
        let passes = matches!(error, CompileError::Worker(_));
        Self { passes, ..Self::new(Stage::Compile, probity_core::text::chain(error)) }
    }
}

impl Version {
    /// A version of what was compiled and described. Blocks while `config-schema` is looked at.
    pub(super) fn new(
        sandbox: &Sandbox,
        size: u64,
        program: Program,
        metadata: Metadata,
        loaded_unix_ms: u64,
        load_time: Duration,
    ) -> Result<Self, Refusal> {
        let schema = metadata.config_schema.as_deref().map(|text| sandbox.schema(text)).transpose();
        let schema = schema.map_err(|why| {
            Refusal::new(Stage::Config, format!("`config-schema` of describe() is no JSON Schema for this host: {why}"))
        })?;
        Ok(Self { digest: Arc::clone(&program.digest), size, program, metadata, loaded_unix_ms, load_time, schema })
    }

    /// What is wrong with a check's configuration, if the plugin has a schema and it says so. Cut and cleaned. Blocks:
    /// for long only where the schema is a large one and the configuration was not seen before.
    #[must_use]
    pub fn refuse_config(&self, config: &serde_json::Value) -> Option<Problems> {
        self.schema.as_ref()?.refuse(config)
    }
}
