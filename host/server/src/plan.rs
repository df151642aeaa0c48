//! What is to run: the configuration crossed with the plugins that are loaded. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use probity_config::{Check, Config, Grants, Timing, suggested_interval, suggested_timeout};
use probity_core::check::{Capability, Failure, OnUnknown, Probe, Reason, Severity, Window};
use probity_drivers::{Services, StateStore};
use probity_sandbox::capabilities::CheckEnv;
use probity_sandbox::{Problem, Problems};

use crate::plugins::{Loading, Plugins, Version};

/// Every check of this host, by name.
#[derive(Debug, Default)]
pub struct Plan {
    /// The checks.
    pub checks: BTreeMap<Arc<str>, Arc<PlannedCheck>>,
}

/// One check with everything decided.
#[derive(Debug)]
pub struct PlannedCheck {
    /// Unique.
    pub name: Arc<str>,
    /// The plugin's name: its file name without `.wasm`.
    pub plugin: Arc<str>,
    /// The version that runs; none while the plugin has no good one.
    pub version: Option<Arc<Version>>,
    /// Whether a `[[check]]` names it; otherwise it is there because a file lies in the directory.
    pub declared: bool,
    /// Why it is not run: `ungranted`, `not-loaded`, `invalid-config`, or for now `compiling` or `pending`.
    pub blocked: Option<Failure>,
    /// When it is due.
    pub timing: Timing,
    /// How it counts.
    pub severity: Severity,
    /// Probes it joins.
    pub probes: BTreeSet<Probe>,
    /// Groups it joins.
    pub groups: BTreeSet<Arc<str>>,
    /// How `unknown` counts.
    pub on_unknown: OnUnknown,
    /// When unhealthy is believed.
    pub unhealthy_after: Window,
    /// When recovery is believed.
    pub healthy_after: u8,
    /// Age at which a result is no longer one.
    pub stale_after: Duration,
    /// What its runs see.
    pub env: Arc<CheckEnv>,
    /// Where it comes from: `probity.toml:12`, or the plugin's file.
    pub origin: String,
}

/// Intervals after which a result is stale, unless the check says otherwise.
const STALE_INTERVALS: u32 = 3;
/// A result of a cron check is stale a day and an hour after it was made, unless the check says otherwise: the interval
/// is not known in general, and most such checks are daily.
const STALE_CRON: Duration = Duration::from_secs(25 * 3600);

/// Clients and connections of `config`. From here on libraries see its secrets, and log what they like: the log leaves
/// them out.
#[must_use]
pub fn services(config: &Config) -> Services {
    crate::log::keep_out(&config.secrets);
    Services::new(config)
}

impl Plan {
    /// Crosses `config` with `plugins`, which are all that there are.
    #[must_use]
    pub fn new(config: &Config, plugins: &Plugins, state: &Arc<StateStore>, services: &Services) -> Self {
        Self::while_loading(config, plugins, &Loading::over(), state, services)
    }

    /// The same while some are on their way: checks of those wait.
    #[must_use]
    pub fn while_loading(
        config: &Config,
        plugins: &Plugins,
        loading: &Loading,
        state: &Arc<StateStore>,
        services: &Services,
    ) -> Self {
        let claimed: BTreeSet<&str> = config.checks.values().map(|check| check.plugin.as_str()).collect();
        let implicit = plugins
            .iter()
            .filter(|(name, plugin)| {
                !claimed.contains(name.as_str()) && !config.checks.contains_key(*name) && plugin.current.is_some()
            })
            .map(|(name, _)| implicit(config, name));
        let declared = config.checks.values().cloned().map(|check| (check, true));
        let checks = declared.chain(implicit.map(|check| (check, false))).map(|(check, declared)| {
            let mut planned = PlannedCheck::new(config, check, plugins, state, services);
            planned.declared = declared;
            if planned.version.is_none() {
                planned.blocked = loading.awaited(&planned.plugin).or(planned.blocked.take());
            }
            (Arc::clone(&planned.name), Arc::new(planned))
        });
        Self { checks: checks.collect() }
    }
}

impl PlannedCheck {
    /// Whether a run under `other` would be another run: other code, configuration, limits, grants or timing.
    #[must_use]
    pub fn runs_differently(&self, other: &Self) -> bool {
        let digest = |planned: &Self| planned.version.as_ref().map(|version| Arc::clone(&version.digest));
        digest(self) != digest(other)
            || self.env.config != other.env.config
            || self.env.grants != other.env.grants
            || self.env.limits != other.env.limits
            || self.timing != other.timing
    }

