//! One check on the board.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;
use probity_core::check::{Failure, Hysteresis, Reason, Run, Status};
use serde::Serialize;

use crate::metrics::CheckMetrics;
use crate::plan::PlannedCheck;

/// Bytes of a message kept in the history.
const HISTORY_MESSAGE_BYTES_MAX: usize = 200;

/// A check's place on the board. What survives a reload is behind `kept`.
#[derive(Debug)]
pub struct Slot {
    planned: Arc<PlannedCheck>,
    metrics: CheckMetrics,
    view: ArcSwap<View>,
    kept: Arc<Mutex<Kept>>,
    times: Arc<Times>,
    /// A newer plan has made another slot of this check.
    replaced: AtomicBool,
}

/// What is known about a check. Immutable; replaced by each result.
#[derive(Clone, Debug)]
pub struct View {
    /// The status that counts, after thresholds.
    pub status: Status,
    /// Why there is no (fresh) conclusion, when there is none.
    pub unknown: Option<Failure>,
    /// Whether no run has ended yet.
    pub pending: bool,
    /// Whether a run has come to a conclusion, which is what the start waits for: one that ended without any has not.
    pub concluded: bool,
    /// The latest finished run.
    pub run: Option<Arc<Run>>,
    /// When the latest run ended, by a clock that nobody sets.
    pub ended: Instant,
    /// When `status` was entered, milliseconds since the Unix epoch.
    pub since_unix_ms: u64,
    /// Totals since the check was first planned.
    pub counters: Counters,
    /// What the HTTP side made of it.
    pub rendered: Rendered,
}

/// Text that a reader makes of a view at its first need, and that later readers copy.
#[derive(Debug, Default)]
pub struct Rendered(OnceLock<[Box<str>; 2]>);

impl Clone for Rendered {
    /// Empty: a copied view is about to differ.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Rendered {
    /// The text, made by `make` when this is the first need.
    pub fn get_or_make(&self, make: impl FnOnce() -> [Box<str>; 2]) -> &[Box<str>; 2] {
        self.0.get_or_init(make)
    }
}

impl View {
    /// The one line to show.
    #[must_use]
    pub fn message(&self) -> &str {
        match (&self.unknown, &self.run) {
            (Some(failure), _) => &failure.message,
            (None, Some(run)) => run.message(),
            (None, None) => "",
        }
    }

    /// Milliseconds since the latest run started. A clock that was set back since makes no result younger than this process
    /// has known it.
    #[must_use]
    pub fn age_ms(&self, now_unix_ms: u64) -> Option<u64> {
        let run = self.run.as_ref()?;
        let known = self.ended.elapsed().saturating_add(run.duration).as_millis();
        Some(now_unix_ms.saturating_sub(run.started_unix_ms).max(u64::try_from(known).unwrap_or(u64::MAX)))
    }
}

/// Totals of one check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Finished runs.
    pub runs: u64,
    /// Runs that gave no outcome.
    pub failures: u64,
    /// Runs in a row, up to now, that were unhealthy or failed.
    pub consecutive_failures: u32,
    /// Runs in a row, up to now, that ended in a way that makes the schedule back off.
    pub consecutive_traps: u32,
}

/// One finished run, as the history keeps it.
#[derive(Clone, Debug, Serialize)]
pub struct HistoryEntry {
    /// Start, milliseconds since the Unix epoch.
    pub started_unix_ms: u64,
    /// Wall time in milliseconds.
    pub duration_ms: f64,
    /// What the run concluded; `unknown` when it failed.
    pub status: Status,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// One line, shortened.
    pub message: Box<str>,
}

#[derive(Debug, Default)]
struct Kept {
    hysteresis: Hysteresis,
    history: VecDeque<HistoryEntry>,
}

#[derive(Debug, Default)]
struct Times {
    next_due_unix_ms: AtomicU64,
    backoff_until_unix_ms: AtomicU64,
    missed: AtomicU64,
}

impl Slot {
    pub(super) fn new(planned: Arc<PlannedCheck>, metrics: CheckMetrics, now_unix_ms: u64) -> Self {
        let view = View {
            status: Status::Unknown,
            unknown: Some(planned.blocked.clone().unwrap_or_else(pending)),
            pending: true,
            concluded: false,
            run: None,
            ended: Instant::now(),
            since_unix_ms: now_unix_ms,
            counters: Counters::default(),
            rendered: Rendered::default(),
        };
        Self {
            planned,
            metrics,
            view: ArcSwap::from_pointee(view),
            kept: Arc::default(),
            times: Arc::default(),
            replaced: AtomicBool::new(false),
        }
    }

    /// The same check under a new plan.
    pub(super) fn replanned(&self, planned: Arc<PlannedCheck>, now_unix_ms: u64) -> Self {
        let mut view = (*self.view()).clone();
        if let Some(failure) = &planned.blocked {
            if view.status != Status::Unknown {
                view.since_unix_ms = now_unix_ms;
            }
            view.status = Status::Unknown;
            view.unknown = Some(failure.clone());
        } else if self.planned.blocked.is_some() {
            view.unknown = Some(pending());
        }
        Self {
            planned,
            metrics: self.metrics.clone(),
            view: ArcSwap::from_pointee(view),
            kept: Arc::clone(&self.kept),
            times: Arc::clone(&self.times),
            replaced: AtomicBool::new(false),
        }
    }

