//! Rows 17 and 18: from a changed file to its first result, and from a restart to ready.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use probity_sandbox::Compiler;
use probity_sandbox::Worker;
use probity_server::daemon::{Daemon, Host};
use wasmtime::component::Component;

use super::http::{checks, host_dir};
use super::{Bench, distinct};
use crate::raw::{self, Raw, Safety, product_config};
use crate::report::{Goal, Row};
use crate::server::Server;
use crate::stats::{Series, alternate};

/// What a reload waits for so that the bytes are stable: `settle`, and the pause after the first file event.
const STABLE_WAIT: Duration = Duration::from_millis(120);

/// How long one reload or start may take.
const LOAD_MAX: Duration = Duration::from_secs(300);

pub(super) fn all(bench: &Bench) -> Result<Vec<Row>> {
    let or_absent = |number: u8, metric: &str, rows: Result<Vec<Row>>| {
        rows.unwrap_or_else(|error| vec![Row::absent(number, metric, format!("{error:#}"))])
    };
    let mut rows = or_absent(17, "cold reload", reload(bench));
    rows.extend(or_absent(18, "restart with cached plugins", restart(bench)));
    Ok(rows)
}

/// Row 17: the daemon in this process, so that its board can be looked at without asking over HTTP.
fn reload(bench: &Bench) -> Result<Vec<Row>> {
    let dir = host_dir(bench, "reload", &["typical"], &checks("typical", 1, "1h"))?;
    let file = dir.join("probity.toml");
    let mut config = probity_config::load(Some(&file)).map_err(|errors| anyhow::anyhow!("{errors}"))?;
    config.server.listen = "127.0.0.1:0".parse().context("an address")?;
    // As `probity serve` does it; this program is not the host's.
    let worker = Worker {
        program: bench.probity.clone(),
        timeout: config.plugins.compile_timeout,
        memory: config.plugins.compile_memory,
    };
    let daemon = Daemon::build(config, Some(file), Compiler::Process(worker)).context("build the host")?;
    let host = daemon.host();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let thread = std::thread::spawn(move || daemon.run(async { drop(stopped.await) }));
    let typical = bench.component("typical")?;
    let first = digest_now(&host, LOAD_MAX, None)?;
    let mut current = first;
    let mut whole = Series::default();
    let mut mark = 0;
    let pair = alternate(
        bench.batches(),
        || {
            mark += 1;
            let next = distinct(&typical, mark);
            let beside = dir.join("next");
            fs::write(&beside, next).context("write a version")?;
            let start = Instant::now();
            fs::rename(&beside, dir.join("plugins/typical.wasm")).context("move a version into place")?;
            current = digest_now(&host, LOAD_MAX, Some(&current))?;
            let took = start.elapsed();
            whole.0.push(took.as_secs_f64() * 1e3);
            Ok(took.saturating_sub(STABLE_WAIT).as_secs_f64() * 1e3)
        },
        || {
            let engine = raw::engine(&product_config(80))?;
            let start = Instant::now();
            raw::component(&engine, &typical)?;
            Ok(start.elapsed().as_secs_f64() * 1e3)
        },
    )?;
    drop(stop);
    thread.join().map_err(|_| anyhow::anyhow!("the host panicked"))?.context("the host failed")?;
    let metric = "cold reload, file change → first new result, without the stable-bytes wait, ÷ `Component::new`";
    let note = format!("wall time, {} bytes; the wait is {} ms", typical.len(), STABLE_WAIT.as_millis());
    Ok(vec![
        Row::new(17, metric, "ms").pair(&pair).goal(Goal::RatioAtMost(2.0)).note(note),
        Row::new(17, "the same, whole", "ms").ours(&whole).goal(Goal::AtMost(1_000.0)),
    ])
}

/// The digest that the check's latest result was made with, once it is not `old` any more.
fn digest_now(host: &Arc<Host>, max: Duration, old: Option<&Arc<str>>) -> Result<Arc<str>> {
    let end = Instant::now() + max;
    loop {
        let index = host.board.index();
        let run = index.checks.values().next().and_then(|slot| slot.view().run.clone());
        if let Some(run) = run.filter(|run| Some(&run.digest) != old) {
            ensure!(run.end.is_ok(), "the run failed: {:?}", run.end);
            return Ok(Arc::clone(&run.digest));
        }
        ensure!(Instant::now() < end, "no new result within {max:?}");
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Row 18: the real host.
fn restart(bench: &Bench) -> Result<Vec<Row>> {
    let count: usize = if bench.quick { 100 } else { 1_000 };
    let dir = host_dir(bench, "restart", &[], "[defaults]\nevery = \"1h\"\n")?;
    let typical = bench.component("typical")?;
    for at in 0..count {
        fs::write(dir.join(format!("plugins/p{at}.wasm")), distinct(&typical, at as u64)).context("write a plugin")?;
    }
    let mut first = Server::host(&bench.probity, &dir, false)?;
    first.wait_for("/ready", LOAD_MAX)?;
    drop(first);
    let codes = precompile(&bench.dir("codes")?, &typical, count)?;
    let mut cpu = Series::default();
    let pair = alternate(
        if bench.quick { 1 } else { 5 },
        || {
            let start = Instant::now();
            let mut host = Server::host(&bench.probity, &dir, false)?;
            host.wait_for("/ready", LOAD_MAX)?;
            let took = start.elapsed();
            cpu.0.push(crate::clock::cpu_of(host.pid())?.as_secs_f64() * 1e3);
            Ok(took.as_secs_f64() * 1e3)
        },
        || deserialize(&codes),
    )?;
    let metric = format!("restart with {count} cached plugins → ready ÷ as many bare `deserialize_file` + first run");
    let note = format!("wall time; CPU of ours {:.0} ms", cpu.quantile(0.5).unwrap_or(0.0));
    Ok(vec![Row::new(18, &metric, "ms").pair(&pair).goal(Goal::RatioAtMost(5.0)).note(note)])
}

fn precompile(dir: &Path, component: &[u8], count: usize) -> Result<Vec<PathBuf>> {
    let engine = raw::engine(&product_config(80))?;
    let code = raw::component(&engine, component)?.serialize().map_err(raw::told)?;
    let file = |at: usize| {
        let path = dir.join(format!("{at}.cwasm"));
        fs::write(&path, &code).context("write compiled code")?;
        Ok(path)
    };
    (0..count).map(file).collect()
}

/// Wall time, in ms, to load all of `codes` and run each once.
#[allow(unsafe_code, reason = "compiled code has no safe way in; see SAFETY")]
fn deserialize(codes: &[PathBuf]) -> Result<f64> {
    let start = Instant::now();
    let engine = raw::engine(&product_config(80))?;
    let mut loaded = Vec::new();
    for code in codes {
        // SAFETY: `precompile` wrote the file a moment ago into a directory of this process.
        let component = unsafe { Component::deserialize_file(&engine, code) }.map_err(raw::told)?;
        let raw = Raw::of(engine.clone(), &component, true)?;
        raw.call(Safety::None)?;
        loaded.push(raw);
    }
    Ok(start.elapsed().as_secs_f64() * 1e3)
}
