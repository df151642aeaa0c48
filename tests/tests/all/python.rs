//! What the ends of a check in Python become: the reference check of the conformance suite in a real host.

use probity_tests::host::{Answer, Host};
use probity_tests::python;
use serde_json::Value;

/// A check for each thing that the reference check does.
fn start() -> Host {
    let acts = ["judge", "log", "state", "http", "loop", "allocate", "throw", "unheard-of"];
    let mut config = "[limits]\ntimeout = \"20s\"\n".to_owned();
    for act in acts {
        config.push_str(&format!(
            "[[check]]\nname = \"{act}\"\nplugin = \"reference-python\"\nevery = \"1s\"\n\
             grants = {{ http = [\"http://127.0.0.1:1/*\"] }}\n\
             [check.config]\nact = \"{act}\"\nvalue = 5\nwarn = 2\ncrit = 10\nurl = \"http://127.0.0.1:1/\"\n"
        ));
    }
    python::host(&config, &["reference-python"])
}

/// The check's JSON once it is unknown for this reason: before its first run it is for another.
fn unknown(host: &Host, check: &str, reason: &str) -> Value {
    let so = |answer: &Answer| answer.json()["status"] == "unknown" && answer.json()["reason"]["reason"] == reason;
    host.wait_for(&format!("/checks/{check}"), so).json()
}

// A judgement, a failure, an exception and a runaway each end as what they are, with words of the check's own.
#[test]
fn every_end_of_a_python_check_is_what_it_is() {
    let host = start();
    let judged = host.wait_until("judge", "degraded");
    assert_eq!(judged["message"], "value 5, more than 2");
    assert_eq!(judged["measurements"]["value"]["status"], "degraded", "{judged}");
    assert_eq!(host.wait_until("http", "unhealthy")["message"], "no answer: refused");
    host.wait_for("/checks/state", |answer| {
        answer.json()["measurements"]["runs"]["value"].as_i64().is_some_and(|runs| runs >= 2)
    });
    assert_eq!(unknown(&host, "unheard-of", "other")["message"], "unknown act `unheard-of`");
    let trapped = unknown(&host, "throw", "trap");
    let words = trapped["message"].as_str().unwrap();
    assert!(words.starts_with("RuntimeError: boom (") && words.contains("check.py:"), "{trapped}");
    let log = trapped["log"].to_string();
    assert!(log.contains("at throw (check.py:"), "{trapped}");
    unknown(&host, "loop", "fuel");
    unknown(&host, "allocate", "memory");
    let lines = host.wait_until("log", "healthy")["log"].to_string();
    for level in ["trace", "debug", "info", "warn", "error"] {
        assert!(lines.contains(&format!("line at {level}")), "{lines}");
    }
}
