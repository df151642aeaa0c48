//! The running host: builds everything from a configuration, keeps it going, and takes it down in order.
//!
//! Three places run code: the HTTP runtime (answers, scheduler, timers), the guests' runtime (runs and their I/O), and
//! plain threads for what blocks (loading plugins, flushing state). A guest that spins holds only a guest thread.

mod control;
pub mod descriptors;
mod heap;
mod host;
mod reload;
mod state;
mod tell;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use probity_config::Config;
use probity_core::clock::unix_ms;
use probity_sandbox::{Compiler, SandboxError};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

use crate::board::Event;
use crate::http;
use crate::schedule::Scheduler;
use crate::trace::Exporter;

pub use host::Host;

/// How often results are looked at for their age.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// Threads that answer HTTP and keep the time, where there are that many cores: two, so that one long answer never
/// delays a probe. On one core they would only take turns.
const HTTP_THREADS_MAX: usize = 2;

/// Tasks after which a thread that answers looks for what has arrived. tokio's own 61 would let sixty turns of a flood pass
/// before a probe is seen.
const HTTP_EVENT_INTERVAL: u32 = 8;

/// Threads for what blocks: more than all looks and look-ups together may hold that hang, so that these never keep others
/// from a thread.
const BLOCKING_THREADS_MAX: usize = 2_048;

