//! Shapes in lines of text.

use std::fmt::Write;

use probity_core::check::{Counts, Measurement, Status, nagios};
use probity_core::text::in_line;

use crate::board::View;
use crate::http::health::Aggregated;

/// The output of a Nagios plugin: one line with performance data, then one line per check.
pub(super) fn nagios(of: &Aggregated<'_>) -> String {
    let mut text = format!("PROBITY {} - {}", nagios::word(of.summary.status), counted(of.summary.counts));
    let Some(members) = of.members else { return text + "\n" };
    let views: Vec<_> = members.iter().map(|(name, slot)| (name, slot.view())).collect();
    for (name, view) in views.iter().filter(|(_, view)| view.status != Status::Healthy) {
        put(&mut text, format_args!("; {name} {}", nagios::plain(&said(view))));
    }
    let data: Vec<String> = views.iter().flat_map(|(name, view)| performance(name, view)).collect();
    if !data.is_empty() {
        put(&mut text, format_args!(" | {}", data.join(" ")));
    }
    text.push('\n');
    for (name, view) in &views {
        put(&mut text, format_args!("{}: {name} {}\n", nagios::word(view.status), nagios::plain(&said(view))));
    }
    text
}

/// For people at a terminal.
pub(super) fn text(of: &Aggregated<'_>) -> String {
    let mut text = format!("{}: {}\n", of.summary.status, counted(of.summary.counts));
    for (name, slot) in of.members.into_iter().flat_map(|members| members.iter()) {
        let view = slot.view();
        put(&mut text, format_args!("{:<10} {name}", view.status));
        if !view.message().is_empty() {
            put(&mut text, format_args!("  {}", in_line(view.message())));
        }
        if let Some(age_ms) = view.age_ms(of.now_unix_ms) {
            put(&mut text, format_args!("  ({} s ago)", age_ms / 1000));
        }
        text.push('\n');
    }
    text
}

fn counted(counts: Counts) -> String {
    let mut counts = counts;
    let words = Status::ALL.map(|status| (*counts.of(status), status));
    let named: Vec<String> =
        words.iter().filter(|(count, _)| *count > 0).map(|(count, status)| format!("{count} {status}")).collect();
    if named.is_empty() { "no checks".to_owned() } else { named.join(", ") }
}

fn said(view: &View) -> String {
    if view.message().is_empty() { view.status.to_string() } else { format!("{}: {}", view.status, view.message()) }
}

fn performance(name: &str, view: &View) -> Vec<String> {
    let Some(Ok(outcome)) = view.run.as_ref().map(|run| &run.end) else { return Vec::new() };
    let entry = |measurement: &Measurement| nagios::performance(&format!("{name}.{}", measurement.name), measurement);
    outcome.measurements.iter().filter_map(entry).collect()
}

fn put(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("writing to a string does not fail");
}
