//! The thread that loads plugins and configuration. Everything about them is decided here, one thing at a time; what takes
//! long is done elsewhere ([`Pool`]) and comes back as a message.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use probity_config::Config;
use probity_core::clock::unix_ms;
use tokio::sync::oneshot;

use super::Host;
use super::control::Controls;
use super::heap;
use super::host::services;
use super::tell::{tell, waits_for_restart};
use crate::board::Event;
use crate::http::ReloadReport;
use crate::plan::located;
use crate::plugins::{Landed, Loader, Pool, Version, watch};

/// What the thread is told.
pub(super) enum Command {
    /// Something may have changed.
    Hint,
    /// Look at everything now and say what changed.
    Reload(oneshot::Sender<ReloadReport>),
    /// A job has ended.
    Landed(Box<Landed>),
    /// End.
    Stop,
}

/// Messages that may wait. One hint would do; the rest is for reloads, and for the ends of jobs, of which there are fewer.
const COMMANDS_MAX: usize = 64;

/// Events come in bursts; the directory is looked at this long after the first.
const DEBOUNCE: Duration = Duration::from_millis(20);

/// How long a requested reload waits for files that are still settling, and for compilations.
pub(super) const RELOAD_MAX: Duration = Duration::from_secs(5);

/// Requested reloads that wait at once.
const ASKERS_MAX: usize = 16;

/// Names of plugins that a reload's answer says are still being judged.
const PENDING_MAX: usize = 100;

/// How often changes are published while many plugins load.
const PUBLISH_EVERY: Duration = Duration::from_millis(100);

/// How often it is told how long a compilation has taken so far.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// How long the thread reads files before it looks at its messages again.
const WALK_MAX: Duration = Duration::from_millis(100);

/// Owns the thread.
pub(super) struct Reloader {
    controls: Arc<Controls>,
    halt: Halt,
    thread: JoinHandle<()>,
    /// Closed once the thread and those of its pool have ended.
    ended: Receiver<()>,
}

/// Ends the thread.
#[derive(Clone)]
pub(super) struct Halt {
    host: Arc<Host>,
    commands: SyncSender<Command>,
    stopping: Arc<AtomicBool>,
}

impl Halt {
    /// Asks for the end, and waits for nothing: compilations under way are given up.
    pub(super) fn ask(&self) {
        self.stopping.store(true, Ordering::Release);
        // A full inbox wakes the thread as well.
        let _ = self.commands.try_send(Command::Stop);
        self.host.sandbox.stop_compiling();
    }
}

impl Reloader {
    pub(super) fn start(
        host: Arc<Host>,
        guests: &tokio::runtime::Handle,
        config_path: Option<PathBuf>,
    ) -> std::io::Result<Self> {
        let (commands, inbox) = sync_channel(COMMANDS_MAX);
        let (alive, ended) = channel();
        let controls = Arc::new(Controls::new(Arc::clone(&host), commands.clone()));
        let stopping = Arc::new(AtomicBool::new(false));
        let halt = Halt { host: Arc::clone(&host), commands: commands.clone(), stopping: Arc::clone(&stopping) };
        let pool = pool(&host, guests, commands.clone(), alive.clone())?;
        let thread = std::thread::Builder::new().name("probity-loader".into()).spawn(move || {
            Work::new(host, pool, config_path, commands).run(&inbox, &stopping);
            drop(alive);
        })?;
        Ok(Self { controls, halt, thread, ended })
    }

    pub(super) fn handle(&self) -> Arc<Controls> {
        Arc::clone(&self.controls)
    }

    /// What ends it from elsewhere.
    pub(super) fn halt(&self) -> Halt {
        self.halt.clone()
    }

    /// Ends it, and waits for that at most `within`. A thread that hangs in a file system or a compilation holds nothing that
    /// must be written: it is left behind.
    pub(super) fn stop(self, within: Duration) {
        self.halt.ask();
        // Nobody ever sends: it is closed, or the time is up.
        if self.ended.recv_timeout(within) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("loading plugins did not end within the grace and is left behind");
            return;
        }
        if self.thread.join().is_err() {
            tracing::error!("the loader thread panicked");
        }
    }
}

fn pool(
    host: &Arc<Host>,
    guests: &tokio::runtime::Handle,
    commands: SyncSender<Command>,
    alive: Sender<()>,
) -> std::io::Result<Pool> {
    let threads = host.config.load().plugins.compile_concurrency;
    Pool::start(threads, &host.sandbox, guests, move |landed| {
        let _alive = &alive;
        // Fails when the loader has ended: then nobody wants to know.
        let _ = commands.send(Command::Landed(Box::new(landed)));
    })
}

/// Somebody who wants to know what a reload changes.
struct Asker {
    reply: oneshot::Sender<ReloadReport>,
    report: ReloadReport,
    until: Instant,
}

