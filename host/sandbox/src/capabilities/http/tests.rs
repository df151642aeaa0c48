//! The contract's functions against a server on loopback.

use http_body_util::{BodyExt as _, Full};
use probity_config::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wasmtime_wasi_http::{Error, WasiBody, WasiHttpView as _};

use super::*;
use crate::capabilities::tests::{answer, state};

/// A server that answers `/n` with n bytes after n milliseconds, each connection on its own.
async fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = vec![0; 4096];
                let read = stream.read(&mut head).await.unwrap();
                let path = String::from_utf8_lossy(&head[..read]).split([' ', '?']).nth(1).unwrap()[1..].to_owned();
                let size: usize = path.parse().unwrap();
                tokio::time::sleep(Duration::from_millis(size as u64)).await;
                let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\nX-A: 1\r\n\r\n{}", "x".repeat(size));
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    base
}

const LOCAL: &[&str] = &["http://127.0.0.1:*/*"];

// A request and its response as a guest handles them; the report shows the target without its query.
#[tokio::test]
async fn a_request_from_end_to_end() {
    let base = serve().await;
    let mut host = state(LOCAL, &[], &[], Limits::DEFAULT);
    let request = HostRequest::new(&mut host, "GET".into(), format!("{base}/5?token=secret")).await.unwrap();
    let sent = Resource::new_borrow(request.rep());
    let response = host.send(sent).await.unwrap();
    let again = || Resource::new_borrow(response.rep());
    assert_eq!(host.status(again()).await.unwrap(), 200);
    assert_eq!(host.body(again()).await.unwrap(), b"xxxxx");
    assert_eq!(host.header(again(), "x-a".into()).await.unwrap(), Some(b"1".to_vec()));
    assert!(host.timing(again()).await.unwrap().total_ms >= 5.0);
    assert_eq!(host.record.calls.len(), 1);
    let call = &host.record.calls[0];
    assert_eq!((call.operation.as_str(), call.result, &call.target), ("http.send", "ok", &format!("{base}/5")));
}

// Requests run side by side and answer in order, the denied one in its place.
#[tokio::test]
async fn send_all_keeps_the_order() {
    let base = serve().await;
    let mut host = state(LOCAL, &[], &[], Limits::DEFAULT);
    let mut requests = Vec::new();
    for url in
        [format!("{base}/300"), "http://elsewhere.example/".to_owned(), format!("{base}/200"), format!("{base}/250")]
    {
        requests.push(HostRequest::new(&mut host, "GET".into(), url).await.unwrap());
    }
    let start = Instant::now();
    let answers = host.send_all(requests).await.unwrap();
    assert!(start.elapsed() < Duration::from_millis(700), "not side by side: {:?}", start.elapsed());
    let mut sizes = Vec::new();
    for answer in answers {
        sizes.push(match answer {
            Ok(response) => host.body(response).await.unwrap().len(),
            Err(error) => {
                assert!(error.message.contains("elsewhere.example"), "{}", error.message);
                0
            }
        });
    }
    assert_eq!(sizes, [300, 0, 200, 250]);
    assert_eq!(host.record.count, 4);
    assert_eq!(host.record.calls.iter().map(|call| call.result).collect::<Vec<_>>(), ["ok", "denied", "ok", "ok"]);
}

// Calls beyond the quota are answered `quota`, in a batch as alone.
#[tokio::test]
async fn calls_have_a_quota() {
    let base = serve().await;
    let mut host = state(LOCAL, &[], &[], Limits { host_calls: 2, ..Limits::DEFAULT });
    let mut requests = Vec::new();
    for _ in 0..3 {
        requests.push(HostRequest::new(&mut host, "GET".into(), format!("{base}/1")).await.unwrap());
    }
    let answers = host.send_all(requests).await.unwrap();
    let kinds: Vec<_> = answers.iter().map(|answer| answer.as_ref().err().map(|error| error.kind)).collect();
    assert_eq!(kinds, [None, None, Some(types::ErrorKind::Quota)]);
    assert_eq!(answer(host.get(format!("{base}/1")).await.unwrap_err()).kind, ErrorKind::Quota);
}

