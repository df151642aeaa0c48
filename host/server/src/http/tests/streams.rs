//! `/events`.

use axum::body::Body;
use http_body_util::BodyExt;
use probity_core::check::Status;
use serde_json::Value;

use super::Host;
use super::fixture::{bearer, with_checks};
use crate::board::Event;
use crate::http::EVENT_LISTENERS_MAX;

/// The next event's name and data; comments are passed over.
async fn next(body: &mut Body) -> Option<(String, Value)> {
    loop {
        let frame = body.frame().await?.unwrap().into_data().unwrap();
        let text = std::str::from_utf8(&frame).unwrap();
        let field = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)).map(str::to_owned);
        if let (Some(name), Some(data)) = (field("event: "), field("data: ")) {
            return Some((name, serde_json::from_str(&data).unwrap()));
        }
    }
}

// A transition reaches every listener; its message only those with the token.
#[tokio::test]
async fn transitions_are_told() {
    let host = Host::new(&with_checks(&["db"]));
    let bearer = bearer();
    let (status, mut public) = host.open("/events", &[]).await;
    assert_eq!(status, 200);
    let (_, mut operator) = host.open("/events", &[("authorization", &bearer)]).await;
    host.concluded("db", Status::Unhealthy, "refused");
    let (name, told) = next(&mut operator).await.unwrap();
    assert_eq!(name, "transition");
    assert_eq!((&told["check"], &told["to"], &told["message"]), (&"db".into(), &"unhealthy".into(), &"refused".into()));
    let (_, told) = next(&mut public).await.unwrap();
    assert_eq!((&told["to"], told.get("message")), (&"unhealthy".into(), None));
}

// A listener that is too slow is told how much it missed, and goes on.
#[tokio::test]
async fn slow_listeners_are_told_what_they_missed() {
    let host = Host::new("");
    let (_, mut body) = host.open("/events", &[]).await;
    for at_unix_ms in 0..300 {
        host.state.board.announce(Event::Config { result: "loaded", at_unix_ms });
    }
    let (name, data) = next(&mut body).await.unwrap();
    assert_eq!(name, "lagged");
    let missed = data["missed"].as_u64().unwrap();
    assert_eq!(next(&mut body).await.unwrap().1["at_unix_ms"], missed, "the oldest that is left");
}

// The last event of a host that goes away says so, also to those who come late.
#[tokio::test]
async fn streams_end_when_the_host_drains() {
    let host = Host::new("");
    let (_, mut body) = host.open("/events", &[]).await;
    host.state.lifecycle.drain();
    host.state.board.announce(Event::Draining { at_unix_ms: 1 });
    assert_eq!(next(&mut body).await.unwrap().0, "draining");
    assert_eq!(next(&mut body).await, None);
    let (_, mut late) = host.open("/events", &[]).await;
    assert_eq!(next(&mut late).await.unwrap().0, "draining");
    assert_eq!(next(&mut late).await, None);
}

// Listeners are bounded, and a place is free again when one leaves.
#[tokio::test]
async fn listeners_are_bounded() {
    let host = Host::new("");
    let mut bodies = Vec::new();
    for _ in 0..EVENT_LISTENERS_MAX {
        bodies.push(host.open("/events", &[]).await.1);
    }
    assert!(host.get("/metrics").await.text.contains("probity_events_listeners 64\n"));
    assert_eq!(host.open("/events", &[]).await.0, 503);
    bodies.pop();
    assert_eq!(host.open("/events", &[]).await.0, 200);
}

// A silent stream says something now and then, so that no proxy closes it.
#[tokio::test]
async fn silence_is_filled() {
    let host = Host::new("").impatient(100, 300);
    let (_, mut body) = host.open("/events", &[]).await;
    let greeting = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(greeting.starts_with(b"retry: "));
    let comment = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(&comment[..], b":\n\n");
}
