//! What comes after a body, and HTTP/2 without a choice.

use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::tls::{pki, serve_tls};
use super::*;

/// A server that speaks HTTP/2 from the first byte, and sends `count` trailers; it fails requests without
/// `te: trailers`.
async fn serve_http2(count: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| async move {
                assert_eq!(request.headers()[header::TE], "trailers");
                let mut trailers = HeaderMap::new();
                for index in 0..count {
                    trailers.append("x-status", HeaderValue::from(index));
                }
                let body = Full::new(Bytes::from_static(b"pong")).with_trailers(async { Some(Ok(trailers)) });
                Ok::<_, std::convert::Infallible>(http::Response::new(body))
            });
            let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
        }
    });
    base
}

fn http2(url: &str) -> Request {
    let mut request = Request::new("POST", url);
    request.http2_only = true;
    request
}

/// A chunked body with these lines after it.
fn chunked(trailers: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npong\r\n0\r\n{trailers}\r\n")
}

// HTTP/2 is spoken from the first byte where it is required, and its trailers are there.
#[tokio::test]
async fn http2_by_prior_knowledge() {
    let response = send(&plain_client(), &http2(&serve_http2(2).await)).await.unwrap();
    assert_eq!((response.version, response.body.unwrap().as_ref()), ("2", b"pong".as_ref()));
    let named = |value: &str| ("x-status".to_owned(), value.as_bytes().to_vec());
    assert_eq!(response.trailers, [named("0"), named("1")]);
}

// Trailers of a chunked body are there as well, and no header is taken for one.
#[tokio::test]
async fn http1_trailers() {
    let (base, _) = serve(|_| chunked("Grpc-Status: 0\r\nX-Sum: abc\r\n")).await;
    let response = send(&plain_client(), &Request::new("GET", &base)).await.unwrap();
    assert_eq!(response.body.unwrap().as_ref(), b"pong");
    let mut trailers = response.trailers;
    trailers.sort();
    assert_eq!(trailers, [("grpc-status".to_owned(), b"0".to_vec()), ("x-sum".to_owned(), b"abc".to_vec())]);
    let (base, _) = serve(|_| ok("pong")).await;
    assert!(send(&plain_client(), &Request::new("GET", &base)).await.unwrap().trailers.is_empty());
}

// A server cannot fill the host's memory after the body, neither by number nor by size.
#[tokio::test]
async fn trailers_are_bounded() {
    let error = send(&plain_client(), &http2(&serve_http2(101).await)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Protocol, "{}", error.message);
    for trailers in ["X-Many: 1\r\n".repeat(101), format!("X-Long: {}\r\n", "x".repeat(17 << 10))] {
        let (base, _) = serve(move |_| chunked(&trailers)).await;
        let error = send(&plain_client(), &Request::new("GET", &base)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Protocol, "{}", error.message);
    }
}

// A chunk that is none is the server's fault, not the host's.
#[tokio::test]
async fn broken_chunk_is_protocol() {
    let (base, _) = serve(|_| "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n".to_owned()).await;
    let error = send(&plain_client(), &Request::new("GET", &base)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Protocol, "{}", error.message);
}

// A server that speaks HTTP/1.1 only fails the request, in the clear and over TLS; one that can is agreed with.
#[tokio::test]
async fn http2_is_required() {
    let (base, _) = serve(|_| ok("pong")).await;
    let error = send(&plain_client(), &http2(&base)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Protocol, "{}", error.message);
    for (alpn, kind) in
        [(&["http/1.1"][..], Some(ErrorKind::Tls)), (&[], Some(ErrorKind::Protocol)), (&["http/1.1", "h2"], None)]
    {
        let pki = pki(30, alpn);
        let base = serve_tls(pki.config).await;
        let client = client_of(HttpConnection { ca: Some(pki.authority.into_bytes()), ..connection(&base) });
        let mut request = http2("/");
        request.endpoint = Some("billing".to_owned());
        let answer = send(&client, &request).await;
        assert_eq!(answer.as_ref().err().map(|error| error.kind), kind, "{alpn:?}: {answer:?}");
    }
}
