//! `probity test`: a check's cases, run in the sandbox with the limits of a host, and nothing behind the imports but
//! what each case says.
//!
//! ```text
//! tests/*.toml ── reader ──▶ raw ── script ──▶ Script ── sandbox ──▶ Run ── expect ──▶ differences ── report
//! ```

mod expect;
mod raw;
mod reader;
pub mod report;
mod script;
mod system;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::Value as Json;

pub use expect::Difference;
use probity_config::{Limits, Secrets, nearest};
use probity_core::check::{Failure, Outcome, Reason, Run, Status};
use probity_drivers::{Services, StateStore};
use probity_sandbox::Sandbox;
use probity_sandbox::capabilities::{CheckEnv, RunFacts};
use probity_server::plugins::Version;

use expect::{Judge, REASONS, is_reason};
use reader::{Cases, Wrong};

/// One case, ready to run.
#[derive(Debug)]
pub struct Case {
    /// Where it stands.
    pub file: PathBuf,
    /// Its first line.
    pub line: u32,
    /// Its name, unique in its file.
    pub name: String,
    raw: raw::Case,
    config: Json,
    cases: Arc<Cases>,
}

/// What a case came to.
#[derive(Debug)]
pub struct Result {
    /// What is not as expected; empty for a case that passes.
    pub differences: Vec<Difference>,
    /// The run itself.
    pub run: Run,
}

/// Bytes of a check's configuration, as a host has it.
const CONFIG_BYTES_MAX: usize = 64 << 10;

/// The name a check has in a case that gives it none.
const CHECK: &str = "case";

/// Reads `tests/*.toml` below `folder`, in the order of their names.
///
/// # Errors
/// What is wrong with the first file that is wrong, with line and key.
pub fn read(folder: &Path) -> anyhow::Result<Vec<Case>> {
    let dir = folder.join("tests");
    let mut files = Vec::new();
    match std::fs::read_dir(&dir) {
        Ok(entries) => {
            for entry in entries {
                let path = entry.with_context(|| format!("read {}", dir.display()))?.path();
                if path.extension().is_some_and(|extension| extension == "toml") {
                    files.push(path);
                }
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("read {}", dir.display())),
    }
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        read_file(&file, &mut cases)?;
    }
    Ok(cases)
}

fn read_file(path: &Path, all: &mut Vec<Case>) -> anyhow::Result<()> {
    let (cases, file) = Cases::read(path)?;
    let cases = Arc::new(cases);
    let mut names: Vec<String> = Vec::new();
    for spanned in file.case {
        let span = spanned.span();
        let raw = spanned.into_inner();
        if names.contains(&raw.name) {
            let message = format!("two cases are called {:?}", raw.name);
            return Err(cases.wrong(span, message, "give each a name of its own").into());
        }
        names.push(raw.name.clone());
        check_words(&cases, &raw)?;
        // Found now, not when it runs: a mistake in any case fails the file.
        script::of(&cases, &raw)?;
        let mut config = file.config.clone();
        config.extend(raw.config.clone());
        let config = script::json_of(&toml::Value::Table(config));
        let (name, line) = (raw.name.clone(), cases.line(&span));
        all.push(Case { file: cases.path(), line, name, raw, config, cases: Arc::clone(&cases) });
    }
    Ok(())
}

/// What the types of the keys do not say.
fn check_words(cases: &Cases, raw: &raw::Case) -> std::result::Result<(), Wrong> {
    let expect = raw.expect.get_ref();
    if let Some(failure) = expect.failure.as_ref().filter(|failure| !is_reason(failure.get_ref())) {
        let words: Vec<&str> = REASONS.iter().map(|reason| reason.as_str()).collect();
        let near = nearest(failure.get_ref(), words.iter().copied());
        let meant = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
        let message = format!("no run fails as `{}`", failure.get_ref());
        return Err(cases.wrong(failure.span(), message, format!("{meant}allowed here: {}", words.join(", "))));
    }
    limits(cases, &raw.limits, Limits::DEFAULT).map(drop)
}

