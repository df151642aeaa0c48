//! Rows 1, 2, 3 and 6: what a run costs, from wasmtime alone to the whole runtime.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use probity_sandbox::Sandbox;
use probity_server::plan::{Plan, PlannedCheck};
use wasmtime::{InstanceAllocationStrategy, PoolingAllocationConfig};

use super::Bench;
use crate::clock::{process_cpu, thread_cpu};
use crate::raw::{CONFIG, Raw, Safety, product_config};
use crate::report::{Goal, Row};
use crate::rig::{Rig, Shape, run_once};
use crate::stats::{Series, alternate};

/// CPU time of one batch of calls on one thread.
const BATCH: Duration = Duration::from_millis(30);

/// Slots of a raw engine: as many as the default configuration has.
pub(super) const SLOTS: u32 = 80;

/// Raw calls for one batch. Answers µs of this thread's CPU time per call.
pub(super) fn raw_batch(raw: &Raw, safety: Safety) -> Result<f64> {
    per_call(|| raw.call(safety))
}

/// Raw calls for one batch on each of `threads` at once. Answers µs of CPU time per call: where cores share what makes
/// them fast, each costs more while the others work, for the floor as for the host.
fn raw_on_threads(raw: &Raw, threads: usize) -> Result<f64> {
    const LONG: u32 = 5;
    let one = || (0..LONG).map(|_| raw_batch(raw, Safety::None)).sum::<Result<f64>>();
    let costs = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        let joined = threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("a thread panicked"))?);
        joined.sum::<Result<f64>>()
    })?;
    Ok(costs / f64::from(LONG) / threads as f64)
}

/// Calls until the batch is full. Answers µs of this thread's CPU time per call.
pub(super) fn per_call(mut call: impl FnMut() -> Result<()>) -> Result<f64> {
    let start = thread_cpu();
    let mut calls = 0_u32;
    loop {
        for _ in 0..50 {
            call()?;
        }
        calls += 50;
        let spent = thread_cpu() - start;
        if spent >= BATCH {
            return Ok(spent.as_secs_f64() * 1e6 / f64::from(calls));
        }
    }
}

/// How a host is loaded for row 1.
struct Demand {
    checks: usize,
    every: Duration,
    label: &'static str,
}

/// A host with more due than it can run, as its floor is a loop without a pause; then one that is busy, and one with
/// little to do, where each run pays for waking threads.
const DEMANDS: [Demand; 3] = [
    Demand { checks: 2_000, every: Duration::from_millis(20), label: "without a pause" },
    Demand { checks: 2_000, every: Duration::from_millis(100), label: "at 20,000 runs/s" },
    Demand { checks: 1_000, every: Duration::from_secs(1), label: "at 1,000 runs/s" },
];

/// Row 1: due, sandbox, board, metrics.
pub(super) fn whole(bench: &Bench) -> Result<Vec<Row>> {
    let typical = bench.component("typical")?;
    let raw = Raw::new(&product_config(SLOTS), &typical, true)?;
    let shape = Shape { per_plugin: 64, ..Shape::default_on(cores()) };
    let rig = Rig::new(&bench.dir("whole")?, &shape, &[("typical".into(), typical)])?;
    let mut rows = Vec::new();
    for (at, demand) in DEMANDS.iter().enumerate() {
        let plan = rig.plan(demand.checks, demand.every, with_config);
        rig.apply(&plan);
        rig.wait_all_ran(Duration::from_secs(20))?;
        let (mut rates, mut alone) = (Series::default(), Series::default());
        let pair = alternate(
            bench.batches(),
            || {
                let (cost, rate) = scheduled_batch(&rig, &plan, demand.every)?;
                rates.0.push(rate);
                Ok(cost)
            },
            || {
                alone.0.push(raw_batch(&raw, Safety::None)?);
                raw_on_threads(&raw, shape.threads)
            },
        )?;
        let metric = format!("fresh typical run, due → sandbox → board → metrics, {}, ÷ raw wasmtime", demand.label);
        let median = |series: &Series| series.quantile(0.5).unwrap_or(0.0);
        let note = format!(
            "{:.0} runs/s were made; wasmtime alone on {} threads, as the host; {:.1} µs on one with the rest idle",
            median(&rates),
            shape.threads,
            median(&alone)
        );
        let goal = if at == 0 { Goal::RatioAtMost(1.5) } else { Goal::None };
        rows.push(Row::new(1, &metric, "µs").pair(&pair).goal(goal).note(note));
    }
    rig.rest();
    rows.push(steps(bench, &rig, &raw)?);
    Ok(rows)
}