/// The state of the thread.
struct Work {
    host: Arc<Host>,
    loader: Loader,
    pool: Pool,
    hints: SyncSender<Command>,
    plugin_watch: watch::Watch,
    config_watch: Option<watch::Watch>,
    config_path: Option<PathBuf>,
    config_seen: Vec<u8>,
    /// What is wrong with the newest configuration, while an older one serves.
    config_errors: Option<String>,
    askers: Vec<Asker>,
    looked: Instant,
    /// When to look because something may have changed.
    hinted: Option<Instant>,
    published: Instant,
    /// A plan was made since memory was given back.
    untidy: bool,
}

impl Work {
    fn new(host: Arc<Host>, pool: Pool, config_path: Option<PathBuf>, hints: SyncSender<Command>) -> Self {
        let config = host.config.load_full();
        let admitting = Arc::clone(&host);
        let admit = Box::new(move |plugin: &str, version: &Version| {
            let config = admitting.config.load();
            config.checks.values().filter(|check| check.plugin == plugin).find_map(|check| {
                let problems = version.refuse_config(&check.config)?;
                Some(format!("check {}: {}", check.name, located(check, &problems)))
            })
        });
        let mut loader = Loader::new(Arc::clone(&host.plugins), config.plugins.clone(), admit);
        loader.want(config.checks.values().map(|check| check.plugin.clone()));
        let plugin_watch = watch_for(&config.plugins.dir, &hints);
        let config_watch = config_path.as_deref().and_then(Path::parent).map(|dir| watch_for(or_here(dir), &hints));
        let config_seen = config.fingerprint.clone();
        Self {
            host,
            loader,
            pool,
            hints,
            plugin_watch,
            config_watch,
            config_path,
            config_seen,
            config_errors: None,
            askers: Vec::new(),
            looked: Instant::now(),
            hinted: None,
            published: Instant::now(),
            untidy: true,
        }
    }

