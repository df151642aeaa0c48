//! The latest state of all checks, and what it adds up to.
//!
//! Writers come through one short mutex; readers never wait. What a reader loads is immutable: an [`Index`] of the
//! checks (replaced when the plan changes), a [`View`] per check (replaced by each result), a [`Summary`] per scope
//! (replaced when its status or counts change). A result costs O(scopes of its check), however many checks there are.
//!
//! Nothing here knows where a result came from: another host of a fleet may have made it.

mod event;
mod peers;
mod scope;
mod slot;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use tokio::sync::broadcast;

pub use event::{Event, Feed};
pub use scope::{Scope, ScopeId, Summary};
pub use slot::{Counters, HistoryEntry, Rendered, Slot, View};

use probity_core::check::{Failure, Probe, Run};

use crate::metrics::Metrics;
use crate::plan::{Plan, PlannedCheck};

/// The board of one host.
#[derive(Debug)]
pub struct Board {
    writer: Mutex<()>,
    index: ArcSwap<Index>,
    /// The plugins have been looked at once: before that the plan is not whole.
    open: AtomicBool,
    /// Every expected check has concluded once since the start; from then on new checks do not hold `ready` back.
    started: AtomicBool,
    feed: Feed,
    metrics: Arc<Metrics>,
    history_max: usize,
}

/// Whoever holds it may write.
type Writer<'a> = MutexGuard<'a, ()>;

/// The checks and scopes of one plan.
#[derive(Debug, Default)]
pub struct Index {
    /// By name.
    pub checks: BTreeMap<Arc<str>, Arc<Slot>>,
    /// By identity; [`ScopeId::All`] and the probes are always there.
    pub scopes: HashMap<ScopeId, Arc<Scope>>,
}

/// What a probe answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeAnswer {
    /// 200.
    Pass,
    /// 503: the aggregate is unhealthy.
    Unhealthy,
    /// 503: an expected check has not concluded yet.
    Starting,
}

impl Board {
    /// An empty board.
    #[must_use]
    pub fn new(metrics: Arc<Metrics>, history_max: usize) -> Self {
        let board = Self {
            writer: Mutex::new(()),
            index: ArcSwap::default(),
            open: AtomicBool::new(false),
            started: AtomicBool::new(false),
            feed: Feed::new(),
            metrics,
            history_max,
        };
        board.index.store(Arc::new(Index { checks: BTreeMap::new(), scopes: fixed_scopes() }));
        board
    }

    /// The checks as they are now.
    #[must_use]
    pub fn index(&self) -> Arc<Index> {
        self.index.load_full()
    }

    /// The summary of a scope; none for a group that no check names.
    #[must_use]
    pub fn summary(&self, scope: &ScopeId) -> Option<Arc<Summary>> {
        self.index.load().scopes.get(scope).map(|scope| scope.summary())
    }

