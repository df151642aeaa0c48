//! [`serve`](crate::http::serve) over loopback: more connections than places, answers that nobody reads, and names of
//! others.

use std::time::Duration;

use probity_core::check::Status;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Host;
use super::fixture::{TOKEN, with_checks};
use super::sockets::{HANG, READY, Served, answer, rest};
use crate::http::{CONNECTIONS_BESIDE, STREAMS_MAX};

/// A configuration with `max` places.
fn narrow(max: usize) -> String {
    with_checks(&["db"]).replace("[server]\n", &format!("[server]\nmax-connections = {max}\n"))
}

/// A host whose `/metrics` and `/checks` have some hundred kilobytes.
fn long_winded() -> Host {
    let names: Vec<String> = (0..400).map(|at| format!("check-{at}")).collect();
    let host = Host::new(&with_checks(&names.iter().map(String::as_str).collect::<Vec<_>>()));
    for name in &names {
        host.concluded(name, Status::Healthy, &"m".repeat(500));
    }
    host
}

async fn asks(stream: &mut TcpStream, path: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nhost: probity\r\nauthorization: Bearer {TOKEN}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
}

/// The first line of an answer to `request`.
async fn status(served: &Served, request: &str) -> String {
    let mut stream = served.connect().await;
    let fields = request.strip_suffix("\r\n").unwrap();
    stream.write_all(format!("{fields}connection: close\r\n\r\n").as_bytes()).await.unwrap();
    rest(&mut stream).await.lines().next().unwrap_or_default().to_owned()
}

// With every place taken, the connection that is idle for longest is closed for a new one, which can ask for anything.
#[tokio::test]
async fn the_longest_idle_connection_gives_way() {
    let host = Host::new(&narrow(2));
    let served = Served::start(&host).await;
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut stream = served.connect().await;
        stream.write_all(READY).await.unwrap();
        answer(&mut stream).await;
        tokio::time::sleep(Duration::from_millis(5)).await; // idle since different milliseconds
        open.push(stream);
    }
    // The first one asks again, so the second one is idle for longest.
    open[0].write_all(READY).await.unwrap();
    answer(&mut open[0]).await;
    let mut third = served.connect().await;
    asks(&mut third, "/checks").await;
    assert!(answer(&mut third).await.starts_with("HTTP/1.1 200"));
    assert_eq!(rest(&mut open[1]).await, "");
    open[0].write_all(READY).await.unwrap();
    assert!(answer(&mut open[0]).await.starts_with("HTTP/1.1 200"), "the one that asked again stayed");
    assert!(host.get("/metrics").await.text.contains("connections_closed_total{reason=\"gave_way\"} 1"));
    served.stop().await;
}

// With every place taken by somebody who is being answered, a probe is still answered, once per connection; anything else
// is told to come again.
#[tokio::test]
async fn probes_have_places_of_their_own() {
    let host = Host::new(&narrow(2));
    let served = Served::start(&host).await;
    let mut listeners = Vec::new();
    for _ in 0..2 {
        let mut stream = served.connect().await;
        asks(&mut stream, "/events").await;
        assert_eq!(timeout(HANG, stream.read_u8()).await.unwrap().unwrap(), b'H');
        listeners.push(stream);
    }
    let mut silent = Vec::new();
    for _ in 0..2 * CONNECTIONS_BESIDE {
        silent.push(served.connect().await);
    }
    for path in ["/live", "/ready?exclude=db", "/health/started"] {
        let mut probe = served.connect().await;
        asks(&mut probe, path).await;
        let said = rest(&mut probe).await;
        assert!(said.starts_with("HTTP/1.1 ") && said.contains("connection: close"), "{path}: {said}");
        assert!(said.ends_with("\r\n\r\nok") || said.ends_with("\r\n\r\nstarting"), "{path}: {said}");
    }
    for path in ["/health", "/ready?verbose", "/metrics", "/nothing"] {
        let mut other = served.connect().await;
        asks(&mut other, path).await;
        let said = rest(&mut other).await;
        assert!(said.starts_with("HTTP/1.1 503") && said.contains("retry-after: 1"), "{path}: {said}");
    }
    // A silent one of the reserve does not stay.
    let mut last = silent.pop().unwrap();
    assert_eq!(rest(&mut last).await, "");
    drop(listeners);
    served.stop().await;
}

// An answer that nobody reads is dropped with its connection, long before an idle one would be.
#[tokio::test]
async fn unread_answers_are_dropped() {
    let host = long_winded().impatient(5_000, 1_000);
    let served = Served::start(&host).await;
    let mut stream = served.connect().await;
    asks(&mut stream, "/checks").await;
    let closed = async {
        while !host.get("/metrics").await.text.contains("connections_closed_total{reason=\"unread\"} 1") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(HANG, closed).await.expect("the host closes the connection");
    served.stop().await;
}

// An answer that is read slowly, but read, arrives whole.
#[tokio::test]
async fn slow_readers_get_all() {
    let host = long_winded().impatient(5_000, 1_000);
    let served = Served::start(&host).await;
    let mut stream = served.connect().await;
    asks(&mut stream, "/checks").await;
    let (mut said, mut piece) = (Vec::new(), vec![0; 16 << 10]);
    let start = std::time::Instant::now();
    let length = loop {
        let size = timeout(HANG, stream.read(&mut piece)).await.unwrap().unwrap();
        assert!(size > 0, "closed after {:?} and {} bytes", start.elapsed(), said.len());
        said.extend_from_slice(&piece[..size]);
        let head = String::from_utf8_lossy(&said);
        if let Some((head, _)) = head.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            let length = head.len() + 4 + length.parse::<usize>().unwrap();
            if said.len() >= length {
                break length;
            }
        }
        tokio::time::sleep(Duration::from_millis(60)).await;
    };
    assert_eq!(said.len(), length);
    assert!(start.elapsed() > Duration::from_millis(1_200), "read within {:?}: not slow", start.elapsed());
    served.stop().await;
}

