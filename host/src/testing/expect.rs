//! What a run has to have come to, and how it differs.

use probity_core::check::{Measurement, Observed, Reason, Run, Status};
use probity_drivers::StateStore;
use probity_sandbox::capabilities::canned::Script;
use serde_json::Value as Json;
use toml::Value;

use super::raw::Expect;
use super::reader::Cases;
use super::script::json_of;

/// One thing that is not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The line of the case's file that expected it.
    pub line: u32,
    /// What: `status`, `measurements.latency`.
    pub what: String,
    /// What was expected.
    pub expected: String,
    /// What was there.
    pub actual: String,
    /// What to do, when it is not plain.
    pub help: Option<String>,
}

/// Compares.
pub(super) struct Judge<'a> {
    pub(super) cases: &'a Cases,
    pub(super) expect: &'a Expect,
    /// The line of `[case.expect]`.
    pub(super) line: u32,
    pub(super) run: &'a Run,
    pub(super) script: &'a Script,
    pub(super) state: &'a StateStore,
    pub(super) check: &'a str,
}

impl Judge<'_> {
    /// Everything that differs, the unexpected calls first: they usually are the cause of the rest.
    pub(super) fn differences(&self) -> Vec<Difference> {
        let mut found = Vec::new();
        self.calls_without_answer(&mut found);
        self.conclusion(&mut found);
        self.measurements(&mut found);
        self.details(&mut found);
        self.log(&mut found);
        self.calls(&mut found);
        self.kept(&mut found);
        found
    }

    fn calls_without_answer(&self, found: &mut Vec<Difference>) {
        let notes = self.script.notes();
        for surprise in &notes.surprises {
            found.push(Difference {
                line: self.line,
                what: "calls".into(),
                expected: "no call without an answer in the case".into(),
                actual: surprise.asked.clone(),
                help: Some(format!("to answer it, add to the case:\n{}", surprise.hint)),
            });
        }
        for (line, text) in &notes.differences {
            let (what, rest) = text.split_once(": expected ").unwrap_or((text, ""));
            let (expected, actual) = rest.split_once(", was ").unwrap_or((rest, ""));
            found.push(Difference {
                line: *line,
                what: what.to_owned(),
                expected: expected.to_owned(),
                actual: actual.to_owned(),
                help: None,
            });
        }
        for (entry, used) in self.script.entries.iter().zip(notes.used.iter().copied().chain(std::iter::repeat(0))) {
            // A group is made of its members' lines, any of which may be what the check asks for.
            let is_peer = entry.asked.starts_with("peer");
            if used == 0 && !is_peer {
                found.push(Difference {
                    line: entry.line,
                    what: "calls".into(),
                    expected: entry.asked.clone(),
                    actual: "the check never asked for it".into(),
                    help: None,
                });
            }
        }
    }

    fn differ(
        &self,
        found: &mut Vec<Difference>,
        span: &std::ops::Range<usize>,
        what: impl Into<String>,
        sides: (String, String),
    ) {
        let (expected, actual) = sides;
        found.push(Difference { line: self.cases.line(span), what: what.into(), expected, actual, help: None });
    }

    fn conclusion(&self, found: &mut Vec<Difference>) {
        let actual = match &self.run.end {
            Ok(outcome) => format!("{} ({:?})", outcome.status.as_str(), outcome.message),
            Err(failure) => format!("failure {} ({:?})", failure.reason.as_str(), failure.message),
        };
        if let Some(status) = &self.expect.status {
            let wanted = *status.get_ref();
            if self.run.status() != wanted {
                self.differ(found, &status.span(), "status", (wanted.as_str().into(), actual.clone()));
            }
        }
        if let Some(failure) = &self.expect.failure {
            let reason = self.run.end.as_ref().err().map(|failure| failure.reason.as_str());
            if reason != Some(failure.get_ref().as_str()) {
                self.differ(found, &failure.span(), "failure", (failure.get_ref().clone(), actual));
            }
        } else if self.expect.status.is_none() {
            let help = Some("add status = \"healthy\", or failure = \"capability\"".to_owned());
            let (what, expected) = ("status".into(), "the case to say status or failure".into());
            found.push(Difference { line: self.line, what, expected, actual, help });
        }
        self.text(found, "message", self.expect.message.as_ref(), self.run.message());
        let trace = self.run.end.as_ref().err().and_then(|failure| failure.trace.as_deref()).unwrap_or_default();
        self.text(found, "trace", self.expect.trace.as_ref(), trace);
    }

    fn text(&self, found: &mut Vec<Difference>, what: &str, wanted: Option<&toml::Spanned<String>>, actual: &str) {
        if let Some(wanted) = wanted.filter(|wanted| !fits(wanted.get_ref(), actual)) {
            self.differ(found, &wanted.span(), what, (format!("{:?}", wanted.get_ref()), format!("{actual:?}")));
        }
    }

    fn measurements(&self, found: &mut Vec<Difference>) {
        let measured = self.run.end.as_ref().map(|outcome| outcome.measurements.as_slice()).unwrap_or_default();
        for (name, wanted) in &self.expect.measurements {
            let what = format!("measurements.{name}");
            let shown = |value: &Value| json_of(value).to_string();
            match measured.iter().find(|measurement| measurement.name == *name) {
                Some(measurement) if is_measured(measurement, wanted.get_ref()) => {}
                Some(measurement) => {
                    self.differ(found, &wanted.span(), what, (shown(wanted.get_ref()), described(measurement)));
                }
                None => {
                    let names: Vec<&str> = measured.iter().map(|measurement| measurement.name.as_str()).collect();
                    let there = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
                    let actual = format!("not measured; there: {there}");
                    self.differ(found, &wanted.span(), what, (shown(wanted.get_ref()), actual));
                }
            }
        }
    }

    fn details(&self, found: &mut Vec<Difference>) {
        let details = self.run.end.as_ref().map(|outcome| outcome.details.as_slice()).unwrap_or_default();
        for (name, wanted) in &self.expect.details {
            let actual = details.iter().find(|(key, _)| key == name).map(|(_, text)| text.as_str());
            if !actual.is_some_and(|actual| fits(wanted.get_ref(), actual)) {
                let actual = actual.map_or_else(|| "not there".to_owned(), |actual| format!("{actual:?}"));
                let sides = (format!("{:?}", wanted.get_ref()), actual);
                self.differ(found, &wanted.span(), format!("details.{name}"), sides);
            }
        }
    }

    fn log(&self, found: &mut Vec<Difference>) {
        let lines: Vec<String> =
            self.run.log.iter().map(|line| format!("{}: {}", line.level.as_str(), line.message)).collect();
        let mut left = lines.iter();
        for wanted in &self.expect.log {
            if !left.any(|line| fits(wanted.get_ref(), line) || fits(&format!("*: {}", wanted.get_ref()), line)) {
                let actual = if lines.is_empty() { "nothing was logged".to_owned() } else { lines.join("\n") };
                self.differ(found, &wanted.span(), "log", (format!("{:?}", wanted.get_ref()), actual));
                return;
            }
        }
    }

    fn calls(&self, found: &mut Vec<Difference>) {
        let Some(wanted) = &self.expect.calls else { return };
        let calls: Vec<String> = self
            .run
            .calls
            .iter()
            .map(|call| format!("{} {}", call.operation, call.target).trim_end().to_owned())
            .collect();
        let same = wanted.get_ref().len() == calls.len()
            && wanted.get_ref().iter().zip(&calls).all(|(wanted, call)| fits(wanted, call));
        if !same {
            self.differ(found, &wanted.span(), "calls", (wanted.get_ref().join("\n"), calls.join("\n")));
        }
    }

    fn kept(&self, found: &mut Vec<Difference>) {
        let Some(wanted) = &self.expect.state else { return };
        let now = self.script.moment();
        let mut keys = self.state.keys(self.check, "", now);
        keys.extend(wanted.get_ref().keys().cloned());
        keys.sort();
        keys.dedup();
        for key in keys {
            let kept = self.state.get(self.check, &key, now);
            let expected = wanted.get_ref().get(&key);
            if !is_kept(kept.as_deref(), expected) {
                let side = |text: Option<String>| text.unwrap_or_else(|| "nothing".to_owned());
                let sides = (
                    side(expected.map(|value| json_of(value).to_string())),
                    side(kept.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())),
                );
                self.differ(found, &wanted.span(), format!("state.{key}"), sides);
            }
        }
    }
}

