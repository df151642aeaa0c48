//! One sandbox per test process, and short words for running a fixture on it.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use probity_config::{Limits, Secrets};
use probity_core::check::{Failure, Outcome, Run, Status};
use probity_drivers::{Services, StateStore};
use probity_sandbox::capabilities::{CheckEnv, RunFacts};
use probity_sandbox::{CompileError, Program, Sandbox};

use crate::guests;

/// Runs at once that the shared sandbox has room for.
pub const CONCURRENCY: usize = 64;

/// How much later than its timeout a run may be over on a busy machine. Generous: a test fails on hangs, not on load.
pub const GRACE: Duration = Duration::from_secs(10);

static SANDBOX: LazyLock<Sandbox> =
    LazyLock::new(|| Sandbox::new(CONCURRENCY, None).expect("the machine can run a sandbox"));

static PROGRAMS: LazyLock<Mutex<HashMap<String, Arc<Program>>>> = LazyLock::new(Mutex::default);

/// The sandbox that all tests of this process share, as all checks of a host do.
pub fn sandbox() -> &'static Sandbox {
    &SANDBOX
}

/// The fixture `name`, compiled once per process.
///
/// # Panics
/// When it does not compile.
pub fn program(name: &str) -> Arc<Program> {
    let known = || PROGRAMS.lock().expect("no test panics while holding it").get(name).cloned();
    known().unwrap_or_else(|| {
        let program = compile(&guests::component(name)).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let program = Arc::new(program);
        let mut programs = PROGRAMS.lock().expect("no test panics while holding it");
        Arc::clone(programs.entry(name.to_owned()).or_insert(program))
    })
}

/// The fixture `name` for another sandbox.
///
/// # Panics
/// When it does not compile.
pub fn program_on(sandbox: &Sandbox, name: &str) -> Program {
    let bytes = guests::component(name);
    sandbox.compile(&bytes, &digest(&bytes)).unwrap_or_else(|error| panic!("{name}: {error:?}"))
}

/// Compiles on the shared sandbox.
///
/// # Errors
/// As [`Sandbox::compile`].
pub fn compile(bytes: &[u8]) -> Result<Program, CompileError> {
    sandbox().compile(bytes, &digest(bytes))
}

/// SHA-256, lower-case hex.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Limits under which only what a test sets is tight.
#[must_use]
pub fn roomy() -> Limits {
    Limits { fuel: u64::MAX / 2, timeout: Duration::from_secs(30), ..Limits::DEFAULT }
}

/// What `check` runs with under `limits`: no grant, an empty configuration, no secret.
#[must_use]
pub fn env(check: &str, limits: Limits) -> Arc<CheckEnv> {
    Arc::new(CheckEnv {
        name: check.into(),
        config: serde_json::json!({}),
        config_text: "{}".into(),
        grants: Arc::default(),
        limits,
        secrets: Secrets::default(),
        state: Arc::new(StateStore::in_memory()),
        services: Services::default(),
        script: None,
    })
}

/// One run of `program` on `sandbox` that starts now.
pub async fn run_on(sandbox: &Sandbox, program: &Program, env: &Arc<CheckEnv>) -> Run {
    let facts = RunFacts {
        id: uuid::Uuid::now_v7(),
        deadline: Instant::now() + env.limits.timeout,
        consecutive_failures: 0,
        previous: None,
    };
    sandbox.run(program, env, facts).await
}

/// Runs the fixture `name` once, then its healthy neighbour; the run must be over in time.
///
/// # Panics
/// When the run took longer than its timeout and [`GRACE`], or the neighbour is not healthy.
pub async fn run(name: &str, limits: Limits) -> Run {
    let program = program(name);
    let start = Instant::now();
    let run = run_on(sandbox(), &program, &env(name, limits)).await;
    let took = start.elapsed();
    assert!(took < limits.timeout + GRACE, "{name} took {took:?}, its timeout is {:?}", limits.timeout);
    neighbour().await;
    run
}

/// The failure of one run of `name`.
///
/// # Panics
/// When it does not fail, and as [`run`].
pub async fn failure(name: &str, limits: Limits) -> Failure {
    let run = run(name, limits).await;
    run.end.expect_err(name)
}

/// The outcome of one run of `name`.
///
/// # Panics
/// When it has none, and as [`run`].
pub async fn outcome(name: &str, limits: Limits) -> Outcome {
    let run = run(name, limits).await;
    run.end.expect(name)
}

/// Runs the well-behaved fixture.
///
/// # Panics
/// When it is not healthy.
pub async fn neighbour() {
    let run = run_on(sandbox(), &program("healthy"), &env("neighbour", Limits::DEFAULT)).await;
    assert_eq!(run.status(), Status::Healthy, "the neighbour suffered: {:?}", run.end);
}