/// What an HTTP/2 client says that never opens its window and asks for `path` as often as it may.
fn never_reading(path: &str) -> Vec<u8> {
    let mut said = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    // SETTINGS: INITIAL_WINDOW_SIZE (4) is 0.
    said.extend([0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0]);
    for stream in 0..STREAMS_MAX {
        // :method GET, :scheme http; :path and :authority as literals.
        let mut head = vec![0x82, 0x86, 0x04, u8::try_from(path.len()).unwrap()];
        head.extend(path.as_bytes());
        head.extend([0x01, 7]);
        head.extend(b"probity");
        said.extend([0, 0, u8::try_from(head.len()).unwrap(), 1, 5]);
        said.extend((2 * stream + 1).to_be_bytes());
        said.extend(head);
    }
    said
}

// What a connection does not read is bounded: of 64 large answers a few are made, the others are 503.
#[tokio::test]
async fn unread_bytes_of_a_connection_are_bounded() {
    let host = long_winded();
    let served = Served::start(&host).await;
    let size = host.get("/metrics").await.text.len();
    let mut stream = served.connect().await;
    stream.write_all(&never_reading("/metrics")).await.unwrap();
    let count = |text: &str, status: u16| {
        let start = format!("probity_http_requests_total{{route=\"/metrics\",method=\"GET\",status=\"{status}\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&start)).map_or(0, |count| count.parse::<u32>().unwrap())
    };
    let mut looks = 1;
    let (good, refused) = loop {
        let text = host.get("/metrics").await.text;
        looks += 1;
        let (good, refused) = (count(&text, 200) - (looks - 1), count(&text, 503));
        if good + refused == STREAMS_MAX {
            break (good, refused);
        }
        assert!(looks < 2_000, "{good} and {refused}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert!(good >= 1 && good as usize * size <= 4 << 20, "{good} answers of {size} bytes");
    assert!(refused > STREAMS_MAX / 2, "{refused}");
    // Others are not concerned.
    let status = status(&served, "GET /metrics HTTP/1.1\r\nhost: probity\r\n\r\n").await;
    assert!(status.contains(" 200 "), "{status}");
    served.stop().await;
}

// HTTP/1.1 names exactly one host that is well-formed; HTTP/1.0 need not.
#[tokio::test]
async fn a_request_names_one_host() {
    let host = Host::new(&with_checks(&["db"]));
    let served = Served::start(&host).await;
    for head in ["HTTP/1.1", "HTTP/1.1\r\nhost: a\r\nhost: a", "HTTP/1.1\r\nhost: a b", "HTTP/1.0\r\nhost: a/b"] {
        let status = status(&served, &format!("GET /live {head}\r\n\r\n")).await;
        assert!(status.contains(" 400 "), "{head:?}: {status}");
    }
    for head in ["HTTP/1.0", "HTTP/1.1\r\nhost: a", "HTTP/1.1\r\nhost:"] {
        let status = status(&served, &format!("GET /live {head}\r\n\r\n")).await;
        assert!(status.contains(" 200 ") || status.contains(" 503 "), "{head:?}: {status}");
    }
    served.stop().await;
}

// Under a name that anybody could have registered, a page in a browser reads nothing: 421, unless the name is listed or
// the request has a token. Words of probes are for everybody.
#[tokio::test]
async fn names_of_others_are_not_answered() {
    let text = with_checks(&["db"]).replace("[server]\n", "[server]\nhosts = [\"health.shop.com\"]\n");
    let served = Served::start(&Host::new(&text)).await;
    let token = format!("authorization: Bearer {TOKEN}\r\n");
    for (path, host, more, expected) in [
        ("/health", "rebound.evil.com", "", " 421 "),
        ("/metrics", "rebound.evil.com:8080", "", " 421 "),
        ("/ready?verbose", "rebound.evil.com", "", " 421 "),
        ("/nothing", "rebound.evil.com", "", " 421 "),
        ("http://rebound.evil.com/health", "localhost", "", " 421 "),
        ("/checks", "rebound.evil.com", token.as_str(), " 200 "),
        ("/live", "rebound.evil.com", "", " 200 "),
        ("/checks", "health.shop.com:443", "", " 200 "),
        ("/checks", "127.0.0.1:8080", "", " 200 "),
        ("/checks", "probity.monitoring.svc", "", " 200 "),
    ] {
        let status = status(&served, &format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n{more}\r\n")).await;
        assert!(status.contains(expected), "{path} for {host}: {status}");
    }
    served.stop().await;
}