/// The reasons a case may expect.
pub(super) fn is_reason(word: &str) -> bool {
    REASONS.iter().any(|reason| reason.as_str() == word)
}

/// Ends that a run itself can come to.
pub(super) const REASONS: [Reason; 16] = [
    Reason::Fuel,
    Reason::Deadline,
    Reason::Memory,
    Reason::Stack,
    Reason::Tables,
    Reason::Handles,
    Reason::HostCalls,
    Reason::HostCallBytes,
    Reason::OutcomeBytes,
    Reason::Trap,
    Reason::Exit,
    Reason::Panic,
    Reason::BadOutput,
    Reason::InvalidConfig,
    Reason::Capability,
    Reason::Other,
];

/// Whether `text` is `pattern`, in which `*` stands for any text.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = pattern.contains('*').then(|| parts.next_back()).flatten() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Whether a measurement is the value, or what the table says: `value`, `min`, `max`, `unit`, `status`.
fn is_measured(measurement: &Measurement, wanted: &Value) -> bool {
    let Value::Table(table) = wanted else { return is_value(&measurement.value, wanted) };
    let number = match &measurement.value {
        Observed::Number(number) => Some(*number),
        Observed::Integer(integer) => Some(*integer as f64),
        Observed::Text(_) | Observed::Boolean(_) => None,
    };
    let bound = |value: &Value| value.as_float().or_else(|| value.as_integer().map(|integer| integer as f64));
    let compare = |value: &Value, fits: fn(f64, f64) -> bool| {
        number.zip(bound(value)).is_some_and(|(number, bound)| fits(number, bound))
    };
    table.iter().all(|(key, value)| match key.as_str() {
        "value" => is_value(&measurement.value, value),
        "min" => compare(value, |number, bound| number >= bound),
        "max" => compare(value, |number, bound| number <= bound),
        "unit" => value.as_str() == measurement.unit.as_deref(),
        "status" => value.as_str() == measurement.status.map(Status::as_str),
        _ => false,
    })
}

