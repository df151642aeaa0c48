//! Row 4: what a run costs when it is a process, as Nagios plugins and exec probes are.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::Bench;
use super::run::Ours;
use crate::clock::{children_cpu, process_cpu};
use crate::report::{Goal, Row};
use crate::stats::alternate;

/// CPU time of one batch of processes.
const BATCH: Duration = Duration::from_millis(200);

pub(super) fn spawned(bench: &Bench) -> Result<Vec<Row>> {
    let ours = Ours::new(bench)?;
    let scratch = bench.dir("peers")?;
    let python = bench.peers.join("check.py");
    let config = r#"{"service":"orders","backlog-max":400}"#;
    let c = |program: &Path| {
        let mut command = Command::new(program);
        command.args(["service=orders", "warn=50", "crit=200", "backlog-max=400"]);
        command
    };
    let script = || {
        // Not a version manager's shim, which is a script around the interpreter.
        let mut command =
            Command::new(if Path::new("/usr/bin/python3").exists() { "/usr/bin/python3" } else { "python3" });
        command.arg(&python).args(["--config", config]);
        command
    };
    let metrics = ["static C program, spawned, ÷ our run, end to end", "Python script ÷ our run, end to end"];
    let c_row = compile(&bench.peers.join("check.c"), &scratch.join("check"))
        .and_then(|()| row(bench, &ours, metrics[0], 8.0, || c(&scratch.join("check"))));
    let script_row = row(bench, &ours, metrics[1], 300.0, script);
    Ok([c_row, script_row]
        .into_iter()
        .zip(metrics)
        .map(|(row, metric)| row.unwrap_or_else(|error| Row::absent(4, metric, format!("{error:#}"))))
        .collect())
}

fn row(bench: &Bench, ours: &Ours, metric: &str, min: f64, command: impl Fn() -> Command) -> Result<Row> {
    let pair = alternate(bench.batches(), || batch(&command), || ours.batch())?;
    let note = "the columns are the process and, as its floor, our run of row 1; CPU of parent and child";
    Ok(Row::new(4, metric, "µs").pair(&pair).goal(Goal::RatioAtLeast(min)).note(note))
}

fn compile(source: &Path, to: &Path) -> Result<()> {
    let output = Command::new("cc").args(["-O2", "-static", "-o"]).arg(to).arg(source).output();
    let output = output.context("start cc, the C compiler")?;
    ensure!(output.status.success(), "cc failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}

/// Processes for one batch. Answers µs of CPU time per process, ours for starting it included.
fn batch(command: &impl Fn() -> Command) -> Result<f64> {
    let spent = || process_cpu() + children_cpu();
    let start = spent();
    let mut runs = 0_u32;
    loop {
        let output = command().stdin(Stdio::null()).output().context("start the process")?;
        ensure!(
            output.status.success() && output.stdout.starts_with(b"orders ") || output.stdout.starts_with(b"{"),
            "the process did not answer as it should"
        );
        runs += 1;
        let spent = spent() - start;
        if spent >= BATCH {
            return Ok(spent.as_secs_f64() * 1e6 / f64::from(runs));
        }
    }
}
