//! `/checks`, `/plugins`, `/metrics`, and what is not there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Method;
use probity_core::check::{CallTally, Capability, Failure, HostCall, Level, LogLine, Observed, Reason, Status};
use serde_json::{Value, json};

use super::Host;
use super::fixture::{bearer, measured, outcome, run, with_checks};
use crate::plugins::{Compiling, Loading, Plugin, Plugins, Rejection, Reloads, Stage};

fn host() -> Host {
    let host = Host::new(&with_checks(&["db", "orders"]));
    let mut good = outcome(Status::Healthy, "SELECT 1 in 1.9 ms");
    good.measurements.push(measured("rows", Observed::Integer(7), "1"));
    let mut run = run(Ok(good));
    run.calls.push(HostCall {
        operation: "http.send".into(),
        target: "http://127.0.0.1:9000/orders".into(),
        result: "ok",
        duration_ms: 1.5,
        after: std::time::Duration::ZERO,
    });
    run.tally.push(CallTally { capability: Capability::Http, result: "ok", count: 3 });
    run.log.push(LogLine { level: Level::Info, message: "asked".into(), fields: Vec::new() });
    host.ran("db", run);
    let mut failure = Failure::new(Reason::Trap, "unreachable at run");
    failure.trace = Some("0: boom".into());
    host.failed("orders", failure);
    host
}

// A check shows its result, its schedule, what it spent and what it did.
#[tokio::test]
async fn a_check_is_shown_whole() {
    let host = host();
    host.state.board.slot("db").unwrap().scheduled(Some(1_795_168_800_123), 2, None);
    let check = host.get_as_operator("/checks/db").await.json();
    assert_eq!(check["name"], "db");
    assert_eq!(check["status"], "healthy");
    assert_eq!(check["pending"], false);
    assert_eq!(check["message"], "SELECT 1 in 1.9 ms");
    assert_eq!(check["duration_ms"], 2.4);
    assert_eq!(check["severity"], "critical");
    assert_eq!(check["probes"], json!(["ready"]));
    assert_eq!(check["every_ms"], 15_000);
    assert_eq!(check["next_run"], "2026-11-20T10:00:00.123Z");
    assert_eq!(check["backoff_until"], json!(null));
    assert_eq!(check["counters"], json!({"runs": 1, "failures": 0, "consecutive_failures": 0, "missed": 2}));
    assert_eq!(check["plugin"]["name"], "db");
    assert_eq!(check["plugin"]["digest"], "ab".repeat(32));
    assert_eq!(check["measurements"]["rows"], json!({"value": 7, "unit": "1"}));
    assert_eq!(check["usage"], json!({"fuel": 1_000, "memory_peak_bytes": 65_536, "host_calls": 0}));
    assert_eq!(check["calls"][0]["target"], "http://127.0.0.1:9000/orders");
    assert_eq!(check["log"][0], json!({"level": "info", "message": "asked"}));
    assert_eq!(check["origin"], "probity.toml:5");
    for time in ["since", "last_run"] {
        assert!(check[time].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{time}: {check}");
    }
    let failed = host.get_as_operator("/checks/orders").await.json();
    assert_eq!(failed["reason"], json!({"reason": "trap"}));
    assert_eq!(failed["trace"], "0: boom");
    assert_eq!(failed["counters"]["consecutive_failures"], 1);
}

// Without the token: which check, how it is and since when, but nothing a guest or the operator wrote.
#[tokio::test]
async fn the_public_sees_no_data() {
    let host = host();
    let answer = host.get("/checks").await;
    let checks = answer.json();
    assert_eq!(checks["checks"][0]["name"], "db");
    assert_eq!(checks["checks"][0]["status"], "healthy");
    assert_eq!(checks["checks"][1]["reason"], json!({"reason": "trap"}));
    for path in ["/checks", "/checks/db", "/checks/orders", "/checks/db/history"] {
        let text = host.get(path).await.text;
        for secret in ["SELECT", "unreachable", "127.0.0.1", "asked", "boom", "probity.toml", "rows"] {
            assert!(!text.contains(secret), "{secret} in {path}: {text}");
        }
    }
}

// The history is newest first, with why a run failed.
#[tokio::test]
async fn history_is_newest_first() {
    let host = host();
    host.failed("db", Failure::new(Reason::Deadline, "2000 ms passed"));
    let history = host.get_as_operator("/checks/db/history").await.json();
    assert_eq!(history["history"][0]["status"], "unknown");
    assert_eq!(history["history"][0]["reason"], "deadline");
    assert_eq!(history["history"][0]["message"], "2000 ms passed");
    assert_eq!(history["history"][1]["status"], "healthy");
    assert_eq!(history["history"].as_array().unwrap().len(), 2);
}

// A name that is nearly one is pointed to it; a percent-encoded path is the same name.
#[tokio::test]
async fn a_missing_check_names_a_near_one() {
    let host = host();
    let answer = host.get("/checks/order").await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.json()["error"], "no_such_check");
    assert!(answer.text.contains("did you mean orders"), "{}", answer.text);
    assert_eq!(host.get("/checks/%64b").await.json()["name"], "db");
    let answer = host.get("/checks/%ff").await;
    assert_eq!((answer.status.as_u16(), answer.json()["error"].clone()), (400, Value::from("bad_path")));
    assert_eq!(host.get("/plugins/nothing").await.json()["error"], "no_such_plugin");
}

