//! Scrapes a page of Prometheus metrics and judges chosen series, or how fast they grow.

use probity_check::prelude::*;
use probity_check::units::{Number, Quantity};
use serde::{Deserialize, Serialize};

mod config;
mod text;

use config::{Aggregate, Config, Rule, Selector, Verdict};

/// Servers that can write more than one format are asked for this one.
const ACCEPT: &str = "text/plain;version=0.0.4;q=1,*/*;q=0.1";

/// Bytes of a page. The host's own limit on bodies applies as well.
const PAGE_BYTES_MAX: u32 = 16 << 20;

/// Longest line: a label value of a page's length is an attack or a mistake.
const LINE_BYTES_MAX: usize = 64 << 10;

/// The check.
struct Prometheus;

impl Check for Prometheus {
    type Config = Config;

    fn describe() -> Metadata {
        Metadata::new("prometheus", env!("CARGO_PKG_VERSION"))
            .description("Scrapes a page of Prometheus metrics and judges chosen series, or how fast they grow")
            .default_interval_ms(30_000)
            .default_timeout_ms(10_000)
            .config_schema(include_str!("../schema.json"))
            .config_example(include_str!("../example.json"))
    }

    fn run(config: &Config) -> Result<Outcome, Failure> {
        let page = match scrape(config) {
            Ok(Ok(page)) => page,
            Ok(Err(status)) => return Ok(Outcome::unhealthy(format!("{}: status {status}, expected 200", config.url))),
            Err(error) if error.kind.is_about_the_target() => {
                return Ok(Outcome::unhealthy(format!("{}: {error}", config.url)));
            }
            Err(error) => return Err(error.into()),
        };
        let mut found: Vec<Vec<Series>> =
            config.metrics.iter().map(|rule| rule.selectors().into_iter().map(Series::of).collect()).collect();
        if let Err(what) = read(&page, &mut found) {
            return Ok(Outcome::unhealthy(format!("{}: {what}", config.url)));
        }
        let mut outcome = Outcome::default();
        let (mut texts, mut untold) = (Vec::new(), Vec::new());
        for (rule, series) in config.metrics.iter().zip(&found) {
            outcome = match judge(outcome, rule, series)? {
                Judged::So(next, text) => {
                    texts.push(text);
                    next
                }
                Judged::Not(same, why) => {
                    untold.push(why);
                    same
                }
            };
        }
        if outcome.status != Status::Healthy {
            return Ok(outcome);
        }
        if !untold.is_empty() {
            // The rules that could be judged are well; that says nothing about the others.
            return Err(Failure::other(untold.join(", ")));
        }
        outcome.message = texts.join(", ");
        Ok(outcome)
    }
}

/// The page, or the status that came in its place.
fn scrape(config: &Config) -> Result<Result<Vec<u8>, u16>, Error> {
    let mut request = http::Request::new("GET", &config.url).header("accept", ACCEPT).max_body_bytes(PAGE_BYTES_MAX);
    request.endpoint.clone_from(&config.endpoint);
    request.timeout_ms = config.timeout.map(Span::as_timeout_ms);
    for (name, value) in &config.headers {
        request = request.header(name, value.as_bytes());
    }
    let response = request.send()?;
    match response.status() {
        200 => response.body().map(Ok),
        status => Ok(Err(status)),
    }
}

/// What was found for one selector.
struct Series {
    selector: Selector,
    count: u64,
    sum: Number,
    min: Number,
    max: Number,
}

impl Series {
    const fn of(selector: Selector) -> Self {
        let (min, max) = (Number::Real(f64::INFINITY), Number::Real(f64::NEG_INFINITY));
        Self { selector, count: 0, sum: Number::Integer(0), min, max }
    }

    fn offer(&mut self, sample: &text::Sample<'_>) {
        let Selector { metric, labels, .. } = &self.selector;
        let has = |(name, value): (&String, &String)| sample.labels.iter().any(|(n, v)| n == name && v == value);
        if sample.name != *metric || !labels.iter().all(has) {
            return;
        }
        self.count += 1;
        self.sum = self.sum.plus(sample.value);
        // Not `f64::min`, which forgets a NaN: what is not a number must show.
        if sample.value < self.min || sample.value.is_nan() {
            self.min = sample.value;
        }
        if sample.value > self.max || sample.value.is_nan() {
            self.max = sample.value;
        }
    }

    /// None when there is no such series, unless their number is the question.
    fn value(&self) -> Option<Number> {
        match self.selector.aggregate {
            Aggregate::Count => Some(self.count.into()),
            _ if self.count == 0 => None,
            Aggregate::Sum => Some(self.sum),
            Aggregate::Min => Some(self.min),
            Aggregate::Max => Some(self.max),
            Aggregate::Avg => Some((self.sum.as_f64() / self.count as f64).into()),
        }
    }
}