// What a run holds of bodies is bounded over all responses, and comes free when a guest lets go.
#[tokio::test]
async fn held_bodies_are_bounded() {
    let base = serve().await;
    let mut host = state(LOCAL, &[], &[], Limits { response_bytes: 10, ..Limits::DEFAULT });
    let mut held = Vec::new();
    for _ in 0..16 {
        held.push(host.get(format!("{base}/10")).await.unwrap());
    }
    let empty = host.get(format!("{base}/10")).await.unwrap();
    assert_eq!(answer(host.body(empty).await.unwrap_err()).kind, ErrorKind::TooLarge);
    HostResponse::drop(&mut host, held.pop().unwrap()).await.unwrap();
    let full = host.get(format!("{base}/10")).await.unwrap();
    assert_eq!(host.body(full).await.unwrap().len(), 10);
}

// A request's body is bounded like a response's, and says so when it is sent.
#[tokio::test]
async fn request_bodies_are_bounded() {
    let mut host = state(LOCAL, &[], &[], Limits { response_bytes: 10, ..Limits::DEFAULT });
    let request = HostRequest::new(&mut host, "POST".into(), "http://127.0.0.1:1/".into()).await.unwrap();
    host.set_body(Resource::new_borrow(request.rep()), vec![0; 161]).await.unwrap();
    let error = answer(host.send(Resource::new_borrow(request.rep())).await.unwrap_err());
    assert_eq!(error.kind, ErrorKind::TooLarge);
    host.set_body(Resource::new_borrow(request.rep()), vec![0; 160]).await.unwrap();
    let error = answer(host.send(request).await.unwrap_err());
    assert_eq!(error.kind, ErrorKind::Refused);
}

// An endpoint that is not granted is denied at once.
#[tokio::test]
async fn endpoints_need_a_grant() {
    let mut host = state(LOCAL, &[], &[], Limits::DEFAULT);
    let request = HostRequest::new(&mut host, "GET".into(), "/".into()).await.unwrap();
    let error = answer(host.use_endpoint(request, "billing".into()).await.unwrap_err());
    assert_eq!(error.kind, ErrorKind::Denied);
    assert!(error.message.contains("http = [\"billing\"]"), "{}", error.message);
}

/// Asks through `wasi:http`, and keeps what comes back.
async fn fetched(host: &mut HostState, url: &str, body: usize) -> Result<http::Response<WasiBody>, Error> {
    let body = Full::new(Bytes::from(vec![0; body])).map_err(|never| match never {}).boxed_unsync();
    let mut request = http::Request::new(body);
    *request.uri_mut() = url.parse().unwrap();
    let sent = host.http().hooks.send_request(request, None, Box::new(async { Ok(()) }));
    Box::into_pin(sent).await.map(|(response, _)| response)
}

async fn fetch(host: &mut HostState, url: &str) -> Result<u16, Error> {
    fetched(host, url, 0).await.map(|response| response.status().as_u16())
}

// `wasi:http` is under the same grants and quota, shows up in the same report, and its denial is logged with the line.
#[tokio::test]
async fn wasi_http_is_the_same_client() {
    let base = serve().await;
    let mut host = state(LOCAL, &[], &[], Limits { host_calls: 3, ..Limits::DEFAULT });
    assert_eq!(fetch(&mut host, &format!("{base}/3?token=secret")).await.unwrap(), 200);
    let denied = fetch(&mut host, "http://169.254.169.254/latest").await.unwrap_err();
    assert!(matches!(denied, Error::HttpRequestDenied), "{denied:?}");
    assert_eq!(fetch(&mut host, &format!("{base}/3")).await.unwrap(), 200);
    let spent = fetch(&mut host, &format!("{base}/3")).await.unwrap_err();
    assert!(matches!(spent, Error::ConnectionLimitReached), "{spent:?}");
    host.take_printed();
    assert_eq!(host.record.calls.iter().map(|call| call.result).collect::<Vec<_>>(), ["ok", "denied", "ok", "quota"]);
    assert_eq!(host.record.calls[0].target, format!("{base}/3"));
    assert!(
        host.record.log[0].message.contains("grants = { http = [\"http://169.254.169.254/*\"] }"),
        "{:?}",
        host.record.log
    );
}

