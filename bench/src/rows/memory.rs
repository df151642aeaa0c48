//! Rows 14, 15 and 16: what plugins, checks, instances and the host itself hold.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::http::{checks, host_dir, settle_down};
use super::{Bench, distinct};
use crate::report::{Goal, Row};
use crate::server::Server;
use crate::stats::Series;
use crate::{child, raw};

/// How long a host may take until it is ready.
const READY_MAX: Duration = Duration::from_secs(300);

/// Instances alive at once in row 15.
const LIVE: usize = 900;

pub(super) fn all(bench: &Bench) -> Result<Vec<Row>> {
    let metrics = ["anonymous memory per loaded small plugin", "anonymous memory per idle check"];
    let or_absent = |number: u8, metric: &str, row: Result<Row>| {
        row.unwrap_or_else(|error| Row::absent(number, metric, format!("{error:#}")))
    };
    let live_metric = "memory per live instance, page tables included";
    let idle_metric = "resident memory of an idle host, 10 checks, ÷ an engine with one component";
    Ok(vec![
        or_absent(14, metrics[0], per_plugin(bench, metrics[0])),
        or_absent(14, metrics[1], per_check(bench, metrics[1])),
        or_absent(15, live_metric, live(bench, live_metric)),
        or_absent(16, idle_metric, idle(bench, idle_metric)),
    ])
}

fn per_plugin(bench: &Bench, metric: &str) -> Result<Row> {
    let (few, many) = if bench.quick { (20, 120) } else { (50, 550) };
    let anonymous = |count: usize| -> Result<f64> {
        let dir = host_dir(bench, &format!("plugins-{count}"), &[], "[defaults]\nevery = \"1h\"\n")?;
        let typical = bench.component("typical")?;
        for at in 0..count {
            std::fs::write(dir.join(format!("plugins/p{at}.wasm")), distinct(&typical, at as u64))?;
        }
        // The first host fills the cache; the second shows what serving takes, without a compiler's leftovers.
        let mut first = Server::host(&bench.probity, &dir, false)?;
        first.wait_for("/ready", READY_MAX)?;
        drop(first);
        let mut host = Server::host(&bench.probity, &dir, false)?;
        host.wait_for("/ready", READY_MAX)?;
        Ok(settle_down(&host)?.anonymous)
    };
    let each = (anonymous(many)? - anonymous(few)?) / (many - few) as f64;
    let note =
        format!("each with its own bytes, code from the cache, one check and one result; {few} to {many} plugins");
    Ok(Row::new(14, metric, "KiB").ours(&Series(vec![each])).goal(Goal::AtMost(64.0)).note(note))
}

fn per_check(bench: &Bench, metric: &str) -> Result<Row> {
    let anonymous = |count: usize| -> Result<f64> {
        let dir = host_dir(bench, &format!("checks-{count}"), &["typical"], &checks("typical", count, "6h"))?;
        let mut host = Server::host(&bench.probity, &dir, false)?;
        host.wait_for("/ready", READY_MAX)?;
        Ok(settle_down(&host)?.anonymous)
    };
    let (few, many) = (10, if bench.quick { 2_000 } else { 20_000 });
    let each = (anonymous(many)? - anonymous(few)?) / (many - few) as f64;
    let note = format!(
        "with one result of three measurements each, which grows to `schedule.history` entries of some 80 bytes; what reading the file left behind is included; {few} to {many} checks"
    );
    Ok(Row::new(14, metric, "KiB").ours(&Series(vec![each])).goal(Goal::AtMost(4.0)).note(note))
}

fn live(bench: &Bench, metric: &str) -> Result<Row> {
    let sample = || printed(&["live", "--count", &LIVE.to_string()], &bench.components.join("park.wasm"));
    let samples: Result<Vec<f64>> = (0..if bench.quick { 1 } else { 3 }).map(|_| sample()).collect();
    let note = format!("{LIVE} instances asleep in a host call");
    Ok(Row::new(15, metric, "KiB").ours(&Series(samples?)).goal(Goal::AtMost(80.0)).note(note))
}

fn idle(bench: &Bench, metric: &str) -> Result<Row> {
    let dir = host_dir(bench, "idle", &["typical"], &checks("typical", 10, "30s"))?;
    // Code from a file on both sides: a compiler leaves more behind than either holds.
    let mut first = Server::host(&bench.probity, &dir, false)?;
    first.wait_for("/ready", READY_MAX)?;
    drop(first);
    let code = dir.join("typical.cwasm");
    let engine = raw::engine(&raw::product_config(child::SLOTS))?;
    let component = raw::component(&engine, &bench.component("typical")?)?;
    std::fs::write(&code, component.serialize().map_err(raw::told)?).context("write compiled code")?;
    let samples = if bench.quick { 1 } else { 5 };
    let (mut ours, mut floor, mut ratio) = (Series::default(), Series::default(), Series::default());
    for _ in 0..samples {
        let mut host = Server::host(&bench.probity, &dir, false)?;
        host.wait_for("/ready", READY_MAX)?;
        let (a, b) = (settle_down(&host)?.resident / 1024.0, printed(&["engine"], &code)? / 1024.0);
        ours.0.push(a);
        floor.0.push(b);
        ratio.0.push(a / b);
    }
    let pair = crate::stats::Pair { ours, floor, ratio };
    Ok(Row::new(16, metric, "MiB").pair(&pair).goal(Goal::RatioAtMost(3.0)))
}

/// Runs a process of this binary and reads the number that it prints.
fn printed(arguments: &[&str], component: &Path) -> Result<f64> {
    let mut command = Command::new(std::env::current_exe().context("find this binary")?);
    command.arg("child").args(arguments).arg("--component").arg(component);
    let output = command.output().context("start a process of this binary")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    String::from_utf8_lossy(&output.stdout).trim().parse().context("read what the process printed")
}
