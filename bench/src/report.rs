//! Rows, the table and the JSON file.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::stats::{Pair, Series, Summary};

/// What the first version is meant to reach.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    /// Ours ÷ floor.
    RatioAtMost(f64),
    /// Ours ÷ floor.
    RatioAtLeast(f64),
    /// Ours, in the row's unit.
    AtMost(f64),
    /// Ours, in the row's unit.
    AtLeast(f64),
    /// Told, not judged.
    None,
}

/// One line of the table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) number: u8,
    metric: String,
    unit: String,
    ours: Option<Summary>,
    floor: Option<Summary>,
    ratio: Option<Summary>,
    first: String,
    met: Option<bool>,
    notes: Vec<String>,
    load: String,
    commit: String,
    date: String,
    quick: bool,
}

impl Row {
    pub(crate) fn new(number: u8, metric: &str, unit: &str) -> Self {
        Self {
            number,
            metric: metric.to_owned(),
            unit: unit.to_owned(),
            ours: None,
            floor: None,
            ratio: None,
            first: String::new(),
            met: None,
            notes: Vec::new(),
            load: clock::load(),
            commit: String::new(),
            date: String::new(),
            quick: false,
        }
    }

    /// A row that was not measured, and why.
    pub(crate) fn absent(number: u8, metric: &str, why: impl Into<String>) -> Self {
        Self::new(number, metric, "").note(format!("not measured: {}", why.into()))
    }

    pub(crate) fn pair(self, pair: &Pair) -> Self {
        Self { ours: pair.ours.summary(), floor: pair.floor.summary(), ratio: pair.ratio.summary(), ..self }
    }

    pub(crate) fn ours(self, ours: &Series) -> Self {
        Self { ours: ours.summary(), ..self }
    }

    /// A floor that was not measured batch by batch: the ratio is one number.
    pub(crate) fn against(self, floor: &Series) -> Self {
        let floor = floor.summary();
        let median = |summary: Option<Summary>| summary.map(|summary| summary.median);
        let ratio = median(self.ours).zip(median(floor)).map(|(ours, floor)| Series(vec![ours / floor]));
        Self { floor, ratio: ratio.and_then(|ratio| ratio.summary()), ..self }
    }

    pub(crate) fn goal(self, goal: Goal) -> Self {
        let median = |summary: Option<Summary>| summary.map(|summary| summary.median);
        let (first, met) = match goal {
            Goal::RatioAtMost(max) => (format!("≤ {max}×"), median(self.ratio).map(|ratio| ratio <= max)),
            Goal::RatioAtLeast(min) => (format!("≥ {min}×"), median(self.ratio).map(|ratio| ratio >= min)),
            Goal::AtMost(max) => (format!("≤ {max} {}", self.unit), median(self.ours).map(|ours| ours <= max)),
            Goal::AtLeast(min) => (format!("≥ {min} {}", self.unit), median(self.ours).map(|ours| ours >= min)),
            Goal::None => (String::new(), None),
        };
        Self { first, met, ..self }
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    pub(crate) fn notes(mut self, notes: impl IntoIterator<Item = String>) -> Self {
        self.notes.extend(notes);
        self
    }
}

/// Where and when.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    kernel: String,
    cpu: String,
    cores: usize,
    pagemap_scan: bool,
    load: String,
    commit: String,
    date: String,
}

impl Machine {
    pub(crate) fn here(root: &Path) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let cpus = read("/proc/cpuinfo");
        let cpu = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
        let git = |args: &[&str]| {
            let output = Command::new("git").arg("-C").arg(root).args(args).output().ok()?;
            output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        let changed = git(&["status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs"]);
        let mark = if changed.is_some_and(|changed| !changed.is_empty()) { "+" } else { "" };
        Self {
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            cpu: cpu.trim_start_matches([' ', '\t', ':']).to_owned(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            pagemap_scan: wasmtime::PoolingAllocationConfig::is_pagemap_scan_available(),
            load: clock::load(),
            commit: git(&["rev-parse", "--short=10", "HEAD"]).map_or_else(String::new, |commit| commit + mark),
            date: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
        }
    }
}

/// Everything measured so far.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    machine: Machine,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Earlier {
    rows: Vec<Row>,
}

