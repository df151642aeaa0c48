//! Schemas of configurations: a plugin's word, held against the operator's configuration.
//!
//! A schema is a program. Five kilobytes of it can take all memory there is, or never end, and what evaluates it cannot
//! be stopped from within. So one that is known to be small work ([`bounded`]), as those of real checks are, is evaluated
//! here, and every other one in a process of its own with a limit of time and memory. Patterns are matched without
//! backtracking in both.

mod bounded;
mod order;
mod problem;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;
use sha2::{Digest, Sha256};

use problem::problems;
pub use problem::{Problem, Problems};

use probity_core::text::clean;

use super::Sandbox;
use super::compiler::{Compiler, Workshop};
use super::job::Answer;
use super::worker::{Allowance, Unanswered};

/// What a schema that is not known to be small work may spend on one configuration, to be compiled included.
const ALLOWANCE: Allowance = Allowance { time: TIME_MAX, memory: MEMORY_MAX };
const TIME_MAX: Duration = Duration::from_secs(3);
const MEMORY_MAX: u64 = 256 << 20;

/// What one schema may spend in all at a stretch. It gets a hundredth of the time that passes back.
const PATIENCE_MAX: Duration = Duration::from_secs(10);
const PATIENCE_EACH: u32 = 100;

/// Nodes of a schema times nodes of a configuration, and its patterns times bytes of text, that are evaluated here.
const STEPS_MAX: u64 = 100_000;

/// More steps than this are not done twice for the same configuration.
const STEPS_CHEAP: u64 = 10_000;

/// Verdicts that are kept for one schema. The checks of one plugin are fewer.
const VERDICTS_MAX: usize = 1_000;

/// Bytes that one pattern may compile to here, and as many again while it is used.
const PATTERN_BYTES_MAX: usize = 64 << 10;

/// Problems of a configuration that are told, and bytes of each.
const PROBLEMS_MAX: usize = 4;
const PROBLEM_BYTES_MAX: usize = 512;

/// A plugin's schema, ready to judge configurations.
pub struct Schema {
    text: String,
    /// When it is small work.
    here: Option<Here>,
    workshop: Arc<Workshop>,
    memory: Mutex<Memory>,
}

/// A schema that is evaluated in this process.
struct Here {
    value: Value,
    validator: Validator,
    size: bounded::Size,
}

/// What is known from before.
#[derive(Debug)]
struct Memory {
    /// By SHA-256 of the configuration.
    verdicts: HashMap<[u8; 32], Option<Problems>>,
    patience: Duration,
    since: Instant,
}

impl std::fmt::Debug for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Schema").field("here", &self.here.is_some()).finish_non_exhaustive()
    }
}

impl Sandbox {
    /// Takes the text of a schema. Blocks, for `TIME_MAX` at most.
    ///
    /// # Errors
    /// Why it is none, for people.
    pub fn schema(&self, text: &str) -> Result<Schema, String> {
        Schema::new(text, Arc::clone(&self.workshop))
    }
}

