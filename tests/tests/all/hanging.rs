//! What hangs blinds nobody: runs that wait, many more of them than may run at once.

use std::fmt::Write;
use std::time::{Duration, Instant};

use probity_tests::host::{Host, naps, says};

/// Checks that wait for a second each time, and checks that answer at once.
const HUNG: usize = 40;
const GOOD: usize = 4;

/// Two runs at once, and twenty times as many checks that wait: the others keep their interval.
fn good_checks_keep_their_interval(schedule: &str) {
    let mut config = format!("[schedule]\nconcurrency = 2\n{schedule}\n[defaults]\nprobes = []\nevery = \"500ms\"\n");
    for (name, count) in [("hung", HUNG), ("good", GOOD)] {
        for at in 0..count {
            let _ = write!(config, "[[check]]\nname = \"{name}-{at}\"\nplugin = \"{name}\"\ntimeout = \"5s\"\n");
        }
    }
    let host = Host::start(&config);
    host.copy_in("hung", &naps(1_000));
    host.copy_in("good", &says("fine"));
    for at in 0..HUNG {
        host.wait_until(&format!("hung-{at}"), "healthy");
    }
    // With a place for each run that waits, a round of all would take twenty seconds.
    keep_their_interval(&host, &(0..GOOD).map(|at| format!("good-{at}")).collect::<Vec<_>>());
}

/// Checks that are due every 500 ms run six times in eight seconds, which are three where nothing else is to be done.
pub(super) fn keep_their_interval(host: &Host, checks: &[impl AsRef<str>]) {
    let runs = |name: &str| host.get(&format!("/checks/{name}")).json()["counters"]["runs"].as_u64().unwrap_or(0);
    let start = Instant::now();
    let before: Vec<u64> = checks.iter().map(|name| runs(name.as_ref())).collect();
    for (name, before) in checks.iter().zip(before) {
        host.wait_for(&format!("/checks/{}", name.as_ref()), |_| runs(name.as_ref()) >= before + 6);
    }
    assert!(start.elapsed() < Duration::from_secs(8), "{:?} for six runs of 500 ms", start.elapsed());
}

// Runs that wait take no turn of those that do not.
#[test]
fn hung_checks_leave_the_others_their_interval() {
    good_checks_keep_their_interval("");
}

// Where the room to wait in is full, those that are known to wait for long wait for it, and the others do not.
#[test]
fn hung_checks_wait_when_there_is_no_room() {
    good_checks_keep_their_interval("waiting = 8");
}
