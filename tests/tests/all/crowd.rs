//! Many runs at once: nobody starves, nothing is left behind.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use probity_config::Limits;
use probity_core::check::{Reason, Status};
use probity_sandbox::Sandbox;
use probity_tests::alone::alone;
use probity_tests::bench::{self, GRACE, roomy};
use probity_tests::guests;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// A runtime as the host gives its guests.
fn runtime(threads: usize) -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build().unwrap()
}

/// Every way to end, half of them well.
const MIX: [(&str, Option<Reason>); 16] = [
    ("healthy", None),
    ("spin", Some(Reason::Fuel)),
    ("log-flood", None),
    ("memory-grow", Some(Reason::Memory)),
    ("healthy", None),
    ("sleep", Some(Reason::Deadline)),
    ("environment", None),
    ("recursion", Some(Reason::Stack)),
    ("healthy", None),
    ("handles", Some(Reason::Handles)),
    ("state-quota", None),
    ("huge-message", Some(Reason::HostCallBytes)),
    ("healthy", None),
    ("panic", Some(Reason::Trap)),
    ("memory-grow-copes", None),
    ("bad-utf8", Some(Reason::BadOutput)),
];

/// Makes `runs` runs of the mix, as many at once as the sandbox is made for; each must end as it should.
async fn mixed(runs: usize) {
    let slots = Arc::new(Semaphore::new(bench::CONCURRENCY));
    let mut running = JoinSet::new();
    for (name, reason) in MIX.into_iter().cycle().take(runs) {
        let slot = Arc::clone(&slots).acquire_owned().await.unwrap();
        running.spawn(async move {
            let timeout = if name == "sleep" { Duration::from_millis(30) } else { Duration::from_secs(60) };
            // Fuel for a 19 MiB `memory.fill`, which is charged by the byte.
            let limits = Limits { fuel: 20_000_000, timeout, ..Limits::DEFAULT };
            let run = bench::run_on(bench::sandbox(), &bench::program(name), &bench::env(name, limits)).await;
            drop(slot);
            assert_eq!(run.end.as_ref().err().map(|failure| failure.reason), reason, "{name}: {:?}", run.end);
        });
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
}

/// Threads, open files and resident bytes of this process.
#[cfg(target_os = "linux")]
fn footprint() -> (usize, usize, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let files = std::fs::read_dir("/proc/self/fd").unwrap().count();
    (usize::try_from(field("Threads:")).unwrap(), files, field("VmRSS:") * 1024)
}

// Two thousand runs, half of them hostile, leave no thread, no file and no memory.
#[cfg(target_os = "linux")]
#[test]
fn two_thousand_runs_leave_nothing() {
    if !alone("crowd::two_thousand_runs_leave_nothing") {
        return;
    }
    let runtime = runtime(2);
    // The first runs fill the pool's slots, which stay.
    runtime.block_on(mixed(400));
    let (threads, files, resident) = footprint();
    runtime.block_on(mixed(2_000));
    let after = footprint();
    assert!(after.0 <= threads, "{} threads, {threads} before", after.0);
    assert!(after.1 <= files, "{} open files, {files} before", after.1);
    assert!(after.2 < resident + (64 << 20), "{} bytes resident, {resident} before", after.2);
}

// Four runaways on two threads do not keep twenty healthy runs from finishing.
#[test]
fn runaways_do_not_starve_neighbours() {
    let runtime = runtime(2);
    let runaway = Limits { timeout: Duration::from_secs(8), ..roomy() };
    runtime.block_on(async {
        let mut runaways = JoinSet::new();
        for _ in 0..4 {
            runaways.spawn(async move {
                bench::run_on(bench::sandbox(), &bench::program("spin"), &bench::env("spin", runaway)).await
            });
        }
        let mut neighbours = JoinSet::new();
        for _ in 0..20 {
            neighbours.spawn(bench::neighbour());
        }
        while let Some(ended) = neighbours.join_next().await {
            ended.unwrap();
        }
        assert!(runaways.try_join_next().is_none(), "the runaways were over before the healthy runs");
        // Dropped in the middle of the run, as at the end of the host.
        runaways.shutdown().await;
        bench::neighbour().await;
    });
}

// With a single processor for everything, a runaway still ends at its deadline, and another runtime still answers.
#[cfg(target_os = "linux")]
#[test]
fn runaway_on_one_processor_ends() {
    if !alone("crowd::runaway_on_one_processor_ends") {
        return;
    }
    probity_tests::alone::pin_to_one_processor();
    let serving = runtime(1);
    let listener = serving.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    serving.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            use tokio::io::AsyncWriteExt;
            drop(stream.write_all(b"pong").await);
        }
    });
    let guests = std::thread::spawn(|| {
        let limits = Limits { timeout: Duration::from_secs(1), ..roomy() };
        let run = runtime(1).block_on(bench::run("spin", limits));
        assert_eq!(run.end.unwrap_err().reason, Reason::Deadline);
        assert!(run.duration < limits.timeout + GRACE);
    });
    let mut slowest = Duration::ZERO;
    let mut answers = 0;
    while !guests.is_finished() {
        let asked = Instant::now();
        let mut text = String::new();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.flush().unwrap();
        stream.read_to_string(&mut text).unwrap();
        assert_eq!(text, "pong");
        slowest = slowest.max(asked.elapsed());
        answers += 1;
    }
    guests.join().unwrap();
    // The guest runs for a second; an answer that had to wait for it would be the only one.
    assert!(answers >= 10, "{answers} answers, the slowest after {slowest:?}");
}

