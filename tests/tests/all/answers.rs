//! Outcomes and metadata that are malformed or too large.

use probity_config::Limits;
use probity_core::check::Reason;
use probity_tests::bench::{self, roomy};

// A value outside the contract's types is bad output, never a crash and never an outcome.
#[tokio::test]
async fn malformed_values_are_bad_output() {
    for name in [
        "bad-utf8",
        "bad-status",
        "bad-result",
        "bad-pointer",
        "bad-return-pointer",
        "bad-realloc",
        "unaligned",
        "endless-list",
    ] {
        let failure = bench::failure(name, roomy()).await;
        assert_eq!(failure.reason, Reason::BadOutput, "{name}: {}", failure.message);
        assert_eq!(failure.limit, None, "{name}");
    }
}

// An outcome that fits a host call but not `outcome-bytes` is refused with both sizes.
#[tokio::test]
async fn large_outcome_is_refused() {
    let failure = bench::failure("long-message", roomy()).await;
    assert_eq!(failure.reason, Reason::OutcomeBytes, "{}", failure.message);
    assert_eq!(failure.limit, Some(Limits::DEFAULT.outcome_bytes.into()));
    assert_eq!(failure.used, Some(2 << 20));
}

// An outcome that would not fit the host's memory is refused before it is copied, however small its parts are.
#[tokio::test]
async fn huge_outcome_is_refused_unread() {
    for name in ["huge-message", "huge-list"] {
        let failure = bench::failure(name, roomy()).await;
        assert_eq!(failure.reason, Reason::HostCallBytes, "{name}: {}", failure.message);
        assert_eq!(failure.limit, Some(Limits::DEFAULT.hostcall_bytes), "{name}");
    }
}

// A plugin that cannot say what it is, is not loaded; the reason is that of a run.
#[tokio::test]
async fn describe_is_bounded_too() {
    for (name, reason) in [
        ("spin-describe", Reason::Fuel),
        ("spin-start", Reason::Fuel),
        ("trap-describe", Reason::Trap),
        ("huge-describe", Reason::HostCallBytes),
        ("memory-minimum", Reason::Memory),
    ] {
        let failure = bench::sandbox().describe(&bench::program(name)).await.unwrap_err();
        assert_eq!(failure.reason, reason, "{name}: {}", failure.message);
        bench::neighbour().await;
    }
    let (metadata, log) = bench::sandbox().describe(&bench::program("healthy")).await.unwrap();
    assert_eq!((metadata.name.as_str(), metadata.version.as_str(), log.len()), ("hostile", "1.0.0", 0));
}

// `exit(0)` is not an answer.
#[tokio::test]
async fn exit_is_no_success() {
    let failure = bench::failure("exit", roomy()).await;
    assert_eq!(failure.reason, Reason::Exit, "{}", failure.message);
}