/// Sandbox alone ÷ raw: which part of row 1 is not the schedule.
fn steps(bench: &Bench, rig: &Rig, raw: &Raw) -> Result<Row> {
    let plan = rig.plan(1, Duration::from_secs(3600), with_config);
    let planned = only(&plan)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let pair =
        alternate(bench.batches(), || sandbox_batch(&runtime, &rig.sandbox, planned), || raw_batch(raw, Safety::None))?;
    let fiber = alternate(
        bench.batches(),
        || runtime.block_on(async { per_call_async(async || raw.call_async(Safety::None).await).await }),
        || raw_batch(raw, Safety::None),
    )?;
    let fiber = fiber.ratio.quantile(0.5).unwrap_or(0.0);
    let note = format!("wasmtime's asynchronous interface alone, which deadlines need, is {fiber:.2}×");
    Ok(Row::new(1, "of it: the sandbox with every limit, without schedule and board, ÷ raw", "µs")
        .pair(&pair)
        .note(note))
}

/// Runs of the sandbox for one batch, on this thread.
fn sandbox_batch(runtime: &tokio::runtime::Runtime, sandbox: &Sandbox, planned: &Arc<PlannedCheck>) -> Result<f64> {
    runtime.block_on(per_call_async(async || {
        let run = run_once(sandbox, planned, &planned.env).await?;
        ensure!(run.end.is_ok(), "the run failed: {:?}", run.end);
        Ok(())
    }))
}

pub(super) async fn per_call_async(call: impl AsyncFn() -> Result<()>) -> Result<f64> {
    let start = thread_cpu();
    let mut calls = 0_u32;
    loop {
        for _ in 0..50 {
            call().await?;
        }
        calls += 50;
        let spent = thread_cpu() - start;
        if spent >= BATCH {
            return Ok(spent.as_secs_f64() * 1e6 / f64::from(calls));
        }
    }
}

/// How long the schedule works in one batch, at least.
const SCHEDULED: Duration = Duration::from_millis(400);

/// The schedule works for one batch. Answers µs of this process's CPU time per run, and runs per second.
fn scheduled_batch(rig: &Rig, plan: &Arc<Plan>, every: Duration) -> Result<(f64, f64)> {
    rig.resume(plan);
    // All of them run at once, and then once more within an interval and a half; from then on they are spread.
    std::thread::sleep(every * 2);
    let (wall, cpu, runs) = (Instant::now(), process_cpu(), rig.runs());
    std::thread::sleep(every.max(SCHEDULED));
    let (spent, made, took) = (process_cpu() - cpu, (rig.runs() - runs) as f64, wall.elapsed());
    rig.rest();
    ensure!(made > 0.0, "the schedule made no runs");
    let failed = rig.board.index().checks.values().filter(|slot| slot.view().unknown.is_some()).count();
    if failed > 0 {
        bail!("{failed} checks failed");
    }
    Ok((spent.as_secs_f64() * 1e6 / made, made / took.as_secs_f64()))
}

/// Row 2: the pool as configured ÷ the pool as it comes.
pub(super) fn pool(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (guest, goal) in [("typical", Goal::RatioAtMost(0.5)), ("naive", Goal::RatioAtMost(0.5))] {
        let component = bench.component(guest)?;
        let configured = Raw::new(&product_config(SLOTS), &component, true)?;
        let mut config = product_config(SLOTS);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(PoolingAllocationConfig::default()));
        let default = Raw::new(&config, &component, true)?;
        let pair =
            alternate(bench.batches(), || raw_batch(&configured, Safety::None), || raw_batch(&default, Safety::None))?;
        let which = if guest == "typical" { "our kit's allocator" } else { "a guest whose memory grows" };
        let metric = format!("raw fresh call as configured ÷ default pool, {which}");
        rows.push(Row::new(2, &metric, "µs").pair(&pair).goal(goal));
    }
    Ok(rows)
}

/// Row 6: every limit ÷ none.
pub(super) fn safety(bench: &Bench) -> Result<Vec<Row>> {
    let typical = bench.component("typical")?;
    let guarded = Raw::new(&product_config(SLOTS), &typical, true)?;
    let engine = |fuel: bool, epoch: bool| {
        let mut config = product_config(SLOTS);
        config.consume_fuel(fuel).epoch_interruption(epoch);
        Raw::new(&config, &typical, fuel)
    };
    let bare = engine(false, false)?;
    let pair = alternate(bench.batches(), || raw_batch(&guarded, Safety::All), || raw_batch(&bare, Safety::None))?;
    let note = "fuel, deadline, memory, table, handle and host-call limits, on wasmtime alone";
    let mut rows = vec![
        Row::new(6, "all safety on ÷ none, fresh typical", "µs").pair(&pair).goal(Goal::RatioAtMost(1.15)).note(note),
    ];
    for (metric, fuel, epoch) in [
        ("of it: code that counts fuel ÷ code that does not", true, false),
        ("of it: code that looks at the deadline ÷ code that does not", false, true),
    ] {
        let one = engine(fuel, epoch)?;
        let pair = alternate(bench.batches(), || raw_batch(&one, Safety::None), || raw_batch(&bare, Safety::None))?;
        rows.push(Row::new(6, metric, "µs").pair(&pair));
    }
    Ok(rows)
}

