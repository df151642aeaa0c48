//! What is answered beside the table of routes.

use axum::http::Method;
use probity_core::check::Status;
use tokio::io::AsyncWriteExt;

use super::Host;
use super::fixture::{Answer, with_checks};
use super::sockets::{Served, rest};

/// What stays the same from one answer to the next: digits are times and lengths of them.
fn lasting(text: &str) -> String {
    text.chars().filter(|char| !char.is_ascii_digit()).collect()
}

/// Status, type and body.
fn told(answer: &Answer) -> (u16, String, String) {
    (answer.status.as_u16(), answer.header("content-type").to_owned(), lasting(&answer.text))
}

/// The same, of what came over a socket.
fn heard(answer: &str) -> (u16, String, String) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let kind = head.lines().find_map(|line| line.strip_prefix("content-type: ")).unwrap_or_default();
    (head[9..12].parse().unwrap(), kind.to_owned(), lasting(body))
}

fn counted(metrics: &str) -> Vec<String> {
    let requests = metrics.lines().filter(|line| line.starts_with("probity_http_requests_total"));
    requests.filter(|line| !line.contains("/metrics")).map(str::to_owned).collect()
}

// Whether a request comes over a socket, where the paths of machines have a way of their own, or to the table: the answer is
// the same, and so is its series.
#[tokio::test]
async fn every_way_tells_the_same() {
    const PATHS: [&str; 12] = [
        "/live",
        "/readyz",
        "/health/started",
        "/ready?exclude=db",
        "/ready?verbose",
        "/health",
        "/health?summary",
        "/health?format=nagios",
        "/health?format=nonsense",
        "/health/nobody",
        "/health/",
        "/live/",
    ];
    let config = with_checks(&["db"]).replace("[server]\n", "[server]\ndetails = \"always\"\n");
    let (one, other) = (Host::new(&config), Host::new(&config));
    for host in [&one, &other] {
        host.concluded("db", Status::Unhealthy, "down");
    }
    let served = Served::start(&other).await;
    for path in PATHS {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::POST] {
            let answer = one.ask(method.clone(), path, &[]).await;
            let mut stream = served.connect().await;
            let request = format!("{method} {path} HTTP/1.1\r\nhost: probity\r\nconnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            assert_eq!(heard(&rest(&mut stream).await), told(&answer), "{method} {path}");
        }
    }
    served.stop().await;
    assert_eq!(counted(&other.get("/metrics").await.text), counted(&one.get("/metrics").await.text));
}
