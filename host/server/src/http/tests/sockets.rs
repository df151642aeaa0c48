//! [`serve`] over loopback: what slow, silent, many and parting clients get.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use probity_core::check::Status;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::Host;
use super::fixture::{Script, TOKEN, bearer, with_checks};
use crate::http::{listen, serve};

/// Longer than anything here takes; reached only when something hangs.
pub(super) const HANG: Duration = Duration::from_secs(20);

pub(super) struct Served {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

impl Served {
    pub(super) async fn start(host: &Host) -> Self {
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let ended = tokio::spawn(serve(listener, host.state.clone(), async {
            let _ = stopped.await;
        }));
        Self { address, stop, ended }
    }

    pub(super) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    pub(super) async fn stop(self) {
        self.stop.send(()).unwrap();
        timeout(HANG, self.ended).await.expect("serve ends").unwrap();
    }
}

/// Everything until the host closes.
pub(super) async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is a close too.
    let _ = timeout(HANG, stream.read_to_end(&mut bytes)).await.expect("the host closes the connection");
    String::from_utf8(bytes).unwrap()
}

/// One answer with a body of known length, on a connection that stays open.
pub(super) async fn answer(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    loop {
        let byte = timeout(HANG, stream.read_u8()).await.expect("the host answers").expect("the connection is open");
        text.push(byte);
        let head = String::from_utf8_lossy(&text);
        if let Some((head, body)) = head.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() == length.parse::<usize>().unwrap() {
                return String::from_utf8(text.clone()).unwrap();
            }
        }
    }
}

pub(super) const READY: &[u8] = b"GET /live HTTP/1.1\r\nhost: probity\r\n\r\n";

