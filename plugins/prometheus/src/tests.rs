//! The check against fake pages.

use probity_check::serde_json::{Value, json};
use probity_check::testing::{Reply, TestHost, assert_schema_matches};

use super::*;

const URL: &str = "http://shop.test/metrics";

const PAGE: &str = r#"# HELP http_requests_total Requests.
# TYPE http_requests_total counter
http_requests_total{code="200",method="get"} 900
http_requests_total{code="200",method="post"} 90
http_requests_total{code="500",method="get"} 10
# TYPE queue_depth gauge
queue_depth{queue="a"} 3
queue_depth{queue="b"} 7
strange NaN
"#;

fn host(pages: &[&str]) -> TestHost {
    pages.iter().fold(TestHost::new(), |host, page| host.http("GET", URL, Reply::status(200).body(*page)))
}

fn run(host: &TestHost, metric: impl Into<Value>) -> Outcome {
    host.run::<Prometheus>(json!({"url": URL, "metrics": [metric.into()]})).unwrap()
}

#[test]
fn schema_matches_the_configuration() {
    assert_schema_matches::<Prometheus>();
}

// Series are chosen by name and by the labels that are named, and become one number.
#[test]
fn series_are_chosen_and_aggregated() {
    let value = |rule: Value| run(&host(&[PAGE]), rule).message;
    assert_eq!(value(json!({"metric": "http_requests_total"})), "http_requests_total 1000");
    assert_eq!(value(json!({"metric": "http_requests_total", "labels": {"code": "200"}})), "http_requests_total 990");
    for (aggregate, expected) in [("sum", "10"), ("min", "3"), ("max", "7"), ("avg", "5"), ("count", "2")] {
        let rule = json!({"metric": "queue_depth", "aggregate": aggregate, "name": "depth", "unit": "{jobs}"});
        assert_eq!(value(rule), format!("depth {expected} jobs"), "{aggregate}");
    }
}

// Large integers are told apart, alone and as a sum.
#[test]
fn large_integers_are_told_apart() {
    let page = "offset 9007199254740993\nparts{p=\"0\"} 9007199254740992\nparts{p=\"1\"} 1\n";
    for metric in ["offset", "parts"] {
        let over = run(&host(&[page]), json!({"metric": metric, "at-most": {"crit": 9_007_199_254_740_992_i64}}));
        assert_eq!(over.message, format!("{metric} 9007199254740993, more than 9007199254740992"));
    }
}

// A value has thresholds on both sides; what is not a number breaks them.
#[test]
fn values_are_judged() {
    let verdict = |rule: Value| run(&host(&[PAGE]), rule);
    let over = verdict(json!({"metric": "queue_depth", "at-most": {"warn": 9, "crit": 20}}));
    assert_eq!((over.status, over.message.as_str()), (Status::Degraded, "queue_depth 10, more than 9"));
    let under = verdict(json!({"metric": "queue_depth", "at-least": {"crit": 11}}));
    assert_eq!((under.status, under.message.as_str()), (Status::Unhealthy, "queue_depth 10, less than 11"));
    assert_eq!(verdict(json!({"metric": "strange", "at-most": {"crit": 1}})).status, Status::Unhealthy);
    assert_eq!(
        verdict(json!({"metric": "strange", "aggregate": "max", "at-most": {"crit": 1}})).status,
        Status::Unhealthy
    );
}

// One series over another: the share of failures.
#[test]
fn ratios_are_judged() {
    let rule = json!({"name": "failures", "metric": "http_requests_total", "labels": {"code": "500"},
        "divide-by": {"metric": "http_requests_total"}, "at-most": {"crit": 0.005}});
    assert_eq!(run(&host(&[PAGE]), rule.clone()).message, "failures 0.01, more than 0.005");
}

// Nothing over nothing is no number: without a judgement where one is asked for, and with the one that `on-null` says. What
// else is bad stays bad.
#[test]
fn nothing_over_nothing_is_no_judgement() {
    let idle = "http_requests_total{code=\"500\"} 0\nqueue_depth 7\n";
    let rule = json!({"name": "failures", "metric": "http_requests_total", "labels": {"code": "500"},
        "divide-by": {"metric": "http_requests_total"}, "at-most": {"crit": 0.005}});
    let result = host(&[idle]).run::<Prometheus>(json!({"url": URL, "metrics": [rule]}));
    assert!(matches!(&result, Err(Failure::Other(text)) if text == "failures: nothing to divide"), "{result:?}");
    let deep = json!({"metric": "queue_depth", "at-most": {"crit": 1}});
    let bad = host(&[idle]).run::<Prometheus>(json!({"url": URL, "metrics": [rule, deep]})).unwrap();
    assert_eq!(bad.status, Status::Unhealthy);
    let said = |word: &str| {
        let mut rule = rule.clone();
        rule["on-null"] = word.into();
        let outcome = run(&host(&[idle]), rule);
        assert_eq!(outcome.message, "failures: nothing to divide", "{word}");
        outcome.status
    };
    assert_eq!(["healthy", "degraded", "unhealthy"].map(said), [Status::Healthy, Status::Degraded, Status::Unhealthy]);
    let mut shown = rule;
    shown.as_object_mut().unwrap().remove("at-most");
    assert_eq!(run(&host(&[idle]), shown).status, Status::Healthy, "nobody asked for a judgement");
}

// Something over nothing is above every bound; that it is at least something is not said.
#[test]
fn something_over_nothing_is_never_enough() {
    let strange = "good 5\nall 0\n";
    let rule =
        |bound: &str| json!({"name": "share", "metric": "good", "divide-by": {"metric": "all"}, bound: {"crit": 0.9}});
    let result = host(&[strange]).run::<Prometheus>(json!({"url": URL, "metrics": [rule("at-least")]}));
    assert!(matches!(&result, Err(Failure::Other(text)) if text == "share: nothing to divide"), "{result:?}");
    assert_eq!(run(&host(&[strange]), rule("at-most")).status, Status::Unhealthy);
}