// What was refused is shown with its stage, digest, whole message and time, and who uses the plugin with which grants.
#[tokio::test]
async fn a_rejected_plugin_says_why() {
    let text = with_checks(&["orders"]) + "grants = { http = [\"https://payments.internal/*\"] }\n";
    let host = Host::new(&text);
    let rejection = Rejection {
        digest: Some("cd".repeat(32)),
        size: 12,
        stage: Stage::Compile,
        message: "does not implement probity:check@0.1.0: it exports nothing".into(),
        at_unix_ms: 1_795_168_800_000,
    };
    let plugin = Plugin {
        name: "orders".into(),
        path: "plugins/orders.wasm".into(),
        current: None,
        rejected: Some(rejection),
        reloads: Reloads { loaded: 0, rejected: 1 },
    };
    let plugins = BTreeMap::from([("orders".to_owned(), Arc::new(plugin))]);
    host.state.plugins.replace(plugins, Loading::over());
    let shown = host.get_as_operator("/plugins/orders").await.json();
    assert_eq!(
        shown["rejected"],
        json!({
            "digest": "cd".repeat(32), "size_bytes": 12, "stage": "compile", "at": "2026-11-20T10:00:00.000Z",
            "message": "does not implement probity:check@0.1.0: it exports nothing",
        })
    );
    assert_eq!(shown["current"], json!(null));
    assert_eq!(shown["path"], "plugins/orders.wasm");
    assert_eq!(shown["reloads"], json!({"loaded": 0, "rejected": 1}));
    assert_eq!(shown["checks"][0]["name"], "orders");
    assert_eq!(shown["checks"][0]["grants"]["http"], json!(["https://payments.internal/*"]));
    let public = host.get("/plugins").await;
    assert_eq!(public.json()["plugins"][0]["rejected"]["stage"], "compile");
    for secret in ["exports nothing", "plugins/orders.wasm", "payments"] {
        assert!(!public.text.contains(secret), "{secret} in {}", public.text);
    }
}

// A plugin whose first version is being compiled is there already, with the time so far.
#[tokio::test]
async fn a_plugin_that_is_compiled_is_shown() {
    let host = Host::new(&with_checks(&["orders"]));
    let since = Instant::now().checked_sub(Duration::from_secs(12)).unwrap();
    let compiling = Compiling { digest: "ab".repeat(32), size: 12_900_000, since };
    let loading = Loading { started: false, compiling: [("orders".to_owned(), compiling)].into() };
    host.state.plugins.replace(Plugins::new(), loading);
    for path in ["/plugins/orders", "/plugins"] {
        let shown = host.get(path).await.json();
        let shown = shown.get("plugins").map_or(&shown, |plugins| &plugins[0]);
        assert_eq!((&shown["name"], &shown["current"]), (&json!("orders"), &json!(null)), "{path}");
        assert_eq!(shown["compiling"]["size_bytes"], 12_900_000, "{path}");
        assert!(shown["compiling"]["so_far_ms"].as_f64().unwrap() >= 12_000.0, "{shown}");
    }
}

