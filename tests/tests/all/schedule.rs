//! When checks run: cron, single flight, bounds, back-off; and that a full house does not delay an answer.

use probity_tests::guests;
use probity_tests::host::{Answer, Host, naps, says};
use serde_json::Value;

fn runs(answer: &Answer) -> u64 {
    answer.json()["counters"]["runs"].as_u64().unwrap_or(0)
}

// Cron checks run at their times, however many share one: never before, and once.
#[test]
fn cron_checks_run_at_their_times() {
    let mut config = String::new();
    for index in 0..400 {
        config += &format!("[[check]]\nname = \"a-{index}\"\nplugin = \"a\"\ncron = \"*/5 * * * * *\"\n");
    }
    let host = Host::start(&config);
    host.copy_in("a", &says("on time"));
    for index in 0..400 {
        let path = format!("/checks/a-{index}");
        let check = host.wait_for(&path, |answer| answer.status == 200 && runs(answer) >= 2).json();
        assert!(check["next_run"].is_string(), "{check}");
        let history = host.get(&format!("{path}/history")).json();
        let starts: Vec<u64> = history["history"].as_array().unwrap().iter().map(second).collect();
        // Late by some seconds on a busy machine; a moment early would be the last of five.
        assert!(starts.iter().all(|second| second % 5 != 4), "before its time: {history}");
        assert!(starts.windows(2).all(|pair| pair[0] / 5 != pair[1] / 5), "twice for one time: {history}");
    }
}

/// The second of the minute in which an entry of the history started.
fn second(entry: &Value) -> u64 {
    let at = entry["started"].as_str().unwrap_or_else(|| panic!("{entry}"));
    at.rsplit(':').next().and_then(|seconds| seconds.get(..2)?.parse().ok()).unwrap_or_else(|| panic!("{at}"))
}

// A check that keeps trapping is left alone for longer and longer, says until when, and runs when asked to.
#[test]
fn a_trapping_check_backs_off() {
    let host = Host::start("[[check]]\nname = \"bad\"\nevery = \"100ms\"\n");
    host.copy_in("bad", &guests::component("panic"));
    let check =
        host.wait_for("/checks/bad", |answer| answer.status == 200 && answer.json()["backoff_until"].is_string());
    assert_eq!(check.json()["reason"]["reason"], "trap", "{}", check.body);
    let before = runs(&check);
    let answer = host.post("/checks/bad/run");
    assert!(runs(&answer) > before, "{}", answer.body);
}

// A run that takes longer than the interval is not started twice; the ticks it missed are counted.
#[test]
fn a_slow_check_misses_ticks() {
    let host = Host::start("[[check]]\nname = \"slow\"\nevery = \"100ms\"\ntimeout = \"10s\"\n");
    host.copy_in("slow", &naps(700));
    let missed = |answer: &Answer| answer.json()["counters"]["missed"].as_u64() >= Some(5);
    let check =
        host.wait_for("/checks/slow", |answer| answer.status == 200 && runs(answer) >= 2 && missed(answer)).json();
    assert_eq!(check["status"], "healthy");
}

// Checks of one plugin that all hang leave slots for the others.
#[test]
fn a_hanging_plugin_leaves_slots() {
    let mut config = "[schedule]\nconcurrency = 4\nconcurrency-per-plugin = 2\n".to_owned();
    for index in 0..20 {
        config +=
            &format!("[[check]]\nname = \"hang-{index}\"\nplugin = \"hang\"\nevery = \"1s\"\ntimeout = \"60s\"\n");
    }
    config += "[[check]]\nname = \"quick\"\nevery = \"100ms\"\n";
    let host = Host::start(&config);
    host.copy_in("hang", &naps(50_000));
    host.copy_in("quick", &says("fine"));
    host.wait_for("/checks/quick", |answer| answer.status == 200 && runs(answer) >= 10);
}

// Guests that spin on every guest thread do not keep probes and results of others from being answered.
#[test]
fn spinning_guests_do_not_delay_answers() {
    let mut config = "[schedule]\nthreads = 2\n".to_owned();
    for index in 0..4 {
        config += &format!(
            "[[check]]\nname = \"spin-{index}\"\nplugin = \"spin\"\nevery = \"200ms\"\ntimeout = \"1s\"\nfuel = 1000000000000\nprobes = []\n"
        );
    }
    config += "[[check]]\nname = \"quick\"\nevery = \"100ms\"\n";
    let host = Host::start(&config);
    host.copy_in("spin", &guests::component("spin"));
    host.copy_in("quick", &says("fine"));
    host.wait_for("/checks/spin-3", |answer| answer.status == 200 && answer.json()["reason"]["reason"] == "deadline");
    let before = runs(&host.wait_for("/checks/quick", |answer| runs(answer) >= 1));
    host.wait_for("/checks/quick", |answer| runs(answer) >= before + 5);
    assert_eq!(host.get("/ready").status, 200);
    let spin: Value = host.get("/checks/spin-0").json();
    assert_eq!(spin["reason"]["limit"], 1000, "{spin}");
}

// After a restart plugins come from the cache of compiled code, which lies outside the plugin directory.
#[test]
fn a_restart_takes_compiled_code_from_the_cache() {
    let mut host = Host::start("[defaults]\nevery = \"200ms\"\n");
    host.copy_in("a", &says("one"));
    host.wait_for_message("a", "one");
    assert_eq!(host.get("/plugins/a").json()["current"]["from"], "compiler");
    host.kill_and_restart();
    host.wait_for_message("a", "one");
    assert_eq!(host.get("/plugins/a").json()["current"]["from"], "cache");
    let beside: Vec<_> =
        std::fs::read_dir(host.dir().join("plugins")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(beside, ["a.wasm"]);
}
