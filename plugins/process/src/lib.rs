//! Processes of one name against thresholds: how many, how large, how old, how many files, and whether they grow.

use probity_check::prelude::*;
use probity_check::system::ProcessInfo;
use serde::{Deserialize, Deserializer, de};

mod history;

use history::History;

/// Keys of `[check.config]`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Config {
    #[serde(deserialize_with = "not_empty")]
    name: String,
    #[serde(default = "min_count_default")]
    min_count: AtLeast,
    #[serde(default)]
    max_count: AtMost,
    #[serde(default)]
    rss: AtMost<Size>,
    #[serde(default)]
    rss_total: AtMost<Size>,
    #[serde(default)]
    rss_growth: AtMost<Size>,
    #[serde(default)]
    cpu_percent: AtMost,
    #[serde(default)]
    threads: AtMost,
    #[serde(default)]
    open_files: AtMost,
    #[serde(default)]
    min_age: AtLeast<Span>,
    #[serde(default)]
    restarts: AtMost,
    #[serde(default = "window_default", deserialize_with = "window")]
    window: Span,
}

/// A service without a process is down.
fn min_count_default() -> AtLeast {
    AtLeast { warn: None, crit: Some(1.0) }
}

fn window_default() -> Span {
    Span::from_ms(3_600_000)
}

fn not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() { Err(de::Error::custom("must not be empty")) } else { Ok(text) }
}

/// Growth needs a few samples, restarts a little time.
fn window<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
    let window = Span::deserialize(deserializer)?;
    if window < Span::from_ms(60_000) { Err(de::Error::custom("must be at least 1m")) } else { Ok(window) }
}

/// The check.
struct Process;

impl Check for Process {
    type Config = Config;

    fn describe() -> Metadata {
        Metadata::new("process", env!("CARGO_PKG_VERSION"))
            .description("Number, memory, age and open files of processes against thresholds")
            .default_interval_ms(30_000)
            .config_schema(include_str!("../schema.json"))
            .config_example(include_str!("../example.json"))
    }

    fn run(config: &Config) -> Result<Outcome, Failure> {
        let processes = system::processes(&config.name)?;
        let mut outcome = Outcome::healthy(format!("{} {}", processes.len(), config.name));
        outcome = judge_count(outcome, processes.len() as f64, config);
        if processes.is_empty() {
            return Ok(outcome);
        }
        outcome = judge_largest(outcome, &processes, config);
        outcome = judge_total(outcome, &processes, config);
        outcome = judge_history(outcome, &processes, config)?;
        judge_open_files(outcome, &processes, config)
    }
}

fn judge_count(outcome: Outcome, count: f64, config: &Config) -> Outcome {
    match config.min_count.complaint(count, "") {
        Some(_) => outcome.judge("processes", count, "", &config.min_count),
        None => outcome.judge("processes", count, "", &config.max_count),
    }
}

/// What the worst single process shows.
fn judge_largest(outcome: Outcome, processes: &[ProcessInfo], config: &Config) -> Outcome {
    let rss = processes.iter().map(|process| process.rss).max().unwrap_or_default() as f64;
    let started_ms = processes.iter().map(|process| process.started_unix_ms).max().unwrap_or_default();
    let age_ms = clock::now_unix_ms().saturating_sub(started_ms) as f64;
    let outcome = outcome.judge("rss", rss, "By", &config.rss).judge("age", age_ms, "ms", &config.min_age);
    match processes.iter().filter_map(|process| process.threads).max() {
        Some(threads) => outcome.judge("threads", threads.into(), "", &config.threads),
        None => outcome,
    }
}

/// What all of them show together.
fn judge_total(outcome: Outcome, processes: &[ProcessInfo], config: &Config) -> Outcome {
    let cpu: f64 = processes.iter().map(|process| process.cpu_percent).sum();
    outcome.judge("rss total", rss_total(processes) as f64, "By", &config.rss_total).judge(
        "cpu",
        cpu,
        "%",
        &config.cpu_percent,
    )
}

fn rss_total(processes: &[ProcessInfo]) -> u64 {
    processes.iter().map(|process| process.rss).fold(0, u64::saturating_add)
}

/// What only several runs show. State is kept only for those who ask.
fn judge_history(mut outcome: Outcome, processes: &[ProcessInfo], config: &Config) -> Result<Outcome, Failure> {
    if config.rss_growth == AtMost::default() && config.restarts == AtMost::default() {
        return Ok(outcome);
    }
    // The oldest is the parent where a service has workers that come and go.
    let Some(oldest) = processes.iter().min_by_key(|process| (process.started_unix_ms, process.pid)) else {
        return Ok(outcome);
    };
    let mut history = History::load(&config.name)?;
    history.record((oldest.pid, oldest.started_unix_ms), rss_total(processes), config.window, clock::now_unix_ms());
    history.save()?;
    if let Some(bytes) = history.growth(config.window) {
        outcome = outcome.judge("rss growth", bytes, "By", &config.rss_growth);
    }
    Ok(outcome.judge("restarts", history.restarts(), "", &config.restarts))
}

fn judge_open_files(outcome: Outcome, processes: &[ProcessInfo], config: &Config) -> Result<Outcome, Failure> {
    let most = processes.iter().filter_map(|process| process.open_files).max();
    let hidden = processes.iter().find(|process| process.open_files.is_none());
    match (most, hidden) {
        // Bad news stays bad news; good news must not rest on what was not seen.
        (_, Some(process)) if config.open_files != AtMost::default() && outcome.status != Status::Unhealthy => {
            let message = format!("the host's user may not see the open files of process {}", process.pid);
            Err(Error::new(ErrorKind::Unsupported, message).into())
        }
        (Some(files), _) => Ok(outcome.judge("open files", files.into(), "", &config.open_files)),
        (None, _) => Ok(outcome),
    }
}

probity_check::export!(Process);

#[cfg(test)]
mod tests;
