//! `probity explain`: what one check asks for, what it is granted, and where that leads.
//!
//! Crosses the plugin's imports with the check's grants and what the configuration declares. Runs nothing, connects
//! nowhere, and never shows a credential: of a URL only scheme, host and port.

mod leads;
mod text;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::anyhow;
use probity_config::{Check, Config, Grants, Limits, Timing};
use probity_core::check::{Capability, OnUnknown, Probe, Reason, Severity};
use probity_drivers::StateStore;
use probity_server::plan::{self, Plan, PlannedCheck};
use probity_server::plugins::{Plugin, Rejection, Reloads, Version};
use serde::Serialize;

use super::terminal::{self, Paint};
use super::{Output, local};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  probity explain orders-backlog              as ./probity.toml has it
  probity explain disk                        a plugin without [[check]]: what [defaults.grants] give it
  probity explain orders-backlog --output json | jq '.capabilities[] | select(.missing)'

Exits 0 when a host would run the check, 1 otherwise.")]
pub(super) struct Args {
    /// The name of a check: of a [[check]], or of a plugin that has none
    check: String,
    /// The configuration; without it `probity.toml` in the working directory, else the defaults
    #[arg(long, short, value_name = "FILE", env = "PROBITY_CONFIG")]
    config: Option<PathBuf>,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = Output::Human)]
    output: Output,
}

/// The whole answer.
#[derive(Debug, Serialize)]
struct Explanation {
    check: String,
    /// `probity.toml:12`
    origin: String,
    plugin: PluginFile,
    /// Whether a host would run it.
    runs: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked: Option<Blocked>,
    schedule: Schedule,
    /// What the plugin imports; empty when it did not load.
    capabilities: Vec<Use>,
    /// Granted, and not asked for by the plugin.
    unused: Vec<Grant>,
    limits: Limits,
}

#[derive(Debug, Serialize)]
struct PluginFile {
    name: String,
    file: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
}

#[derive(Debug, Serialize)]
struct Blocked {
    reason: Reason,
    message: String,
}

/// When it runs, and how it counts.
#[derive(Debug, Serialize)]
struct Schedule {
    /// `every 15s`, or the cron expression with its zone.
    due: String,
    stale_after_ms: u64,
    severity: Severity,
    on_unknown: OnUnknown,
    probes: Vec<Probe>,
    groups: Vec<String>,
    unhealthy_after: String,
    healthy_after: u8,
}

/// One capability that the plugin imports.
#[derive(Debug, Serialize)]
struct Use {
    capability: Capability,
    needs_grant: bool,
    granted: Vec<Grant>,
    /// The line that would grant something, when nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<String>,
}

