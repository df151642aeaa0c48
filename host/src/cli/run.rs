//! `probity run`: one component, once, without a server.
//!
//! Crosses a configuration of one check with one plugin and runs what the server would: same plan, same sandbox, same
//! limits. Whatever happens to the plugin is a result ([`Run`]) with an exit code; only misuse is an error.

mod human;
mod json;
mod permit;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use clap::ValueEnum;
use probity_config::{Check, Config, Limits};
use probity_core::check::{Failure, Reason, Run, Status, nagios};
use probity_core::clock::unix_ms;
use probity_drivers::StateStore;
use probity_sandbox::capabilities::RunFacts;
use probity_server::plan::{self, Plan, PlannedCheck};
use probity_server::plugins::{Plugin, Reloads, Version};

use self::permit::Permit;
use super::{local, terminal};

/// Bytes of a file with a configuration.
const CONFIG_BYTES_MAX: u64 = 1 << 20;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  probity run plugins/load.wasm --grant system=load --grant system=cpu
  probity run http --check-config '{\"url\":\"http://127.0.0.1:9000/health\"}' --grant 'http=http://127.0.0.1:9000/*'
  probity run --check orders-backlog --output json     as probity.toml has it, one JSON document on a line
  probity run disk --grant system=disk:/ --output nagios
  probity run ./orders.wasm --check-config @orders.json --repeat 3 --every 2s   state is kept between the runs

Exit codes: 0 healthy, 1 degraded, 2 unhealthy, 3 unknown or not run.")]
pub(super) struct Args {
    /// A component file, or the name of one in the plugin directory
    #[arg(required_unless_present = "check")]
    plugin: Option<String>,
    /// The check's configuration: JSON, or @FILE with JSON
    #[arg(long, value_name = "JSON|@FILE", value_parser = check_config)]
    check_config: Option<String>,
    /// What the check may use: http=URL-PATTERN, tcp=HOST:PORT, system=WHAT; may be repeated
    #[arg(long, short, value_name = "KIND=TARGET", value_parser = Permit::parse)]
    grant: Vec<Permit>,
    /// Take plugin, configuration, grants and limits of this check from the configuration file
    #[arg(long, value_name = "NAME")]
    check: Option<String>,
    /// The host's configuration: connections, [egress] and [limits] hold; with --check the default is probity.toml
    #[arg(long, short, value_name = "FILE", env = "PROBITY_CONFIG", value_parser = config_file)]
    config: Option<PathBuf>,
    /// Wall time of a run
    #[arg(long, value_name = "DURATION", value_parser = probity_config::parse_duration)]
    timeout: Option<Duration>,
    /// Memory of a run
    #[arg(long, value_name = "SIZE", value_parser = probity_config::parse_size)]
    memory: Option<u64>,
    /// Instructions of a run
    #[arg(long, value_name = "NUMBER", value_parser = number)]
    fuel: Option<u64>,
    /// Run this often, keeping state; the exit code is that of the last run
    #[arg(long, value_name = "TIMES", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    repeat: u32,
    /// Pause between repeated runs
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = probity_config::parse_duration)]
    every: Duration,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = Output::Human)]
    output: Output,
    /// Show also the WebAssembly frames of a trap, below the guest's own stack
    #[arg(long, short)]
    verbose: bool,
    /// Compile each time instead of keeping compiled code in the user's cache directory
    #[arg(long)]
    no_cache: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people
    Human,
    /// For programs: one line a run
    Json,
    /// The line of a Nagios plugin: STATUS - message | performance data
    Nagios,
}

