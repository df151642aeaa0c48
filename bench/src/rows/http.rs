//! Rows 9, 10 and 11: what an answer costs, and how long it takes when everything goes wrong at once.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::{Bench, distinct};
use crate::clock;
use crate::report::{Goal, Row};
use crate::server::{Asker, Server, can_load, get};
use crate::stats::{Pair, Series, alternate};

/// How long a host may take until it is ready.
const READY_MAX: Duration = Duration::from_secs(120);

/// Seconds of one batch of `wrk`.
const SECONDS: u32 = 2;

pub(super) fn cost(bench: &Bench) -> Result<Vec<Row>> {
    if !can_load() {
        bail!("needs wrk and taskset (Debian: apt-get install wrk util-linux)");
    }
    if super::run::cores() < 2 {
        bail!("server and load generator need a core each");
    }
    let mut rows = against_hyper(bench)?;
    let pair = sizes(bench)?;
    let metric = "`/health?summary` with 10,000 checks ÷ with 10";
    rows.push(Row::new(10, metric, "µs").pair(&pair).goal(Goal::RatioAtMost(1.2)));
    Ok(rows)
}

/// Row 9: the host with five checks ÷ hyper with the same answer.
fn against_hyper(bench: &Bench) -> Result<Vec<Row>> {
    let dir = host_dir(bench, "five", &["typical"], &checks("typical", 5, "1h"))?;
    let mut host = Server::host(&bench.probity, &dir, true)?;
    host.wait_for("/ready", READY_MAX)?;
    let paths = [
        ("/ready", "`/ready`, 5 checks ÷ bare hyper, same answer"),
        ("/health?summary", "`/health?summary`, 5 checks ÷ bare hyper, same answer"),
        ("/health", "`/health` with every check's details, 5 checks ÷ bare hyper, same answer"),
    ];
    let mut rows = Vec::new();
    for (path, metric) in paths {
        let response = dir.join("response");
        let bytes = get(host.address, path)?;
        fs::write(&response, &bytes).context("keep the answer")?;
        let mut hyper = Server::hyper(&response)?;
        hyper.wait_for("/", Duration::from_secs(10))?;
        let pair = turns(bench, &host, &hyper, path)?;
        let note = format!("an answer of {} bytes, headers included; wrk, 32 kept connections", bytes.len());
        rows.push(Row::new(9, metric, "µs").pair(&pair).goal(Goal::RatioAtMost(1.25)).note(note));
    }
    Ok(rows)
}

/// Row 10: one host with many checks, one with few.
fn sizes(bench: &Bench) -> Result<Pair> {
    let path = "/health?summary";
    let start = |name: &str, count: usize| -> Result<Server> {
        let dir = host_dir(bench, name, &["typical"], &checks("typical", count, "6h"))?;
        let mut host = Server::host(&bench.probity, &dir, true)?;
        host.wait_for("/ready", READY_MAX)?;
        Ok(host)
    };
    let (many, few) = (start("many", 10_000)?, start("few", 10)?);
    turns(bench, &many, &few, path)
}

fn turns(bench: &Bench, ours: &Server, floor: &Server, path: &str) -> Result<Pair> {
    let batches = if bench.quick { 2 } else { 9 };
    alternate(batches, || ours.cost(path, SECONDS), || floor.cost(path, SECONDS))
}