    /// Whether it is in any aggregate. One that nobody declared and that cannot be run is only shown: a file that was copied
    /// into the directory is no promise.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.blocked.is_none() || self.declared
    }

    /// Whether the start waits for its first conclusion: it can take a probe down, and soon. A nightly one would hold the start
    /// back until the night, and one without its grant for ever.
    #[must_use]
    pub fn is_expected(&self) -> bool {
        let is_ungranted = self.blocked.as_ref().is_some_and(|failure| failure.reason == Reason::Ungranted);
        matches!(self.timing, Timing::Every(_))
            && self.severity != Severity::Info
            && !self.probes.is_empty()
            && self.counts()
            && !is_ungranted
    }

    /// Whether a check that has not run (`pending`) is one that will. What waits for an operator instead counts
    /// as `on-unknown` says at once: a check that was declared and is not run must not look well.
    #[must_use]
    pub fn awaits(&self, pending: bool) -> bool {
        let passes = |failure: &Failure| matches!(failure.reason, Reason::Compiling | Reason::Pending);
        pending && self.blocked.as_ref().is_none_or(passes)
    }

    fn new(config: &Config, check: Check, plugins: &Plugins, state: &Arc<StateStore>, services: &Services) -> Self {
        let plugin = plugins.get(&check.plugin);
        let version = plugin.and_then(|plugin| plugin.current.clone());
        let blocked = match &version {
            None => Some(not_loaded(config, &check, plugin.and_then(|plugin| plugin.rejected.as_ref()))),
            Some(version) => ungranted(config, &check, version).or_else(|| invalid_config(&check, version)),
        };
        let metadata = version.as_ref().map(|version| &version.metadata);
        let every = metadata.and_then(|metadata| metadata.default_interval).map(suggested_interval);
        let every = every.unwrap_or(config.defaults.every);
        let timing = check.timing.unwrap_or(Timing::Every(every));
        let mut limits = check.limits;
        if !check.timeout_is_set
            && let Some(timeout) = metadata.and_then(|metadata| metadata.default_timeout)
        {
            limits.timeout = suggested_timeout(timeout);
        }
        // A guest's hint never makes it part of `live`.
        let hinted = || -> BTreeSet<Probe> {
            metadata
                .map(|metadata| metadata.probes.iter().copied().filter(|probe| *probe != Probe::Live).collect())
                .unwrap_or_default()
        };
        let probes = check.probes.or_else(|| Some(hinted()).filter(|probes| !probes.is_empty()));
        let probes =
            probes.or_else(|| config.defaults.probes.clone()).unwrap_or_else(|| BTreeSet::from([Probe::Ready]));
        let stale_after = check.stale_after.unwrap_or(match &timing {
            Timing::Every(every) => *every * STALE_INTERVALS,
            Timing::Cron(_) => STALE_CRON,
        });
        let name: Arc<str> = check.name.as_str().into();
        Self {
            env: Arc::new(CheckEnv {
                name: Arc::clone(&name),
                config_text: check.config.to_string(),
                config: check.config,
                grants: check.grants,
                limits,
                secrets: config.secrets.clone(),
                state: Arc::clone(state),
                services: services.clone(),
                script: None,
            }),
            name,
            plugin: check.plugin.into(),
            version,
            declared: true,
            blocked,
            timing,
            severity: check.severity,
            probes,
            groups: check.groups.iter().map(|group| group.as_str().into()).collect(),
            on_unknown: check.on_unknown,
            unhealthy_after: check.unhealthy_after,
            healthy_after: check.healthy_after,
            stale_after: stale_after.max(limits.timeout + STALE_MARGIN),
            origin: check.origin,
        }
    }
}

/// A result is never stale before the next run had time to finish.
const STALE_MARGIN: Duration = Duration::from_secs(1);

/// The check that a plugin without `[[check]]` gets.
pub fn implicit(config: &Config, plugin: &str) -> Check {
    let defaults = &config.defaults;
    Check {
        name: plugin.to_owned(),
        plugin: plugin.to_owned(),
        timing: None,
        severity: defaults.severity,
        probes: None,
        groups: BTreeSet::new(),
        grants: Arc::clone(&defaults.grants),
        limits: config.limits,
        timeout_is_set: false,
        unhealthy_after: defaults.unhealthy_after,
        healthy_after: defaults.healthy_after,
        on_unknown: defaults.on_unknown,
        stale_after: None,
        config: serde_json::Value::Object(serde_json::Map::new()),
        origin: format!("plugin {plugin} (no [[check]] names it)"),
        places: probity_config::Places::default(),
    }
}