impl Schema {
    fn new(text: &str, workshop: Arc<Workshop>) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| complaint(&error.to_string()))?;
        let memory = Memory { verdicts: HashMap::new(), patience: PATIENCE_MAX, since: Instant::now() };
        let mut schema = Self { text: text.to_owned(), here: None, workshop, memory: Mutex::new(memory) };
        if let Some(size) = bounded::size(&value) {
            match compile(&value, Some(PATTERN_BYTES_MAX)) {
                Ok(validator) => {
                    schema.here = Some(Here { value, validator, size });
                    return Ok(schema);
                }
                Err(error) if !matches!(schema.workshop.compiler, Compiler::Process(_)) => return Err(error),
                // A large pattern, most likely: there is room for it elsewhere.
                Err(_) => {}
            }
        }
        // Any configuration does: that it is one that ends is what counts.
        match schema.ask("{}".to_owned()) {
            Ok(Answer::Judged(_)) => Ok(schema),
            Ok(Answer::NoSchema(why)) => Err(why),
            Ok(_) => Err("the process that looks at it answered something else".into()),
            Err(unanswered) => Err(unlooked(unanswered)),
        }
    }

    /// What is wrong with `config`, if anything. Blocks: for milliseconds, or for `TIME_MAX` where it has not been seen
    /// before and the schema is a large one.
    pub fn refuse(&self, config: &Value) -> Option<Problems> {
        match &self.here {
            Some(Here { value, validator, size }) => {
                let steps = size.steps(config);
                if steps <= STEPS_CHEAP {
                    return problems(value, validator, config);
                }
                let judge = || match steps {
                    ..=STEPS_MAX => Ok(problems(value, validator, config)),
                    _ => self.elsewhere(config),
                };
                self.remembered(config, judge)
            }
            None => self.remembered(config, || self.elsewhere(config)),
        }
    }

    /// The verdict of before, or a new one. An `Err` is one that does not last.
    fn remembered(&self, config: &Value, judge: impl FnOnce() -> Result<Option<Problems>, String>) -> Option<Problems> {
        let key: [u8; 32] = Sha256::digest(config.to_string()).into();
        if let Some(verdict) = self.lock().verdicts.get(&key) {
            return verdict.clone();
        }
        match judge() {
            Ok(verdict) => {
                let verdicts = &mut self.lock().verdicts;
                if verdicts.len() >= VERDICTS_MAX {
                    verdicts.clear();
                }
                verdicts.insert(key, verdict.clone());
                verdict
            }
            Err(problem) => Some(Problems::whole(&problem)),
        }
    }

    fn elsewhere(&self, config: &Value) -> Result<Option<Problems>, String> {
        if self.lock().exhausted() {
            return Err(
                "`config-schema` of the plugin takes too long, the configuration is not held to it for now".into()
            );
        }
        let start = Instant::now();
        let answer = self.ask(config.to_string());
        self.lock().spend(start.elapsed());
        match answer {
            Ok(Answer::Judged(verdict)) => Ok(verdict),
            Ok(Answer::NoSchema(why)) => {
                Ok(Some(Problems::whole(&format!("`config-schema` of the plugin is none: {why}"))))
            }
            Ok(_) => Err("the process that looks at it answered something else".into()),
            Err(unanswered) => {
                let lasts = matches!(unanswered, Unanswered::TooLong | Unanswered::Died { .. });
                let text = format!("cannot be held to `config-schema` of the plugin: {}", unlooked(unanswered));
                if lasts { Ok(Some(Problems::whole(&text))) } else { Err(text) }
            }
        }
    }

    fn ask(&self, config: String) -> Result<Answer, Unanswered> {
        self.workshop.judge(ALLOWANCE, &self.text, config)
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    fn exhausted(&mut self) -> bool {
        let now = Instant::now();
        let regained = now.duration_since(self.since) / PATIENCE_EACH;
        self.since = now;
        self.patience = self.patience.saturating_add(regained).min(PATIENCE_MAX);
        self.patience < TIME_MAX
    }

    fn spend(&mut self, time: Duration) {
        self.patience = self.patience.saturating_sub(time);
    }
}

/// What the schema of this text makes of `config` in this very process; none when that is work for another one, or the text
/// is no schema. For fuzzing: no input may take long or much.
#[doc(hidden)]
#[must_use]
pub fn judge_here(schema: &str, config: &Value) -> Option<Option<String>> {
    let value = serde_json::from_str(schema).ok()?;
    let steps = bounded::size(&value)?.steps(config);
    let validator = compile(&value, Some(PATTERN_BYTES_MAX)).ok()?;
    (steps <= STEPS_MAX).then(|| problems(&value, &validator, config).map(|problems| problems.to_string()))
}

/// The worker's part: the schema of these bytes, held against `config`.
pub(super) fn judge(schema: &[u8], config: &str) -> Answer {
    let read = serde_json::from_slice::<Value>(schema).map_err(|error| complaint(&error.to_string()));
    let compiled = read.and_then(|schema| Ok((compile(&schema, None)?, schema)));
    match (compiled, serde_json::from_str(config)) {
        (Ok((validator, schema)), Ok(config)) => Answer::Judged(problems(&schema, &validator, &config)),
        (Err(why), _) => Answer::NoSchema(why),
        (_, Err(error)) => Answer::Judged(Some(Problems::whole(&complaint(&error.to_string())))),
    }
}

/// Compiles a schema whose patterns take at most so much memory each, if that is given.
fn compile(schema: &Value, pattern: Option<usize>) -> Result<Validator, String> {
    let mut patterns = PatternOptions::regex();
    if let Some(bytes) = pattern {
        patterns = patterns.size_limit(bytes).dfa_size_limit(bytes);
    }
    jsonschema::options().offline().with_pattern_options(patterns).build(schema).map_err(|error| {
        let text = complaint(&error.to_string());
        // What it says of a pattern that the engine does not know.
        let hint = if text.ends_with("is not a \"regex\"") {
            " (patterns match without backtracking: no look-around, no back-references, and they must not be huge)"
        } else {
            ""
        };
        text + hint
    })
}

fn complaint(text: &str) -> String {
    clean(text, PROBLEM_BYTES_MAX)
}

/// Why there is no verdict.
fn unlooked(unanswered: Unanswered) -> String {
    match unanswered {
        Unanswered::TooLong => format!("that takes more than {} ms", TIME_MAX.as_millis()),
        Unanswered::Died { status, .. } => {
            format!("that takes more than {MEMORY_MAX} bytes of memory, or breaks what looks at it ({status})")
        }
        Unanswered::Stopped => "the host is ending".into(),
        Unanswered::Unusable(why) => {
            format!("it is not of the simple kind, and no process can be used to look at it: {why}")
        }
    }
}

#[cfg(test)]
mod tests;
