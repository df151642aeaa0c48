//! `/health` in our own words and in those of others.

use std::time::{Duration, Instant};

use probity_core::check::{Failure, Observed, Reason, Status};
use serde_json::json;

use super::Host;
use super::fixture::{measured, outcome, run, with_checks};

/// One check of each kind; `db` measured something.
fn host() -> Host {
    let host = Host::new(&with_checks(&["db", "disk", "orders"]));
    let mut good = outcome(Status::Healthy, "SELECT 1 in 1.9 ms");
    good.measurements.push(measured("latency", Observed::Number(1.9), "ms"));
    good.measurements.push(measured("ratio", Observed::Number(f64::NAN), "1"));
    good.details.push(("server".into(), "primary".into()));
    host.ran("db", run(Ok(good)));
    host.concluded("disk", Status::Degraded, "81 % used");
    host.failed("orders", Failure::limit(Reason::Fuel, 200_000_000, Some(200_000_007), "fuel used up"));
    host
}

// The body is the one the design shows: aggregate, version, and one entry per check with its age.
#[tokio::test]
async fn body_is_as_designed() {
    let answer = host().get_as_operator("/health").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    let body = answer.json();
    assert_eq!(body["status"], "degraded");
    assert_eq!(body["version"], "1.4.2");
    assert!(body["duration_ms"].is_f64(), "{body}");
    assert_eq!(body["counts"], json!({"healthy": 1, "degraded": 1, "unhealthy": 0, "unknown": 1, "pending": 0}));
    let time = body["timestamp"].as_str().unwrap();
    assert!(time.len() == "2026-11-20T10:00:00.000Z".len() && time.parse::<jiff::Timestamp>().is_ok(), "{time}");
    let db = &body["checks"]["db"];
    assert_eq!(db["status"], "healthy");
    assert_eq!(db["message"], "SELECT 1 in 1.9 ms");
    assert_eq!(db["duration_ms"], 2.4);
    assert!(db["age_ms"].as_u64().unwrap() < 10_000, "{db}");
    assert_eq!(db["severity"], "critical");
    assert!(db["since"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{db}");
    assert_eq!(db["measurements"]["latency"], json!({"value": 1.9, "unit": "ms"}));
    assert_eq!(db["measurements"]["ratio"]["value"], json!(null), "what JSON has no number for is null");
    assert_eq!(db["details"], json!({"server": "primary"}));
}

// A limit that was hit is named with its value and what was used.
#[tokio::test]
async fn reasons_name_the_limit() {
    let body = host().get_as_operator("/health").await.json();
    let orders = &body["checks"]["orders"];
    assert_eq!(orders["status"], "unknown");
    assert_eq!(orders["reason"], json!({"reason": "fuel", "limit": 200_000_000, "used": 200_000_007}));
    assert_eq!(orders["message"], "fuel used up");
}

// Without the token there is no word of any check; with it, `?summary` asks for the same.
#[tokio::test]
async fn summary_names_no_check() {
    let host = host();
    for answer in [host.get("/health").await, host.get_as_operator("/health?summary").await] {
        let body = answer.json();
        assert_eq!(body["status"], "degraded");
        assert_eq!(body["counts"]["healthy"], 1);
        assert_eq!(body.get("checks"), None);
        assert!(!answer.text.contains("db"), "{}", answer.text);
    }
}

// A new result replaces the text made for the one before, and a changed plan is seen without a new result.
#[tokio::test]
async fn entries_are_never_out_of_date() {
    let host = host();
    assert_eq!(host.get_as_operator("/health").await.json()["checks"]["disk"]["message"], "81 % used");
    host.concluded("disk", Status::Healthy, "20 % used");
    assert_eq!(host.get_as_operator("/health").await.json()["checks"]["disk"]["message"], "20 % used");
    host.replan(|planned| planned.severity = probity_core::check::Severity::Info);
    assert_eq!(host.get_as_operator("/health").await.json()["checks"]["disk"]["severity"], "info");
}

// Degraded and unhealthy answer with the configured statuses.
#[tokio::test]
async fn statuses_are_configurable() {
    let usual = Host::new(&with_checks(&["a"]));
    assert_eq!(usual.get("/health").await.status, 503, "nothing concluded yet");
    usual.concluded("a", Status::Degraded, "");
    assert_eq!(usual.get("/health").await.status, 200);
    usual.concluded("a", Status::Unhealthy, "");
    assert_eq!(usual.get("/health").await.status, 503);
    let own = Host::new("[server]\nunhealthy-status = 500\ndegraded-status = 429\n[[check]]\nname = \"a\"\n");
    own.concluded("a", Status::Degraded, "");
    assert_eq!(own.get("/health").await.status, 429);
    own.concluded("a", Status::Unhealthy, "");
    assert_eq!(own.get("/health").await.status, 500);
}

// A group answers for its members; one that is not there is refused with the names of those that are.
#[tokio::test]
async fn groups_answer_for_their_members() {
    let text = with_checks(&["db", "shop"]).replace("name = \"shop\"\n", "name = \"shop\"\ngroups = [\"orders\"]\n");
    let host = Host::new(&text);
    host.concluded("db", Status::Unhealthy, "");
    host.concluded("shop", Status::Healthy, "");
    let body = host.get_as_operator("/health/orders").await.json();
    assert_eq!(body["status"], "healthy");
    assert_eq!(body["checks"].as_object().unwrap().keys().collect::<Vec<_>>(), ["shop"]);
    let answer = host.get("/health/order").await;
    assert_eq!(answer.status, 404);
    assert!(answer.json()["message"].as_str().unwrap().contains("there are orders"), "{}", answer.text);
}

// draft-inadarei-api-health-check-06: arrays per measurement, `warn` and `fail` with output.
#[tokio::test]
async fn health_json_is_the_drafts() {
    let host = host();
    let answer = host.get_as_operator("/health?format=health+json").await;
    assert_eq!(answer.header("content-type"), "application/health+json");
    let body = answer.json();
    assert_eq!(body["status"], "warn");
    assert_eq!(body["releaseId"], "1.4.2");
    let latency = &body["checks"]["db:latency"][0];
    assert_eq!(latency["componentId"], "db");
    assert_eq!(latency["componentType"], "component");
    assert_eq!(latency["observedValue"], 1.9);
    assert_eq!(latency["observedUnit"], "ms");
    assert_eq!(latency["status"], "pass");
    assert!(latency["time"].is_string() && latency.get("output").is_none(), "{latency}");
    assert_eq!(body["checks"]["disk"][0]["status"], "warn");
    assert_eq!(body["checks"]["disk"][0]["output"], "81 % used");
    assert_eq!(body["checks"]["orders"][0]["status"], "fail");
    let accept = [("accept", "text/html, application/health+json;q=0.9")];
    let by_header = host.ask(axum::http::Method::GET, "/health", &accept).await;
    assert_eq!(by_header.header("content-type"), "application/health+json");
    assert_eq!(by_header.json().get("checks"), None, "without the token");
}

// Spring: components with details, and the groups.
#[tokio::test]
async fn spring_has_components() {
    let body = host().get_as_operator("/health?format=spring").await.json();
    assert_eq!(body["status"], "UP");
    assert_eq!(body["components"]["db"]["status"], "UP");
    assert_eq!(body["components"]["db"]["details"]["latency"], 1.9);
    assert_eq!(body["components"]["disk"]["details"]["message"], "81 % used");
    assert_eq!(body["components"]["orders"]["status"], "UNKNOWN");
    assert_eq!(body["groups"], json!(["liveness", "readiness"]));
}

// MicroProfile: a list, up or down.
#[tokio::test]
async fn microprofile_has_a_list() {
    let host = host();
    host.concluded("disk", Status::Unhealthy, "full");
    let answer = host.get_as_operator("/health?format=microprofile").await;
    assert_eq!(answer.status, 503);
    let body = answer.json();
    assert_eq!(body["status"], "DOWN");
    let checks = body["checks"].as_array().unwrap();
    assert_eq!(checks[0]["name"], "db");
    assert_eq!(checks[0]["status"], "UP");
    assert_eq!(checks[0]["data"]["server"], "primary");
    assert_eq!(checks[1]["status"], "DOWN");
    assert_eq!(host.get("/health?format=microprofile").await.json()["checks"], json!([]));
}

// Xabaril: Pascal case, TimeSpans, entries with tags.
#[tokio::test]
async fn xabaril_has_entries() {
    let body = host().get_as_operator("/health?format=xabaril").await.json();
    assert_eq!(body["status"], "Degraded");
    assert!(body["totalDuration"].as_str().unwrap().starts_with("00:00:00."), "{body}");
    let db = &body["entries"]["db"];
    assert_eq!(db["status"], "Healthy");
    assert_eq!(db["duration"], "00:00:00.0024000");
    assert_eq!(db["description"], "SELECT 1 in 1.9 ms");
    assert_eq!(db["tags"], json!(["ready"]));
    assert_eq!(db["data"]["latency"], 1.9);
    assert_eq!(body["entries"]["orders"]["exception"], "fuel: fuel used up");
}

// Nagios: the word first, performance data after one bar on the first line.
#[tokio::test]
async fn nagios_has_a_line() {
    let host = host();
    host.concluded("disk", Status::Unhealthy, "full | 100 %");
    let text = host.get_as_operator("/health?format=nagios").await.text;
    let mut lines = text.lines();
    let first = lines.next().unwrap();
    assert!(first.starts_with("PROBITY CRITICAL - 1 healthy, 1 unhealthy, 1 unknown; disk unhealthy: full / 100 %"));
    assert!(first.ends_with(" | 'db.latency'=1.9ms"), "{first}");
    assert_eq!(lines.next(), Some("OK: db healthy: SELECT 1 in 1.9 ms"));
}

// Text is for people; a format that is none is refused with the list.
#[tokio::test]
async fn formats_are_a_closed_list() {
    let host = host();
    let text = host.get_as_operator("/health?format=text").await.text;
    assert!(text.starts_with("degraded: 1 healthy, 1 degraded, 1 unknown\n"), "{text}");
    assert!(text.contains("degraded   disk  81 % used  ("), "{text}");
    let answer = host.get("/health?format=xml").await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["error"], "unknown_format");
    assert!(answer.text.contains("microprofile"), "{}", answer.text);
}

// A clock that is set back makes no result young again: it goes stale as it would have, and says its age.
#[tokio::test]
async fn results_grow_old_by_no_clock() {
    let host = Host::new(&with_checks(&["db"]));
    host.replan(|planned| planned.stale_after = Duration::from_millis(20));
    host.concluded("db", Status::Healthy, "");
    let end = Instant::now() + Duration::from_secs(5);
    while host.state.board.slot("db").unwrap().view().age_ms(0).unwrap() <= 20 {
        assert!(Instant::now() < end, "it stays as young as it was");
        tokio::task::yield_now().await;
    }
    host.state.board.sweep(0);
    assert_eq!(host.get("/health?summary").await.json()["status"], "degraded");
}

// Until the plugins have been looked at once, nothing is healthy, whoever asks and however: there may be checks yet.
#[tokio::test]
async fn nothing_is_healthy_before_the_first_look() {
    let mut host = Host::new("[groups.shop]\n");
    assert_eq!(host.get("/health").await.status, 200);
    host.close_board();
    for path in ["/health", "/health?summary", "/health/shop", "/health?format=spring", "/health?format=text"] {
        let answer = host.get(path).await;
        assert_eq!(answer.status, 503, "{path}: {}", answer.text);
        assert!(answer.text.to_lowercase().contains("unknown"), "{path}: {}", answer.text);
    }
    host.state.board.open();
    assert_eq!(host.get("/health").await.status, 200);
}
