//! The thread that loads plugins and configuration: everything about them happens here, one thing at a time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::Host;
use super::control::Controls;
use super::heap;
use super::host::services;
use crate::board::Event;
use crate::capabilities::unix_ms;
use crate::config::{self, Config};
use crate::http::ReloadReport;
use crate::plugins::{Change, Loader, watch};

/// What the thread is told.
pub(super) enum Command {
    /// Something may have changed.
    Hint,
    /// Look at everything now and say what changed.
    Reload(oneshot::Sender<ReloadReport>),
    /// End.
    Stop,
}

/// Hints that may wait; one would do, the rest is for reloads.
const COMMANDS_MAX: usize = 16;

/// Events come in bursts; the directory is looked at this long after the first.
const DEBOUNCE: Duration = Duration::from_millis(20);

/// How long a requested reload waits for files that are still settling.
const RELOAD_MAX: Duration = Duration::from_secs(5);

/// Owns the thread.
pub(super) struct Reloader {
    commands: SyncSender<Command>,
    controls: Arc<Controls>,
    thread: JoinHandle<()>,
}

impl Reloader {
    pub(super) fn start(
        host: Arc<Host>,
        guests: tokio::runtime::Handle,
        config_path: Option<PathBuf>,
    ) -> std::io::Result<Self> {
        let (commands, inbox) = sync_channel(COMMANDS_MAX);
        let controls = Arc::new(Controls::new(Arc::clone(&host), commands.clone()));
        let hints = commands.clone();
        let thread = std::thread::Builder::new()
            .name("probity-loader".into())
            .spawn(move || Work::new(host, guests, config_path, hints).run(&inbox))?;
        Ok(Self { commands, controls, thread })
    }

    pub(super) fn handle(&self) -> Arc<Controls> {
        Arc::clone(&self.controls)
    }

    pub(super) fn stop(self) {
        // A full inbox means the thread is busy; it sees the stop in its turn.
        if self.commands.send(Command::Stop).is_ok() && self.thread.join().is_err() {
            tracing::error!("the loader thread panicked");
        }
    }
}

/// The state of the thread.
struct Work {
    host: Arc<Host>,
    loader: Loader,
    hints: SyncSender<Command>,
    plugin_watch: watch::Watch,
    config_watch: Option<watch::Watch>,
    config_path: Option<PathBuf>,
    config_seen: Vec<u8>,
    /// What is wrong with the newest configuration, while an older one serves.
    config_errors: Option<String>,
    report: ReloadReport,
    /// A plan was made since memory was given back.
    untidy: bool,
}

impl Work {
    fn new(
        host: Arc<Host>,
        guests: tokio::runtime::Handle,
        config_path: Option<PathBuf>,
        hints: SyncSender<Command>,
    ) -> Self {
        let config = host.config.load_full();
        let admitting = Arc::clone(&host);
        let admit = Box::new(move |plugin: &str, version: &crate::plugins::Version| {
            let config = admitting.config.load();
            config.checks.values().filter(|check| check.plugin == plugin).find_map(|check| {
                Some(format!("check {} ({}): {}", check.name, check.origin, version.refuse_config(&check.config)?))
            })
        });
        let loader =
            Loader::new(Arc::clone(&host.sandbox), guests, Arc::clone(&host.plugins), config.plugins.clone(), admit);
        let plugin_watch = watch_for(&config.plugins.dir, &hints);
        let config_watch = config_path.as_deref().and_then(Path::parent).map(|dir| watch_for(or_here(dir), &hints));
        let config_seen = config.fingerprint.clone();
        let report = ReloadReport::default();
        Self {
            host,
            loader,
            hints,
            plugin_watch,
            config_watch,
            config_path,
            config_seen,
            config_errors: None,
            report,
            untidy: true,
        }
    }

    fn run(mut self, inbox: &Receiver<Command>) {
        self.host.replan();
        // What changed since it was read at the start, before anything was watched.
        self.reload_config();
        let mut next = self.scan();
        loop {
            let rescan = self.host.config.load().plugins.rescan;
            match inbox.recv_timeout(next.unwrap_or(rescan)) {
                Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(Command::Reload(reply)) => {
                    next = self.reload_now();
                    // The asker may have given up.
                    let _ = reply.send(std::mem::take(&mut self.report));
                }
                Ok(Command::Hint) => {
                    std::thread::sleep(DEBOUNCE);
                    self.reload_config();
                    next = self.scan();
                }
                Err(RecvTimeoutError::Timeout) => {
                    if next.is_none() {
                        self.reload_config();
                        // Quiet for a while: the old plan is gone, and runs do not wait for the allocator now.
                        if std::mem::take(&mut self.untidy) {
                            heap::give_back();
                        }
                    }
                    next = self.scan();
                }
            }
            self.report = ReloadReport::default();
        }
    }

    fn reload_now(&mut self) -> Option<Duration> {
        self.report = ReloadReport { config: "unchanged", ..ReloadReport::default() };
        self.reload_config();
        // Refused before, by an event, and still the newest: that is what the asker wants to know.
        if self.config_errors.is_some() {
            self.report.config = "rejected";
            self.report.config_errors.clone_from(&self.config_errors);
        }
        let end = Instant::now() + RELOAD_MAX;
        let mut next = self.scan();
        while let Some(wait) = next.filter(|_| Instant::now() < end) {
            std::thread::sleep(wait);
            next = self.scan();
        }
        self.report.checks = self.host.board.index().checks.len();
        next
    }

