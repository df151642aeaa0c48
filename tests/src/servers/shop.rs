//! The services of `examples/`, with the servers they run on and all that they depend on.

use std::fmt::Write;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::postgres::Postgres;
use super::redis::Redis;
use super::upstream::Upstream;
use super::{Process, free_port, wait_until};
use crate::host::{Answer, Host, PATIENCE, TOKEN};
use crate::python;

/// Which example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framework {
    /// gunicorn with two sync workers.
    Flask,
    /// uvicorn with one event loop.
    FastApi,
    /// gunicorn with two sync workers.
    Django,
    /// Node with one event loop.
    Express,
    /// A program of its own, with a goroutine for each request.
    Go,
}

impl Framework {
    /// Its folder in `examples/`.
    fn folder(self) -> &'static str {
        match self {
            Self::Flask => "flask",
            Self::FastApi => "fastapi",
            Self::Django => "django",
            Self::Express => "express",
            Self::Go => "go",
        }
    }
}

/// A service, the host beside it, and what both talk to.
pub struct Shop {
    /// The host, with checks of the service and of what it depends on.
    pub host: Host,
    /// The service's database.
    pub postgres: Postgres,
    /// The service's cache.
    pub redis: Redis,
    /// The payment provider.
    pub payments: Upstream,
    framework: Framework,
    dir: TempDir,
    port: u16,
    service: Option<Process>,
}

impl Shop {
    /// Starts everything but the service. `checks` is added to the configuration, `plugins` to the usual ones.
    ///
    /// # Panics
    /// When one of them does not start.
    #[must_use]
    pub fn prepared(framework: Framework, checks: &str, plugins: &[&str]) -> Self {
        let (postgres, redis, payments) = (Postgres::start(), Redis::start(), Upstream::start());
        let port = free_port();
        let config = config(port, &postgres, &redis, &payments) + checks;
        let plugins: Vec<&str> = ["http", "sql", "redis"].iter().chain(plugins).copied().collect();
        let host = python::host(&config, &plugins);
        let dir = TempDir::new().expect("a temporary directory can be made");
        Self { host, postgres, redis, payments, framework, dir, port, service: None }
    }

    /// The same, and the service, and waits until it is in rotation.
    ///
    /// # Panics
    /// Likewise.
    #[must_use]
    pub fn start(framework: Framework, checks: &str, plugins: &[&str]) -> Self {
        let mut shop = Self::prepared(framework, checks, plugins);
        if framework == Framework::Django {
            let mut migrate = shop.command("python", &["manage.py", "migrate", "--verbosity", "0"]);
            assert!(migrate.status().is_ok_and(|status| status.success()), "manage.py migrate");
        }
        shop.launch(&[]);
        shop.wait_ready();
        shop
    }

    /// Starts the service, with variables in its environment, and does not wait for it.
    pub fn launch(&mut self, env: &[(&str, String)]) {
        let bind = format!("127.0.0.1:{}", self.port);
        let port = self.port.to_string();
        let (program, arguments): (_, Vec<&str>) = match self.framework {
            Framework::Flask => ("gunicorn", vec!["shop:app", "--workers", "2", "--bind", &bind]),
            Framework::FastApi => {
                ("uvicorn", vec!["shop:app", "--host", "127.0.0.1", "--port", &port, "--log-level", "warning"])
            }
            Framework::Django => ("gunicorn", vec!["shop.wsgi", "--workers", "2", "--bind", &bind]),
            Framework::Express => ("node", vec!["shop.js"]),
            Framework::Go => ("shop", vec![]),
        };
        let mut command = self.command(program, &arguments);
        command.envs(env.iter().map(|(name, value)| (name, value)));
        self.service = Some(Process::start(&mut command, &self.log_path()));
    }

    /// Waits until the host says that the service may have traffic.
    pub fn wait_ready(&self) {
        self.host.wait_for("/ready", |answer| answer.status == 200);
    }

    /// Waits until the host takes it out of rotation, for how long that took.
    pub fn wait_unready(&self) -> Duration {
        let start = Instant::now();
        self.host.wait_for("/ready", |answer| answer.status == 503);
        start.elapsed()
    }

    /// Waits until a pulse has told the host that one connection of the service's pool is in use.
    pub fn wait_for_use(&self) {
        let used = |said: &str| said.replace(' ', "").contains("\"used\":1");
        self.host.wait_for("/heartbeats/shop", |answer| answer.json()["last"]["message"].as_str().is_some_and(used));
    }

    /// Asks the service.
    ///
    /// # Errors
    /// What the connection said, also when there was no answer within `timeout`.
    pub fn ask(&self, method: &str, path: &str, timeout: Duration) -> Result<Answer, String> {
        ask(self.port, method, path, timeout)
    }