// What is missing is bad news, unless it is said to be none.
#[test]
fn missing_series_are_judged() {
    let verdict = |missing: &str| run(&host(&[PAGE]), json!({"metric": "gone", "missing": missing})).status;
    assert_eq!(
        ["healthy", "degraded", "unhealthy"].map(verdict),
        [Status::Healthy, Status::Degraded, Status::Unhealthy]
    );
    assert_eq!(run(&host(&[PAGE]), json!({"metric": "gone"})).message, "no series of gone");
    let counted = json!({"metric": "gone", "aggregate": "count", "at-least": {"crit": 1}});
    assert_eq!(run(&host(&[PAGE]), counted).message, "gone 0, less than 1");
}

// A counter is judged by its growth per second between two runs. Without a run to compare with, and when it went back, there
// is no judgement, which is not a healthy one.
#[test]
fn rates_are_judged() {
    let pages = ["x 100\n", "x 400\n", "x 5\n", "x 605\n"];
    let host = host(&pages);
    let rule = json!({"metric": "x", "rate": true, "unit": "/s", "at-most": {"warn": 15, "crit": 100}});
    let mut verdicts = Vec::new();
    for _ in pages {
        let ended = host.run::<Prometheus>(json!({"url": URL, "metrics": [rule]}));
        verdicts.push(ended.map(|outcome| (outcome.status, outcome.message)).map_err(|failure| failure.to_string()));
        host.advance_ms(20_000);
    }
    let expected = [
        Err("x: no rate yet".to_owned()),
        Ok((Status::Healthy, "x 15 /s".to_owned())),
        Err("x: no rate yet".to_owned()),
        Ok((Status::Degraded, "x 30 /s, more than 15 /s".to_owned())),
    ];
    assert_eq!(verdicts, expected);
}

// What can be judged and is not well is said, whatever else has no rate yet.
#[test]
fn a_rate_to_come_hides_no_finding() {
    let rules = json!([{"metric": "x", "rate": true}, {"metric": "gone"}]);
    let outcome = host(&["x 1\n"]).run::<Prometheus>(json!({"url": URL, "metrics": rules})).unwrap();
    assert_eq!((outcome.status, outcome.message.as_str()), (Status::Unhealthy, "no series of gone"));
}

// The share of failures among what came since the last run, not since the start of the server.
#[test]
fn ratios_of_rates_are_judged() {
    let host = host(&["bad 0\nall 1000000\n", "bad 10\nall 1000020\n"]);
    let rule = json!({"name": "failures", "metric": "bad", "divide-by": {"metric": "all"}, "rate": true,
        "at-most": {"crit": 0.1}});
    assert!(host.run::<Prometheus>(json!({"url": URL, "metrics": [rule]})).is_err());
    host.advance_ms(10_000);
    assert_eq!(run(&host, rule).message, "failures 0.5, more than 0.1");
}

// A page that is none, an error in its place and no answer at all are unhealthy; a missing grant is not judged.
#[test]
fn bad_pages_are_unhealthy() {
    let metric = json!({"metric": "x"});
    let html = run(&host(&["# ok\n<html>\n"]), metric.clone());
    let message = "http://shop.test/metrics: line 2 is not in the Prometheus text format: no metric name";
    assert_eq!((html.status, html.message.as_str()), (Status::Unhealthy, message));
    let long = format!("x{{a=\"{}\"}} 1", "a".repeat(70_000));
    assert!(run(&host(&[&long]), metric.clone()).message.contains("longer than 65536 bytes"));
    let failing = TestHost::new().http("GET", URL, Reply::status(503));
    assert_eq!(run(&failing, metric.clone()).message, "http://shop.test/metrics: status 503, expected 200");
    assert_eq!(run(&TestHost::new(), metric.clone()).status, Status::Unhealthy);
    let denied = TestHost::new().http_error("GET", URL, Error::new(ErrorKind::Denied, "not granted"));
    let failure = denied.run::<Prometheus>(json!({"url": URL, "metrics": [metric]}));
    assert!(matches!(failure, Err(Failure::Capability(_))));
}

// The server is asked for the format that is understood.
#[test]
fn request_asks_for_the_text_format() {
    let host = TestHost::new().http("GET", "shop:/metrics", Reply::status(200).body("x 1\n"));
    let config = json!({"url": "/metrics", "endpoint": "shop", "headers": {"x-scope": "a"}, "timeout": "2s",
        "metrics": [{"metric": "x"}]});
    assert_eq!(host.run::<Prometheus>(config).unwrap().status, Status::Healthy);
    let sent = &host.requests()[0];
    assert_eq!(sent.headers[0].1, b"text/plain;version=0.0.4;q=1,*/*;q=0.1");
    assert_eq!((sent.headers[1].0.as_str(), sent.timeout_ms), ("x-scope", Some(2000)));
}

// Rules that cannot be told apart, or mean nothing, are refused.
#[test]
fn useless_rules_are_refused() {
    for metrics in [
        json!([]),
        json!([{"metric": "x"}, {"metric": "x", "labels": {"a": "b"}}]),
        json!([{"metric": "x", "rate": true, "aggregate": "max"}]),
        json!([{"metric": "x", "on-null": "healthy"}]),
    ] {
        let refused = TestHost::new().run::<Prometheus>(json!({"url": URL, "metrics": metrics}));
        assert!(matches!(refused, Err(Failure::InvalidConfig(text)) if text.starts_with("at /metrics")));
    }
}