/// Why the host did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No sandbox.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// No threads.
    #[error("start the runtimes")]
    Runtime(#[source] std::io::Error),
    /// The address cannot be listened on.
    #[error("listen on {address} (key `server.listen`)")]
    Listen {
        /// Which.
        address: std::net::SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

/// A host that is built and listens, but does not answer yet.
#[derive(Debug)]
pub struct Daemon {
    host: Arc<Host>,
    listener: std::net::TcpListener,
    front: Runtime,
    guests: Runtime,
    scheduler: Scheduler,
    exporter: Exporter,
    config_path: Option<PathBuf>,
    reload: Arc<Notify>,
}

impl Daemon {
    /// Builds the host and binds its address. `config_path` is what a reload reads again; none = the configuration
    /// never changes. `compiler` is where plugins are compiled: embedders without the worker's subcommand compile in
    /// process.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn build(mut config: Config, config_path: Option<PathBuf>, compiler: Compiler) -> Result<Self, StartError> {
        let waiting = descriptors::share_out(&mut config);
        let front = Builder::new_multi_thread()
            .worker_threads(std::thread::available_parallelism().map_or(1, usize::from).min(HTTP_THREADS_MAX))
            .thread_name("probity-http")
            .event_interval(HTTP_EVENT_INTERVAL)
            .enable_all()
            .build()
            .map_err(StartError::Runtime)?;
        let guests = Builder::new_multi_thread()
            .worker_threads(config.schedule.threads.max(1))
            .thread_name("probity-guest")
            .max_blocking_threads(BLOCKING_THREADS_MAX)
            .enable_all()
            .build()
            .map_err(StartError::Runtime)?;
        let address = config.server.listen;
        let listen = |source| StartError::Listen { address, source };
        let listener = front.block_on(async { http::listen(address)?.into_std() }).map_err(listen)?;
        let (host, scheduler, exporter) = Host::new(config, compiler, guests.handle(), waiting)?;
        Ok(Self { host, listener, front, guests, scheduler, exporter, config_path, reload: Arc::default() })
    }

    /// Reads plugins and configuration again whenever `reload` is told, as `POST /-/reload` does.
    #[must_use]
    pub fn reloading_at(self, reload: Arc<Notify>) -> Self {
        Self { reload, ..self }
    }

    /// The address it listens on, with the port that port 0 became.
    ///
    /// # Errors
    /// When the operating system does not say.
    pub fn address(&self) -> std::io::Result<std::net::SocketAddr> {
        self.listener.local_addr()
    }

    /// The host, for embedders: board, plugins, metrics.
    #[must_use]
    pub fn host(&self) -> Arc<Host> {
        Arc::clone(&self.host)
    }

    /// Serves until `shutdown` ends, then drains: `ready` fails first, answers in flight finish, state is written.
    ///
    /// # Errors
    /// When the listener cannot be used.
    pub fn run(self, shutdown: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
        let Self { host, listener, front, guests, scheduler, exporter, config_path, reload } = self;
        let reloader = reload::Reloader::start(Arc::clone(&host), guests.handle(), config_path)?;
        let flusher = state::Flusher::start(Arc::clone(&host))?;
        let answering = host.http_state(reloader.handle());
        let (halt, began) = (reloader.halt(), Arc::new(OnceLock::new()));
        let begins = Arc::clone(&began);
        let shutdown = async move {
            shutdown.await;
            begins.get_or_init(Instant::now);
            // What is compiled now, nobody would see any more.
            halt.ask();
        };
        let served = front.block_on(async {
            let listener = TcpListener::from_std(listener)?;
            let scheduler = tokio::spawn(scheduler.run());
            let sweeper = tokio::spawn(sweep(Arc::clone(&host)));
            let reloads = tokio::spawn(reload_at(reload, reloader.handle()));
            let (stop, stopped) = tokio::sync::oneshot::channel();
            let current = Arc::clone(&host);
            let exporter = tokio::spawn(exporter.run(move || current.services.load_full(), stopped));
            serve(&host, listener, answering, shutdown).await;
            reloads.abort();
            sweeper.abort();
            scheduler.abort();
            drop(stop);
            // What a collector does not take by then is lost.
            drop(tokio::time::timeout(EXPORT_GRACE, exporter).await);
            Ok(())
        });
        let spent = began.get().map_or(Duration::ZERO, Instant::elapsed);
        let grace = host.config.load().server.shutdown_grace;
        reloader.stop(grace.saturating_sub(spent).max(LOADER_GRACE_MIN));
        // Runs in flight are dropped, and with them their connections.
        guests.shutdown_timeout(RUNTIME_GRACE);
        front.shutdown_timeout(RUNTIME_GRACE);
        flusher.stop();
        served
    }
}

/// How long the last spans may take to their collector.
const EXPORT_GRACE: Duration = Duration::from_secs(1);

/// How long loading plugins may take to its end, also when answers used the grace up.
const LOADER_GRACE_MIN: Duration = Duration::from_millis(100);

/// Blocking work (a file read) that a runtime waits for at the end.
const RUNTIME_GRACE: Duration = Duration::from_millis(200);

/// Answers until the shutdown, and the grace after it.
async fn serve(host: &Arc<Host>, listener: TcpListener, state: http::State, shutdown: impl Future<Output = ()>) {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = http::serve(listener, state, async {
        // An error means the sender is gone, which is a stop too.
        let _ = stopped.await;
    });
    tokio::pin!(server);
    tokio::select! {
        () = shutdown => {}
        () = &mut server => return,
    }
    let settings = host.config.load().server.clone();
    tracing::info!(grace = ?settings.shutdown_grace, "draining");
    host.lifecycle.drain();
    host.board.announce(Event::Draining { at_unix_ms: unix_ms() });
    let drained = async {
        let delay = settings.drain_delay;
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = &mut server => return,
        }
        drop(stop);
        server.await;
    };
    if tokio::time::timeout(settings.shutdown_grace, drained).await.is_err() {
        tracing::warn!("some connections did not end within the grace and are closed");
    }
}

async fn reload_at(asked: Arc<Notify>, control: Arc<impl http::Control>) {
    loop {
        asked.notified().await;
        let report = control.reload().await;
        let (config, checks) = (report.config, report.checks);
        tracing::info!(config, checks, loaded = ?report.loaded, rejected = ?report.rejected, removed = ?report.removed, "reloaded as asked");
    }
}

async fn sweep(host: Arc<Host>) {
    let mut ticks = tokio::time::interval(SWEEP_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut enforced = true;
    loop {
        ticks.tick().await;
        host.board.sweep(unix_ms());
        state::tell_if_hanging(&host);
        let alive = host.sandbox.is_alive();
        if enforced && !alive {
            tracing::error!("the thread that interrupts guests is silent: deadlines are not enforced; /live fails");
        }
        enforced = alive;
    }
}