fn not_loaded(config: &Config, check: &Check, rejected: Option<&crate::plugins::Rejection>) -> Failure {
    let text = match rejected {
        Some(rejection) => format!("plugin {} was rejected: {}", check.plugin, rejection.message),
        None => format!(
            "no plugin {}: expected {}",
            check.plugin,
            config.plugins.dir.join(format!("{}.wasm", check.plugin)).display()
        ),
    };
    Failure::new(Reason::NotLoaded, text)
}

/// Imports that the operator did not grant, with the line to add.
fn ungranted(config: &Config, check: &Check, version: &Version) -> Option<Failure> {
    let asked: Vec<Capability> = version.program.capabilities.iter().copied().filter(|it| it.needs_grant()).collect();
    let text = hint(&check.name, &asked, &check.grants, &config.defaults.grants)?;
    Some(Failure::new(Reason::Ungranted, text))
}

/// What is missing of `asked`, and the line that a check needs then. Its own `grants` take the place of those it inherits, so
/// the line holds all that it has, and what it would inherit as it stands in `[defaults.grants]`.
fn hint(check: &str, asked: &[Capability], granted: &Arc<Grants>, defaults: &Arc<Grants>) -> Option<String> {
    let missing: Vec<&str> =
        asked.iter().filter(|capability| !granted.names(**capability)).map(|capability| capability.as_str()).collect();
    if missing.is_empty() {
        return None;
    }
    let entry = |capability: &Capability| {
        let known = [granted, defaults].map(|grants| grants.texts(*capability));
        let texts = known.into_iter().find(|texts| !texts.is_empty()).unwrap_or_else(|| vec!["…".to_owned()]);
        format!("{} = {}", capability.as_str(), toml::Value::from(texts))
    };
    let entries: Vec<String> = asked.iter().map(entry).collect();
    let mut text = format!(
        "the plugin asks for {} without a grant; {} [[check]] {check}: grants = {{ {} }}",
        missing.join(", "),
        if Arc::ptr_eq(granted, defaults) { "add to" } else { "write in" },
        entries.join(", ")
    );
    if asked.iter().any(|capability| defaults.names(*capability)) {
        text += " (they take the place of [defaults.grants], and repeat what is needed of them)";
    }
    Some(text)
}

fn invalid_config(check: &Check, version: &Version) -> Option<Failure> {
    let problems = version.refuse_config(&check.config)?;
    Some(Failure::new(Reason::InvalidConfig, located(check, &problems)))
}

/// Problems of a check's configuration, each with the line that it is about: `probity.toml:14: config.unpiad: unknown key; …`.
pub(crate) fn located(check: &Check, problems: &Problems) -> String {
    let told = |problem: &Problem| format!("{}: {problem}", check.place_of(&problem.pointer));
    problems.iter().map(told).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(entries: &[(Capability, &str)]) -> Arc<Grants> {
        let mut grants = Grants::default();
        for (capability, text) in entries {
            grants.add(*capability, text).unwrap();
        }
        Arc::new(grants)
    }

    // The line to add to a check, put into its table, leaves it with what it had and with what it would have inherited: only
    // what nobody granted yet is left to the operator.
    #[test]
    fn the_line_to_add_loses_nothing() {
        use Capability::{Dns, Http, System};
        let defaults = grants(&[(System, "memory"), (System, "load"), (Dns, "*")]);
        let replaces = " (they take the place of [defaults.grants], and repeat what is needed of them)";
        let inherits = hint("web", &[System, Http], &defaults, &defaults).unwrap();
        let line = "grants = { system = [\"memory\", \"load\"], http = [\"…\"] }";
        let expected = format!("the plugin asks for http without a grant; add to [[check]] web: {line}{replaces}");
        assert_eq!(inherits, expected);
        let own = grants(&[(Http, "https://shop.internal/*")]);
        let line = "grants = { system = [\"memory\", \"load\"], http = [\"https://shop.internal/*\"] }";
        let expected = format!("the plugin asks for system without a grant; write in [[check]] web: {line}{replaces}");
        assert_eq!(hint("web", &[System, Http], &own, &defaults).unwrap(), expected);
        assert_eq!(hint("web", &[System, Dns], &defaults, &defaults), None);
        let none = grants(&[]);
        let expected = "the plugin asks for http without a grant; add to [[check]] web: grants = { http = [\"…\"] }";
        assert_eq!(hint("web", &[Http], &none, &none).unwrap(), expected);
    }
}
