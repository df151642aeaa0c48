//! Jobs report, and only those who may.

use axum::body::Body;
use axum::http::Method;
use serde_json::json;

use super::Host;
use super::fixture::{Answer, TOKEN, bearer};

const JOB_TOKEN: &str = "only-for-the-backup";

fn host() -> Host {
    Host::new(&format!(
        "[server.auth]\ntokens = [\"{TOKEN}\"]\n[heartbeats.backup]\ntoken = \"{JOB_TOKEN}\"\nhistory = 2\n\
         [heartbeats.reindex]\n"
    ))
}

async fn push(host: &Host, path: &str, token: &str, body: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    host.send(Method::POST, path, &[("authorization", &bearer)], Body::from(body.to_owned())).await
}

// A job's end is shown with what it said in its first line, and the time since its start.
#[tokio::test]
async fn reports_are_shown() {
    let host = host();
    let silent = host.get_as_operator("/heartbeats/backup").await.json();
    assert_eq!(silent, json!({"name": "backup", "started": null, "last": null}));
    let started = push(&host, "/heartbeats/backup/start", JOB_TOKEN, "").await;
    assert!(started.json()["started"].is_string(), "{}", started.text);
    let body = format!("412 files\u{7} for {TOKEN}\nand a second line");
    assert_eq!(push(&host, "/heartbeats/backup", JOB_TOKEN, &body).await.status, 200);
    let shown = host.get_as_operator("/heartbeats/backup").await.json();
    assert_eq!((&shown["last"]["ok"], &shown["started"]), (&json!(true), &json!(null)));
    assert_eq!(shown["last"]["message"], "412 files  for [redacted]");
    assert!(shown["last"]["duration_ms"].is_number(), "{shown}");
    push(&host, "/heartbeats/backup/fail", TOKEN, "disk full").await;
    let anonymous = host.get("/heartbeats").await.json();
    assert_eq!(anonymous["heartbeats"][0]["last"]["ok"], false);
    assert_eq!(anonymous["heartbeats"][0]["last"].get("message"), None);
    let scrape = host.get("/metrics").await.text;
    assert!(scrape.contains("probity_heartbeats_total{heartbeat=\"backup\",result=\"fail\"} 1"), "{scrape}");
}

// A heartbeat's token opens that heartbeat alone; nobody reports without one.
#[tokio::test]
async fn reporting_wants_a_token() {
    let host = host();
    for path in ["/heartbeats/backup", "/heartbeats/backup/start", "/heartbeats/reindex/fail"] {
        assert_eq!(host.ask(Method::POST, path, &[]).await.json()["error"], "token_required", "{path}");
        assert_eq!(push(&host, path, "something-else", "").await.json()["error"], "wrong_token", "{path}");
        assert_eq!(push(&host, path, TOKEN, "").await.status, 200, "{path}");
    }
    assert_eq!(push(&host, "/heartbeats/reindex", JOB_TOKEN, "").await.status, 401);
    let job = [("authorization", format!("Bearer {JOB_TOKEN}"))];
    let job: Vec<(&str, &str)> = job.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(host.ask(Method::POST, "/-/reload", &job).await.status, 401);
    let closed = Host::new("[heartbeats.backup]\n");
    assert_eq!(push(&closed, "/heartbeats/backup", TOKEN, "").await.json()["error"], "no_token_configured");
}

// A name that is not declared is 404 and names the near one; a body that is too large is refused.
#[tokio::test]
async fn unknown_and_too_large_are_refused() {
    let host = host();
    let wrong = host.ask(Method::POST, "/heartbeats/backups", &[("authorization", &bearer())]).await;
    assert_eq!((wrong.status.as_u16(), wrong.json()["error"].clone()), (404, json!("no_such_heartbeat")));
    assert!(wrong.text.contains("did you mean backup"), "{}", wrong.text);
    assert_eq!(push(&host, "/heartbeats/backup", TOKEN, &"x".repeat(17 << 10)).await.status, 413);
    assert_eq!(host.get("/heartbeats/backup").await.json()["last"], json!(null));
}
