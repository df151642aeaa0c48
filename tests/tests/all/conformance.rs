//! One check, written in every language: the same configurations in, the same outcomes, measurements, log lines, errors
//! and limits out. A language is a folder in `tests/conformance`; nothing here names one.

use std::time::Duration;

use probity_config::Limits;
use probity_core::check::{Level, Reason, Run, Status};
use probity_tests::reference::{self, LIMITS, MEMORY, Reference};
use probity_tests::servers::upstream::Upstream;
use serde_json::{Value, json};

/// The configuration in every language, each in a check of its own, under these limits.
async fn everywhere(limits: Limits, config: Value) -> Vec<(String, Run)> {
    let mut runs = Vec::new();
    for language in reference::languages() {
        let run = Reference::new(limits).run(&language, &config).await;
        runs.push((language, run));
    }
    runs
}

/// Name, value and judgement of each measurement.
fn measured(run: &Run) -> Vec<(String, Value, Option<Status>)> {
    let outcome = run.end.as_ref().unwrap();
    let of = |found: &probity_core::check::Measurement| {
        let value = serde_json::to_value(&found.value).unwrap();
        (found.name.clone(), value, found.status)
    };
    outcome.measurements.iter().map(of).collect()
}

// A value is judged by the same bounds, with the same message, and measured as the same kind of number.
#[tokio::test]
async fn values_are_judged_alike() {
    let cases = [
        (json!({"act": "judge", "value": 5, "warn": 5, "crit": 10}), Status::Healthy, 5.0, ""),
        (
            json!({"act": "judge", "value": 7.25, "warn": 5, "crit": 10}),
            Status::Degraded,
            7.25,
            "value 7.25, more than 5",
        ),
        (
            json!({"act": "judge", "value": 10.5, "warn": 5, "crit": 10}),
            Status::Unhealthy,
            10.5,
            "value 10.5, more than 10",
        ),
        (
            json!({"act": "judge", "value": 0.00456, "crit": 0.001}),
            Status::Unhealthy,
            0.00456,
            "value 0.0046, more than 0.001",
        ),
        (json!({"act": "judge", "value": 0.125, "warn": 0}), Status::Degraded, 0.125, "value 0.12, more than 0"),
        (json!({"act": "judge", "value": 1e9}), Status::Healthy, 1e9, ""),
    ];
    for (config, status, value, message) in cases {
        for (language, run) in everywhere(LIMITS, config.clone()).await {
            assert_eq!(run.status(), status, "{language} with {config}: {:?}", run.end);
            let said = &run.end.as_ref().unwrap().message;
            assert!(message.is_empty() || said == message, "{language} with {config}: {said}");
            assert_eq!(measured(&run), [("value".to_owned(), json!(value), Some(status))], "{language} with {config}");
        }
    }
}

// Integers are compared as integers past 2^53 as well, bounds included, and told with all their digits.
#[tokio::test]
async fn large_integers_are_judged_alike() {
    let (limit, next, far) = (9_007_199_254_740_992_i64, 9_007_199_254_740_993_i64, 9_007_199_254_740_994_i64);
    let cases = [
        (limit, limit, Status::Healthy, ""),
        (next, next, Status::Healthy, ""),
        (next, limit, Status::Unhealthy, "integer 9007199254740993, more than 9007199254740992"),
        (far, next, Status::Unhealthy, "integer 9007199254740994, more than 9007199254740993"),
    ];
    for (value, crit, status, message) in cases {
        let config = json!({"act": "integer", "integer": value, "most": {"crit": crit}});
        for (language, run) in everywhere(LIMITS, config.clone()).await {
            assert_eq!(run.status(), status, "{language} with {config}: {:?}", run.end);
            let outcome = run.end.as_ref().unwrap();
            assert!(message.is_empty() || outcome.message == message, "{language} with {config}: {}", outcome.message);
        }
    }
}

