//! A host without a scheduler: tests put results on its board by hand.

use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use probity_config::{Config, Source};
use probity_core::check::{Failure, Measurement, Observed, Outcome, Run, Status, Usage};
use probity_core::clock::unix_ms;
use probity_drivers::{Services, StateStore};
use probity_sandbox::Sandbox;
use serde_json::Value;
use tower_service::Service;

use crate::board::{Board, View};
use crate::http::{Control, Lifecycle, ReloadReport, RunRefusal, State, router};
use crate::metrics::Metrics;
use crate::plan::{Plan, PlannedCheck};
use crate::plugins::{Plugins, Store};

/// One for all tests: no guest runs here.
static SANDBOX: LazyLock<Arc<Sandbox>> = LazyLock::new(|| Arc::new(Sandbox::new(1, None).unwrap()));

pub(super) const TOKEN: &str = "correct-horse-battery";

pub(super) struct Host {
    pub(super) state: State,
    pub(super) control: Arc<Script>,
    router: Router,
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {}", self.text))
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// What the daemon would do, as told by a test.
pub(super) struct Script {
    pub(super) run: Mutex<Option<Result<Arc<View>, RunRefusal>>>,
    pub(super) report: Mutex<ReloadReport>,
    /// When set, runs wait for it.
    pub(super) gate: Option<Arc<tokio::sync::Semaphore>>,
    /// One permit per run that was asked for.
    pub(super) asked: Arc<tokio::sync::Semaphore>,
}

impl Default for Script {
    fn default() -> Self {
        let asked = Arc::new(tokio::sync::Semaphore::new(0));
        Self { run: Mutex::default(), report: Mutex::default(), gate: None, asked }
    }
}

impl Control for Script {
    fn run_now(&self, _check: &str) -> Pin<Box<dyn Future<Output = Result<Arc<View>, RunRefusal>> + Send + '_>> {
        Box::pin(async {
            self.asked.add_permits(1);
            if let Some(gate) = &self.gate {
                gate.acquire().await.unwrap().forget();
            }
            self.run.lock().unwrap().clone().unwrap_or(Err(RunRefusal::Busy))
        })
    }

    fn reload(&self) -> Pin<Box<dyn Future<Output = ReloadReport> + Send + '_>> {
        Box::pin(async { self.report.lock().unwrap().clone() })
    }
}

pub(super) fn parse(text: &str) -> Config {
    let source = Source { path: "probity.toml".into(), text: text.to_owned() };
    let none = |_: &Path| Err(std::io::ErrorKind::NotFound.into());
    probity_config::parse(&[source], Path::new("."), &|_| None, &none).unwrap_or_else(|errors| panic!("{errors}"))
}

impl Host {
    /// A host with the checks of a configuration, planned as if their plugins were there.
    pub(super) fn new(text: &str) -> Self {
        Self::with(text, Script::default())
    }

    pub(super) fn with(text: &str, script: Script) -> Self {
        let config = parse(text);
        let metrics = Arc::new(Metrics::new(config.server.metrics_max_checks));
        let board = Arc::new(Board::new(Arc::clone(&metrics), 100));
        let control = Arc::new(script);
        let state = State {
            config: Arc::new(ArcSwap::from_pointee(config)),
            board,
            plugins: Arc::new(Store::default()),
            metrics,
            lifecycle: Arc::new(Lifecycle::default()),
            sandbox: Arc::clone(&SANDBOX),
            state: Arc::new(StateStore::in_memory()),
            control: Arc::clone(&control) as Arc<dyn Control>,
        };
        let host = Self { router: router(state.clone()), state, control };
        host.replan(|_| {});
        host.state.board.open();
        host
    }

    /// Sets timeouts shorter than a file may, so that tests are quick.
    pub(super) fn impatient(self, head_ms: u64, idle_ms: u64) -> Self {
        let mut config = (*self.state.config.load_full()).clone();
        config.server.header_timeout = Duration::from_millis(head_ms);
        config.server.idle_timeout = Duration::from_millis(idle_ms);
        self.state.config.store(Arc::new(config));
        self
    }

    /// Goes back to the time before the first look at the plugins.
    pub(super) fn close_board(&mut self) {
        self.state.board = Arc::new(Board::new(Arc::clone(&self.state.metrics), 100));
        self.router = router(self.state.clone());
        self.replan(|_| {});
    }

    /// Plans the configuration's checks anew, each after a change.
    pub(super) fn replan(&self, change: impl Fn(&mut PlannedCheck)) {
        let plan = Plan::new(
            &self.state.config.load(),
            &Plugins::new(),
            &Arc::new(StateStore::in_memory()),
            &Services::default(),
        );
        let checks = plan.checks.into_iter().map(|(name, planned)| {
            let mut planned = Arc::into_inner(planned).unwrap();
            planned.blocked = None;
            change(&mut planned);
            (name, Arc::new(planned))
        });
        self.state.board.apply(&Plan { checks: checks.collect() }, unix_ms());
    }

    /// Takes in a run that concluded.
    pub(super) fn concluded(&self, check: &str, status: Status, message: &str) -> Arc<View> {
        self.ran(check, run(Ok(outcome(status, message))))
    }

    /// Takes in a run that failed.
    pub(super) fn failed(&self, check: &str, failure: Failure) -> Arc<View> {
        self.ran(check, run(Err(failure)))
    }

    pub(super) fn ran(&self, check: &str, run: Run) -> Arc<View> {
        self.state.board.record(check, run, unix_ms()).expect("the check is planned")
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[]).await
    }

    /// With the token.
    pub(super) async fn get_as_operator(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[("authorization", &bearer())]).await
    }

    pub(super) async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(method, path, headers, Body::empty()).await
    }

    pub(super) async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Body) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.router.clone().call(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    /// The answer's body as it streams.
    pub(super) async fn open(&self, path: &str, headers: &[(&str, &str)]) -> (StatusCode, Body) {
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.router.clone().call(request.body(Body::empty()).unwrap()).await.unwrap();
        (response.status(), response.into_body())
    }
}

pub(super) fn bearer() -> String {
    format!("Bearer {TOKEN}")
}

/// A configuration with the token and a check for each name, in the probe `ready`.
pub(super) fn with_checks(names: &[&str]) -> String {
    let mut text = format!("[server]\nversion = \"1.4.2\"\n[server.auth]\ntokens = [\"{TOKEN}\"]\n");
    for name in names {
        text += &format!("[[check]]\nname = \"{name}\"\nevery = \"15s\"\n");
    }
    text
}

pub(super) fn outcome(status: Status, message: &str) -> Outcome {
    Outcome { status, message: message.to_owned(), measurements: Vec::new(), details: Vec::new() }
}

pub(super) fn measured(name: &str, value: Observed, unit: &str) -> Measurement {
    Measurement { name: name.to_owned(), value, unit: Some(unit.to_owned()), status: None }
}

/// A run that ended just now after 2.4 ms.
pub(super) fn run(end: Result<Outcome, Failure>) -> Run {
    Run {
        id: uuid::Uuid::now_v7(),
        started_unix_ms: unix_ms(),
        duration: Duration::from_micros(2_400),
        end,
        usage: Usage { fuel: 1_000, memory_peak_bytes: 65_536, host_calls: 0 },
        log: Vec::new(),
        calls: Vec::new(),
        tally: Vec::new(),
        digest: "ab".repeat(32).into(),
    }
}
