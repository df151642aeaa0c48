//! Nothing in WASI leads anywhere, but for `wasi:http`, which is another way to `http`.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;

use probity_config::Grants;
use probity_core::check::{Capability, Reason, Run, Status};
use probity_sandbox::capabilities::CheckEnv;
use probity_tests::bench::{self, roomy};
use probity_tests::servers::upstream::Upstream;

// No directory, no environment, no argument, no input, no socket and no name: each guest looks for itself.
#[tokio::test]
async fn guests_find_nothing() {
    for name in ["files", "environment", "stdin", "sockets"] {
        let outcome = bench::outcome(name, roomy()).await;
        assert_eq!(outcome.status, Status::Healthy, "{name} found something");
    }
}

// A request for 1 GiB of randomness ends the run instead of the host's memory.
#[tokio::test]
async fn randomness_is_bounded() {
    let failure = bench::failure("random", roomy()).await;
    assert_eq!(failure.reason, Reason::BadOutput);
    assert!(failure.message.contains("1073741824"), "{}", failure.message);
    assert!(!failure.message.contains("backtrace"), "the backtrace belongs into `trace`: {}", failure.message);
}

// What WASI forbids ends the run, and the message says what it was.
#[tokio::test]
async fn misuse_of_wasi_is_named() {
    let failure = bench::failure("poll-nothing", roomy()).await;
    assert_eq!(failure.reason, Reason::BadOutput);
    assert!(failure.message.contains("empty poll list"), "{}", failure.message);
}

/// One run of a guest that asks this authority through `wasi:http`, with this grant.
async fn fetch(authority: &str, grant: &str) -> Run {
    run("fetch", authority, grant).await
}

async fn run(guest: &str, authority: &str, grant: &str) -> Run {
    let mut grants = Grants::default();
    grants.add(Capability::Http, grant).unwrap();
    let config = serde_json::json!({authority: 0});
    let env = Arc::into_inner(bench::env(guest, roomy())).unwrap();
    let env = CheckEnv { config_text: config.to_string(), config, grants: Arc::new(grants), ..env };
    bench::run_on(bench::sandbox(), &bench::program(guest), &Arc::new(env)).await
}

// A request through `wasi:http` goes where the grants for `http` lead and nowhere else, and is in the record of the run.
#[tokio::test]
async fn wasi_http_is_bound_by_the_grants_of_http() {
    const DENIED: &str = "15";
    const REFUSED: &str = "06";
    let mut upstream = Upstream::start();
    let authority = upstream.url().trim_start_matches("http://").trim_end_matches('/').to_owned();
    let grant = format!("http://{authority}/health");
    let run = fetch(&authority, &grant).await;
    assert_eq!((run.status(), run.message()), (Status::Healthy, "200"), "{run:?}");
    let call = &run.calls[0];
    assert_eq!((call.operation.as_str(), &call.target, call.result), ("http.fetch", &grant, "ok"));
    let run = fetch(&authority, "http://127.0.0.1:1/*").await;
    assert_eq!((run.status(), run.message()), (Status::Unhealthy, DENIED), "{run:?}");
    assert!(run.log[0].message.contains(&format!("http = [\"http://{authority}/*\"]")), "{run:?}");
    upstream.down();
    assert_eq!(fetch(&authority, &grant).await.message(), REFUSED);
}

// A guest that keeps every response gets as many as the run may hold, here sixteen of the largest size, and no more.
#[tokio::test]
async fn responses_that_are_kept_are_charged() {
    const MIB: usize = 1 << 20;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 4096]);
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {MIB}\r\n\r\n");
            // The host may hang up in the middle.
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&vec![b'x'; MIB]));
        }
    });
    let run = run("hoard", &authority, &format!("http://{authority}/health")).await;
    assert_eq!((run.status(), run.message()), (Status::Healthy, "016"), "{run:?}");
    assert_eq!(run.usage.host_calls, 60);
}
