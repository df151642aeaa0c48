//! Nothing in WASI leads anywhere, but for `wasi:http`, which is another way to `http`.

use std::sync::Arc;

use probity::capabilities::CheckEnv;
use probity::check::{Capability, Reason, Run, Status};
use probity::config::Grants;
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
    let mut grants = Grants::default();
    grants.add(Capability::Http, grant).unwrap();
    let config = serde_json::json!({authority: 0});
    let env = Arc::into_inner(bench::env("fetch", roomy())).unwrap();
    let env = CheckEnv { config_text: config.to_string(), config, grants: Arc::new(grants), ..env };
    bench::run_on(bench::sandbox(), &bench::program("fetch"), &Arc::new(env)).await
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