fn limits(cases: &Cases, raw: &raw::Limits, base: Limits) -> std::result::Result<Limits, Wrong> {
    let mut limits = base;
    if let Some(timeout) = &raw.timeout {
        let parsed = probity_config::parse_duration(timeout.get_ref());
        limits.timeout = parsed.map_err(|why| cases.wrong(timeout.span(), &why, "write \"2s\" or \"250ms\""))?;
    }
    if let Some(memory) = &raw.memory {
        let parsed = probity_config::parse_size(memory.get_ref());
        limits.memory = parsed.map_err(|why| cases.wrong(memory.span(), &why, "write \"32MiB\""))?;
    }
    limits.fuel = raw.fuel.unwrap_or(limits.fuel);
    limits.host_calls = raw.host_calls.unwrap_or(limits.host_calls);
    Ok(limits)
}

impl Case {
    /// Runs the case on a [`Sandbox::scripted`], as a host would: the configuration is held to the plugin's schema first,
    /// and the plugin's own timeout counts.
    ///
    /// # Errors
    /// What is wrong with the case.
    pub async fn run(&self, sandbox: &Sandbox, version: &Version) -> anyhow::Result<Result> {
        let script = Arc::new(script::of(&self.cases, &self.raw)?);
        let mut base = Limits::DEFAULT;
        base.timeout = version.metadata.default_timeout.map_or(base.timeout, probity_config::suggested_timeout);
        let limits = limits(&self.cases, &self.raw.limits, base)?;
        let state = Arc::new(StateStore::in_memory());
        let check = self.raw.context.check.clone().unwrap_or_else(|| CHECK.to_owned());
        for (key, value) in &self.raw.state {
            let bytes = match value {
                toml::Value::String(text) => text.clone().into_bytes(),
                other => script::json_of(other).to_string().into_bytes(),
            };
            let kept = state.set(&check, key, bytes, None, script.moment(), limits.state_bytes);
            kept.map_err(|error| anyhow::anyhow!("{}: state.{key}: {error}", self.name))?;
        }
        let config_text = self.config.to_string();
        anyhow::ensure!(config_text.len() <= CONFIG_BYTES_MAX, "{}: the configuration exceeds 64 KiB", self.name);
        let env = Arc::new(CheckEnv {
            name: check.as_str().into(),
            config: self.config.clone(),
            config_text,
            grants: Arc::default(),
            limits,
            secrets: Secrets::new(script.secrets.values().map(|(value, _)| value.clone())),
            state: Arc::clone(&state),
            services: Services::default(),
            script: Some(Arc::clone(&script)),
        });
        let run = match version.refuse_config(&self.config) {
            Some(problem) => {
                let failure = Failure::new(Reason::InvalidConfig, problem.to_string());
                Run::not_made(failure, script.now(), Arc::clone(&version.digest))
            }
            None => sandbox.run(&version.program, &env, self.facts(limits.timeout, script.now())).await,
        };
        let judge = Judge {
            cases: &self.cases,
            expect: self.raw.expect.get_ref(),
            line: self.cases.line(&self.raw.expect.span()),
            run: &run,
            script: &script,
            state: &state,
            check: &check,
        };
        Ok(Result { differences: judge.differences(), run })
    }

    fn facts(&self, timeout: Duration, now_unix_ms: u64) -> RunFacts {
        let context = &self.raw.context;
        RunFacts {
            id: uuid::Uuid::now_v7(),
            deadline: Instant::now() + timeout,
            consecutive_failures: context.consecutive_failures,
            previous: context.previous.as_ref().map(|previous| Arc::new(earlier(previous, now_unix_ms))),
        }
    }
}

fn earlier(previous: &raw::Previous, now_unix_ms: u64) -> Run {
    let message = previous.message.clone();
    let end = match previous.status {
        Status::Unknown => Err(Failure::new(Reason::Other, message)),
        status => Ok(Outcome { status, message, measurements: Vec::new(), details: Vec::new() }),
    };
    let started = now_unix_ms.saturating_sub(previous.age_ms);
    let duration = Duration::from_millis(previous.duration_ms);
    Run { end, duration, ..Run::not_made(Failure::new(Reason::Other, ""), started, "".into()) }
}
