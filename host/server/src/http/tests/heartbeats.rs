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
    assert_eq!(silent, json!({"name": "backup", "started": null, "open": [], "last": null}));
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

// A name that is not declared is 404 and names the near one, and so is a route that a heartbeat has not.
#[tokio::test]
async fn unknown_is_refused() {
    let host = host();
    let wrong = host.ask(Method::POST, "/heartbeats/backups", &[("authorization", &bearer())]).await;
    assert_eq!((wrong.status.as_u16(), wrong.json()["error"].clone()), (404, json!("no_such_heartbeat")));
    assert!(wrong.text.contains("did you mean backup"), "{}", wrong.text);
    for path in ["/heartbeats/backup/256", "/heartbeats/backup/-1", "/heartbeats/backup/failed", "/heartbeats/%ff/1"] {
        assert_eq!(push(&host, path, TOKEN, "").await.status, 404, "{path}");
    }
    assert_eq!(host.get("/heartbeats/backup").await.json()["last"], json!(null));
}

// Whatever a job sends with it, and however long that is, what it says counts: the text is cut.
#[tokio::test]
async fn a_beat_counts_whatever_its_text() {
    let host = host();
    let odd = [0xff, 0xfe, b'd', 0, b'i', 0, b's', 0, b'k', 0];
    let long = "x".repeat(40_000);
    for (path, ok) in [("", true), ("/fail", false), ("/0", true), ("/137", false)] {
        for body in [Body::from(long.clone()), Body::from(vec![0; 3 << 20]), Body::from(odd.to_vec()), broken()] {
            let path = format!("/heartbeats/backup{path}");
            let headers = [("authorization", bearer()), ("content-encoding", "gzip".to_owned())];
            let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
            let answer = host.send(Method::POST, &path, &headers, body).await;
            assert_eq!((answer.status.as_u16(), &answer.json()["last"]["ok"]), (200, &json!(ok)), "{path}");
            let message = answer.json()["last"]["message"].as_str().unwrap().to_owned();
            assert!(message.len() <= probity_drivers::HEARTBEAT_MESSAGE_BYTES_MAX, "{message}");
            assert_eq!(message.starts_with("exit code 137"), path.ends_with("137"), "{message}");
        }
    }
    push(&host, "/heartbeats/backup/start?rid=A", TOKEN, &long).await;
    assert!(host.get("/heartbeats/backup").await.json()["started"].is_string());
}

/// A body that ends early, after its beginning.
fn broken() -> Body {
    let pieces = [Ok("disk full\n"), Err(std::io::Error::other("gone"))];
    Body::from_stream(futures_util::stream::iter(pieces))
}

// The end of one run leaves another open that has an id of its own; anonymous readers see ages and no ids.
#[tokio::test]
async fn overlapping_runs_are_told_apart() {
    let host = host();
    for path in ["/start?rid=A", "/start?rid=B", "?rid=B"] {
        assert_eq!(push(&host, &format!("/heartbeats/backup{path}"), JOB_TOKEN, "").await.status, 200);
    }
    let open = host.get_as_operator("/heartbeats/backup").await.json()["open"].clone();
    assert_eq!((open.as_array().unwrap().len(), &open[0]["run"]), (1, &json!("A")));
    assert!(open[0]["age_ms"].is_u64() && open[0]["started"].is_string(), "{open}");
    assert_eq!(host.get("/heartbeats/backup").await.json()["open"][0].get("run"), None);
}