    /// The same, of a route that has to answer.
    ///
    /// # Panics
    /// When there is no answer, with what the service printed.
    #[must_use]
    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, PATIENCE).unwrap_or_else(|error| panic!("GET {path}: {error}\n{}", self.log()))
    }

    /// The same with POST.
    ///
    /// # Panics
    /// Likewise.
    #[must_use]
    pub fn post(&self, path: &str) -> Answer {
        self.ask("POST", path, PATIENCE).unwrap_or_else(|error| panic!("POST {path}: {error}\n{}", self.log()))
    }

    /// Asks in a thread, which ends with the answer.
    #[must_use]
    pub fn ask_aside(&self, method: &'static str, path: &str) -> std::thread::JoinHandle<Result<Answer, String>> {
        let (port, path) = (self.port, path.to_owned());
        std::thread::spawn(move || ask(port, method, &path, PATIENCE))
    }

    /// Waits until the service answers `path` as `accept` wants.
    pub fn wait_for(&self, path: &str, accept: impl Fn(&Answer) -> bool) {
        wait_until(&self.log_path(), || self.ask("GET", path, PATIENCE).is_ok_and(|answer| accept(&answer)));
    }

    /// What the service printed.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Sends the service SIGTERM.
    ///
    /// # Panics
    /// When it is gone.
    pub fn terminate(&self) {
        self.service.as_ref().expect("it was started").signal(rustix::process::Signal::TERM);
    }

    /// Waits for the end of the service, for how it ended.
    ///
    /// # Panics
    /// When it was not started.
    pub fn ended(&mut self) -> ExitStatus {
        self.service.take().expect("it was started").wait()
    }

    fn log_path(&self) -> std::path::PathBuf {
        self.dir.path().join("service.log")
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let program = match self.framework {
            Framework::Flask | Framework::FastApi | Framework::Django => python::program(program),
            Framework::Express => super::program(program, "nodejs npm"),
            Framework::Go => python::target().join("services").join(program),
        };
        let mut command = Command::new(program);
        command.args(arguments).current_dir(python::root().join("examples").join(self.framework.folder()));
        command.env("PYTHONPATH", python::root().join("sdk/python/src")).env("PYTHONDONTWRITEBYTECODE", "1");
        let database = match self.framework {
            Framework::Django | Framework::Express | Framework::Go => self.postgres.url(),
            // SQLAlchemy wants its driver named.
            Framework::Flask | Framework::FastApi => {
                self.postgres.url().replacen("postgres:", "postgresql+psycopg:", 1)
            }
        };
        command.env("DATABASE_URL", database).env("REDIS_URL", self.redis.url());
        command.env("PAYMENTS_URL", self.payments.url()).env("PROBITY_URL", self.host.url(""));
        command.env("PROBITY_TOKEN", TOKEN).env("PULSE_EVERY", "0.2").env_remove("http_proxy");
        command.env("PORT", self.port.to_string()).env("DRAIN_SECONDS", "2");
        command
    }
}

fn ask(port: u16, method: &str, path: &str, timeout: Duration) -> Result<Answer, String> {
    let agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(timeout))
        .max_idle_connections(0)
        .proxy(None)
        .build()
        .new_agent();
    let url = format!("http://127.0.0.1:{port}{path}");
    let answer = if method == "POST" { agent.post(url).send_empty() } else { agent.get(url).call() };
    let mut answer = answer.map_err(|error| error.to_string())?;
    let status = answer.status().as_u16();
    Ok(Answer { status, body: answer.body_mut().read_to_string().map_err(|error| error.to_string())? })
}

/// What the examples' `probity.toml` says, with shorter intervals.
fn config(port: u16, postgres: &Postgres, redis: &Redis, payments: &Upstream) -> String {
    let mut config = format!(
        "[connections.shop]\nurl = \"{}\"\n[connections.cache]\nurl = \"{}\"\n[heartbeats.shop]\nhistory = 64\n",
        postgres.url(),
        redis.url()
    );
    let service = format!("http://127.0.0.1:{port}/ping");
    let http = |url: &str| format!("http = [\"{url}\"]");
    let checks = [
        ("shop", "http", "critical", http(&service), format!("url = \"{service}\"\ntimeout = \"1s\"")),
        ("database", "sql", "critical", "sql = [\"shop\"]".to_owned(), "connection = \"shop\"".to_owned()),
        ("cache", "redis", "warning", "redis = [\"cache\"]".to_owned(), "connection = \"cache\"".to_owned()),
        (
            "payments",
            "http",
            "warning",
            http(&payments.url()),
            format!("url = \"{}\"\nlatency = {{ warn = \"300ms\", crit = \"5s\" }}", payments.url()),
        ),
    ];
    for (name, plugin, severity, grants, settings) in checks {
        let _ = write!(
            config,
            "[[check]]\nname = \"{name}\"\nplugin = \"{plugin}\"\nevery = \"200ms\"\nseverity = \"{severity}\"\n\
             probes = [\"ready\"]\ngrants = {{ {grants} }}\n[check.config]\n{settings}\n"
        );
    }
    config
}