// Bodies through `wasi:http` are charged to the run as those of `http` are, until the guest has nothing of them.
#[tokio::test]
async fn both_doors_share_one_budget() {
    let base = serve().await;
    let mut host = state(LOCAL, &[], &[], Limits { response_bytes: 10, ..Limits::DEFAULT });
    let ten = format!("{base}/10");
    let mut held = Vec::new();
    for _ in 0..15 {
        held.push(fetched(&mut host, &ten, 0).await.unwrap());
    }
    let last = host.get(ten.clone()).await.unwrap();
    let refused = fetched(&mut host, &ten, 0).await.unwrap_err();
    assert!(matches!(refused, Error::HttpResponseBodySize(None)), "{refused:?}");
    let empty = host.get(ten.clone()).await.unwrap();
    assert_eq!(answer(host.body(empty).await.unwrap_err()).kind, ErrorKind::TooLarge);
    // A part of the body is enough to keep it charged.
    let part = held.pop().unwrap().into_body().frame().await.unwrap().unwrap().into_data().unwrap().slice(..1);
    assert!(fetched(&mut host, &ten, 0).await.is_err());
    drop(part);
    held.push(fetched(&mut host, &ten, 0).await.unwrap());
    HostResponse::drop(&mut host, last).await.unwrap();
    // A request's body counts while it is under way.
    assert!(fetched(&mut host, &format!("{base}/1"), 10).await.is_err());
    assert!(fetched(&mut host, &format!("{base}/1"), 9).await.is_ok());
}

// Heads are charged as well, and stay so while the guest has a header, whatever became of the body.
#[tokio::test]
async fn held_heads_are_bounded() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut vec![0; 4096]).await;
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A: {}\r\n\r\n", "x".repeat(60_000));
            let _ = stream.write_all(head.as_bytes()).await;
        }
    });
    let mut host = state(LOCAL, &[], &[], Limits { host_calls: 1_000, ..Limits::DEFAULT });
    let (mut responses, mut values) = (Vec::new(), Vec::new());
    while values.len() < 100 {
        match fetched(&mut host, &base, 0).await {
            Ok(response) => values.push(response.headers()["x-a"].clone()),
            Err(_) => break,
        }
        match host.get(base.clone()).await {
            Ok(response) => responses.push(response),
            Err(_) => break,
        }
    }
    let held = values.len() + responses.len();
    assert!((60..70).contains(&held), "{held} heads of 60 kB are held");
    values.pop();
    assert!(fetched(&mut host, &base, 0).await.is_ok());
}

// Calls through both doors are counted together, and refused ones without end leave nothing behind but their number.
#[tokio::test]
async fn both_doors_share_the_calls() {
    let base = serve().await;
    let mut host = state(LOCAL, &[], &[], Limits { host_calls: 4, ..Limits::DEFAULT });
    let one = format!("{base}/1");
    host.get(one.clone()).await.unwrap();
    for _ in 0..2 {
        fetch(&mut host, &one).await.unwrap();
    }
    host.get(one.clone()).await.unwrap();
    assert_eq!(answer(host.get(one.clone()).await.unwrap_err()).kind, ErrorKind::Quota);
    let long = format!("{base}/{}", "x".repeat(60_000));
    for _ in 0..1_000 {
        let spent = fetch(&mut host, &long).await.unwrap_err();
        assert!(matches!(spent, Error::ConnectionLimitReached), "{spent:?}");
    }
    host.take_printed();
    assert_eq!(host.record.count, 1_005);
    let refused = host.record.tally.iter().find(|tally| tally.result == "quota").unwrap();
    assert_eq!(refused.count, 1_001);
    assert!(host.record.calls.iter().all(|call| call.target.len() <= 200));
}

// A server that sends without end fills nothing but its own share, through either door.
#[tokio::test]
async fn endless_bodies_are_cut() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = stream.read(&mut vec![0; 4096]).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
                let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
                while stream.write_all(chunk.as_bytes()).await.is_ok() {}
            });
        }
    });
    let mut host = state(LOCAL, &[], &[], Limits { response_bytes: 100_000, ..Limits::DEFAULT });
    for _ in 0..20 {
        let cut = fetched(&mut host, &base, 0).await.unwrap_err();
        assert!(matches!(cut, Error::HttpResponseBodySize(None)), "{cut:?}");
        let response = host.get(base.clone()).await.unwrap();
        assert_eq!(answer(host.body(response).await.unwrap_err()).kind, ErrorKind::TooLarge);
    }
}
