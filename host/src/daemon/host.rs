//! What the host is made of.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;

use super::StartError;
use crate::board::Board;
use crate::capabilities::{Peers, Services, StateStore, unix_ms};
use crate::config::Config;
use crate::http;
use crate::metrics::Metrics;
use crate::plan::Plan;
use crate::plugins::Store;
use crate::sandbox::{Bounds, Compiler, Sandbox, private_dir};
use crate::schedule::{Handle, Scheduler, Settings};
use crate::trace::{self, Exporter, Spans};

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
    /// Draining or not.
    pub lifecycle: Arc<http::Lifecycle>,
    /// The way to the scheduler.
    pub schedule: Handle,
    /// The way to the collector.
    pub(super) spans: Spans,
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
        let settings = Settings { bounds, backoff_max: config.schedule.backoff_max };
        let dir = usable(&config.state.dir);
        let cache = dir.filter(|_| config.state.cache).map(|dir| dir.join("cache"));
        let sandbox = Sandbox::new(bounds.runs + bounds.waiting, cache.as_deref())?.compiling_in(compiler);
        let sandbox = Arc::new(sandbox);
        tracing::info!(pooled = sandbox.is_pooled(), waiting = bounds.waiting, cache = ?cache, "sandbox ready");
        let metrics = Arc::new(Metrics::new(config.server.metrics_max_checks));
        let (spans, exporter) = trace::channel(&metrics);
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
            services: ArcSwap::from_pointee(services(&config, &board, &metrics, &spans)),
            state: Arc::new(open_state(dir)),
            config: Arc::new(ArcSwap::from_pointee(config)),
            plugins: Arc::default(),
            lifecycle: Arc::default(),
            planning: Mutex::default(),
            told_empty: AtomicBool::new(false),
            spans,
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
pub(super) fn services(config: &Config, board: &Arc<Board>, metrics: &Metrics, spans: &Spans) -> Services {
    Services::new(config).with_peers(Peers::of(board)).with_times(metrics.calls()).with_spans(spans)
}

/// The state directory, if it can be used; without it the host runs, and forgets.
fn usable(dir: &Path) -> Option<&Path> {
    match private_dir(dir) {
        Ok(()) => Some(dir),
        Err(error) => {
            tracing::warn!(dir = %dir.display(), %error, "the state directory cannot be used: no code cache, state is not kept (key `state.dir`)");
            None
        }
    }
}

fn open_state(dir: Option<&Path>) -> StateStore {
    let Some(dir) = dir else { return StateStore::in_memory() };
    let path = dir.join("state.redb");
    StateStore::open(&path).unwrap_or_else(|error| {
        tracing::warn!(file = %path.display(), %error, "state of checks cannot be read, starting empty and keeping it in memory");
        StateStore::in_memory()
    })
}

/// Writes state behind the runs.
pub(super) struct Flusher {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

/// How much state `kill -9` may lose.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// The longest pause between two tries of a disk that cannot be written. It begins at [`FLUSH_EVERY`] and doubles.
const FLUSH_RETRY_MAX: Duration = Duration::from_secs(5);

/// How often the end tries to write what is left, and the pause between.
const LAST_FLUSHES: u32 = 3;
const LAST_FLUSH_PAUSE: Duration = Duration::from_millis(100);

impl Flusher {
    pub(super) fn start(host: Arc<Host>) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("probity-state".into()).spawn(move || {
            let mut disk = Disk::of(&host);
            while !stopped.load(Ordering::Acquire) {
                std::thread::park_timeout(disk.pause);
                if !stopped.load(Ordering::Acquire) {
                    disk.flush();
                }
            }
            disk.flush_last();
        })?;
        Ok(Self { stop, thread })
    }

    pub(super) fn stop(self) {
        self.stop.store(true, Ordering::Release);
        self.thread.thread().unpark();
        if self.thread.join().is_err() {
            tracing::error!("the thread that writes state panicked: what changed last is lost");
        }
    }
}

/// Whether the state can be written, and when that is tried next.
struct Disk<'a> {
    host: &'a Host,
    writable: bool,
    pause: Duration,
}

impl<'a> Disk<'a> {
    fn of(host: &'a Host) -> Self {
        host.metrics.state_writable(host.state.has_file());
        Self { host, writable: true, pause: FLUSH_EVERY }
    }

    /// Tells a change, not each try.
    fn flush(&mut self) -> bool {
        let flushed = self.host.state.flush();
        self.pause = match &flushed {
            Ok(()) => FLUSH_EVERY,
            Err(_) => (self.pause * 2).min(FLUSH_RETRY_MAX),
        };
        match &flushed {
            Ok(()) if !self.writable => tracing::info!("state of checks is written again, nothing was lost"),
            Err(error) if self.writable => {
                tracing::warn!(%error, "state of checks cannot be written: it is kept in memory, and tried again");
            }
            Ok(()) | Err(_) => {}
        }
        if self.writable != flushed.is_ok() {
            self.writable = flushed.is_ok();
            self.host.metrics.state_writable(self.writable);
        }
        self.writable
    }

    fn flush_last(&mut self) {
        for _ in 0..LAST_FLUSHES {
            if self.flush() {
                return;
            }
            std::thread::sleep(LAST_FLUSH_PAUSE);
        }
        let lost = self.host.state.pending();
        tracing::error!(lost, "the last state of so many checks and heartbeats could not be written and is lost");
    }
}
