//! What a check says about itself.

/// A probe that a check is meant for: a hint to the operator, who decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// "Restart me": almost never right for a check of a dependency.
    Live,
    /// "Send me traffic."
    Ready,
    /// "I am done starting."
    Startup,
}

/// Static facts about a check, built in [`Check::describe`](crate::Check::describe).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The plugin's name: lower case, digits, hyphens.
    pub name: String,
    /// Its version, usually `env!("CARGO_PKG_VERSION")`.
    pub version: String,
    /// One sentence: the question this check answers.
    pub description: String,
    /// The probes it is meant for.
    pub probes: Vec<Probe>,
    /// Milliseconds between runs when the operator does not say.
    pub default_interval_ms: Option<u32>,
    /// Milliseconds a run may take when the operator does not say.
    pub default_timeout_ms: Option<u32>,
    /// JSON Schema (2020-12) of the configuration; the host validates with it.
    pub config_schema: Option<String>,
    /// A configuration that works, as JSON.
    pub config_example: Option<String>,
    /// Anything else: `homepage`, `authors`, `icon`.
    pub labels: Vec<(String, String)>,
}

impl Metadata {
    /// A check of this name and version, with everything else unsaid.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self { name: name.into(), version: version.into(), ..Self::default() }
    }

    /// Sets [`Metadata::description`].
    #[must_use]
    pub fn description(mut self, sentence: impl Into<String>) -> Self {
        self.description = sentence.into();
        self
    }

    /// Adds to [`Metadata::probes`].
    #[must_use]
    pub fn probe(mut self, probe: Probe) -> Self {
        self.probes.push(probe);
        self
    }

    /// Sets [`Metadata::default_interval_ms`].
    #[must_use]
    pub fn default_interval_ms(mut self, ms: u32) -> Self {
        self.default_interval_ms = Some(ms);
        self
    }

    /// Sets [`Metadata::default_timeout_ms`].
    #[must_use]
    pub fn default_timeout_ms(mut self, ms: u32) -> Self {
        self.default_timeout_ms = Some(ms);
        self
    }

    /// Sets [`Metadata::config_schema`], usually `include_str!("schema.json")`.
    #[must_use]
    pub fn config_schema(mut self, json_schema: impl Into<String>) -> Self {
        self.config_schema = Some(json_schema.into());
        self
    }

    /// Sets [`Metadata::config_example`].
    #[must_use]
    pub fn config_example(mut self, json: impl Into<String>) -> Self {
        self.config_example = Some(json.into());
        self
    }

    /// Adds to [`Metadata::labels`].
    #[must_use]
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.push((name.into(), value.into()));
        self
    }
}
