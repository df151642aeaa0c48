//! `runs-per-instance`: what one instance may serve in a row, and what ends that.

use std::sync::Arc;

use probity_config::Limits;
use probity_core::check::{Reason, Run};
use probity_sandbox::Sandbox;
use probity_sandbox::capabilities::CheckEnv;
use probity_tests::bench::{self, roomy};

fn env(runs_per_instance: u32, asked: &str, limits: Limits) -> Arc<CheckEnv> {
    let base = bench::env("remembers", Limits { runs_per_instance, ..limits });
    let base = Arc::into_inner(base).unwrap();
    Arc::new(CheckEnv { config_text: format!("{{\"{asked}\":1}}"), ..base })
}

async fn run(env: &Arc<CheckEnv>) -> Run {
    bench::run_on(bench::sandbox(), &bench::program("remembers"), env).await
}

/// What the guest says in `count` runs: how many its instance has served. `-` for a run without an outcome.
async fn served(env: &Arc<CheckEnv>, count: usize) -> String {
    let mut said = String::new();
    for _ in 0..count {
        said.push_str(&run(env).await.end.map_or("-".to_owned(), |outcome| outcome.message));
    }
    said
}

// Nothing survives a run unless the operator says so.
#[tokio::test]
async fn every_run_is_fresh_by_default() {
    assert_eq!(served(&env(Limits::DEFAULT.runs_per_instance, "-", roomy()), 4).await, "1111");
}

// An instance serves as many runs as it may, then a fresh one takes over.
#[tokio::test]
async fn an_instance_serves_so_many_runs() {
    assert_eq!(served(&env(3, "-", roomy()), 8).await, "12312312");
}

// After a trap nothing of the instance is used again.
#[tokio::test]
async fn a_failed_run_ends_its_instance() {
    assert_eq!(served(&env(100, "t", roomy()), 7).await, "12-12-1");
}

// A guest that keeps a request, and with it a place in the host's tables, starts afresh each time.
#[tokio::test]
async fn an_instance_that_holds_resources_is_not_kept() {
    assert_eq!(served(&env(100, "h", roomy()), 3).await, "111");
}

// The same through `wasi:http`, where what is kept cannot be told from what a language's library keeps for good.
#[tokio::test]
async fn an_instance_that_used_wasi_http_is_not_kept() {
    assert_eq!(served(&env(100, "w", roomy()), 3).await, "111");
}

// A guest that leaks is replaced while there is room, so that no run fails for what those before it took: at 10 MiB a
// run a fourth one would not fit into 32 MiB.
#[tokio::test]
async fn an_instance_that_leaks_is_replaced_before_its_limit() {
    assert_eq!(served(&env(100, "g", roomy()), 6).await, "123123");
}

// Each run has the whole budget, and reports what it alone used.
#[tokio::test]
async fn each_run_has_the_whole_budget() {
    let env = env(100, "b", Limits { fuel: 2_500_000, ..roomy() });
    let first = run(&env).await;
    assert!(first.usage.fuel > 1_250_000, "two runs would fit one budget: {}", first.usage.fuel);
    assert_eq!(first.end.unwrap().message, "1");
    for n in 2..=5 {
        let next = run(&env).await;
        assert_eq!(next.end.unwrap().message, n.to_string());
        assert!(next.usage.fuel.abs_diff(first.usage.fuel) < 10_000, "{} after {}", next.usage.fuel, first.usage.fuel);
    }
    assert_eq!(
        run(&self::env(100, "b", Limits { fuel: 1_000, ..roomy() })).await.end.unwrap_err().reason,
        Reason::Fuel
    );
}

// What one check's guest remembers reaches no other check, nor the same check under another configuration.
#[tokio::test]
async fn an_instance_is_given_to_its_own_check_only() {
    let (one, other) = (env(100, "-", roomy()), env(100, "-", roomy()));
    assert_eq!(served(&one, 2).await, "12");
    assert_eq!(served(&other, 2).await, "12");
    assert_eq!(served(&one, 1).await, "3");
}

// The instances of checks that are gone are given back, and there are never more than the host has room for.
#[tokio::test]
async fn kept_instances_are_bounded_and_given_back() {
    let sandbox = Sandbox::new(1, None).unwrap();
    let program = bench::program_on(&sandbox, "remembers");
    let envs: Vec<Arc<CheckEnv>> = (0..100).map(|_| env(100, "-", roomy())).collect();
    for env in &envs {
        bench::run_on(&sandbox, &program, env).await;
    }
    assert_eq!(sandbox.kept(), 64);
    drop(envs);
    sandbox.sweep();
    assert_eq!(sandbox.kept(), 0);
}
