//! Rows 12 and 13: a hundred thousand checks, each every ten seconds.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use probity_server::board::Slot;

use super::Bench;
use super::run::{cores, with_config};
use crate::clock::{thread_cpu, threads_cpu};
use crate::report::{Goal, Row};
use crate::rig::{FRONT, Rig, Shape};
use crate::stats::{Series, alternate};

const CHECKS: usize = 100_000;
const EVERY: Duration = Duration::from_secs(10);

/// Distinct plugins the checks are spread over.
const PLUGINS: usize = 8;

pub(super) fn many(bench: &Bench) -> Result<Vec<Row>> {
    let typical = bench.component("typical")?;
    let plugins: Vec<_> =
        (0..PLUGINS).map(|at| (format!("typical-{at}"), super::distinct(&typical, at as u64))).collect();
    let rig = Rig::new(&bench.dir("many")?, &Shape::default_on(cores()), &plugins)?;
    let plan = rig.plan(CHECKS, EVERY, with_config);
    rig.apply(&plan);
    rig.wait_all_ran(Duration::from_secs(120))?;
    // The runs at the start are outside the grid; the next ones are on it.
    std::thread::sleep(EVERY * 2);
    let busy = bench.idle();
    let mut lateness = Series::default();
    let mut worst = Vec::new();
    let pair = alternate(
        if bench.quick { 1 } else { 3 },
        || {
            let (cost, late) = ours(&rig)?;
            worst.push(format!("{:.0}", late.quantile(1.0).unwrap_or(0.0)));
            lateness = late;
            Ok(cost)
        },
        || bare(CHECKS),
    )?;
    let note = "the runs are real (there is no empty run in the product): ours is the CPU time of the scheduler's \
                thread, hand-over of the run to the guests' runtime and its wake-up included; the floor hands nothing \
                over. The host goes on while the floor is measured, which is on a thread of its own";
    let metric = "scheduler CPU per run, 100,000 checks / 10 s ÷ bare heap loop";
    let scheduler = Row::new(12, metric, "µs").pair(&pair).goal(Goal::RatioAtMost(2.0)).note(note);
    let tail = |share: f64| Series(vec![lateness.quantile(share).unwrap_or(0.0)]);
    let rounds = format!("whole milliseconds; {} runs; max of each round: {} ms", lateness.0.len(), worst.join(", "));
    let metric = "lateness of 100,000 small checks / 10 s";
    let p99 = Row::new(13, &format!("{metric}, p99"), "ms").ours(&tail(0.99)).goal(Goal::AtMost(20.0));
    let max = Row::new(13, &format!("{metric}, max"), "ms").ours(&tail(1.0)).goal(Goal::AtMost(200.0));
    Ok(vec![scheduler, p99.note(rounds).notes(busy.clone()), max.notes(busy)])
}

/// How far two times in whole milliseconds may be apart from what they say.
const ROUNDING_MS: u64 = 2;

/// Checks, when each is due next, and how often it has run.
pub(super) struct Due(Vec<(Arc<Slot>, Option<u64>, u64)>);

impl Due {
    /// Now, of those whose name `accept` takes.
    pub(super) fn now(rig: &Rig, accept: impl Fn(&str) -> bool) -> Self {
        let index = rig.board.index();
        let checks = index.checks.iter().filter(|(name, _)| accept(name));
        Self(checks.map(|(_, slot)| (Arc::clone(slot), slot.next_due_unix_ms(), runs_of(slot))).collect())
    }

    pub(super) fn checks(&self) -> usize {
        self.0.len()
    }

    /// Runs that they made since.
    pub(super) fn made(&self) -> u64 {
        self.0.iter().map(|(slot, _, before)| runs_of(slot) - before).sum()
    }

    /// How late each run of one interval started, in ms.
    pub(super) fn late(&self, every: Duration) -> Series {
        let late = self.0.iter().filter_map(|(slot, due, before)| {
            let (mut due, started) = ((*due)?, slot.view().run.as_ref()?.started_unix_ms);
            // Looking takes a while: what was due first has been due again, and its latest run is that one's.
            if runs_of(slot) > before + 1 {
                due += u64::try_from(every.as_millis()).unwrap_or(u64::MAX);
            }
            // Both are whole milliseconds, so a run may seem to start a little early.
            let is_made = started + ROUNDING_MS >= due;
            let late = if is_made { started } else { crate::rig::unix_ms() }.saturating_sub(due);
            Some(late as f64)
        });
        // Those due at the very end may rightly be still to come.
        late.collect()
    }
}

fn runs_of(slot: &Slot) -> u64 {
    slot.view().counters.runs
}

/// One interval. Answers µs of the scheduler thread's CPU time per run, and how late each run started, in ms.
fn ours(rig: &Rig) -> Result<(f64, Series)> {
    let due = Due::now(rig, |_| true);
    let cpu = threads_cpu(FRONT)?;
    std::thread::sleep(EVERY);
    let spent = threads_cpu(FRONT)? - cpu;
    let made = due.made();
    ensure!(made > 0, "the schedule made no runs");
    Ok((spent.as_secs_f64() * 1e6 / made as f64, due.late(EVERY)))
}

/// A heap of due times and a timer, and nothing to do when one is due. Answers µs of CPU time per item.
fn bare(checks: usize) -> Result<f64> {
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().context("start a runtime")?;
        runtime.block_on(async {
            let origin = Instant::now();
            let every = u64::try_from(EVERY.as_nanos())?;
            let step = every / checks as u64;
            let mut heap: BinaryHeap<Reverse<(u64, u32)>> =
                (0..checks as u64).map(|at| Reverse((at * step, at as u32))).collect();
            let (start, mut runs) = (thread_cpu(), 0_u64);
            while origin.elapsed() < EVERY {
                let Some(Reverse((due, check))) = heap.pop() else { break };
                let at = origin + Duration::from_nanos(due);
                if at > Instant::now() {
                    tokio::time::sleep_until(at.into()).await;
                }
                runs += 1;
                heap.push(Reverse((due + every, std::hint::black_box(check))));
            }
            Ok::<_, anyhow::Error>((thread_cpu() - start).as_secs_f64() * 1e6 / runs as f64)
        })
    });
    thread.join().map_err(|_| anyhow::anyhow!("the bare loop panicked"))?
}
