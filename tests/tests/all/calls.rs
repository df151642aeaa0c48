//! Floods of host calls and of log lines; sleeping for ever.

use std::time::Duration;

use probity_config::Limits;
use probity_core::check::{Reason, Run, Status};
use probity_tests::bench::{self, roomy};

fn tally(run: &Run, result: &str) -> u32 {
    run.tally.iter().filter(|tally| tally.result == result).map(|tally| tally.count).sum()
}

// Calls beyond the quota are answered with `quota`, which a guest can live with.
#[tokio::test]
async fn quota_is_an_answer() {
    let run = bench::run("state-quota", roomy()).await;
    assert_eq!(run.status(), Status::Healthy, "{:?}", run.end);
    assert_eq!((run.usage.host_calls, tally(&run, "ok"), tally(&run, "quota")), (150, 100, 50));
}

// A guest that goes on regardless is ended.
#[tokio::test]
async fn flood_of_calls_is_ended() {
    let failure = bench::failure("state-flood", roomy()).await;
    assert_eq!(failure.reason, Reason::HostCalls, "{}", failure.message);
    assert_eq!(failure.limit, Some(Limits::DEFAULT.host_calls.into()));
}

// Without a grant neither the network nor the machine answers anything but `denied`.
#[tokio::test]
async fn ungranted_calls_are_denied() {
    let run = bench::run("ungranted", roomy()).await;
    assert_eq!(run.status(), Status::Healthy, "{:?}", run.end);
    assert_eq!((run.usage.host_calls, tally(&run, "denied")), (4, 4));
}

// State is bounded in bytes; what does not fit is an answer as well.
#[tokio::test]
async fn state_cannot_be_filled_without_end() {
    let run = bench::run("state-bomb", roomy()).await;
    assert_eq!(run.status(), Status::Healthy, "{:?}", run.end);
    // 64 KiB hold three values of 16 KiB with their keys.
    assert_eq!((tally(&run, "ok"), tally(&run, "quota")), (3, 17));
}

// A guest that waits, in one long call or in many short ones, ends at its deadline.
#[tokio::test]
async fn waiting_ends_at_the_deadline() {
    let limits = Limits { timeout: Duration::from_millis(200), ..roomy() };
    for name in ["sleep", "naps", "sleep-zero", "poll-forever"] {
        let run = bench::run(name, limits).await;
        let failure = run.end.unwrap_err();
        assert_eq!((failure.reason, failure.limit), (Reason::Deadline, Some(200)), "{name}: {}", failure.message);
        assert!(run.duration >= limits.timeout, "{name} ended early, after {:?}", run.duration);
    }
}

// A guest that talks too much is cut and still answers; the log says what is missing.
#[tokio::test]
async fn log_flood_is_cut() {
    let run = bench::run("log-flood", roomy()).await;
    assert_eq!(run.status(), Status::Healthy, "{:?}", run.end);
    let (last, kept) = run.log.split_last().unwrap();
    assert_eq!(kept.len(), Limits::DEFAULT.log_lines as usize);
    assert!(last.message.starts_with("9900 further lines"), "{}", last.message);
}

// The same for what it prints, on either stream.
#[tokio::test]
async fn print_flood_is_cut() {
    for name in ["stdout-flood", "stderr-flood"] {
        let run = bench::run(name, roomy()).await;
        assert_eq!(run.status(), Status::Healthy, "{name}: {:?}", run.end);
        let bytes: usize = run.log.iter().map(|line| line.message.len()).sum();
        assert!((1..=Limits::DEFAULT.log_bytes as usize + 100).contains(&bytes), "{name} kept {bytes} bytes");
        assert_eq!(run.log[0].message, "all is well");
    }
}

// One line larger than a call may carry ends the run; smaller ones without end stop at the deadline.
#[tokio::test]
async fn huge_lines_are_bounded() {
    let failure = bench::failure("huge-log", roomy()).await;
    assert_eq!(failure.reason, Reason::HostCallBytes, "{}", failure.message);
    assert_eq!(failure.limit, Some(Limits::DEFAULT.hostcall_bytes));
    let run = bench::run("log-endless", Limits { timeout: Duration::from_millis(200), ..roomy() }).await;
    assert_eq!(run.end.unwrap_err().reason, Reason::Deadline);
    let bytes: usize = run.log.iter().map(|line| line.message.len()).sum();
    assert!(bytes <= Limits::DEFAULT.log_bytes as usize + 100, "kept {bytes} bytes");
}
