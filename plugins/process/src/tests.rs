//! The check against fake process tables.

use probity_check::serde_json::{Value, json};
use probity_check::testing::{TestHost, assert_schema_matches};

use super::*;

const NOW_MS: u64 = 1_735_689_600_000;
const MIB: u64 = 1 << 20;

fn process(pid: u32, rss_mib: u64) -> ProcessInfo {
    ProcessInfo {
        pid,
        name: "api".into(),
        started_unix_ms: NOW_MS - 60_000,
        rss: rss_mib * MIB,
        threads: Some(8),
        open_files: Some(100),
        cpu_percent: 10.0,
    }
}

fn host(processes: impl IntoIterator<Item = ProcessInfo>) -> TestHost {
    processes.into_iter().fold(TestHost::new(), TestHost::process)
}

fn run(host: &TestHost, mut config: Value) -> Outcome {
    config["name"] = "api".into();
    host.run::<Process>(config).unwrap()
}

#[test]
fn schema_matches_the_configuration() {
    assert_schema_matches::<Process>();
}

// No process of the name is unhealthy; how many there may be is the operator's word.
#[test]
fn number_is_judged() {
    let two = || host([process(1, 1), process(2, 1)]);
    assert_eq!(run(&two(), json!({})).message, "2 api");
    let none = run(&host([]), json!({}));
    assert_eq!((none.status, none.message.as_str()), (Status::Unhealthy, "processes 0, less than 1"));
    assert_eq!(run(&two(), json!({"min-count": {"warn": 3, "crit": 1}})).status, Status::Degraded);
    assert_eq!(run(&two(), json!({"max-count": {"crit": 1}})).message, "processes 2, more than 1");
    assert_eq!(run(&host([]), json!({"min-count": {}, "max-count": {"crit": 0}})).status, Status::Healthy);
}

// One process too large is one thing, all together another.
#[test]
fn memory_is_judged_singly_and_in_total() {
    let three = || host([process(1, 100), process(2, 300), process(3, 100)]);
    assert_eq!(run(&three(), json!({"rss": {"warn": "256MiB"}})).message, "rss 300 MiB, more than 256 MiB");
    assert_eq!(run(&three(), json!({"rss-total": {"crit": "400MiB"}})).message, "rss total 500 MiB, more than 400 MiB");
    assert_eq!(run(&three(), json!({"cpu-percent": {"warn": 25}})).message, "cpu 30 %, more than 25 %");
    assert_eq!(run(&three(), json!({"threads": {"warn": 7}})).message, "threads 8, more than 7");
}

// The youngest decides: a process that has just started is one that has just died.
#[test]
fn age_is_judged() {
    let young = ProcessInfo { started_unix_ms: NOW_MS - 5_000, ..process(2, 1) };
    let outcome = run(&host([process(1, 1), young]), json!({"min-age": {"warn": "30s"}}));
    assert_eq!((outcome.status, outcome.message.as_str()), (Status::Degraded, "age 5 s, less than 30 s"));
}

// Open files that the host may not see are no good news.
#[test]
fn open_files_are_judged_where_they_are_seen() {
    let config = json!({"name": "api", "open-files": {"warn": 99}});
    assert_eq!(host([process(1, 1)]).run::<Process>(config.clone()).unwrap().status, Status::Degraded);
    let hidden = || ProcessInfo { open_files: None, ..process(2, 1) };
    let failure = host([process(1, 1), hidden()]).run::<Process>(config.clone()).unwrap_err();
    assert!(failure.to_string().contains("may not see the open files of process 2"), "{failure}");
    assert_eq!(host([hidden()]).run::<Process>(json!({"name": "api"})).unwrap().status, Status::Healthy);
    let crowd = json!({"name": "api", "open-files": {"warn": 99}, "max-count": {"crit": 0}});
    assert_eq!(host([hidden()]).run::<Process>(crowd).unwrap().status, Status::Unhealthy);
}

// Memory that only grows shows after a window, whatever its size; a restart starts anew.
#[test]
fn growth_is_judged_over_the_window() {
    let config = json!({"rss-growth": {"warn": "50MiB"}, "window": "1h"});
    let host = host([process(1, 100)]);
    for minute in 0..59 {
        let outcome = run(&host, config.clone());
        assert_eq!(outcome.status, Status::Healthy, "minute {minute}: {}", outcome.message);
        host.advance_ms(60_000);
    }
    let grown = host.clone().process(process(2, 60));
    host.advance_ms(60_000);
    assert_eq!(run(&grown, config.clone()).message, "rss growth 60 MiB, more than 50 MiB");
    let restarted = grown.process(ProcessInfo { started_unix_ms: 1, ..process(3, 500) });
    assert_eq!(run(&restarted, config).status, Status::Healthy);
}

// Each change of the oldest process is a restart, remembered for the window; workers come and go.
#[test]
fn restarts_are_counted() {
    let config = json!({"restarts": {"warn": 0, "crit": 1}, "window": "10m"});
    let host = host([ProcessInfo { started_unix_ms: 3_000, ..process(30, 1) }]);
    assert_eq!(run(&host, config.clone()).status, Status::Healthy);
    let host = host.process(process(40, 1));
    assert_eq!(run(&host, config.clone()).status, Status::Healthy, "a worker is no restart");
    let host = host.process(ProcessInfo { started_unix_ms: 2_000, ..process(20, 1) });
    assert_eq!(run(&host, config.clone()).message, "restarts 1, more than 0");
    let host = host.process(ProcessInfo { started_unix_ms: 1_000, ..process(10, 1) });
    assert_eq!(run(&host, config.clone()).status, Status::Unhealthy);
    host.advance_ms(700_000);
    assert_eq!(run(&host, config).status, Status::Healthy);
}

// What another version wrote is forgotten, not fatal.
#[test]
fn strange_state_is_forgotten() {
    let host = host([process(1, 1)]).state("history", *b"{}");
    assert_eq!(run(&host, json!({"restarts": {"warn": 0}})).status, Status::Healthy);
}

// A window too short to see anything is refused.
#[test]
fn short_windows_are_refused() {
    let refused = TestHost::new().run::<Process>(json!({"name": "api", "window": "30s"}));
    assert!(matches!(refused, Err(Failure::InvalidConfig(text)) if text.starts_with("at /window")));
}