/// One entry of `grants`.
#[derive(Debug, Serialize)]
struct Grant {
    capability: Capability,
    grant: String,
    /// What stands behind a name: `postgres://db.internal:5432`.
    #[serde(skip_serializing_if = "Option::is_none")]
    leads_to: Option<String>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let config = probity_config::load(args.config.as_deref())?;
    let check = find(&args.check, &config)?;
    let local = local::Local::new(local::user_cache().as_deref(), &config.plugins)?;
    let file = config.plugins.dir.join(format!("{}.wasm", check.plugin));
    let loaded = file.is_file().then(|| local.load(&config.plugins, &file));
    let explanation = explain(&config, check, &file, loaded);
    match args.output {
        Output::Human => terminal::print(&text::render(&explanation, Paint::for_stdout()))?,
        Output::Json => terminal::print_json(&explanation)?,
    }
    Ok(if explanation.runs { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The check as the file has it, or the one that a plugin without `[[check]]` gets.
fn find(name: &str, config: &Config) -> anyhow::Result<Check> {
    if let Some(check) = config.checks.get(name) {
        return Ok(check.clone());
    }
    let claimed = config.checks.values().any(|check| check.plugin == name);
    if !claimed && probity_config::is_name(name) && config.plugins.dir.join(format!("{name}.wasm")).is_file() {
        return Ok(plan::implicit(config, name));
    }
    let names: Vec<&str> = config.checks.keys().map(String::as_str).collect();
    let known =
        if names.is_empty() { "there is no [[check]]".to_owned() } else { format!("there are {}", names.join(", ")) };
    Err(anyhow!("no check is called `{name}`, and no plugin in {}; {known}", config.plugins.dir.display()))
}

fn explain(config: &Config, check: Check, file: &Path, loaded: Option<Result<Version, Box<Rejection>>>) -> Explanation {
    let (current, rejected) = match loaded {
        Some(Ok(version)) => (Some(Arc::new(version)), None),
        Some(Err(rejection)) => (None, Some(*rejection)),
        None => (None, None),
    };
    let plugin = PluginFile {
        name: check.plugin.clone(),
        file: file.to_owned(),
        version: current.as_ref().map(|version| version.metadata.version.clone()),
        digest: current.as_ref().map(|version| version.digest.to_string()),
    };
    let imports = current.as_ref().map(|version| version.program.capabilities.clone()).unwrap_or_default();
    let planned = planned(config, check, file, current, rejected);
    let grants = &planned.env.grants;
    let capabilities: Vec<Use> = imports.iter().map(|capability| used(config, *capability, grants)).collect();
    let unused =
        Capability::ALL.into_iter().filter(|capability| plugin.digest.is_some() && !imports.contains(capability));
    let unused = unused.flat_map(|capability| granted(config, capability, grants)).collect();
    Explanation {
        check: planned.name.to_string(),
        origin: planned.origin.clone(),
        plugin,
        runs: planned.blocked.is_none(),
        blocked: planned
            .blocked
            .as_ref()
            .map(|failure| Blocked { reason: failure.reason, message: failure.message.clone() }),
        schedule: schedule(&planned),
        capabilities,
        unused,
        limits: planned.env.limits,
    }
}

/// Plans the one check the way the server does.
fn planned(
    config: &Config,
    check: Check,
    file: &Path,
    current: Option<Arc<Version>>,
    rejected: Option<Rejection>,
) -> Arc<PlannedCheck> {
    let (name, plugin) = (check.name.clone(), check.plugin.clone());
    let mut config = config.clone();
    config.checks = [(name.clone(), check)].into();
    let found = current.is_some() || rejected.is_some();
    let (path, reloads) = (file.to_owned(), Reloads::default());
    let loaded = Plugin { name: plugin.clone(), path, current, rejected, reloads };
    let plugins = found.then(|| (plugin, Arc::new(loaded))).into_iter().collect();
    let plan = Plan::new(&config, &plugins, &Arc::new(StateStore::in_memory()), &plan::services(&config));
    plan.checks.get(name.as_str()).cloned().expect("the plan holds every configured check")
}

fn used(config: &Config, capability: Capability, grants: &Grants) -> Use {
    let granted = granted(config, capability, grants);
    let needs_grant = capability.needs_grant();
    let missing =
        (needs_grant && granted.is_empty()).then(|| Grants::line_for(capability, &leads::example(config, capability)));
    Use { capability, needs_grant, granted, missing }
}

fn granted(config: &Config, capability: Capability, grants: &Grants) -> Vec<Grant> {
    let grant = |grant: String| Grant { leads_to: leads::leads_to(config, capability, &grant), capability, grant };
    grants.texts(capability).into_iter().map(grant).collect()
}

fn schedule(planned: &PlannedCheck) -> Schedule {
    let window = planned.unhealthy_after;
    Schedule {
        due: match &planned.timing {
            Timing::Every(every) => format!("every {}", probity_config::format_duration(*every)),
            Timing::Cron(cron) => format!("cron {} ({})", cron.text, cron.zone.iana_name().unwrap_or("UTC")),
        },
        stale_after_ms: u64::try_from(planned.stale_after.as_millis()).unwrap_or(u64::MAX),
        severity: planned.severity,
        on_unknown: planned.on_unknown,
        probes: planned.probes.iter().copied().collect(),
        groups: planned.groups.iter().map(ToString::to_string).collect(),
        unhealthy_after: if window.failures == window.of {
            format!("{} in a row", window.failures)
        } else {
            format!("{} of {}", window.failures, window.of)
        },
        healthy_after: planned.healthy_after,
    }
}

#[cfg(test)]
mod tests;
