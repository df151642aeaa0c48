//! Every limit ends the run, is named with its value, and leaves the neighbour alone.

use std::time::Duration;

use probity_config::{Limits, STACK_BYTES, TABLE_ELEMENTS_MAX};
use probity_core::check::{Reason, Status};
use probity_tests::bench::{self, roomy};
use probity_tests::guests;

const SHORT: Duration = Duration::from_millis(200);

// A loop without end uses up its fuel; the failure says how much that was.
#[tokio::test]
async fn endless_loop_runs_out_of_fuel() {
    for name in ["spin", "spin-start", "spin-realloc"] {
        let failure = bench::failure(name, Limits { fuel: 1_000_000, ..roomy() }).await;
        assert_eq!(failure.reason, Reason::Fuel, "{name}: {}", failure.message);
        assert_eq!((failure.limit, failure.used), (Some(1_000_000), Some(1_000_000)), "{name}");
        assert!(failure.trace.is_some(), "{name} does not say where it spun");
    }
}

// The same loops with fuel to spare end at their deadline, wherever they spin.
#[tokio::test]
async fn endless_loop_ends_at_its_deadline() {
    for name in ["spin", "spin-start", "spin-realloc", "spin-post-return"] {
        let failure = bench::failure(name, Limits { timeout: SHORT, ..roomy() }).await;
        assert_eq!(failure.reason, Reason::Deadline, "{name}: {}", failure.message);
        assert_eq!(failure.limit, Some(200), "{name}");
    }
}

// Single instructions that take milliseconds do not hide the deadline.
#[tokio::test]
async fn bulk_memory_ends_at_its_deadline() {
    let failure = bench::failure("fill", Limits { timeout: SHORT, ..roomy() }).await;
    assert_eq!(failure.reason, Reason::Deadline, "{}", failure.message);
}

// Memory is refused above the limit; a guest that dies of it is told so, with what it wanted.
#[tokio::test]
async fn memory_over_the_limit_is_named() {
    for name in ["memory-grow", "memory-minimum", "memory-two"] {
        let failure = bench::failure(name, roomy()).await;
        assert_eq!(failure.reason, Reason::Memory, "{name}: {}", failure.message);
        assert_eq!(failure.limit, Some(Limits::DEFAULT.memory), "{name}");
        assert!(failure.used > failure.limit, "{name}: {:?}", failure.used);
    }
}

// A guest that copes with a refusal gives its answer, and its peak is what it got.
#[tokio::test]
async fn refused_memory_can_be_survived() {
    let limits = Limits { memory: 8 << 20, ..roomy() };
    let run = bench::run("memory-grow-copes", limits).await;
    assert_eq!(run.status(), Status::Healthy, "{:?}", run.end);
    // It grows by 1 MiB at a time from 64 KiB.
    assert_eq!(run.usage.memory_peak_bytes, (7 << 20) + (64 << 10));
}

// Table elements are refused above the limit: that of a check, and that of one table.
#[tokio::test]
async fn table_over_the_limit_is_named() {
    let failure = bench::failure("table-grow", Limits { table_elements: 10_000, ..roomy() }).await;
    assert_eq!((failure.reason, failure.limit), (Reason::Tables, Some(10_000)), "{}", failure.message);
    let failure = bench::failure("table-grow", Limits { table_elements: 1_000_000, ..roomy() }).await;
    assert_eq!(failure.reason, Reason::Tables, "{}", failure.message);
    assert_eq!(failure.limit, Some(TABLE_ELEMENTS_MAX as u64));
}

// Many tables share one limit.
#[tokio::test]
async fn tables_are_summed() {
    let bytes = guests::encode(&"(table 40000 funcref)".repeat(4)).unwrap();
    let program = bench::compile(&bytes).unwrap();
    let run = bench::run_on(bench::sandbox(), &program, &bench::env("tables", roomy())).await;
    let failure = run.end.unwrap_err();
    assert_eq!(failure.reason, Reason::Tables, "{}", failure.message);
    assert_eq!((failure.limit, failure.used), (Some(100_000), Some(120_000)));
    bench::neighbour().await;
}

