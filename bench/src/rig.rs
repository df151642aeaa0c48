//! The product inside this process: sandbox, schedule, board and metrics, put together as the daemon does, without HTTP.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use probity_config::{Check, Config, Timing};
use probity_core::check::Run;
use probity_drivers::{Services, StateStore};
use probity_sandbox::capabilities::{CheckEnv, RunFacts};
use probity_sandbox::{Bounds, Sandbox};
use probity_server::board::Board;
use probity_server::metrics::Metrics;
use probity_server::plan::{Plan, PlannedCheck};
use probity_server::plugins::{Loader, Plugins, Store};
use probity_server::schedule::{Handle, Scheduler, Settings};
use tokio::runtime::{Builder, Runtime};

/// Names of this rig's threads: CPU time is read by them.
pub(crate) const FRONT: &str = "rig-front";

/// What a rig is made of.
pub(crate) struct Shape {
    /// Threads that run guests.
    pub(crate) threads: usize,
    /// Runs at once; also what the pool has room for.
    pub(crate) concurrency: usize,
    /// Runs at once of one plugin.
    pub(crate) per_plugin: usize,
}

impl Shape {
    /// The defaults of the configuration.
    pub(crate) fn default_on(threads: usize) -> Self {
        Self { threads, concurrency: 64, per_plugin: 16 }
    }
}

/// The product, without its HTTP side.
pub(crate) struct Rig {
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) board: Arc<Board>,
    schedule: Handle,
    config: Config,
    plugins: Arc<Plugins>,
    state: Arc<StateStore>,
    template: Check,
    pub(crate) guests: Runtime,
    pub(crate) front: Runtime,
}

/// How long a plugin may take to settle and load.
const LOAD_MAX: Duration = Duration::from_secs(30);

impl Rig {
    /// Builds one in `dir` with `plugins`: name and component.
    pub(crate) fn new(dir: &Path, shape: &Shape, plugins: &[(String, Vec<u8>)]) -> Result<Self> {
        Self::with_config(dir, shape, plugins, "")
    }

    /// The same with `more` behind the check that every plan's are made of.
    pub(crate) fn with_config(dir: &Path, shape: &Shape, plugins: &[(String, Vec<u8>)], more: &str) -> Result<Self> {
        let config = configure(dir, plugins, more)?;
        let template = config.checks.get("template").context("the template is in the configuration")?.clone();
        let runtime = |name: &str, threads: usize| {
            Builder::new_multi_thread().worker_threads(threads).thread_name(name).enable_all().build()
        };
        let guests = runtime("rig-guest", shape.threads).context("start the guests' runtime")?;
        let front = runtime(FRONT, 1).context("start the front runtime")?;
        let sandbox =
            Arc::new(Sandbox::new(shape.concurrency + config.schedule.waiting, None).context("make a sandbox")?);
        let metrics = Arc::new(Metrics::new(config.server.metrics_max_checks));
        let board = Arc::new(Board::new(Arc::clone(&metrics), config.schedule.history));
        let (schedule, commands) = Handle::channel();
        let settings = Settings {
            bounds: Bounds {
                runs: shape.concurrency,
                runs_per_plugin: shape.per_plugin,
                waiting: config.schedule.waiting,
                waiting_memory: config.schedule.waiting_memory,
            },
            backoff_max: config.schedule.backoff_max,
            spans: None,
        };
        let parts = (Arc::clone(&sandbox), Arc::clone(&board));
        let scheduler = Scheduler::new(settings, commands, parts.0, parts.1, metrics, guests.handle().clone());
        front.spawn(scheduler.run());
        let plugins = load(&sandbox, &guests, &config, plugins.len())?;
        let state = Arc::new(StateStore::in_memory());
        Ok(Self { sandbox, board, schedule, config, plugins, state, template, guests, front })
    }

    /// A plan of `count` checks with one interval, spread over the plugins; `adjust` has the last word on each.
    pub(crate) fn plan(&self, count: usize, every: Duration, adjust: impl Fn(&mut Check)) -> Arc<Plan> {
        let names: Vec<&String> = self.plugins.keys().collect();
        let check = |at: usize| {
            let mut check = self.template.clone();
            check.name = format!("check-{at}");
            check.plugin.clone_from(names[at % names.len()]);
            check.timing = Some(Timing::Every(every));
            adjust(&mut check);
            (check.name.clone(), check)
        };
        let config = Config { checks: (0..count).map(check).collect(), ..self.config.clone() };
        Arc::new(Plan::new(&config, &self.plugins, &self.state, &Services::new(&config)))
    }

