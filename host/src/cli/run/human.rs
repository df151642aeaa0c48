//! A run for a person: the answer first, then what it is made of, then what it cost.

use std::fmt::Write;

use probity_core::check::{Measurement, Observed, Outcome, Status};

use super::Report;
use crate::cli::terminal::{Paint, grouped, milliseconds, size};

/// Several lines, with the newline.
pub(super) fn render(report: &Report<'_>, paint: Paint) -> String {
    let run = report.run;
    let status = paint.status(run.status(), 0);
    let reason = run.end.as_ref().err().map(|failure| format!(" ({})", failure.reason.as_str())).unwrap_or_default();
    let mut text = format!("{status}{reason}  {}\n", run.message());
    match &run.end {
        Ok(outcome) => measured(&mut text, outcome, paint),
        Err(failure) => {
            for line in failure.trace.iter().flat_map(|trace| trace.lines()) {
                put(&mut text, "trace", line, paint);
            }
            let internals = failure.internals.iter().filter(|_| report.verbose);
            for line in internals.flat_map(|internals| internals.0.lines()) {
                put(&mut text, "wasm", line, paint);
            }
        }
    }
    for line in &run.log {
        let fields: String = line.fields.iter().map(|(key, value)| format!(" {key}={value}")).collect();
        put(&mut text, "log", &format!("{:<5} {}{fields}", line.level.as_str(), line.message), paint);
    }
    for call in &run.calls {
        let time = milliseconds(call.duration_ms);
        let target = if call.target.is_empty() { String::new() } else { format!(" {}", call.target) };
        put(&mut text, "call", &format!("{}{target} {} in {time}", call.operation, call.result), paint);
    }
    // A run that was not made cost nothing.
    if !run.id.is_nil() {
        put(&mut text, "used", &used(report), paint);
    }
    text
}

fn measured(text: &mut String, outcome: &Outcome, paint: Paint) {
    let wide = |measurement: &Measurement| measurement.name.chars().count();
    let width = outcome.measurements.iter().map(wide).max().unwrap_or(0);
    for measurement in &outcome.measurements {
        let judged = match measurement.status {
            Some(status) if status != Status::Healthy => format!("  {}", paint.status(status, 0)),
            Some(_) | None => String::new(),
        };
        put(text, "value", &format!("{:<width$}  {}{judged}", measurement.name, with_unit(measurement)), paint);
    }
    for (key, value) in &outcome.details {
        put(text, "detail", &format!("{key}: {value}"), paint);
    }
}

/// Bytes in the unit that reads best; everything else in its own.
fn with_unit(measurement: &Measurement) -> String {
    let value = &measurement.value;
    match (measurement.unit.as_deref(), value) {
        (Some("By"), Observed::Integer(bytes)) if *bytes >= 0 => size(bytes.unsigned_abs()),
        // Counts of bytes come as floats from languages that have no others; the digits below one byte mean nothing.
        (Some("By"), Observed::Number(bytes)) if (0.0..1e18).contains(bytes) => size(*bytes as u64),
        (None | Some("1" | ""), _) => observed(value),
        (Some(unit), _) => format!("{} {unit}", observed(value)),
    }
}

fn observed(value: &Observed) -> String {
    match value {
        // More digits than these nobody compares; JSON has them all.
        Observed::Number(number) if number.abs() >= 1e-3 => {
            let text = format!("{number:.3}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        Observed::Number(number) => number.to_string(),
        Observed::Integer(number) => number.to_string(),
        Observed::Text(text) => text.clone(),
        Observed::Boolean(yes) => yes.to_string(),
    }
}

fn used(report: &Report<'_>) -> String {
    let (usage, limits) = (&report.run.usage, report.limits);
    format!(
        "{} of {}, {} of {} memory, {} of {} fuel, {} of {} host calls",
        milliseconds(report.run.duration.as_secs_f64() * 1e3),
        probity_config::format_duration(limits.timeout),
        size(usage.memory_peak_bytes),
        size(limits.memory),
        grouped(usage.fuel),
        grouped(limits.fuel),
        usage.host_calls,
        limits.host_calls,
    )
}

fn put(text: &mut String, label: &str, line: &str, paint: Paint) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "  {} {line}", paint.dim(&format!("{label:<6}")));
}