// A client that sends its head a byte at a time is cut when the head takes too long, however alive it looks.
#[tokio::test]
async fn slow_heads_are_cut() {
    let host = Host::new(&with_checks(&["db"])).impatient(300, 30_000);
    let served = Served::start(&host).await;
    let mut stream = served.connect().await;
    let start = std::time::Instant::now();
    let (mut from, mut to) = stream.split();
    let dribble = async {
        loop {
            if to.write_all(b"x").await.is_err() {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let mut bytes = Vec::new();
    tokio::select! {
        () = dribble => {}
        _ = timeout(HANG, from.read_to_end(&mut bytes)) => {}
    }
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(290) && took < Duration::from_secs(10), "{took:?}");
    served.stop().await;
}

// A connection that was answered is closed after the idle time; one that never said anything after the shorter time for
// its first head.
#[tokio::test]
async fn idle_and_silent_connections_are_closed() {
    let host = Host::new(&with_checks(&["db"])).impatient(300, 1_500);
    let served = Served::start(&host).await;
    let start = std::time::Instant::now();
    let mut silent = served.connect().await;
    let mut kept = served.connect().await;
    kept.write_all(READY).await.unwrap();
    assert!(answer(&mut kept).await.starts_with("HTTP/1.1 200"));
    assert_eq!(rest(&mut silent).await, "");
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(290) && took < Duration::from_millis(1_400), "{took:?}");
    assert_eq!(rest(&mut kept).await, "");
    assert!(start.elapsed() >= Duration::from_millis(1_490), "{:?}", start.elapsed());
    served.stop().await;
}

// Two requests with a pause longer than a head may take are both answered on one connection.
#[tokio::test]
async fn a_pause_between_requests_is_no_slow_head() {
    let host = Host::new(&with_checks(&["db"])).impatient(100, 30_000);
    let served = Served::start(&host).await;
    let mut stream = served.connect().await;
    for _ in 0..2 {
        stream.write_all(READY).await.unwrap();
        assert!(answer(&mut stream).await.ends_with("\r\n\r\nok"));
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    served.stop().await;
}

// Heads are bounded in bytes.
#[tokio::test]
async fn long_heads_are_refused() {
    let host = Host::new(&with_checks(&["db"]));
    let served = Served::start(&host).await;
    let mut stream = served.connect().await;
    let head = format!("GET /live HTTP/1.1\r\nhost: probity\r\nx-filler: {}\r\n\r\n", "a".repeat(64 << 10));
    // The host may close before it has read all of it.
    let _ = stream.write_all(head.as_bytes()).await;
    let said = rest(&mut stream).await;
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 431"), "{said}");
    served.stop().await;
}

// A stop lets the answer in flight finish, closes what is idle at once, takes no new connection, and then ends.
#[tokio::test]
async fn a_stop_finishes_what_is_in_flight() {
    let gate = Arc::new(Semaphore::new(0));
    let host = Host::with(&with_checks(&["db"]), Script { gate: Some(Arc::clone(&gate)), ..Script::default() });
    let view = host.concluded("db", Status::Healthy, "late but here");
    *host.control.run.lock().unwrap() = Some(Ok(view));
    let served = Served::start(&host).await;
    let mut idle = served.connect().await;
    idle.write_all(READY).await.unwrap();
    answer(&mut idle).await;
    let mut silent = served.connect().await;
    let mut busy = served.connect().await;
    let request = format!(
        "POST /checks/db/run HTTP/1.1\r\nhost: probity\r\nauthorization: Bearer {TOKEN}\r\ncontent-length: 0\r\n\r\n"
    );
    busy.write_all(request.as_bytes()).await.unwrap();
    let _permit = timeout(HANG, host.control.asked.acquire()).await.expect("the run is asked for").unwrap();
    let address = served.address;
    served.stop.send(()).unwrap();
    assert_eq!(rest(&mut idle).await, "");
    assert_eq!(rest(&mut silent).await, "");
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
    assert!(!served.ended.is_finished(), "an answer is in flight");
    gate.add_permits(1);
    let said = rest(&mut busy).await;
    assert!(said.starts_with("HTTP/1.1 200") && said.contains("late but here"), "{said}");
    timeout(HANG, served.ended).await.expect("serve ends").unwrap();
}

// A stop ends event streams with a word, whoever announced it or not.
#[tokio::test]
async fn a_stop_ends_streams() {
    let host = Host::new(&with_checks(&["db"]));
    let served = Served::start(&host).await;
    let mut stream = served.connect().await;
    stream.write_all(b"GET /events HTTP/1.1\r\nhost: probity\r\n\r\n").await.unwrap();
    let mut first = [0; 15];
    timeout(HANG, stream.read_exact(&mut first)).await.unwrap().unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    served.stop().await;
    let said = rest(&mut stream).await;
    assert!(said.contains("event: draining\n"), "{said}");
}

// An event stream outlives the idle time, since it keeps saying something.
#[tokio::test]
async fn streams_are_not_idle() {
    let host = Host::new(&with_checks(&["db"])).impatient(100, 400);
    let served = Served::start(&host).await;
    let mut stream = served.connect().await;
    stream.write_all(b"GET /events HTTP/1.1\r\nhost: probity\r\n\r\n").await.unwrap();
    let start = std::time::Instant::now();
    let mut said = Vec::new();
    while start.elapsed() < Duration::from_millis(1_500) {
        let read = timeout(HANG, stream.read_buf(&mut said)).await.unwrap().unwrap();
        assert!(read > 0, "closed after {:?}", start.elapsed());
    }
    served.stop().await;
}

// HTTP/2 without TLS is spoken to those who begin with it, many requests on one connection.
#[tokio::test]
async fn http2_with_prior_knowledge() {
    let host = Host::new(&with_checks(&["db"]));
    host.concluded("db", Status::Healthy, "over two");
    let served = Served::start(&host).await;
    let io = TokioIo::new(served.connect().await);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    let connection = tokio::spawn(connection);
    for _ in 0..3 {
        let request = hyper::Request::get("http://probity/checks/db").header("authorization", bearer());
        let response = sender.send_request(request.body(Empty::<bytes::Bytes>::new()).unwrap()).await.unwrap();
        assert_eq!(response.version(), hyper::Version::HTTP_2);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(std::str::from_utf8(&body).unwrap().contains("over two"));
    }
    served.stop().await;
    timeout(HANG, connection).await.expect("the host says farewell").unwrap().unwrap();
}