/// A run with what its reader needs to judge it.
struct Report<'a> {
    check: &'a str,
    plugin: &'a str,
    limits: &'a Limits,
    run: &'a Run,
    /// With what only the authors of runtimes read.
    verbose: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut config = configuration(args)?;
    let mut check = check(args, &config)?;
    let path = local::find(args.plugin.as_deref().unwrap_or(&check.plugin), &config.plugins.dir)?;
    let cache = (!args.no_cache).then(local::user_cache).flatten();
    // What `probity build` put there is the author's own.
    let is_own = path.parent().is_some_and(|folder| folder.ends_with("target/components"));
    let make = if is_own { local::Local::for_author } else { local::Local::new };
    let local = make(cache.as_deref(), &config.plugins)?;
    let version = match local.load(&config.plugins, &path) {
        Ok(version) => Arc::new(version),
        Err(rejection) => {
            let failure = Failure::new(Reason::NotLoaded, format!("{}: {}", path.display(), rejection.message));
            let run = Run::not_made(failure, unix_ms(), rejection.digest.as_deref().unwrap_or_default().into());
            return show(args, &check, &path, &check.limits, &run);
        }
    };
    override_check(&mut check, args, &mut config)?;
    let planned = plan(config, check.clone(), &version)?;
    let limits = &planned.env.limits;
    if let Some(blocked) = blocked(&planned, &version) {
        let run = Run::not_made(blocked, unix_ms(), Arc::clone(&version.digest));
        if args.check_config.is_none() && args.output == Output::Human {
            suggest_example(&run, &version);
        }
        return show(args, &check, &path, limits, &run);
    }
    let mut history = History::default();
    for turn in 0..args.repeat {
        if turn > 0 {
            std::thread::sleep(args.every);
        }
        let facts = history.facts(limits.timeout);
        let run = local.runtime().block_on(local.sandbox.run(&version.program, &planned.env, facts));
        let code = show(args, &check, &path, limits, &run)?;
        if turn + 1 == args.repeat {
            return Ok(code);
        }
        history.add(run);
    }
    bail!("--repeat is at least 1")
}

/// What earlier runs of this command leave to the next.
#[derive(Default)]
struct History {
    previous: Option<Arc<Run>>,
    consecutive_failures: u32,
}

impl History {
    fn facts(&self, timeout: Duration) -> RunFacts {
        RunFacts {
            id: uuid::Uuid::now_v7(),
            deadline: Instant::now() + timeout,
            consecutive_failures: self.consecutive_failures,
            previous: self.previous.clone(),
        }
    }

    fn add(&mut self, run: Run) {
        let failed = matches!(run.status(), Status::Unhealthy | Status::Unknown);
        self.consecutive_failures = if failed { self.consecutive_failures + 1 } else { 0 };
        self.previous = Some(Arc::new(run));
    }
}

fn configuration(args: &Args) -> anyhow::Result<Config> {
    if args.check.is_some() || args.config.is_some() {
        return Ok(probity_config::load(args.config.as_deref())?);
    }
    Ok(Config::default_in(Path::new("")))
}

/// The check as the file has it, or the one that a plugin without `[[check]]` gets.
fn check(args: &Args, config: &Config) -> anyhow::Result<Check> {
    if let Some(name) = &args.check {
        return config.checks.get(name).cloned().ok_or_else(|| {
            let names: Vec<&str> = config.checks.keys().map(String::as_str).collect();
            let known = if names.is_empty() { "there is none".to_owned() } else { names.join(", ") };
            anyhow!("no [[check]] is called `{name}` in the configuration; there: {known}")
        });
    }
    let plugin = args.plugin.as_deref().unwrap_or_default();
    let stem = Path::new(plugin).file_stem().unwrap_or_default().to_string_lossy();
    Ok(plan::implicit(config, if probity_config::is_name(&stem) { &stem } else { "check" }))
}

fn override_check(check: &mut Check, args: &Args, config: &mut Config) -> anyhow::Result<()> {
    if let Some(typed) = &args.check_config {
        check.config = config_value(typed)?;
        check.origin = "--check-config".to_owned();
    }
    for permit in &args.grant {
        permit.add_to(Arc::make_mut(&mut check.grants), &config.connections)?;
    }
    if let Some(timeout) = args.timeout {
        check.limits.timeout = timeout;
        check.timeout_is_set = true;
    }
    check.limits.memory = args.memory.unwrap_or(check.limits.memory);
    check.limits.fuel = args.fuel.unwrap_or(check.limits.fuel);
    Ok(())
}

/// A host's file where a check's JSON was meant, or the other way round, is told with the option that takes it.
fn config_file(text: &str) -> Result<PathBuf, String> {
    if text.starts_with(['{', '@']) {
        return Err("that is a check's configuration: give it with --check-config; --config is the host's file".into());
    }
    Ok(text.into())
}