/// Offers every sample of the page to every selector. The page is never held in any other form.
fn read(page: &[u8], found: &mut [Vec<Series>]) -> Result<(), String> {
    for (at, line) in page.split(|byte| *byte == b'\n').enumerate() {
        let wrong = |what: &str| format!("line {} is not in the Prometheus text format: {what}", at + 1);
        if line.len() > LINE_BYTES_MAX {
            return Err(wrong(&format!("longer than {LINE_BYTES_MAX} bytes")));
        }
        let line = str::from_utf8(line).map_err(|_| wrong("not UTF-8"))?;
        if let Some(sample) = text::parse_line(line).map_err(|what| wrong(&what))? {
            found.iter_mut().flatten().for_each(|series| series.offer(&sample));
        }
    }
    Ok(())
}

/// What came of one rule.
enum Judged {
    /// The judgement, and what to say when all is well.
    So(Outcome, String),
    /// There is nothing to judge yet, and why.
    Not(Outcome, String),
}

fn judge(outcome: Outcome, rule: &Rule, series: &[Series]) -> Result<Judged, Failure> {
    let name = rule.name();
    let mut values = Vec::with_capacity(series.len());
    for series in series {
        let Some(value) = series.value() else {
            let finding = format!("no series of {}", series.selector.metric);
            return Ok(Judged::So(outcome.finding(rule.missing.status(), &finding), finding));
        };
        values.push(value);
    }
    if rule.rate {
        let seen: Vec<f64> = values.iter().map(|value| value.as_f64()).collect();
        match rates(name, &seen)? {
            Some(rates) => values = rates.into_iter().map(Number::Real).collect(),
            // Nothing to compare with: the next run has.
            None => return Ok(Judged::Not(outcome, format!("{name}: no rate yet"))),
        }
    }
    let value = match values[..] {
        // Something over nothing is more than any bound, and not at least anything.
        [over, under] if under.as_f64() == 0.0 && (over.as_f64() == 0.0 || !rule.bounds_above()) => {
            return Ok(nothing(outcome, rule));
        }
        [over, under] => Number::Real(over.as_f64() / under.as_f64()),
        [value] => value,
        _ => return Err(Failure::other("a rule has one selector or two")),
    };
    let unit = rule.unit.as_str();
    let text = format!("{name} {}", Number::show_exact(value, unit));
    let outcome = match rule.at_least.complaint_exact(value, unit) {
        Some(_) => outcome.judge_exact(name, value, unit, &rule.at_least),
        None => outcome.judge_exact(name, value, unit, &rule.at_most),
    };
    Ok(Judged::So(outcome, text))
}

/// What is divided by nothing is no number. Where one is asked for, that is no judgement unless the operator says which it is.
fn nothing(outcome: Outcome, rule: &Rule) -> Judged {
    let text = format!("{}: nothing to divide", rule.name());
    match rule.on_null.map(Verdict::status) {
        Some(status) => Judged::So(outcome.finding(status, &text), text),
        None if rule.is_judged() => Judged::Not(outcome, text),
        None => Judged::So(outcome, text),
    }
}

impl Verdict {
    const fn status(self) -> Status {
        match self {
            Self::Healthy => Status::Healthy,
            Self::Degraded => Status::Degraded,
            Self::Unhealthy => Status::Unhealthy,
        }
    }
}

/// What the run before saw.
#[derive(Serialize, Deserialize)]
struct Kept {
    at_unix_ms: u64,
    values: Vec<f64>,
}

/// How long a value is worth comparing with: a rate over more than a day says nothing about now.
const KEPT_FOR: Span = Span::from_ms(86_400_000);

/// Growth per second since the run before; none at the first run, and when a counter went back, because then how much
/// it grew is not known.
fn rates(name: &str, values: &[f64]) -> Result<Option<Vec<f64>>, Failure> {
    let key = format!("rate {}", fingerprint(name));
    let now_ms = clock::now_unix_ms();
    let before = match state::get_json::<Kept>(&key) {
        Ok(kept) => kept,
        // Written by another version, or a value that JSON cannot hold.
        Err(error) if error.kind == ErrorKind::Protocol => None,
        Err(error) => return Err(error.into()),
    };
    state::set_json(&key, &Kept { at_unix_ms: now_ms, values: values.to_vec() }, Some(KEPT_FOR))?;
    let Some(before) = before.filter(|kept| kept.values.len() == values.len() && kept.at_unix_ms < now_ms) else {
        return Ok(None);
    };
    let seconds = (now_ms - before.at_unix_ms) as f64 / 1000.0;
    let rates: Vec<f64> = values.iter().zip(&before.values).map(|(now, then)| (now - then) / seconds).collect();
    Ok((!rates.iter().any(|rate| *rate < 0.0)).then_some(rates))
}

/// FNV-1a: keys of the state are short, names of rules need not be.
fn fingerprint(name: &str) -> String {
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    format!("{hash:016x}")
}

probity_check::export!(Prometheus);

#[cfg(test)]
mod tests;
