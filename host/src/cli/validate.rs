//! `probity validate`: everything that is wrong with a configuration, and with the plugins for it.
//!
//! Without plugins it reads files only. With them it does what a starting host does, short of running a check: loads
//! every plugin, plans every check, and reports those that would not run.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use probity_config::Config;
use probity_core::check::Reason;
use probity_drivers::StateStore;
use probity_server::plan::{self, Plan};
use probity_server::plugins::Plugins;
use serde::Serialize;

use super::terminal;
use super::{Output, components, local};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  probity validate                            ./probity.toml, probity.d/*.toml and the plugins they name
  probity validate /etc/probity/probity.toml
  probity validate --no-plugins               the files only: for a pipeline that has no plugins
  probity validate --output json | jq '.errors[] | \"\\(.file):\\(.line): \\(.message)\"'

Exits 0 when a host would run every check, 1 otherwise.")]
pub(super) struct Args {
    /// The configuration; without it `probity.toml` in the working directory, else the defaults
    #[arg(long, short, value_name = "FILE", env = "PROBITY_CONFIG")]
    config: Option<PathBuf>,
    /// The same without the option's name
    file: Option<PathBuf>,
    /// Do not load the plugins
    #[arg(long)]
    no_plugins: bool,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = Output::Human)]
    output: Output,
}

/// The whole answer.
#[derive(Debug, Default, Serialize)]
struct Verdict {
    valid: bool,
    files: Vec<PathBuf>,
    errors: Vec<probity_config::Error>,
    warnings: Vec<String>,
    plugins: Vec<PluginVerdict>,
    checks: Vec<CheckVerdict>,
}

/// A plugin that is not loaded.
#[derive(Debug, Serialize)]
struct PluginVerdict {
    plugin: String,
    file: PathBuf,
    message: String,
}

/// A check, and why it would not run.
#[derive(Debug, Serialize)]
struct CheckVerdict {
    check: String,
    plugin: String,
    origin: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// Where the component is, when it is one of ours and not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let verdict = match probity_config::load(file(args)?) {
        Ok(config) => judge(args, config)?,
        Err(errors) => Verdict { errors: errors.into_iter().collect(), ..Verdict::default() },
    };
    match args.output {
        Output::Human => tell(&verdict)?,
        Output::Json => terminal::print_json(&verdict)?,
    }
    Ok(if verdict.valid { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The file that was named, in either way. One in the environment gives way.
fn file(args: &Args) -> anyhow::Result<Option<&Path>> {
    let from_environment = std::env::var_os("PROBITY_CONFIG").map(PathBuf::from);
    match (args.file.as_deref(), args.config.as_deref()) {
        (Some(file), Some(config)) if file != config && Some(config) != from_environment.as_deref() => {
            anyhow::bail!("two configurations are named, {} and {}; name one", file.display(), config.display())
        }
        (file, config) => Ok(file.or(config)),
    }
}

/// Looks at the plugins of a configuration that is valid by itself.
fn judge(args: &Args, mut config: Config) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict {
        valid: true,
        files: std::mem::take(&mut config.files),
        warnings: std::mem::take(&mut config.warnings),
        ..Verdict::default()
    };
    if args.no_plugins {
        return Ok(verdict);
    }
    let plugins = match local::Local::new(local::user_cache().as_deref(), &config.plugins)?.load_dir(&config.plugins) {
        Ok(plugins) => plugins,
        Err(error) => {
            verdict.errors.push(unreadable(&verdict.files, &config.plugins.dir, &error));
            verdict.valid = false;
            return Ok(verdict);
        }
    };
    verdict.plugins = refused(&plugins);
    verdict.checks = planned(&config, &plugins);
    if verdict.checks.is_empty() {
        let dir = config.plugins.dir.display();
        verdict.warnings.push(format!("there are no checks: no [[check]], and no plugin in {dir} (key `plugins.dir`)"));
    }
    let is_there = |name: &str| verdict.checks.iter().any(|check| check.check == name);
    let missing = config.peers_missing.into_iter().filter(|(name, _)| !is_there(name));
    verdict.errors = missing.map(|(_, error)| error).collect();
    verdict.valid = verdict.errors.is_empty()
        && verdict.plugins.is_empty()
        && verdict.checks.iter().all(|check| check.reason.is_none());
    Ok(verdict)
}

/// A host would wait for the directory, and run nothing.
fn unreadable(files: &[PathBuf], dir: &Path, error: &std::io::Error) -> probity_config::Error {
    let file = files.first().map(PathBuf::as_path).unwrap_or_else(|| Path::new(""));
    let message = format!("no check would run: the plugin directory {} cannot be read: {error}", dir.display());
    probity_config::Error::of_file(file, message)
        .with_help("mend `plugins.dir` or make the directory; `--no-plugins` looks at the files only")
}

fn refused(plugins: &Plugins) -> Vec<PluginVerdict> {
    let verdict = |plugin: &probity_server::plugins::Plugin| {
        let rejection = plugin.rejected.as_ref()?;
        let (name, file) = (plugin.name.clone(), plugin.path.clone());
        Some(PluginVerdict { plugin: name, file, message: rejection.message.clone() })
    };
    plugins.values().filter_map(|plugin| verdict(plugin)).collect()
}

fn planned(config: &Config, plugins: &Plugins) -> Vec<CheckVerdict> {
    let state = Arc::new(StateStore::in_memory());
    let plan = Plan::new(config, plugins, &state, &plan::services(config));
    let verdict = |planned: &probity_server::plan::PlannedCheck| CheckVerdict {
        check: planned.name.to_string(),
        plugin: planned.plugin.to_string(),
        origin: planned.origin.clone(),
        reason: planned.blocked.as_ref().map(|failure| failure.reason),
        message: planned.blocked.as_ref().map(|failure| failure.message.clone()),
        help: (!plugins.contains_key(&*planned.plugin))
            .then(|| components::help(&planned.plugin, &config.plugins.dir))
            .flatten(),
    };
    plan.checks.values().map(|planned| verdict(planned)).collect()
}

fn tell(verdict: &Verdict) -> anyhow::Result<()> {
    for warning in &verdict.warnings {
        terminal::complain(&format!("warning: {warning}"));
    }
    for error in &verdict.errors {
        terminal::complain(&error.to_string());
    }
    for plugin in &verdict.plugins {
        terminal::complain(&format!(
            "error: plugin {} would not load: {}\n --> {}",
            plugin.plugin,
            plugin.message,
            probity_core::text::in_line(&plugin.file.display().to_string())
        ));
    }
    for check in &verdict.checks {
        if let (Some(reason), Some(message)) = (check.reason, &check.message) {
            // Of a configuration the message says the line itself, and that is not the check's.
            let place =
                if reason == Reason::InvalidConfig { String::new() } else { format!("\n --> {}", check.origin) };
            terminal::complain(&format!(
                "error: check {} would not run ({}): {message}{place}",
                check.check,
                reason.as_str()
            ));
            if let Some(help) = check.help.as_ref() {
                terminal::note(&format!(" help: {help}"));
            }
        }
    }
    if verdict.valid {
        let files: Vec<String> = verdict.files.iter().map(|file| file.display().to_string()).collect();
        let files = if files.is_empty() { "defaults (no file)".to_owned() } else { files.join(", ") };
        terminal::print(&format!("{files}: valid, {}\n", counted(verdict.checks.len(), "check")))?;
    } else {
        let wrong = verdict.errors.len()
            + verdict.plugins.len()
            + verdict.checks.iter().filter(|check| check.reason.is_some()).count();
        terminal::complain(&counted(wrong, "error"));
    }
    Ok(())
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
