//! A thousand runs that ran out of time, for each capability that reaches servers: what they leave behind is nothing.

use std::collections::BTreeMap;
use std::net::UdpSocket;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hickory_proto::op::Message;
use probity_config::Source;
use probity_core::check::{Run, Status};
use probity_drivers::{Services, StateStore};
use probity_sandbox::Program;
use probity_sandbox::capabilities::CheckEnv;
use probity_tests::alone::alone;
use probity_tests::bench;
use probity_tests::guests::first_party;
use probity_tests::host::PATIENCE;
use probity_tests::servers::faulty::{BlackHole, Fault, Faulty};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::systems::{DNS, SYSTEMS, System};

/// Runs of each capability.
const RUNS: usize = 1_000;

/// The time of one run: enough to get to the server on a busy machine.
const TIMEOUT: Duration = Duration::from_millis(60);

/// Checks of one capability, each with a connection of its own, since a connection has few places.
const CHECKS: usize = 16;

/// What a process has open and under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Traces {
    sockets: usize,
    tasks: usize,
}

impl Traces {
    fn now(runtime: &tokio::runtime::Runtime) -> Self {
        let files = std::fs::read_dir("/proc/self/fd").unwrap();
        let is_socket =
            |path: &Path| std::fs::read_link(path).is_ok_and(|to| to.to_string_lossy().starts_with("socket:"));
        let sockets = files.filter(|file| is_socket(&file.as_ref().unwrap().path())).count();
        Self { sockets, tasks: runtime.metrics().num_alive_tasks() }
    }
}

/// The checks of `system`, by turns at each of `ports`.
fn envs(system: &System, ports: [u16; 2]) -> Vec<Arc<CheckEnv>> {
    let timing = format!("timeout = \"{}ms\"\n", TIMEOUT.as_millis());
    let text: String =
        (0..CHECKS).map(|at| system.config(&format!("{}-{at}", system.name), ports[at % 2], &timing)).collect();
    let source = Source { path: "probity.toml".into(), text };
    let no_file = |_: &Path| Err(std::io::ErrorKind::NotFound.into());
    let config = probity_config::parse(&[source], Path::new(""), &|_| None, &no_file).unwrap();
    let services = Services::new(&config);
    let env = |check: &probity_config::Check| {
        Arc::new(CheckEnv {
            name: check.name.as_str().into(),
            config_text: check.config.to_string(),
            config: check.config.clone(),
            grants: Arc::clone(&check.grants),
            limits: check.limits,
            secrets: config.secrets.clone(),
            state: Arc::new(StateStore::in_memory()),
            services: services.clone(),
            script: None,
        })
    };
    config.checks.values().map(env).collect()
}

/// Makes the runs, as many at once as the sandbox is made for. Every fourth is dropped in the middle, as at the end of a
/// host; the others must judge what they saw.
async fn runs(program: &Arc<Program>, envs: &[Arc<CheckEnv>]) {
    let slots = Arc::new(Semaphore::new(bench::CONCURRENCY));
    let mut running = JoinSet::new();
    for (at, env) in envs.iter().cycle().take(RUNS).enumerate() {
        let slot = Arc::clone(&slots).acquire_owned().await.unwrap();
        let (program, env) = (Arc::clone(program), Arc::clone(env));
        running.spawn(async move {
            let run = bench::run_on(bench::sandbox(), &program, &env);
            let patience = if at % 4 == 3 { TIMEOUT / 2 } else { PATIENCE };
            // Dropped, or over: on a busy machine the one may come as late as the other.
            if let Ok(run) = tokio::time::timeout(patience, run).await {
                judge(&env, &run);
            }
            drop(slot);
        });
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
}

/// On a machine that is busy elsewhere a run may be over before it got to its call.
fn judge(env: &CheckEnv, run: &Run) {
    let timed_out = run.calls.iter().all(|call| call.result == "timeout" || call.result == "ok");
    let status = run.status();
    assert!(timed_out && matches!(status, Status::Unhealthy | Status::Unknown), "{}: {run:?}", env.name);
}

/// Looks until `done`, and says what was there last.
fn wait<T: std::fmt::Debug>(what: &str, look: impl Fn() -> T, done: impl Fn(&T) -> bool) {
    let end = Instant::now() + PATIENCE;
    loop {
        let seen = look();
        if done(&seen) {
            return;
        }
        assert!(Instant::now() < end, "{what}: {seen:?}");
        std::thread::sleep(Duration::from_millis(5)); // the distance of two looks
    }
}

// A server that accepts and hangs, and one that is not there at all: after a thousand runs of each capability the process
// has no socket and no task more than before, and the server no connection.
#[test]
fn timed_out_runs_leave_nothing() {
    if !alone("leftovers::timed_out_runs_leave_nothing") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let hole = BlackHole::start();
    let mut programs = BTreeMap::new();
    for system in &SYSTEMS {
        let hanging = Faulty::start(Fault::Hangs);
        let compile = || Arc::new(bench::compile(&first_party(system.plugin)).unwrap());
        let program = Arc::clone(programs.entry(system.plugin).or_insert_with(compile));
        let before = Traces::now(&runtime);
        let envs = envs(system, [hanging.port(), hole.port()]);
        runtime.block_on(runs(&program, &envs));
        assert!(hanging.accepted() > RUNS / 10, "{}: too few runs got to the server", system.name);
        // Their configuration is still there, as in a host that goes on.
        wait(
            system.name,
            || (Traces::now(&runtime), hanging.open()),
            |(now, open)| now.sockets <= before.sockets && now.tasks <= before.tasks && *open == 0,
        );
        drop(envs);
    }
}

/// A name server that answers every second check with nothing, and every other with a word to ask again over TCP.
fn name_server(tcp: &Faulty) -> (u16, Arc<AtomicUsize>) {
    let socket = UdpSocket::bind(("127.0.0.1", tcp.port())).unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    std::thread::spawn(move || {
        let mut buffer = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            if count.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) {
                let mut answer = Message::from_vec(&buffer[..length]).unwrap();
                answer.metadata.message_type = hickory_proto::op::MessageType::Response;
                answer.metadata.truncation = true;
                socket.send_to(&answer.to_vec().unwrap(), from).unwrap();
            }
        }
    });
    (tcp.port(), asked)
}

// The same for name servers: silent over UDP, hanging over TCP.
#[test]
fn timed_out_questions_leave_nothing() {
    if !alone("leftovers::timed_out_questions_leave_nothing") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let hanging = Faulty::start(Fault::Hangs);
    let (port, asked) = name_server(&hanging);
    let program = Arc::new(bench::compile(&first_party(DNS.plugin)).unwrap());
    let before = Traces::now(&runtime);
    let envs = envs(&DNS, [port, port]);
    runtime.block_on(runs(&program, &envs));
    assert!(asked.load(Ordering::SeqCst) > RUNS / 10 && hanging.accepted() > RUNS / 20);
    wait(
        "dns",
        || (Traces::now(&runtime), hanging.open()),
        |(now, open)| now.sockets <= before.sockets && now.tasks <= before.tasks && *open == 0,
    );
}