/// Row 3: wall time, so it wants the machine for itself.
pub(super) fn threads(bench: &Bench) -> Result<Vec<Row>> {
    if cores() < 2 {
        bail!("this machine has one core");
    }
    let busy = bench.idle();
    let mut rows = Vec::new();
    for (guest, goal) in [("typical", Goal::RatioAtLeast(1.6)), ("naive", Goal::None)] {
        let rig = Rig::new(&bench.dir(guest)?, &Shape::default_on(2), &[(guest.into(), bench.component(guest)?)])?;
        let plan = rig.plan(1, Duration::from_secs(3600), with_config);
        let planned = only(&plan)?;
        let pair = alternate(
            bench.batches(),
            || runs_per_second(&rig.sandbox, planned, 2),
            || runs_per_second(&rig.sandbox, planned, 1),
        )?;
        let which = if guest == "typical" { "our kit's allocator" } else { "a guest whose memory grows" };
        let metric = format!("runs per second of the sandbox, 2 threads ÷ 1, {which}");
        rows.push(Row::new(3, &metric, "runs/s").pair(&pair).goal(goal).notes(busy.clone()));
    }
    Ok(rows)
}

/// How long each thread runs checks for row 3.
const TOGETHER: Duration = Duration::from_millis(200);

fn runs_per_second(sandbox: &Arc<Sandbox>, planned: &Arc<PlannedCheck>, threads: usize) -> Result<f64> {
    let one = || -> Result<f64> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let (start, mut runs) = (Instant::now(), 0_u32);
            while start.elapsed() < TOGETHER {
                let run = run_once(sandbox, planned, &planned.env).await?;
                ensure!(run.end.is_ok(), "the run failed: {:?}", run.end);
                runs += 1;
            }
            Ok(f64::from(runs) / start.elapsed().as_secs_f64())
        })
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        let rates = threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("a thread panicked"))?);
        rates.sum()
    })
}

/// The configuration of the typical run.
pub(super) fn with_config(check: &mut probity_config::Check) {
    check.config = serde_json::from_str(CONFIG).expect("a constant that is JSON");
}

pub(super) fn only(plan: &Plan) -> Result<&Arc<PlannedCheck>> {
    plan.checks.values().next().context("a plan of one check")
}

pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The host with more due than it can run, for `seconds`: to look at with a profiler.
pub(crate) fn under_load(component: &Path, seconds: u64) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let bytes = std::fs::read(component).context("read the component")?;
    let shape = Shape { per_plugin: 64, ..Shape::default_on(cores()) };
    let rig = Rig::new(dir.path(), &shape, &[("typical".into(), bytes)])?;
    let plan = rig.plan(DEMANDS[0].checks, DEMANDS[0].every, with_config);
    rig.apply(&plan);
    let (cpu, runs) = (process_cpu(), rig.runs());
    std::thread::sleep(Duration::from_secs(seconds));
    let (spent, made) = (process_cpu() - cpu, (rig.runs() - runs) as f64);
    rig.rest();
    println!("{:.2} µs per run, {made} runs", spent.as_secs_f64() * 1e6 / made);
    Ok(())
}

/// What one run of the whole runtime costs, for rows that compare something else with it.
pub(super) struct Ours {
    rig: Rig,
    plan: Arc<Plan>,
}

impl Ours {
    pub(super) fn new(bench: &Bench) -> Result<Self> {
        let shape = Shape { per_plugin: 64, ..Shape::default_on(cores()) };
        let rig = Rig::new(&bench.dir("ours")?, &shape, &[("typical".into(), bench.component("typical")?)])?;
        let Demand { checks, every, .. } = DEMANDS[0];
        let plan = rig.plan(checks, every, with_config);
        rig.apply(&plan);
        rig.wait_all_ran(Duration::from_secs(20))?;
        rig.rest();
        Ok(Self { rig, plan })
    }

    /// µs of CPU time per run, over one batch.
    pub(super) fn batch(&self) -> Result<f64> {
        Ok(scheduled_batch(&self.rig, &self.plan, DEMANDS[0].every)?.0)
    }
}