/// Row 11: four guests spin, a hundred wait for a timeout, and a plugin is replaced every second.
pub(super) fn stress(bench: &Bench) -> Result<Vec<Row>> {
    let mut text = checks("typical", 5, "1s");
    for at in 0..4 {
        entry(
            &mut text,
            "park",
            &format!("spin-{at}"),
            "1s",
            "timeout = \"900ms\"\nfuel = 1000000000000000\nprobes = []\nconfig = { sleep-ms = 0 }\n",
        );
    }
    for at in 0..100 {
        entry(
            &mut text,
            "park",
            &format!("wait-{at}"),
            "2s",
            "timeout = \"1s\"\nprobes = []\nconfig = { sleep-ms = 60000 }\n",
        );
    }
    // Room for all of them at once: what waits must not keep what spins from starting.
    // A check that keeps running into its deadline would be left alone for longer and longer.
    text.insert_str(0, "[schedule]\nconcurrency = 128\nconcurrency-per-plugin = 128\nbackoff-max = \"1s\"\n");
    let dir = host_dir(bench, "stress", &["typical", "park", "reloaded"], &text)?;
    let mut host = Server::host(&bench.probity, &dir, false)?;
    let busy = bench.idle();
    host.wait_for("/ready", READY_MAX)?;
    let quiet = Series::from_iter(ask(&host, Duration::from_secs(1))?);
    let stop = AtomicBool::new(false);
    let length = Duration::from_secs(if bench.quick { 5 } else { 30 });
    let (late, reloads) = std::thread::scope(|scope| {
        let reloads = scope.spawn(|| reload(bench, &dir, &stop));
        std::thread::sleep(Duration::from_secs(2));
        let late = ask(&host, length);
        stop.store(true, Ordering::Release);
        let reloads = reloads.join().unwrap_or_else(|_| Err(anyhow::anyhow!("the reloading thread panicked")));
        (late, reloads)
    });
    let late = Series::from_iter(late?);
    let metrics = get(host.address, "/metrics").map(|answer| String::from_utf8_lossy(&answer).into_owned())?;
    let row = Row::new(11, "p99 of `/ready` while 4 guests spin, 100 time out, a plugin reloads each second", "ms");
    let tail = |series: &Series, share: f64| series.quantile(share).unwrap_or(0.0);
    let note = format!(
        "{} requests, one each 5 ms, p50 {:.2} ms, p99.9 {:.2} ms, max {:.1} ms; {} new versions written, {} reloads; \
         {} runs ended at the deadline; p50 beforehand {:.2} ms",
        late.0.len(),
        tail(&late, 0.5),
        tail(&late, 0.999),
        tail(&late, 1.0),
        reloads?,
        counted(&metrics, "probity_plugin_reloads_total", ""),
        counted(&metrics, "probity_check_runs_total", "deadline").max(counted(
            &metrics,
            "probity_check_limit_hits_total",
            "deadline"
        )),
        tail(&quiet, 0.5),
    );
    Ok(vec![row.ours(&Series(vec![tail(&late, 0.99)])).goal(Goal::AtMost(5.0)).note(note).notes(busy)])
}

/// Asks `/ready` every 5 ms. Answers the wall times in ms.
fn ask(host: &Server, length: Duration) -> Result<Vec<f64>> {
    const PAUSE: Duration = Duration::from_millis(5);
    let mut asker = Asker::new(host.address, "/ready")?;
    let start = Instant::now();
    let mut times = Vec::new();
    while start.elapsed() < length {
        times.push(asker.ask()?.as_secs_f64() * 1e3);
        std::thread::sleep(PAUSE);
    }
    Ok(times)
}

/// Writes a new version every second until told to stop. Answers how many.
fn reload(bench: &Bench, dir: &Path, stop: &AtomicBool) -> Result<u64> {
    let typical = bench.component("typical")?;
    let mut versions = 0;
    while !stop.load(Ordering::Acquire) {
        versions += 1;
        let beside = dir.join("next");
        fs::write(&beside, distinct(&typical, versions)).context("write a version")?;
        fs::rename(&beside, dir.join("plugins/reloaded.wasm")).context("move a version into place")?;
        std::thread::sleep(Duration::from_secs(1));
    }
    Ok(versions)
}

/// The sum of a metric's series whose labels hold `word`.
fn counted(metrics: &str, name: &str, word: &str) -> f64 {
    let lines = metrics.lines().filter(|line| line.starts_with(name) && line.contains(word));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

/// A directory to serve from: `plugins`, and a configuration with `text` in it. Components of an unknown name are
/// copies of the typical one.
pub(super) fn host_dir(bench: &Bench, name: &str, plugins: &[&str], text: &str) -> Result<PathBuf> {
    let dir = bench.dir(name)?;
    fs::create_dir(dir.join("plugins")).context("make the plugin directory")?;
    for plugin in plugins {
        let component = bench.component(plugin).or_else(|_| bench.component("typical"))?;
        fs::write(dir.join(format!("plugins/{plugin}.wasm")), component).context("write a plugin")?;
    }
    let text = format!("server.details = \"always\"\n{text}");
    fs::write(dir.join("probity.toml"), text).context("write the configuration")?;
    Ok(dir)
}

/// `count` checks of one plugin.
pub(super) fn checks(plugin: &str, count: usize, every: &str) -> String {
    let mut text = String::new();
    for at in 0..count {
        entry(&mut text, plugin, &format!("{plugin}-{at}"), every, "");
    }
    text
}

fn entry(text: &mut String, plugin: &str, name: &str, every: &str, rest: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "[[check]]\nname = \"{name}\"\nplugin = \"{plugin}\"\nevery = \"{every}\"\n{rest}");
}

/// What a host holds after its start. It gives memory back at its first look at the directory, ten seconds later.
pub(super) fn settle_down(host: &Server) -> Result<clock::Memory> {
    std::thread::sleep(Duration::from_secs(13));
    clock::memory_of(host.pid())
}
