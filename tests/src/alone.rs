//! Tests that need a process of their own: to count its threads, or to pin it to one processor.

use std::process::Command;

/// Set in the process that a test started for itself.
const ALONE: &str = "PROBITY_TEST_ALONE";

/// Whether this is the process of its own. If not, starts it, for the one test `name`, and waits for its success.
///
/// ```ignore
/// if !alone("process::leaks_nothing") { return }
/// ```
///
/// # Panics
/// When the test fails there.
#[must_use]
pub fn alone(name: &str) -> bool {
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let output = Command::new(std::env::current_exe().expect("a running test has a binary"))
        .args(["--exact", name, "--test-threads=1", "--nocapture"])
        .env(ALONE, "1")
        .output()
        .expect("a test can start itself");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{name} failed alone:\n{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("1 passed"), "no test is called {name}:\n{text}");
    false
}

/// Pins this thread, and every thread it will start, to one processor.
///
/// # Panics
/// When the operating system refuses.
#[cfg(target_os = "linux")]
pub fn pin_to_one_processor() {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let allowed = sched_getaffinity(None).expect("a thread may ask where it runs");
    let first = (0..CpuSet::MAX_CPU).find(|cpu| allowed.is_set(*cpu)).expect("a thread runs somewhere");
    let mut one = CpuSet::new();
    one.set(first);
    sched_setaffinity(None, &one).expect("a thread may restrict itself");
}