// Plugins that take all memories and instances they may do not use up their neighbours' slots.
#[tokio::test]
async fn greedy_plugins_leave_room() {
    const SLOTS: usize = 8;
    let inner = format!(
        "(component (core module $m (memory 1) (table 10 funcref)) (core module $e) {} {})",
        "(core instance (instantiate $m))".repeat(3),
        "(core instance (instantiate $e))".repeat(100),
    );
    let sandbox = Arc::new(Sandbox::new(SLOTS, None).unwrap());
    let greedy = guests::with_inner(&guests::component("sleep"), &inner);
    let greedy = Arc::new(sandbox.compile(&greedy, "greedy").unwrap());
    let healthy = sandbox.compile(&guests::component("healthy"), "healthy").unwrap();
    let mut running = JoinSet::new();
    for _ in 0..SLOTS * 2 {
        let (sandbox, greedy) = (Arc::clone(&sandbox), Arc::clone(&greedy));
        let limits = Limits { timeout: Duration::from_millis(500), ..roomy() };
        running.spawn(async move { bench::run_on(&sandbox, &greedy, &bench::env("greedy", limits)).await });
    }
    tokio::task::yield_now().await;
    for _ in 0..20 {
        let run = bench::run_on(&sandbox, &healthy, &bench::env("healthy", roomy())).await;
        assert_eq!(run.status(), Status::Healthy, "{:?}", run.end);
    }
    while let Some(run) = running.join_next().await {
        let failure = run.unwrap().end.unwrap_err();
        assert_eq!(failure.reason, Reason::Deadline, "{}", failure.message);
    }
}

// More runs than slots: those without one say so, and nobody else notices.
#[tokio::test]
async fn missing_slot_is_named() {
    // One slot was asked for; 16 are beside it, and 64 for instances between runs.
    const RUNS: usize = 140;
    let sandbox = Arc::new(Sandbox::new(1, None).unwrap());
    if !sandbox.is_pooled() {
        return;
    }
    let sleep = Arc::new(sandbox.compile(&guests::component("sleep"), "sleep").unwrap());
    let mut running = JoinSet::new();
    for _ in 0..RUNS {
        let (sandbox, sleep) = (Arc::clone(&sandbox), Arc::clone(&sleep));
        let limits = Limits { timeout: Duration::from_millis(500), ..roomy() };
        running.spawn(async move { bench::run_on(&sandbox, &sleep, &bench::env("sleep", limits)).await });
    }
    let mut reasons = Vec::new();
    while let Some(run) = running.join_next().await {
        reasons.push(run.unwrap().end.unwrap_err().reason);
    }
    let count = |reason| reasons.iter().filter(|other| **other == reason).count();
    assert!(count(Reason::Capacity) > 0 && count(Reason::Deadline) > 0, "{reasons:?}");
    assert_eq!(count(Reason::Capacity) + count(Reason::Deadline), RUNS, "{reasons:?}");
    let healthy = sandbox.compile(&guests::component("healthy"), "healthy").unwrap();
    let run = bench::run_on(&sandbox, &healthy, &bench::env("healthy", roomy())).await;
    assert_eq!(run.status(), Status::Healthy, "{:?}", run.end);
}