/// The other way round.
pub(super) fn check_config(text: &str) -> Result<String, String> {
    if text.ends_with(".toml") && !text.starts_with(['{', '@']) {
        return Err("that is a host's file: give it with --config; --check-config is JSON, or @FILE with JSON".into());
    }
    Ok(text.to_owned())
}

fn config_value(typed: &str) -> anyhow::Result<serde_json::Value> {
    let (source, text) = match typed.strip_prefix('@') {
        Some(path) => (path, read_text(path).with_context(|| format!("read {path}"))?),
        None => ("--check-config", typed.to_owned()),
    };
    let value: serde_json::Value =
        serde_json::from_str(&text).with_context(|| format!("{source} is not JSON; write an object, as in '{{}}'"))?;
    if !value.is_object() {
        bail!("{source} is not a JSON object; write one, as in '{{\"url\": \"https://example.org/\"}}'");
    }
    Ok(value)
}

/// The text of a file, or of a pipe (`@<(command)`): whoever types the command waits for it.
fn read_text(path: &str) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(CONFIG_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > CONFIG_BYTES_MAX {
        return Err(std::io::Error::other(format!("more than {CONFIG_BYTES_MAX} bytes")));
    }
    Ok(text)
}

/// Plans the one check the way the server does.
fn plan(mut config: Config, check: Check, version: &Arc<Version>) -> anyhow::Result<Arc<PlannedCheck>> {
    let (name, plugin) = (check.name.clone(), check.plugin.clone());
    config.checks = [(name.clone(), check)].into();
    let loaded = Plugin {
        name: plugin.clone(),
        path: PathBuf::new(),
        current: Some(Arc::clone(version)),
        rejected: None,
        reloads: Reloads::default(),
    };
    let plugins = [(plugin, Arc::new(loaded))].into();
    let state = Arc::new(StateStore::in_memory());
    let plan = Plan::new(&config, &plugins, &state, &plan::services(&config));
    plan.checks.get(name.as_str()).cloned().context("the plan holds the configured check")
}

/// Why the check is not run, in the words of this command.
fn blocked(planned: &PlannedCheck, version: &Version) -> Option<Failure> {
    let failure = planned.blocked.clone()?;
    if failure.reason != Reason::Ungranted {
        return Some(failure);
    }
    let missing: Vec<_> = version
        .program
        .capabilities
        .iter()
        .filter(|capability| capability.needs_grant() && !planned.env.grants.names(**capability))
        .collect();
    let names: Vec<&str> = missing.iter().map(|capability| capability.as_str()).collect();
    let flags: Vec<&str> = missing.iter().map(|capability| permit::example(**capability)).collect();
    let text = format!("the plugin asks for {} without a grant; add {}", names.join(", "), flags.join(" "));
    Some(Failure::new(Reason::Ungranted, text))
}

fn suggest_example(run: &Run, version: &Version) {
    let is_config = run.end.as_ref().is_err_and(|failure| failure.reason == Reason::InvalidConfig);
    let example = version.metadata.config_example.as_deref().filter(|_| is_config);
    let example = example.and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
    if let Some(example) = example {
        terminal::note(&format!("help: the plugin's own example: --check-config '{example}'"));
    }
}

fn show(args: &Args, check: &Check, path: &Path, limits: &Limits, run: &Run) -> anyhow::Result<ExitCode> {
    let plugin = path.display().to_string();
    let report = Report { check: &check.name, plugin: &plugin, limits, run, verbose: args.verbose };
    match args.output {
        Output::Human => terminal::print(&human::render(&report, terminal::Paint::for_stdout()))?,
        Output::Json => terminal::print_json_line(&json::render(&report))?,
        Output::Nagios => terminal::print(&nagios::line(run))?,
    }
    if args.output == Output::Human {
        for flag in permit::for_denied(&run.calls) {
            terminal::note(&format!("help: to allow it, add {flag}"));
        }
    }
    Ok(ExitCode::from(run.status().nagios_code()))
}

/// A whole number, with `_` wherever it helps.
fn number(text: &str) -> Result<u64, String> {
    let digits: String = text.chars().filter(|c| *c != '_').collect();
    digits.parse().map_err(|_| "a whole number, such as 200_000_000".to_owned())
}