// A status is one of three words: any other, and a number that is none, ends a run without a judgement, and says what it was.
#[tokio::test]
async fn misuse_is_no_judgement_anywhere() {
    for (word, status) in
        [("healthy", Status::Healthy), ("degraded", Status::Degraded), ("unhealthy", Status::Unhealthy)]
    {
        for (language, run) in everywhere(LIMITS, json!({"act": "word", "word": word})).await {
            assert_eq!(run.status(), status, "{language} with {word}: {:?}", run.end);
        }
    }
    for word in ["critical", "down", "Unhealthy"] {
        for (language, run) in everywhere(LIMITS, json!({"act": "word", "word": word})).await {
            let said = run.end.expect_err(&language).message;
            let listed = said.contains(word) && said.contains("is no status; there are");
            assert!(listed && said.contains("degraded"), "{language} with {word}: {said}");
        }
    }
    for (language, run) in everywhere(LIMITS, json!({"act": "nothing"})).await {
        let said = run.end.expect_err(&language).message;
        let named = said.contains("lag") && said.to_lowercase().contains("nan") && said.contains("expected a number");
        assert!(named, "{language}: {said}");
    }
}

// What a check logs arrives with level and fields, in order.
#[tokio::test]
async fn lines_are_logged_alike() {
    let levels = [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error];
    let names = ["trace", "debug", "info", "warn", "error"];
    for (language, run) in everywhere(LIMITS, json!({"act": "log"})).await {
        assert_eq!(run.status(), Status::Healthy, "{language}: {:?}", run.end);
        let lines: Vec<(Level, String)> = run.log.iter().map(|line| (line.level, line.message.clone())).collect();
        let expected: Vec<(Level, String)> =
            levels.into_iter().zip(names).map(|(level, name)| (level, format!("line at {name}"))).collect();
        assert_eq!(lines, expected, "{language}");
        for line in &run.log {
            assert_eq!(line.fields, [("n".to_owned(), "1".to_owned())], "{language}");
        }
    }
}

// An answer is an answer, and nobody there is a judgement about who should be.
#[tokio::test]
async fn services_are_asked_alike() {
    let mut upstream = Upstream::start();
    for (language, run) in everywhere(LIMITS, json!({"act": "http", "url": upstream.url()})).await {
        assert_eq!(run.status(), Status::Healthy, "{language}: {:?}", run.end);
        assert_eq!(measured(&run), [("status".to_owned(), json!(200), None)], "{language}");
    }
    upstream.down();
    for (language, run) in everywhere(LIMITS, json!({"act": "http", "url": upstream.url()})).await {
        assert_eq!(run.status(), Status::Unhealthy, "{language}: {:?}", run.end);
        assert_eq!(run.end.unwrap().message, "no answer: refused", "{language}");
    }
}

// The answers of real services are long: a hundred kilobytes of JSON, not all ASCII, are read within the fuel and the memory
// that a check has by default.
#[tokio::test]
async fn long_answers_are_read_alike() {
    let items: Vec<_> =
        (0..2_000).map(|id| json!({"id": id, "name": format!("Größe {id}"), "open": id % 2 == 0})).collect();
    let body = json!({"items": items, "value": 7.5}).to_string();
    assert!(body.len() > 80_000, "{}", body.len());
    let upstream = Upstream::answering(&body);
    let limits = Limits { timeout: LIMITS.timeout, ..Limits::default() };
    for (language, run) in everywhere(limits, json!({"act": "json", "url": upstream.url()})).await {
        assert_eq!(run.status(), Status::Healthy, "{language}: {:?}", run.end);
        assert_eq!(measured(&run), [("value".to_owned(), json!(7.5), None)], "{language}");
    }
}

// A body that is no JSON is told with the address that gave it, without what may be secret in that.
#[tokio::test]
async fn answers_that_are_no_json_name_their_address() {
    for body in ["<html>", "{", ""] {
        let upstream = Upstream::answering(body);
        let (url, said) =
            (format!("{}?token=s3cret", upstream.url()), format!("body of {} is no JSON", upstream.url()));
        for (language, run) in everywhere(LIMITS, json!({"act": "json", "url": url})).await {
            let failure = run.end.expect_err(&language);
            assert_eq!(failure.reason, Reason::Capability, "{language}: {}", failure.message);
            let is_told = failure.message.contains(&said) && !failure.message.contains("s3cret");
            assert!(is_told, "{language} with {body:?}: {}", failure.message);
        }
    }
}