// Core instances are counted over the whole component.
#[tokio::test]
async fn too_many_instances_are_named() {
    let inner = format!("(component (core module $m) {})", "(core instance (instantiate $m))".repeat(200));
    let bytes = guests::with_inner(&guests::component("healthy"), &inner);
    let program = bench::compile(&bytes).unwrap();
    let run = bench::run_on(bench::sandbox(), &program, &bench::env("instances", roomy())).await;
    let failure = run.end.unwrap_err();
    assert_eq!(failure.reason, Reason::Tables, "{}", failure.message);
    assert_eq!(failure.limit, Some(Limits::DEFAULT.instances.into()));
    bench::neighbour().await;
}

// Handles are bounded, whether the guest or the host made the resource.
#[tokio::test]
async fn handles_are_bounded() {
    let failure = bench::failure("handles", roomy()).await;
    assert_eq!(failure.reason, Reason::Handles, "{}", failure.message);
    assert_eq!(failure.limit, Some(Limits::DEFAULT.handles.into()));
    for name in ["pollables", "requests"] {
        let failure = bench::failure(name, roomy()).await;
        assert_eq!(failure.reason, Reason::Handles, "{name}: {}", failure.message);
        let limit = failure.limit.unwrap();
        assert!(failure.message.contains(&limit.to_string()), "{name}: {limit}: {}", failure.message);
    }
}

// Recursion without end exhausts the guest's stack and not the host's.
#[tokio::test]
async fn deep_recursion_exhausts_the_stack() {
    let failure = bench::failure("recursion", roomy()).await;
    assert_eq!(failure.reason, Reason::Stack, "{}", failure.message);
    assert_eq!(failure.limit, Some(STACK_BYTES as u64));
}

// What a guest said before it died is in the failure; so is what it printed.
#[tokio::test]
async fn last_words_are_kept() {
    let failure = bench::failure("panic", roomy()).await;
    assert_eq!(failure.reason, Reason::Trap);
    assert!(failure.message.contains("index 7 of 3"), "{}", failure.message);
    let failure = bench::failure("traceback", roomy()).await;
    assert_eq!(failure.reason, Reason::Trap);
    assert!(failure.trace.as_deref().unwrap_or_default().contains("ZeroDivisionError"), "{:?}", failure.trace);
}

// Traps of the machine are traps of the guest.
#[tokio::test]
async fn traps_are_told_apart() {
    for (name, word) in [("divide", "divide by zero"), ("realloc-calls-out", "cannot leave component")] {
        let failure = bench::failure(name, roomy()).await;
        assert_eq!(failure.reason, Reason::Trap, "{name}: {}", failure.message);
        assert!(failure.message.contains(word), "{name}: {}", failure.message);
    }
}

// The second engine, for component-model-async, holds the same limits.
#[tokio::test]
async fn concurrent_engine_has_the_same_limits() {
    let run = async |name: &str, limits| {
        let bytes = guests::with_inner(&guests::component(name), super::loading::WAITABLE_SET);
        let program = bench::compile(&bytes).unwrap();
        bench::run_on(bench::sandbox(), &program, &bench::env(name, limits)).await.end
    };
    assert_eq!(run("healthy", roomy()).await.unwrap().status, Status::Healthy);
    for (name, limits, reason) in [
        ("spin", Limits { fuel: 1_000_000, ..roomy() }, Reason::Fuel),
        ("spin", Limits { timeout: SHORT, ..roomy() }, Reason::Deadline),
        ("sleep", Limits { timeout: SHORT, ..roomy() }, Reason::Deadline),
        ("memory-grow", roomy(), Reason::Memory),
        ("table-grow", roomy(), Reason::Tables),
        ("recursion", roomy(), Reason::Stack),
        ("handles", roomy(), Reason::Handles),
        ("huge-message", roomy(), Reason::HostCallBytes),
        ("bad-utf8", roomy(), Reason::BadOutput),
    ] {
        let failure = run(name, limits).await.unwrap_err();
        assert_eq!(failure.reason, reason, "{name}: {}", failure.message);
    }
    bench::neighbour().await;
}