fn is_value(observed: &Observed, wanted: &Value) -> bool {
    const RELATIVE: f64 = 1e-9;
    let near = |one: f64, other: f64| (one - other).abs() <= RELATIVE * one.abs().max(other.abs());
    match (observed, wanted) {
        (Observed::Number(one), Value::Float(other)) => near(*one, *other),
        (Observed::Number(one), Value::Integer(other)) => near(*one, *other as f64),
        (Observed::Integer(one), Value::Integer(other)) => one == other,
        (Observed::Integer(one), Value::Float(other)) => near(*one as f64, *other),
        (Observed::Text(text), Value::String(pattern)) => fits(pattern, text),
        (Observed::Boolean(one), Value::Boolean(other)) => one == other,
        _ => false,
    }
}

fn described(measurement: &Measurement) -> String {
    let mut fields = serde_json::Map::new();
    fields.insert("value".into(), serde_json::to_value(&measurement.value).unwrap_or(Json::Null));
    if let Some(unit) = &measurement.unit {
        fields.insert("unit".into(), unit.as_str().into());
    }
    if let Some(status) = measurement.status {
        fields.insert("status".into(), status.as_str().into());
    }
    if fields.len() == 1 { fields["value"].to_string() } else { Json::Object(fields).to_string() }
}

/// Text as it is; anything else as JSON, however it is spaced.
fn is_kept(kept: Option<&[u8]>, wanted: Option<&Value>) -> bool {
    match (kept, wanted) {
        (None, None) => true,
        (Some(kept), Some(Value::String(text))) => kept == text.as_bytes() || json(kept) == Some(text.as_str().into()),
        (Some(kept), Some(wanted)) => json(kept) == Some(json_of(wanted)),
        _ => false,
    }
}

fn json(bytes: &[u8]) -> Option<Json> {
    serde_json::from_slice(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    // `*` stands for any text, wherever it is; without one the text is exact.
    #[test]
    fn patterns_stand_for_text() {
        for (pattern, text) in [("a", "a"), ("*", ""), ("a*", "abc"), ("*c", "abc"), ("a*c*e", "abcde"), ("*b*", "abc")]
        {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a", "ab"), ("a*", "ba"), ("*c", "cd"), ("a*b*b", "ab"), ("ab*ba", "aba"), ("", "a")] {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }

    // Numbers are numbers, whatever type the language has for them; bounds, units and judgements can be asked for.
    #[test]
    fn measurements_are_compared_by_what_is_asked() {
        let measurement = Measurement {
            name: "latency".into(),
            value: Observed::Number(3.0),
            unit: Some("ms".into()),
            status: Some(Status::Degraded),
        };
        let table = |text: &str| Value::Table(text.parse().unwrap());
        assert!(is_measured(&measurement, &Value::Integer(3)));
        assert!(is_measured(&measurement, &table("min = 2\nmax = 3.5\nunit = \"ms\"\nstatus = \"degraded\"")));
        assert!(!is_measured(&measurement, &table("max = 2")));
        assert!(!is_measured(&measurement, &table("unit = \"s\"")));
        assert!(!is_measured(&measurement, &Value::String("3".into())));
    }

    // State is text, or JSON however it is spaced.
    #[test]
    fn state_is_compared_as_json() {
        let value = |text: &str| Value::Table(format!("v = {text}").parse().unwrap())["v"].clone();
        assert!(is_kept(Some(b"{\"a\": 1}"), Some(&value("{ a = 1 }"))));
        assert!(is_kept(Some(b"7"), Some(&value("7"))) && is_kept(Some(b"seven"), Some(&value("\"seven\""))));
        assert!(
            !is_kept(Some(b"7"), Some(&value("8"))) && !is_kept(None, Some(&value("8"))) && !is_kept(Some(b"7"), None)
        );
    }
}
