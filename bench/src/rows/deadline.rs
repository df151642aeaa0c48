//! Rows 7 and 8: runaways are stopped in time, and nobody else notices them. Wall time, so both want an idle machine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use probity_config::{Check, EPOCH_TICK};
use probity_core::check::Reason;
use probity_server::plan::{Plan, PlannedCheck};

use super::Bench;
use super::run::cores;
use crate::report::{Goal, Row};
use crate::rig::{Rig, Shape, run_once};
use crate::stats::{Series, alternate};

/// What a runaway is allowed.
const TIMEOUT: Duration = Duration::from_millis(20);

pub(super) fn runaway(bench: &Bench) -> Result<Vec<Row>> {
    let (rig, plan) = spinning(bench, "runaway", TIMEOUT)?;
    let planned = first(&plan)?;
    let busy = bench.idle();
    let samples = if bench.quick { 20 } else { 200 };
    let mut late = Series::default();
    for _ in 0..samples {
        let (planned, sandbox) = (Arc::clone(planned), Arc::clone(&rig.sandbox));
        let run = rig.guests.spawn(async move { run_once(&sandbox, &planned, &planned.env).await });
        let run = rig.guests.block_on(run)??;
        ensure!(
            run.end.as_ref().is_err_and(|failure| failure.reason == Reason::Deadline),
            "it was not the deadline: {:?}",
            run.end
        );
        late.0.push(run.duration.saturating_sub(TIMEOUT).as_secs_f64() * 1e3);
    }
    let tick = EPOCH_TICK.as_secs_f64() * 1e3;
    let p99 = Series(vec![late.quantile(0.99).unwrap_or(0.0)]);
    let (p50, max) = (late.quantile(0.5).unwrap_or(0.0), late.quantile(1.0).unwrap_or(0.0));
    let row =
        Row::new(7, "runaway stopped: lateness p99 past its deadline", "ms").ours(&p99).against(&Series(vec![tick]));
    let note = format!("the floor is one tick; {samples} runs, p50 {p50:.2} ms, max {max:.2} ms");
    Ok(vec![row.goal(Goal::RatioAtMost(2.0)).note(note).notes(busy)])
}

/// Runaways at once in row 8.
const RUNAWAYS: usize = 4;

pub(super) fn bystander(bench: &Bench) -> Result<Vec<Row>> {
    let (rig, plan) = spinning(bench, "bystander", Duration::from_secs(600))?;
    let planned = first(&plan)?;
    let busy = bench.idle();
    let samples = if bench.quick { 100 } else { 400 };
    let mut tails = Series::default();
    let pair = alternate(
        if bench.quick { 2 } else { 5 },
        || {
            let runaways: Vec<_> = (0..RUNAWAYS)
                .map(|_| {
                    let (planned, sandbox) = (Arc::clone(planned), Arc::clone(&rig.sandbox));
                    rig.guests.spawn(async move { run_once(&sandbox, &planned, &planned.env).await })
                })
                .collect();
            std::thread::sleep(Duration::from_millis(100));
            let late = timer_lateness(&rig, samples)?;
            for runaway in runaways {
                runaway.abort();
            }
            std::thread::sleep(Duration::from_millis(100));
            tails.0.push(late.quantile(1.0).unwrap_or(0.0));
            late.quantile(0.99).context("no samples")
        },
        || timer_lateness(&rig, samples)?.quantile(0.99).context("no samples"),
    )?;
    let worst = tails.quantile(1.0).unwrap_or(0.0);
    let metric = format!("lateness p99 of a 3 ms timer on the front runtime, {RUNAWAYS} runaways ÷ none");
    let note = format!("worst single wake-up beside the runaways {worst:.1} ms; {} guest threads", cores());
    Ok(vec![Row::new(8, &metric, "ms").pair(&pair).goal(Goal::RatioAtMost(2.0)).note(note).notes(busy)])
}

/// How late a sleeping task of the front runtime wakes, in ms.
fn timer_lateness(rig: &Rig, samples: usize) -> Result<Series> {
    const SLEEP: Duration = Duration::from_millis(3);
    let task = rig.front.spawn(async move {
        let mut late = Series::default();
        for _ in 0..samples {
            let start = Instant::now();
            tokio::time::sleep(SLEEP).await;
            late.0.push(start.elapsed().saturating_sub(SLEEP).as_secs_f64() * 1e3);
        }
        late
    });
    Ok(rig.front.block_on(task)?)
}

/// A rig whose one check spins until `timeout`.
fn spinning(bench: &Bench, name: &str, timeout: Duration) -> Result<(Rig, Arc<Plan>)> {
    let shape = Shape::default_on(cores());
    let rig = Rig::new(&bench.dir(name)?, &shape, &[("park".into(), bench.component("park")?)])?;
    let plan = rig.plan(1, Duration::from_secs(3600), |check| spin(check, timeout));
    Ok((rig, plan))
}

fn spin(check: &mut Check, timeout: Duration) {
    check.config = serde_json::json!({ "sleep-ms": 0 });
    check.limits.timeout = timeout;
    check.limits.fuel = u64::MAX;
}

fn first(plan: &Plan) -> Result<&Arc<PlannedCheck>> {
    plan.checks.values().next().context("a plan of one check")
}