    /// Makes `plan` the board's and the schedule's.
    pub(crate) fn apply(&self, plan: &Arc<Plan>) {
        self.board.apply(plan, unix_ms());
        self.schedule.plan_blocking(Arc::clone(plan));
    }

    /// Nothing is due any more; waits for what is in the air. The board stays as it is.
    pub(crate) fn rest(&self) {
        self.schedule.plan_blocking(Arc::default());
        let mut seen = self.runs();
        loop {
            std::thread::sleep(Duration::from_millis(20));
            let now = self.runs();
            if now == seen {
                return;
            }
            seen = now;
        }
    }

    /// The schedule goes on with `plan`, which the board has already.
    pub(crate) fn resume(&self, plan: &Arc<Plan>) {
        self.schedule.plan_blocking(Arc::clone(plan));
    }

    /// Finished runs of all checks.
    pub(crate) fn runs(&self) -> u64 {
        self.board.index().checks.values().map(|slot| slot.view().counters.runs).sum()
    }

    /// Waits until every check has run once.
    pub(crate) fn wait_all_ran(&self, max: Duration) -> Result<()> {
        let end = Instant::now() + max;
        loop {
            let waiting = self.board.index().checks.values().filter(|slot| slot.view().run.is_none()).count();
            if waiting == 0 {
                return Ok(());
            }
            if Instant::now() > end {
                bail!("{waiting} checks have not run within {max:?}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// One run beside the schedule.
pub(crate) async fn run_once(sandbox: &Sandbox, planned: &PlannedCheck, env: &Arc<CheckEnv>) -> Result<Run> {
    let facts = RunFacts {
        id: uuid::Uuid::now_v7(),
        deadline: Instant::now() + env.limits.timeout,
        consecutive_failures: 0,
        previous: None,
    };
    let version = planned.version.as_ref().context("the plugin is not loaded")?;
    Ok(sandbox.run(&version.program, env, facts).await)
}

/// Milliseconds since the Unix epoch.
pub(crate) fn unix_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn configure(dir: &Path, plugins: &[(String, Vec<u8>)], more: &str) -> Result<Config> {
    let folder = dir.join("plugins");
    fs::create_dir_all(&folder).context("make the plugin directory")?;
    for (name, component) in plugins {
        fs::write(folder.join(format!("{name}.wasm")), component).context("write a plugin")?;
    }
    let (first, _) = plugins.first().context("a rig needs a plugin")?;
    let file = dir.join("probity.toml");
    let text = format!("[plugins]\nsettle = \"10ms\"\n[[check]]\nname = \"template\"\nplugin = \"{first}\"\n{more}");
    fs::write(&file, text).context("write the configuration")?;
    probity_config::load(Some(&file)).map_err(|errors| anyhow::anyhow!("{errors}"))
}

fn load(sandbox: &Arc<Sandbox>, guests: &Runtime, config: &Config, count: usize) -> Result<Arc<Plugins>> {
    let store = Arc::new(Store::default());
    let admit = Box::new(|_: &str, _: &_| None);
    let settings = config.plugins.clone();
    let mut loader = Loader::new(Arc::clone(&store), settings, admit);
    let end = Instant::now() + LOAD_MAX + Duration::from_millis(200) * u32::try_from(count).unwrap_or(u32::MAX);
    loop {
        loader.look();
        while loader.is_walking() {
            for job in loader.walk(1, end) {
                loader.land(job.run(sandbox, guests.handle()));
            }
            if Instant::now() > end {
                bail!("the plugins do not load");
            }
        }
        let Some(again) = loader.again() else { break };
        std::thread::sleep(again);
    }
    loader.publish();
    let plugins = store.load();
    if let Some(rejected) = plugins.values().find_map(|plugin| plugin.rejected.as_ref()) {
        bail!("a plugin was rejected: {}", rejected.message);
    }
    Ok(plugins)
}
