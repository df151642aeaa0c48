//! What a plugin says about itself.

use std::time::Duration;

use probity_core::check::{Failure, Probe, Reason};
use probity_core::text::{clean, clean_lines};
use serde::Serialize;

use crate::capabilities::bindings::exports::probity::check::checker::Metadata as GuestMetadata;
use crate::capabilities::bindings::probity::check::types::Probes;

/// A plugin's own word, cleaned and bounded. Hints: the operator's configuration decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Metadata {
    /// The author's name for the plugin.
    pub name: String,
    /// The author's version.
    pub version: String,
    /// One or more lines.
    pub description: String,
    /// Probes the check is meant for.
    pub probes: Vec<Probe>,
    /// Suggested interval.
    #[serde(rename = "default_interval_ms", serialize_with = "millis")]
    pub default_interval: Option<Duration>,
    /// Suggested timeout.
    #[serde(rename = "default_timeout_ms", serialize_with = "millis")]
    pub default_timeout: Option<Duration>,
    /// JSON Schema of the configuration, as text.
    pub config_schema: Option<String>,
    /// An example configuration, JSON.
    pub config_example: Option<String>,
    /// Anything else.
    pub labels: Vec<(String, String)>,
}

const NAME_BYTES_MAX: usize = 128;
const TEXT_BYTES_MAX: usize = 4 << 10;
const SCHEMA_BYTES_MAX: usize = 64 << 10;
const LABELS_MAX: usize = 32;

/// What a plugin says, cut and cleaned.
///
/// # Errors
/// Where a part of it would be another thing: a schema.
pub(crate) fn convert(raw: GuestMetadata) -> Result<Metadata, Failure> {
    let probes = [(Probes::LIVE, Probe::Live), (Probes::READY, Probe::Ready), (Probes::STARTUP, Probe::Startup)];
    let duration = |ms: Option<u32>| ms.filter(|ms| *ms > 0).map(|ms| Duration::from_millis(ms.into()));
    if let Some(schema) = &raw.config_schema
        && schema.len() > SCHEMA_BYTES_MAX
    {
        let text = format!("`config-schema` has {} bytes, may have {SCHEMA_BYTES_MAX}", schema.len());
        return Err(Failure::new(Reason::BadOutput, text));
    }
    Ok(Metadata {
        name: clean(&raw.name, NAME_BYTES_MAX),
        version: clean(&raw.version, NAME_BYTES_MAX),
        description: clean_lines(&raw.description, TEXT_BYTES_MAX),
        probes: probes.into_iter().filter(|(flag, _)| raw.probes.contains(*flag)).map(|(_, probe)| probe).collect(),
        default_interval: duration(raw.default_interval_ms),
        default_timeout: duration(raw.default_timeout_ms),
        config_schema: raw.config_schema,
        // Only ever shown: one that is too long is not.
        config_example: raw.config_example.filter(|text| text.len() <= SCHEMA_BYTES_MAX),
        labels: raw
            .labels
            .iter()
            .take(LABELS_MAX)
            .map(|(key, value)| (clean(key, NAME_BYTES_MAX), clean(value, NAME_BYTES_MAX)))
            .collect(),
    })
}

#[allow(clippy::ref_option, reason = "the signature serde asks for")]
fn millis<S: serde::Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => serializer.serialize_some(&u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)),
        None => serializer.serialize_none(),
    }
}