// What is not granted is no judgement: the host's own words are passed on.
#[tokio::test]
async fn missing_grants_are_passed_on_alike() {
    for (language, run) in everywhere(LIMITS, json!({"act": "http", "url": "http://192.0.2.1/"})).await {
        let failure = run.end.expect_err(&language);
        assert_eq!(failure.reason, Reason::Capability, "{language}: {}", failure.message);
        assert!(failure.message.contains(r#"http = ["http://192.0.2.1/*"]"#), "{language}: {}", failure.message);
    }
}

// State survives the instance, in integers.
#[tokio::test]
async fn state_is_kept_alike() {
    for language in reference::languages() {
        let check = Reference::new(LIMITS);
        for expected in 1..=3 {
            let run = check.run(&language, &json!({"act": "state"})).await;
            assert_eq!(run.status(), Status::Healthy, "{language}: {:?}", run.end);
            assert_eq!(measured(&run), [("runs".to_owned(), json!(expected), None)], "{language}");
        }
    }
}

// A configuration that does not fit is named by its path, and what the check does not know by its word.
#[tokio::test]
async fn errors_are_told_alike() {
    for (language, run) in everywhere(LIMITS, json!({"act": "config", "value": "many"})).await {
        let failure = run.end.expect_err(&language);
        assert_eq!(failure.reason, Reason::InvalidConfig, "{language}: {}", failure.message);
        let expected = r#"at /value: invalid type: string "many", expected "#;
        assert!(failure.message.contains(expected), "{language}: {}", failure.message);
    }
    for (language, run) in everywhere(LIMITS, json!({})).await {
        let failure = run.end.expect_err(&language);
        assert_eq!(failure.reason, Reason::InvalidConfig, "{language}: {}", failure.message);
        assert!(failure.message.contains("at /: missing field `act`"), "{language}: {}", failure.message);
    }
    for (language, run) in everywhere(LIMITS, json!({"act": "dance"})).await {
        let failure = run.end.expect_err(&language);
        assert_eq!(failure.reason, Reason::Other, "{language}: {}", failure.message);
        assert_eq!(failure.message, "unknown act `dance`", "{language}");
    }
}

// What nobody caught ends the run as a trap, with its message in the failure and in the log.
#[tokio::test]
async fn uncaught_errors_trap_alike() {
    for (language, run) in everywhere(LIMITS, json!({"act": "throw"})).await {
        let failure = run.end.expect_err(&language);
        assert_eq!(failure.reason, Reason::Trap, "{language}: {}", failure.message);
        assert!(failure.message.contains("boom"), "{language}: {}", failure.message);
        let logged = run.log.iter().any(|line| line.level == Level::Error && line.message.contains("boom"));
        assert!(logged, "{language}: {:?}", run.log);
    }
}

// A loop without end uses up its fuel; with fuel to spare it ends at its deadline.
#[tokio::test]
async fn loops_end_alike() {
    for (language, run) in everywhere(LIMITS, json!({"act": "loop"})).await {
        let failure = run.end.expect_err(&language);
        assert_eq!(failure.reason, Reason::Fuel, "{language}: {}", failure.message);
    }
    let limits = Limits { fuel: u64::MAX / 2, timeout: Duration::from_millis(500), ..LIMITS };
    for (language, run) in everywhere(limits, json!({"act": "loop"})).await {
        let failure = run.end.expect_err(&language);
        assert_eq!((failure.reason, failure.limit), (Reason::Deadline, Some(500)), "{language}: {}", failure.message);
    }
}

// Memory without end is the limit on memory, whatever the language makes of being refused.
#[tokio::test]
async fn memory_is_limited_alike() {
    let limits = Limits { fuel: u64::MAX / 2, ..LIMITS };
    for (language, run) in everywhere(limits, json!({"act": "allocate"})).await {
        let failure = run.end.expect_err(&language);
        assert_eq!((failure.reason, failure.limit), (Reason::Memory, Some(MEMORY)), "{language}: {}", failure.message);
        assert!(run.usage.memory_peak_bytes <= MEMORY, "{language} had {}", run.usage.memory_peak_bytes);
    }
}