    fn scan(&mut self) -> Option<Duration> {
        self.plugin_watch.refresh();
        let (host, report, untidy) = (&self.host, &mut self.report, &mut self.untidy);
        let next = self.loader.scan(|changes| {
            for change in &changes {
                tell(host, change, report);
            }
            host.replan();
            *untidy = true;
        });
        if next.is_none() {
            self.host.board.open();
        }
        next
    }

    /// Loads the configuration if its text changed; a bad one leaves the old one serving.
    fn reload_config(&mut self) {
        let Some(path) = self.config_path.clone() else { return };
        if let Some(watch) = &mut self.config_watch {
            watch.refresh();
        }
        let seen = config::fingerprint(&path, &self.host.config.load().files, &BTreeMap::new());
        if seen == self.config_seen {
            return;
        }
        self.config_seen = seen;
        match config::load(Some(&path)).map_err(|errors| errors.to_string()).and_then(|config| self.admit(config)) {
            Ok(config) => {
                self.config_errors = None;
                self.take_over(config);
            }
            Err(errors) => {
                tracing::error!("the configuration was rejected, the old one goes on:\n{errors}");
                self.host.metrics.config_reloaded(false);
                self.host.board.announce(Event::Config { result: "rejected", at_unix_ms: unix_ms() });
                self.config_errors = Some(errors);
            }
        }
    }

    /// Refuses a configuration whose checks do not suit the schema of the plugin that runs now.
    fn admit(&self, config: Config) -> Result<Config, String> {
        let plugins = self.host.plugins.load();
        for check in config.checks.values() {
            let version = plugins.get(&check.plugin).and_then(|plugin| plugin.current.as_ref());
            if let Some(problem) = version.and_then(|version| version.refuse_config(&check.config)) {
                return Err(format!("{}: check {}: {problem}", check.origin, check.name));
            }
        }
        Ok(config)
    }

    fn take_over(&mut self, config: Config) {
        let old = self.host.config.load_full();
        if waits_for_restart(&old, &config) {
            tracing::warn!(
                "changes of `server.listen`, `server.max-connections`, `metrics.max-checks`, `[schedule]`, `[state]`, \
                 `plugins.compile-timeout` and `plugins.compile-memory` take effect at the next start"
            );
        }
        if old.plugins.dir != config.plugins.dir {
            self.plugin_watch = watch_for(&config.plugins.dir, &self.hints);
        }
        self.loader.reconfigure(config.plugins.clone());
        self.host.services.store(Arc::new(services(&config, &self.host.board, &self.host.metrics, &self.host.spans)));
        self.host.config.store(Arc::new(config));
        let checks = self.host.replan();
        self.untidy = true;
        tracing::info!(checks, "configuration reloaded");
        self.host.metrics.config_reloaded(true);
        self.host.board.announce(Event::Config { result: "loaded", at_unix_ms: unix_ms() });
        self.report.config = "loaded";
    }
}

fn watch_for(dir: &Path, hints: &SyncSender<Command>) -> watch::Watch {
    let hints = hints.clone();
    // A full inbox holds a hint already.
    watch::watch(dir, move || drop(hints.try_send(Command::Hint)))
}

fn or_here(dir: &Path) -> &Path {
    if dir.as_os_str().is_empty() { Path::new(".") } else { dir }
}

/// Whether something changed that is read only at the start.
fn waits_for_restart(old: &Config, new: &Config) -> bool {
    old.server.listen != new.server.listen
        || old.server.max_connections != new.server.max_connections
        || old.server.metrics_max_checks != new.server.metrics_max_checks
        || old.schedule != new.schedule
        || old.state != new.state
        || old.plugins.compile_timeout != new.plugins.compile_timeout
        || old.plugins.compile_memory != new.plugins.compile_memory
}

/// Log, metrics, events and report of one change.
fn tell(host: &Host, change: &Change, report: &mut ReloadReport) {
    let at_unix_ms = unix_ms();
    let event = |plugin: &str, result, digest: Option<String>, message| Event::Plugin {
        plugin: plugin.to_owned(),
        result,
        digest,
        message,
        at_unix_ms,
    };
    match change {
        Change::Loaded { plugin, version } => {
            let took_ms = version.load_time.as_millis();
            tracing::info!(plugin, digest = %version.digest, version = %version.metadata.version, took_ms, "plugin loaded");
            host.metrics.plugin_loaded(plugin, version.load_time);
            host.board.announce(event(plugin, "loaded", Some(version.digest.to_string()), None));
            report.loaded.push(plugin.clone());
        }
        Change::Rejected { plugin, rejection } => {
            tracing::warn!(plugin, digest = rejection.digest, stage = ?rejection.stage, "plugin rejected: {}", rejection.message);
            host.metrics.plugin_rejected(plugin);
            host.board.announce(event(plugin, "rejected", rejection.digest.clone(), Some(rejection.message.clone())));
            report.rejected.push(plugin.clone());
        }
        Change::Removed { plugin } => {
            tracing::info!(plugin, "plugin removed");
            host.board.announce(event(plugin, "removed", None, None));
            report.removed.push(plugin.clone());
        }
    }
}