    /// Listens to transitions, reloads and the end.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        self.feed.subscribe()
    }

    /// Tells listeners something.
    pub fn announce(&self, event: Event) {
        self.feed.send(event);
    }

    /// What `probe` answers now; draining is the HTTP layer's word.
    #[must_use]
    pub fn probe(&self, probe: Probe) -> ProbeAnswer {
        let index = self.index.load();
        let Some(scope) = index.scopes.get(&ScopeId::Probe(probe)) else { return ProbeAnswer::Pass };
        let summary = scope.summary();
        match probe {
            Probe::Live => {}
            Probe::Ready | Probe::Startup => {
                if !self.started.load(Ordering::Acquire) {
                    return ProbeAnswer::Starting;
                }
            }
        }
        if summary.status == probity_core::check::Status::Unhealthy {
            ProbeAnswer::Unhealthy
        } else {
            ProbeAnswer::Pass
        }
    }

    /// Replaces the plan. Checks keep their counters, thresholds and history by name.
    pub fn apply(&self, plan: &Plan, now_unix_ms: u64) {
        let writer = self.lock();
        let old = self.index.load_full();
        let mut next = Index { checks: BTreeMap::new(), scopes: fixed_scopes() };
        // First, so that new checks get the places of those that are gone.
        for name in old.checks.keys().filter(|name| !plan.checks.contains_key(*name)) {
            self.metrics.forget(name);
        }
        for (name, planned) in &plan.checks {
            let slot = match old.checks.get(name) {
                Some(slot) => slot.replanned(Arc::clone(planned), now_unix_ms),
                None => Slot::new(Arc::clone(planned), self.metrics.check(name), now_unix_ms),
            };
            next.checks.insert(Arc::clone(name), Arc::new(slot));
        }
        for slot in next.checks.values() {
            let view = slot.view();
            for id in scopes_of(slot.planned()) {
                next.scopes
                    .entry(id.clone())
                    .or_insert_with(|| Arc::new(Scope::new(id)))
                    .count_in(&view, slot.planned());
            }
        }
        for scope in next.scopes.values() {
            scope.publish(now_unix_ms, old.scopes.get(&scope.id).map(|scope| scope.summary()).as_deref());
        }
        self.index.store(Arc::new(next));
        for slot in old.checks.values() {
            slot.replace();
        }
        self.settle_start(&writer);
    }

    /// Takes a finished run in. A name that is not planned (any more) is dropped.
    pub fn record(&self, name: &str, run: Run, now_unix_ms: u64) -> Option<Arc<View>> {
        self.record_in(&self.slot(name)?, run, now_unix_ms)
    }

    /// The same for whoever holds the check's slot, which spares the look-up. A slot of an older plan is as good.
    pub fn record_in(&self, slot: &Arc<Slot>, run: Run, now_unix_ms: u64) -> Option<Arc<View>> {
        let writer = self.lock();
        let newer = if slot.is_replaced() { Some(self.slot(&slot.planned().name)?) } else { None };
        let slot = newer.as_ref().unwrap_or(slot);
        slot.metrics().observe(&run);
        let (before, after) = slot.record(run, now_unix_ms, self.history_max);
        self.move_to(&writer, slot, &before, &after, now_unix_ms);
        Some(after)
    }

    /// Turns results older than `stale-after` into `unknown`. Call about once a second.
    pub fn sweep(&self, now_unix_ms: u64) {
        let writer = self.lock();
        for slot in self.index.load().checks.values() {
            if let Some((before, after)) = slot.expire(now_unix_ms) {
                self.move_to(&writer, slot, &before, &after, now_unix_ms);
            }
        }
    }

    /// The slot of a check.
    #[must_use]
    pub fn slot(&self, name: &str) -> Option<Arc<Slot>> {
        self.index.load().checks.get(name).cloned()
    }

    /// Changes a check's view: its scopes and the start first, so that whoever has seen the view finds it counted in every
    /// probe; then listeners are told of a transition.
    fn move_to(&self, writer: &Writer<'_>, slot: &Slot, before: &View, after: &Arc<View>, now_unix_ms: u64) {
        let counts_else = |view: &View| (view.status, view.pending, view.concluded);
        if counts_else(before) != counts_else(after) {
            let index = self.index.load();
            for id in scopes_of(slot.planned()) {
                if let Some(scope) = index.scopes.get(&id) {
                    scope.shift(before, after, slot.planned(), now_unix_ms);
                }
            }
            self.settle_start(writer);
        }
        slot.show(after);
        if before.status != after.status {
            self.feed.send(Event::transition(slot.planned(), before, after, now_unix_ms));
        }
    }

    /// The first look at the plugins is done: the plan is whole, and the start can end.
    pub fn open(&self) {
        let writer = self.lock();
        self.open.store(true, Ordering::Release);
        self.settle_start(&writer);
    }

    /// Whether the plugins have been looked at once, so that the plan is whole.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// Latches the end of the start: the plan is whole, and nothing expected is without a conclusion.
    fn settle_start(&self, _writer: &Writer<'_>) {
        if !self.started.load(Ordering::Acquire)
            && self.is_open()
            && self.summary(&ScopeId::Expected).is_some_and(|expected| expected.pending == 0)
        {
            self.started.store(true, Ordering::Release);
        }
    }

    fn lock(&self) -> Writer<'_> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The failure of a check that cannot be run.
#[must_use]
pub fn blocked(planned: &PlannedCheck) -> Option<&Failure> {
    planned.blocked.as_ref()
}

/// Scopes that exist without any check.
fn fixed_scopes() -> HashMap<ScopeId, Arc<Scope>> {
    [ScopeId::All, ScopeId::Expected]
        .into_iter()
        .chain(Probe::ALL.map(ScopeId::Probe))
        .map(|id| (id.clone(), Arc::new(Scope::new(id))))
        .collect()
}

/// Every scope a check counts in.
fn scopes_of(planned: &PlannedCheck) -> Vec<ScopeId> {
    if !planned.counts() {
        return Vec::new();
    }
    let mut scopes = vec![ScopeId::All];
    if planned.is_expected() {
        scopes.push(ScopeId::Expected);
    }
    scopes.extend(planned.probes.iter().map(|probe| ScopeId::Probe(*probe)));
    scopes.extend(planned.groups.iter().map(|group| ScopeId::Group(Arc::clone(group))));
    scopes
}
