//! `probity test`: a check's cases, in the sandbox it will run in.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::bail;
use clap::ValueEnum;
use probity_build::{Built, Project};
use probity_config::Config;
use probity_sandbox::Sandbox;

use super::{build, local, terminal};
use crate::testing::{self, Case, report};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  probity test                                builds the check of this folder and runs its tests/*.toml
  probity test checks/queue-depth --filter redis
  probity test --output junit > cases.xml     for CI

Exit codes: 0 all cases pass, 1 some do not, 2 nothing was tested.")]
pub(super) struct Args {
    /// The check's folder
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Only cases with this text in their name or file
    #[arg(long, short, value_name = "TEXT")]
    filter: Option<String>,
    /// Test this component instead of building the folder's
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = Output::Human)]
    output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people
    Human,
    /// For programs
    Json,
    /// For CI systems: JUnit XML
    Junit,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let (name, file) = match &args.component {
        Some(file) => (file.file_stem().unwrap_or_default().to_string_lossy().into_owned(), file.clone()),
        None => {
            let project = Project::open(&args.dir)?;
            let Built { file, .. } = build::made(&project, false)?;
            (project.name, file)
        }
    };
    let cases = selected(&args.dir, args.filter.as_deref())?;
    let started = Instant::now();
    let tester = Tester::new(&file)?;
    let mut results = Vec::with_capacity(cases.len());
    for case in cases {
        let result = tester.run(&case)?;
        if args.output == Output::Human {
            terminal::print(&report::human(&case, &result))?;
        }
        results.push((case, result));
    }
    let failed = results.iter().filter(|(_, result)| !result.differences.is_empty()).count();
    match args.output {
        Output::Human => {
            let passed = results.len() - failed;
            let took = started.elapsed().as_secs_f32();
            terminal::print(&format!("{passed} of {} cases pass ({took:.1} s)\n", results.len()))?;
        }
        Output::Json => {
            let all: Vec<_> = results.iter().map(|(case, result)| report::json(case, result)).collect();
            terminal::print_json(&all)?;
        }
        Output::Junit => terminal::print(&report::junit(&name, &results))?,
    }
    Ok(ExitCode::from(u8::from(failed > 0)))
}

/// Names of cases shown to whoever asked for one that is not there.
const NAMES_SHOWN: usize = 8;

fn selected(dir: &Path, filter: Option<&str>) -> anyhow::Result<Vec<Case>> {
    let cases = testing::read(dir)?;
    if cases.is_empty() {
        bail!(
            "no cases in {}; write [[case]] tables there (docs/writing-a-check.md, \"Cases\")",
            dir.join("tests/*.toml").display()
        );
    }
    let Some(filter) = filter else { return Ok(cases) };
    let fits = |case: &Case| case.name.contains(filter) || case.file.to_string_lossy().contains(filter);
    let (fitting, others): (Vec<Case>, Vec<Case>) = cases.into_iter().partition(fits);
    if fitting.is_empty() {
        let names: Vec<&str> = others.iter().take(NAMES_SHOWN).map(|case| case.name.as_str()).collect();
        let rest = others.len() - names.len();
        let rest = if rest > 0 { format!(", and {rest} more") } else { String::new() };
        bail!("no case has `{filter}` in its name or file; there are: {}{rest}", names.join(", "));
    }
    Ok(fitting)
}

/// A component, loaded into a sandbox where cases answer.
pub(super) struct Tester {
    local: local::Local,
    version: probity_server::plugins::Version,
}

impl Tester {
    /// Loads the component.
    pub(super) fn new(file: &Path) -> anyhow::Result<Self> {
        let cache = local::user_cache();
        let settings = Config::default_in(Path::new("")).plugins;
        let local = local::Local::of_author(Sandbox::scripted(cache.as_deref())?, &settings)?;
        let loaded = local.load(&settings, file);
        let version = loaded.map_err(|rejection| anyhow::anyhow!("{}: {}", file.display(), rejection.message))?;
        Ok(Self { local, version })
    }

    /// Runs one case.
    pub(super) fn run(&self, case: &Case) -> anyhow::Result<testing::Result> {
        self.local.runtime().block_on(case.run(&self.local.sandbox, &self.version))
    }
}
