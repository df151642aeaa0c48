//! What the host is made of.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use probity_config::Config;
use probity_core::clock::unix_ms;
use probity_drivers::{Peers, Services, StateStore};
use probity_sandbox::{Bounds, Compiler, Sandbox};

use super::StartError;
use super::state::{Writing, open_state, usable};
use crate::board::Board;
use crate::http;
use crate::metrics::Metrics;
use crate::plan::{self, Plan};
use crate::plugins::Store;
use crate::schedule::{Handle, Scheduler, Settings};
use crate::trace::{self, Exporter};

/// The parts, shared by the runtimes and threads.
#[derive(Debug)]
pub struct Host {
    /// The configuration that serves.
    pub config: Arc<ArcSwap<Config>>,
    /// Plugins and their versions.
    pub plugins: Arc<Store>,
    /// Latest results.
    pub board: Arc<Board>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Engines and limits.
    pub sandbox: Arc<Sandbox>,
    /// Clients and connections of the configuration that serves.
    pub services: ArcSwap<Services>,
    /// What guests keep between runs.
    pub state: Arc<StateStore>,
    /// Whether that is being written.
    pub(super) writing: Writing,
    /// Draining or not.
    pub lifecycle: Arc<http::Lifecycle>,
    /// The way to the scheduler.
    pub schedule: Handle,
    /// One plan at a time, in order.
    planning: Mutex<()>,
    /// It was said that there is no check.
    told_empty: AtomicBool,
}

impl Host {
    pub(super) fn new(
        config: Config,
        compiler: Compiler,
        guests: &tokio::runtime::Handle,
        waiting: usize,
    ) -> Result<(Arc<Self>, Scheduler, Exporter), StartError> {
        let runs = config.schedule.concurrency;
        let bounds = Bounds {
            runs,
            runs_per_plugin: config.schedule.concurrency_per_plugin,
            waiting: waiting.min(Sandbox::waiting_max(runs)),
            waiting_memory: config.schedule.waiting_memory,
        };
        let dir = usable(&config.state.dir);
        let cache = dir.filter(|_| config.state.cache).map(|dir| dir.join("cache"));
        let sandbox = Sandbox::new(bounds.runs + bounds.waiting, cache.as_deref())?.compiling_in(compiler);
        let sandbox = Arc::new(sandbox);
        tracing::info!(pooled = sandbox.is_pooled(), waiting = bounds.waiting, cache = ?cache, "sandbox ready");
        let metrics = Arc::new(Metrics::new(config.server.metrics_max_checks));
        let (spans, exporter) = trace::channel(&metrics);
        let settings = Settings { bounds, backoff_max: config.schedule.backoff_max, spans: Some(spans) };
        let board = Arc::new(Board::new(Arc::clone(&metrics), config.schedule.history));
        let (schedule, commands) = Handle::channel();
        let scheduler = Scheduler::new(
            settings,
            commands,
            Arc::clone(&sandbox),
            Arc::clone(&board),
            Arc::clone(&metrics),
            guests.clone(),
        );
        let host = Self {
            services: ArcSwap::from_pointee(services(&config, &board, &metrics)),
            state: Arc::new(open_state(dir)),
            writing: Writing::default(),
            config: Arc::new(ArcSwap::from_pointee(config)),
            plugins: Arc::default(),
            lifecycle: Arc::default(),
            planning: Mutex::default(),
            told_empty: AtomicBool::new(false),
            board,
            metrics,
            sandbox,
            schedule,
        };
        Ok((Arc::new(host), scheduler, exporter))
    }

    /// Crosses the configuration with the plugins and hands the result to the board and the schedule. Blocks.
    pub(super) fn replan(&self) -> usize {
        let _one = self.planning.lock().unwrap_or_else(PoisonError::into_inner);
        // In this order: what is no longer on its way has arrived.
        let (loading, plugins) = (self.plugins.loading(), self.plugins.load());
        let plan = Plan::while_loading(&self.config.load(), &plugins, &loading, &self.state, &self.services.load());
        let plan = Arc::new(plan);
        let checks = plan.checks.len();
        super::tell::blocked(&self.board.index(), &plan);
        self.board.apply(&plan, unix_ms());
        self.schedule.plan_blocking(plan);
        self.tell_if_empty();
        checks
    }

    /// Says once that nothing is checked. Before the plugins have been looked at nobody knows.
    pub(super) fn tell_if_empty(&self) {
        let empty = self.board.is_open() && self.board.index().checks.is_empty();
        if empty != self.told_empty.swap(empty, Ordering::AcqRel) && empty {
            let dir = self.config.load().plugins.dir.display().to_string();
            tracing::warn!(
                dir,
                "this host has no checks: it answers `healthy` and looks at nothing; copy a plugin into the directory (key \
                 `plugins.dir`) or declare a [[check]]"
            );
        }
    }

    pub(super) fn http_state(&self, control: Arc<dyn http::Control>) -> http::State {
        http::State {
            config: Arc::clone(&self.config),
            board: Arc::clone(&self.board),
            plugins: Arc::clone(&self.plugins),
            metrics: Arc::clone(&self.metrics),
            lifecycle: Arc::clone(&self.lifecycle),
            sandbox: Arc::clone(&self.sandbox),
            state: Arc::clone(&self.state),
            control,
        }
    }
}

/// Clients and connections of `config`, with what outlives it.
pub(super) fn services(config: &Config, board: &Arc<Board>, metrics: &Metrics) -> Services {
    plan::services(config).with_peers(Peers::of(board)).with_times(metrics.calls())
}