    /// Notes that a newer plan has another slot for the check.
    pub(super) fn replace(&self) {
        self.replaced.store(true, Ordering::Release);
    }

    pub(super) fn is_replaced(&self) -> bool {
        self.replaced.load(Ordering::Acquire)
    }

    /// What the plan says about it.
    #[must_use]
    pub fn planned(&self) -> &Arc<PlannedCheck> {
        &self.planned
    }

    pub(super) fn metrics(&self) -> &CheckMetrics {
        &self.metrics
    }

    /// What is known now.
    #[must_use]
    pub fn view(&self) -> Arc<View> {
        self.view.load_full()
    }

    /// When it is due next, milliseconds since the Unix epoch.
    #[must_use]
    pub fn next_due_unix_ms(&self) -> Option<u64> {
        some(self.times.next_due_unix_ms.load(Ordering::Relaxed))
    }

    /// Until when a failing check is left alone.
    #[must_use]
    pub fn backoff_until_unix_ms(&self) -> Option<u64> {
        some(self.times.backoff_until_unix_ms.load(Ordering::Relaxed))
    }

    /// Ticks that were due while the check was still running.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.times.missed.load(Ordering::Relaxed)
    }

    /// The latest runs, newest first.
    #[must_use]
    pub fn history(&self) -> Vec<HistoryEntry> {
        self.kept().history.iter().rev().cloned().collect()
    }

    /// Notes when the check is due next, how many ticks it missed, and until when it is left alone.
    pub fn scheduled(&self, next_due_unix_ms: Option<u64>, missed: u64, backoff_until_unix_ms: Option<u64>) {
        self.times.next_due_unix_ms.store(next_due_unix_ms.unwrap_or(0), Ordering::Relaxed);
        self.times.missed.fetch_add(missed, Ordering::Relaxed);
        self.times.backoff_until_unix_ms.store(backoff_until_unix_ms.unwrap_or(0), Ordering::Relaxed);
    }

    /// Takes a run in; answers the views before and after, to be [shown](Self::show).
    pub(super) fn record(&self, run: Run, now_unix_ms: u64, history_max: usize) -> (Arc<View>, Arc<View>) {
        let before = self.view();
        let mut kept = self.kept();
        let status = kept.hysteresis.record(run.status(), self.planned.unhealthy_after, self.planned.healthy_after);
        kept.history.push_back(entry(&run));
        while kept.history.len() > history_max {
            kept.history.pop_front();
        }
        let mut counters = before.counters;
        counters.runs += 1;
        counters.consecutive_failures = kept.hysteresis.consecutive_failures();
        let failure = run.end.as_ref().err();
        counters.failures += u64::from(failure.is_some());
        counters.consecutive_traps = if failure.is_some_and(|failure| failure.reason.backs_off()) {
            counters.consecutive_traps.saturating_add(1)
        } else {
            0
        };
        let after = Arc::new(View {
            status,
            unknown: failure.cloned(),
            pending: false,
            concluded: kept.hysteresis.concluded(),
            since_unix_ms: if status == before.status { before.since_unix_ms } else { now_unix_ms },
            counters,
            run: Some(Arc::new(run)),
            ended: Instant::now(),
            rendered: Rendered::default(),
        });
        (before, after)
    }

    /// Lets readers see a view.
    pub(super) fn show(&self, view: &Arc<View>) {
        self.view.store(Arc::clone(view));
    }

    /// Makes a conclusion that is too old `unknown`; answers the views when it did, to be [shown](Self::show).
    pub(super) fn expire(&self, now_unix_ms: u64) -> Option<(Arc<View>, Arc<View>)> {
        let before = self.view();
        let age_ms = before.age_ms(now_unix_ms)?;
        let max_ms = u64::try_from(self.planned.stale_after.as_millis()).unwrap_or(u64::MAX);
        let stale = before.unknown.as_ref().is_some_and(|failure| failure.reason == Reason::Stale);
        if age_ms <= max_ms || stale || self.planned.blocked.is_some() || before.status == Status::Unknown {
            return None;
        }
        let text = format!("the last result is older than {max_ms} ms (key `stale-after`)");
        let after = Arc::new(View {
            status: Status::Unknown,
            unknown: Some(Failure::limit(Reason::Stale, max_ms, None, text)),
            since_unix_ms: now_unix_ms,
            ..(*before).clone()
        });
        Some((before, after))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pending() -> Failure {
    Failure::new(Reason::Pending, "has not run yet")
}

const fn some(unix_ms: u64) -> Option<u64> {
    if unix_ms == 0 { None } else { Some(unix_ms) }
}

fn entry(run: &Run) -> HistoryEntry {
    HistoryEntry {
        started_unix_ms: run.started_unix_ms,
        duration_ms: run.duration.as_secs_f64() * 1e3,
        status: run.status(),
        reason: run.end.as_ref().err().map(|failure| failure.reason),
        message: probity_core::text::clean(run.message(), HISTORY_MESSAGE_BYTES_MAX).into_boxed_str(),
    }
}