    fn run(mut self, inbox: &Receiver<Command>, stopping: &AtomicBool) {
        self.host.replan();
        // What changed since it was read at the start, before anything was watched.
        self.reload_config();
        self.look();
        while !stopping.load(Ordering::Acquire) {
            self.go_on();
            match inbox.recv_timeout(self.due().saturating_duration_since(Instant::now())) {
                Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(Command::Hint) => self.hint(DEBOUNCE),
                Ok(Command::Reload(reply)) => self.ask(reply),
                Ok(Command::Landed(landed)) => {
                    if self.loader.land(*landed) {
                        self.hint(Duration::ZERO);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.look_if_due();
        }
    }

    /// When there is something to be done, should no message come.
    fn due(&self) -> Instant {
        if self.loader.is_walking() && self.room() > 0 {
            return self.looked;
        }
        let publish = self.loader.has_changes().then(|| self.published + PUBLISH_EVERY);
        let publish = publish.or_else(|| (self.loader.flying() > 0).then(|| self.published + TELL_EVERY));
        let asker = self.askers.iter().map(|asker| asker.until).min();
        [publish, asker].into_iter().flatten().fold(self.next_look(), Instant::min)
    }

    fn next_look(&self) -> Instant {
        let again = self.loader.again().unwrap_or_else(|| self.host.config.load().plugins.rescan);
        self.hinted.map_or(self.looked + again, |hinted| hinted.min(self.looked + again))
    }

    fn hint(&mut self, after: Duration) {
        let at = Instant::now() + after;
        self.hinted = Some(self.hinted.map_or(at, |hinted| hinted.min(at)));
    }

    fn look_if_due(&mut self) {
        if Instant::now() < self.next_look() {
            return;
        }
        let settling = self.loader.again().is_some();
        if self.hinted.take().is_some() {
            self.reload_config();
        } else if !settling {
            self.reload_config();
            // Quiet for a while: the old plan is gone, and runs do not wait for the allocator now.
            if self.loader.flying() == 0 && std::mem::take(&mut self.untidy) {
                heap::give_back();
            }
        }
        self.look();
    }

    fn look(&mut self) {
        self.plugin_watch.refresh();
        self.loader.look();
        self.looked = Instant::now();
        self.host.metrics.directory(self.host.plugins.directory().error.is_none());
    }

    /// Does what can be done now: hands out jobs, shows what changed, answers those who asked.
    fn go_on(&mut self) {
        for job in self.loader.walk(self.room(), Instant::now() + WALK_MAX) {
            if let Some(lost) = self.pool.take(job) {
                self.loader.land(lost);
            }
        }
        let idle = !self.loader.is_walking() && self.loader.flying() == 0;
        let opens = self.loader.has_started() && !self.host.board.is_open();
        let since = self.published.elapsed();
        let is_news = self.loader.has_changes() && (idle || opens || since >= PUBLISH_EVERY);
        if is_news || self.loader.flying() > 0 && since >= TELL_EVERY {
            self.publish();
        }
        if opens {
            self.host.board.open();
            self.host.tell_if_empty();
        }
        let settled = idle && self.loader.again().is_none() && self.hinted.is_none();
        self.answer(settled);
    }

    /// Jobs that may be handed out.
    fn room(&self) -> usize {
        self.pool.places().saturating_sub(self.loader.flying())
    }

    fn publish(&mut self) {
        for change in self.loader.publish() {
            tell(&self.host, &change, self.askers.iter_mut().map(|asker| &mut asker.report));
        }
        let compiling = &self.host.plugins.loading().compiling;
        self.host.metrics.compiling(compiling.iter().map(|(name, one)| (name.clone(), one.since)).collect());
        self.host.replan();
        self.published = Instant::now();
        self.untidy = true;
    }

    fn ask(&mut self, reply: oneshot::Sender<ReloadReport>) {
        if self.askers.len() == ASKERS_MAX {
            let _ = reply.send(ReloadReport { config: "busy", ..ReloadReport::default() });
            return;
        }
        let report = ReloadReport { config: "unchanged", ..ReloadReport::default() };
        self.askers.push(Asker { reply, report, until: Instant::now() + RELOAD_MAX });
        self.hint(Duration::ZERO);
    }

    /// Answers those who asked: all when everything is settled, else those whose time is up.
    fn answer(&mut self, settled: bool) {
        if self.askers.is_empty() {
            return;
        }
        let now = Instant::now();
        let (done, waiting) =
            std::mem::take(&mut self.askers).into_iter().partition(|asker: &Asker| settled || asker.until <= now);
        self.askers = waiting;
        for Asker { reply, mut report, .. } in done {
            // Refused before, by an event, and still the newest: that is what the asker wants to know.
            if self.config_errors.is_some() {
                report.config = "rejected";
                report.config_errors.clone_from(&self.config_errors);
            }
            let directory = self.host.plugins.directory();
            report.directory.clone_from(&directory.error);
            report.left_out = directory.left_out;
            report.pending = self.loader.pending().take(PENDING_MAX).map(str::to_owned).collect();
            report.checks = self.host.board.index().checks.len();
            // The asker may have given up.
            let _ = reply.send(report);
        }
    }

    /// Loads the configuration if its text changed; a bad one leaves the old one serving.
    fn reload_config(&mut self) {
        let Some(path) = self.config_path.clone() else { return };
        if let Some(watch) = &mut self.config_watch {
            watch.refresh();
        }
        let seen = probity_config::fingerprint(&path, &self.host.config.load().files, &BTreeMap::new());
        if seen == self.config_seen {
            return;
        }
        self.config_seen = seen;
        // It is held against what runs, and that is what was shown.
        if self.loader.has_changes() {
            self.publish();
        }
        match probity_config::load(Some(&path))
            .map_err(|errors| errors.to_string())
            .and_then(|config| self.admit(config))
        {
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
            if let Some(problems) = version.and_then(|version| version.refuse_config(&check.config)) {
                return Err(format!("check {}: {}", check.name, located(check, &problems)));
            }
        }
        Ok(config)
    }

    fn take_over(&mut self, config: Config) {
        let old = self.host.config.load_full();
        if waits_for_restart(&old, &config) {
            tracing::warn!(
                "changes of `server.listen`, `server.max-connections`, `metrics.max-checks`, `[schedule]`, `[state]`, \
                 `plugins.compile-timeout`, `plugins.compile-memory` and `plugins.compile-concurrency` take effect at the \
                 next start"
            );
        }
        if old.plugins.dir != config.plugins.dir {
            self.plugin_watch = watch_for(&config.plugins.dir, &self.hints);
        }
        self.loader.reconfigure(config.plugins.clone());
        self.loader.want(config.checks.values().map(|check| check.plugin.clone()));
        self.host.services.store(Arc::new(services(&config, &self.host.board, &self.host.metrics)));
        self.host.config.store(Arc::new(config));
        let checks = self.host.replan();
        self.untidy = true;
        tracing::info!(checks, "configuration reloaded");
        self.host.metrics.config_reloaded(true);
        self.host.board.announce(Event::Config { result: "loaded", at_unix_ms: unix_ms() });
        for asker in &mut self.askers {
            asker.report.config = "loaded";
        }
    }
}

fn watch_for(dir: &Path, hints: &SyncSender<Command>) -> watch::Watch {
    let hints = hints.clone();
    // A full inbox holds a hint already, or a reload, which looks at the same.
    watch::watch(dir, move || drop(hints.try_send(Command::Hint)))
}

fn or_here(dir: &Path) -> &Path {
    if dir.as_os_str().is_empty() { Path::new(".") } else { dir }
}
