//! The host as an operator runs it: start, probes, drain, restart.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use probity_tests::guests;
use probity_tests::host::{Host, TOKEN, naps, says};

const COUNTS: &str = "[[check]]\nname = \"count\"\nplugin = \"count\"\nevery = \"100ms\"\n";

// Ready waits for the first conclusion of every expected check; live does not.
#[test]
fn ready_waits_for_the_first_conclusion() {
    let host = Host::start("[[check]]\nname = \"a\"\nevery = \"200ms\"\n");
    assert_eq!(host.get("/live").status, 200);
    for probe in ["/ready", "/startup", "/readyz", "/health/ready"] {
        assert_eq!(host.get(probe).status, 503, "{probe}");
    }
    host.copy_in("a", &says("here"));
    for probe in ["/ready", "/startup", "/livez", "/readyz", "/healthz"] {
        host.wait_for(probe, |answer| answer.status == 200);
    }
}

// A check that is added later and never concludes does not take a running service out of rotation.
#[test]
fn a_broken_newcomer_does_not_take_ready_down() {
    let host = Host::start("[defaults]\nevery = \"100ms\"\n");
    host.copy_in("a", &says("fine"));
    host.wait_for("/ready", |answer| answer.status == 200);
    host.copy_in("b", &guests::component("panic"));
    host.wait_for("/checks/b", |answer| {
        answer.status == 200 && answer.json()["counters"]["failures"].as_u64() > Some(2)
    });
    assert_eq!(host.get("/ready").status, 200);
    assert_eq!(host.get("/checks/a").json()["status"], "healthy");
}

// A critical check that turns unhealthy takes ready and health down, and only those.
#[test]
fn an_unhealthy_check_fails_ready() {
    let host = Host::start("[defaults]\nevery = \"100ms\"\n");
    host.copy_in("a", &unhealthy());
    host.wait_until("a", "unhealthy");
    host.wait_for("/ready", |answer| answer.status == 503);
    assert_eq!(host.get("/health").status, 503);
    assert_eq!(host.get("/live").status, 200);
    assert_eq!(host.get("/metrics").status, 200);
}

// A declared check whose plugin imports what it has no grant for is shown with the line to add and warned of, and does not look
// healthy; a probe, which counts degraded as good, passes all the same.
#[test]
fn an_ungranted_check_shows_the_line_to_add() {
    let host = Host::start(
        "[[check]]\nname = \"web\"\nplugin = \"http\"\nevery = \"200ms\"\nconfig = { url = \"http://127.0.0.1:1/\" }\n",
    );
    std::fs::copy(components().join("http.wasm"), host.plugin_path("http")).unwrap();
    let check = host.wait_for("/checks/web", |answer| answer.body.contains("ungranted")).json();
    assert_eq!(check["status"], "unknown");
    assert!(check["message"].as_str().unwrap().contains("grants = { http = ["), "{check}");
    let health = host.get("/health").json();
    assert_eq!((&health["status"], &health["counts"]["unknown"]), (&"degraded".into(), &1.into()), "{health}");
    host.wait_for("/ready", |answer| answer.status == 200);
    let log = host.log();
    assert!(
        log.contains("WARN") && log.contains("the check is not run: the plugin asks for http without a grant"),
        "{log}"
    );
}

// On SIGTERM ready fails first while live and the board still answer, then the process ends with code 0.
#[test]
fn a_drain_fails_ready_first_and_exits_clean() {
    let mut host = Host::start(&format!(
        "[server]\nlisten = \"127.0.0.1:0\"\ndrain-delay = \"1s\"\nshutdown-grace = \"5s\"\n[server.auth]\ntokens = [\"{TOKEN}\"]\n[defaults]\nevery = \"100ms\"\n"
    ));
    host.copy_in("a", &says("fine"));
    host.wait_for("/ready", |answer| answer.status == 200);
    host.terminate();
    host.wait_for("/ready", |answer| answer.status == 503);
    assert_eq!(host.get("/live").status, 200);
    assert_eq!(host.ended().code(), Some(0), "{}", host.log());
}

// A run that was asked for finishes within the grace.
#[test]
fn an_answer_in_flight_finishes_during_the_drain() {
    let mut host = Host::start("[[check]]\nname = \"nap\"\nplugin = \"nap\"\nevery = \"1h\"\ntimeout = \"5s\"\n");
    host.copy_in("nap", &naps(1_000));
    host.wait_until("nap", "healthy");
    let mut stream = TcpStream::connect(host.address()).unwrap();
    write!(
        stream,
        "POST /checks/nap/run HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\ncontent-length: 0\r\n\r\n"
    )
    .unwrap();
    host.wait_for("/metrics", |answer| answer.body.contains("probity_http"));
    host.terminate();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(host.ended().code(), Some(0), "{}", host.log());
}

// A second signal ends the process at once, whatever the grace.
#[test]
fn a_second_signal_ends_at_once() {
    let mut host = Host::start(
        "[server]\nlisten = \"127.0.0.1:0\"\ndrain-delay = \"20s\"\nshutdown-grace = \"25s\"\n[server.auth]\ntokens = [\"t-0123456789\"]\n",
    );
    host.wait_for("/live", |answer| answer.status == 200);
    let start = Instant::now();
    host.terminate();
    host.wait_for("/ready", |answer| answer.status == 503);
    host.terminate();
    assert_ne!(host.ended().code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
}

// What a check keeps survives `kill -9`, but for the last moments, and the database opens again.
#[test]
fn state_survives_kill_9() {
    let mut host = Host::start(COUNTS);
    host.copy_in("count", &count());
    let seen = |host: &Host, least: u64| {
        let reached = |answer: &probity_tests::host::Answer| number(answer) >= least;
        number(&host.wait_for("/checks/count", |answer| answer.status == 200 && reached(answer)))
    };
    for _ in 0..3 {
        // Two seconds of runs: more than a flush is behind.
        let before = seen(&host, 25);
        host.kill_and_restart();
        let after = seen(&host, 1);
        assert!(after > before / 2, "counted to {before}, {after} after the restart");
    }
    assert!(!host.log().contains("cannot be read"), "{}", host.log());
}

/// A check that counts its runs in `state` and is degraded once the count is even; the count is its fuel-free proof.
fn count() -> Vec<u8> {
    guests::encode(include_str!("../../guests/parts/count.wat.in")).expect("the text is a guest")
}

fn number(answer: &probity_tests::host::Answer) -> u64 {
    answer.json()["measurements"]["count"]["value"].as_u64().unwrap_or(0)
}

fn unhealthy() -> Vec<u8> {
    guests::encode(
        "(func (export \"probity:check/checker@0.1.0#run\") (param i32 i32) (result i32)
           (call $say (i32.const 2) (i32.const 0) (i32.const 0)))",
    )
    .expect("the text is a guest")
}

fn components() -> std::path::PathBuf {
    let binary = probity_tests::host::binary();
    let dir = binary.parent().and_then(std::path::Path::parent).expect("target/<profile>/probity").join("components");
    assert!(dir.is_dir(), "{} is missing: run `cargo xtask guests` first (`cargo xtask test` does)", dir.display());
    dir
}