// Metrics are OpenMetrics; a scraper that knows only the older text gets that.
#[tokio::test]
async fn metrics_are_negotiated() {
    let host = host();
    let open = host.get("/metrics").await;
    assert_eq!(open.status, 200);
    assert_eq!(open.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(open.text.ends_with("# EOF\n"), "{}", open.text);
    assert!(open.text.contains("probity_check_status{check=\"db\",status=\"healthy\"} 1\n"), "{}", open.text);
    let older = host.ask(Method::GET, "/metrics", &[("accept", "text/plain;version=0.0.4")]).await;
    assert_eq!(older.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let both = [("accept", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5")];
    let both = host.ask(Method::GET, "/metrics", &both).await;
    assert!(both.header("content-type").starts_with("application/openmetrics-text"));
}

// Requests are counted by the pattern of their route, so that no name in a path makes a series.
#[tokio::test]
async fn requests_are_counted_by_pattern() {
    let host = host();
    for path in ["/checks/db", "/checks/orders", "/checks/a", "/checks/b", "/nothing", "/nowhere"] {
        host.get(path).await;
    }
    host.ask(Method::from_bytes(b"BREW").unwrap(), "/live", &[]).await;
    let text = host.get("/metrics").await.text;
    for line in [
        "probity_http_requests_total{route=\"/checks/{name}\",method=\"GET\",status=\"200\"} 2\n",
        "probity_http_requests_total{route=\"/checks/{name}\",method=\"GET\",status=\"404\"} 2\n",
        "probity_http_requests_total{route=\"_other\",method=\"GET\",status=\"404\"} 2\n",
        "probity_http_requests_total{route=\"/live\",method=\"_other\",status=\"405\"} 1\n",
    ] {
        assert!(text.contains(line), "{line} not in {text}");
    }
    assert!(!text.contains("/nothing"));
}

// A wrong method says which are right; a wrong path says where to look.
#[tokio::test]
async fn wrong_requests_are_told_what_is_right() {
    let host = host();
    for (method, path, allow) in [
        (Method::POST, "/live", "GET,HEAD,OPTIONS"),
        (Method::DELETE, "/checks/db", "GET,HEAD"),
        (Method::GET, "/-/reload", "POST"),
        (Method::GET, "/checks/db/run", "POST"),
    ] {
        let answer = host.ask(method, path, &[]).await;
        assert_eq!(answer.status, 405, "{path}");
        assert_eq!(answer.header("allow"), allow, "{path}");
        assert_eq!(answer.json()["error"], "method_not_allowed");
    }
    let answer = host.get("/helth").await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.json()["error"], "no_such_route");
    assert!(answer.text.contains("did you mean /health"), "{}", answer.text);
    assert!(host.get("/").await.text.contains("/checks"));
}

// No route wants a body: that of a GET is not looked at, POST takes a small one and no more.
#[tokio::test]
async fn bodies_are_bounded() {
    let host = host();
    for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
        for body in [Body::from("{}"), Body::from(vec![0; 1 << 20]), endless()] {
            let answer = host.send(method.clone(), "/live", &[], body).await;
            assert_eq!(answer.status, 200, "{method}");
        }
    }
    let token = bearer();
    let token = [("authorization", token.as_str())];
    assert_eq!(host.send(Method::POST, "/-/reload", &token, Body::from("{}")).await.status, 200);
    for body in [Body::from(vec![0; 17 << 10]), endless()] {
        let refused = host.send(Method::POST, "/-/reload", &token, body).await;
        assert_eq!((refused.status.as_u16(), refused.json()["error"].clone()), (413, Value::from("body_too_large")));
    }
}

/// A body without a length and without an end.
fn endless() -> Body {
    let chunks = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![0_u8; 1024]));
    Body::from_stream(chunks)
}

// A board too large to be answered about in passing is answered about in full.
#[tokio::test]
async fn long_answers_are_whole() {
    let names: Vec<String> = (0..400).map(|number| format!("c{number}")).collect();
    let host = Host::new(&with_checks(&names.iter().map(String::as_str).collect::<Vec<_>>()));
    assert_eq!(host.get("/checks").await.json()["checks"].as_array().unwrap().len(), 400);
    assert_eq!(host.get_as_operator("/health").await.json()["checks"].as_object().unwrap().len(), 400);
    let metrics = host.get("/metrics").await.text;
    assert!(metrics.contains("check=\"c399\"") && metrics.ends_with("# EOF\n"));
}
