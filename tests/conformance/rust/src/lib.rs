//! The reference check of the conformance suite, in Rust: see `tests/conformance/README.md`.

use probity_check::prelude::*;
use probity_check::units::Number;

/// Every act takes what it needs of these.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    act: String,
    value: Option<f64>,
    warn: Option<f64>,
    crit: Option<f64>,
    integer: Option<i64>,
    most: Option<AtMost<Number>>,
    url: Option<String>,
    word: Option<String>,
}

struct Reference;

impl Check for Reference {
    type Config = Config;

    fn describe() -> Metadata {
        Metadata::new("reference", "0.1.0").description("Does every language do the same?")
    }

    fn run(config: &Config) -> Result<Outcome, Failure> {
        match config.act.as_str() {
            "judge" => Ok(judge(config)),
            "integer" => Ok(judge_integer(config)),
            "log" => Ok(write_lines()),
            "http" => fetch(config.url.as_deref().unwrap_or_default()),
            "json" => look_up(config.url.as_deref().unwrap_or_default()),
            "state" => Ok(Outcome::healthy("counted").measure("runs", state::increment("runs", 1)?, "")),
            "loop" => loop {
                std::hint::spin_loop();
            },
            "allocate" => Ok(allocate()),
            "word" => {
                let status: Status = config.word.as_deref().unwrap_or_default().parse().map_err(Failure::other)?;
                Ok(Outcome::healthy("fine").finding(status, "said"))
            }
            "nothing" => Ok(Outcome::healthy("fine").judge("lag", f64::NAN, "ms", &AtMost::<f64>::default())),
            "throw" => panic!("boom"),
            "config" => Ok(Outcome::healthy(format!("value {:?}", config.value))),
            act => Err(Failure::other(format!("unknown act `{act}`"))),
        }
    }
}

fn judge(config: &Config) -> Outcome {
    let limits = AtMost { warn: config.warn, crit: config.crit };
    Outcome::healthy("as it should be").judge("value", config.value.unwrap_or(f64::NAN), "", &limits)
}

fn judge_integer(config: &Config) -> Outcome {
    let value = Number::from(config.integer.unwrap_or_default());
    Outcome::healthy("as it should be").judge_exact("integer", value, "", &config.most.unwrap_or_default())
}

fn write_lines() -> Outcome {
    use log::Level::{Debug, Error, Info, Trace, Warn};
    for (level, name) in [(Trace, "trace"), (Debug, "debug"), (Info, "info"), (Warn, "warn"), (Error, "error")] {
        log::write(level, &format!("line at {name}"), &[("n", "1")]);
    }
    Outcome::healthy("logged")
}

fn fetch(url: &str) -> Result<Outcome, Failure> {
    match http::get(url) {
        Ok(response) => {
            let status = response.status();
            Ok(Outcome::healthy(format!("status {status}")).measure("status", u32::from(status), ""))
        }
        Err(error) if error.kind.is_about_the_target() => Ok(Outcome::unhealthy(format!("no answer: {}", error.kind))),
        Err(error) => Err(error.into()),
    }
}

fn look_up(url: &str) -> Result<Outcome, Failure> {
    #[derive(serde::Deserialize)]
    struct Answer {
        value: f64,
    }
    let answer: Answer = http::get(url)?.json()?;
    Ok(Outcome::healthy("found").measure("value", answer.value, ""))
}

fn allocate() -> Outcome {
    let mut kept = Vec::new();
    loop {
        kept.push(std::hint::black_box(vec![1_u8; 1 << 20]));
    }
}

probity_check::export!(Reference);
