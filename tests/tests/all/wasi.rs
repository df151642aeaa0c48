//! Nothing in WASI leads anywhere.

use probity::check::{Reason, Status};
use probity_tests::bench::{self, roomy};

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