impl Report {
    /// The rows of an earlier, partial measurement at `path`, if there is one.
    pub(crate) fn resume(path: &Path, machine: Machine) -> Self {
        let earlier = fs::read(path).ok().and_then(|bytes| serde_json::from_slice::<Earlier>(&bytes).ok());
        Self { machine, rows: earlier.map(|earlier| earlier.rows).unwrap_or_default() }
    }

    /// Takes rows in; earlier ones of the same number go.
    pub(crate) fn take(&mut self, numbers: &[u8], rows: Vec<Row>, quick: bool) {
        self.rows.retain(|row| !numbers.contains(&row.number));
        let (commit, date) = (self.machine.commit.clone(), self.machine.date.clone());
        self.rows.extend(rows.into_iter().map(|row| Row { commit: commit.clone(), date: date.clone(), quick, ..row }));
        self.rows.sort_by_key(|row| row.number);
    }

    pub(crate) fn write_json(&self, path: &Path) -> Result<()> {
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))?;
        }
        let text = serde_json::to_string_pretty(self).context("write the report as JSON")?;
        fs::write(path, text).with_context(|| format!("write {}", path.display()))
    }

    /// Replaces what lies between the markers of `path`.
    pub(crate) fn write_table(&self, path: &Path) -> Result<()> {
        let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        let parts = text.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
        let (before, after) = parts.with_context(|| format!("{} has no `{BEGIN}` … `{END}`", path.display()))?;
        let text = format!("{before}{BEGIN}\n{}{END}{after}", self.table());
        fs::write(path, text).with_context(|| format!("write {}", path.display()))
    }

    /// The machine, the table and the notes under it, as Markdown.
    pub(crate) fn table(&self) -> String {
        let Machine { kernel, cpu, cores, pagemap_scan, load, commit, date } = &self.machine;
        let scan = if *pagemap_scan { "yes" } else { "no" };
        let mut text = format!(
            "Measured {date} at commit {commit}: {cores} cores ({cpu}), kernel {kernel}, `PAGEMAP_SCAN` {scan}, load \
             {load} at the start.\nMedian [smallest–largest]; the ratio is taken pair by pair.\n\n\
             | # | metric | ours | floor | ratio | target | met |\n| ---: | --- | ---: | ---: | ---: | ---: | --- |\n"
        );
        for row in &self.rows {
            let met = match row.met {
                Some(true) => "yes",
                Some(false) => "**no**",
                None => "",
            };
            let (ours, floor) = (shown(row.ours, &row.unit), shown(row.floor, &row.unit));
            let (number, metric, ratio, first) = (row.number, &row.metric, shown(row.ratio, "×"), &row.first);
            push(&mut text, format_args!("| {number} | {metric} | {ours} | {floor} | {ratio} | {first} | {met} |\n"));
        }
        text.push_str("\nNotes, by row:\n\n");
        for row in self.rows.iter().filter(|row| !row.notes.is_empty() || row.quick || row.commit != *commit) {
            let mut notes = row.notes.clone();
            if row.quick {
                notes.push("few batches (`--quick`)".into());
            }
            if row.commit != *commit {
                notes.push(format!("measured at {}", row.commit));
            }
            push(&mut text, format_args!("- {} ({}): {}.\n", row.number, row.metric, notes.join("; ")));
        }
        text
    }
}

const BEGIN: &str = "<!-- measured: written by `cargo xtask bench` -->";
const END: &str = "<!-- measured: end -->";

fn shown(summary: Option<Summary>, unit: &str) -> String {
    let Some(Summary { median, min, max, .. }) = summary else { return "–".to_owned() };
    let space = if unit == "×" { "" } else { " " };
    if min == max {
        return format!("{}{space}{unit}", digits(median));
    }
    format!("{}{space}{unit} [{}–{}]", digits(median), digits(min), digits(max))
}

/// Three significant digits, no more than three after the point.
fn digits(value: f64) -> String {
    match value.abs() {
        0.0..0.1 => format!("{value:.3}"),
        0.1..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = text.write_fmt(arguments);
}
