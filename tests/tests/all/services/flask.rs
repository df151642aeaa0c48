//! A Flask service on gunicorn: workers that one request each keeps busy.

use std::time::{Duration, Instant};

use probity_tests::host::{Answer, PATIENCE};
use probity_tests::servers::shop::{Framework, Shop};

fn start() -> Shop {
    Shop::start(Framework::Flask, "", &[])
}

fn start_beating() -> Shop {
    let bounds = "busy = { warn = \"500ms\", crit = \"1s\" }\nmemory = { warn = \"300MiB\", crit = \"600MiB\" }";
    super::beating(Framework::Flask, "pulse", bounds)
}

#[test]
fn flask_shows_the_board_and_its_absence() {
    super::shows_the_board_and_its_absence(start(), "1.4.2", "");
}

// With every worker in a request the service is taken out, although it could not have said so itself; and comes back.
#[test]
fn flask_with_all_workers_busy_is_taken_out() {
    let shop = start_beating();
    let reports: Vec<_> = (0..2).map(|_| shop.ask_aside("GET", "/report?seconds=8")).collect();
    let said = shop.host.said("pulse", "unhealthy");
    assert!(said.starts_with("all-busy ") && said.ends_with(", more than 1 s"), "{said}");
    shop.wait_unready();
    assert!(shop.ask("GET", "/ping", Duration::from_millis(100)).is_err(), "a worker was free");
    for report in reports {
        assert_eq!(report.join().unwrap().unwrap().status, 200);
    }
    shop.wait_ready();
}

// Memory that only grows is first something to look at, then a reason to stop.
#[test]
fn flask_that_grows_is_seen_before_it_dies() {
    let shop = start_beating();
    let grow_until = |status: &str| {
        let end = Instant::now() + PATIENCE;
        let runs = |answer: &Answer| answer.json()["counters"]["runs"].as_u64().unwrap_or(0);
        while shop.host.get("/checks/pulse").json()["status"] != status {
            assert_eq!(shop.post("/import?mib=40").status, 200);
            assert!(Instant::now() < end, "never {status}");
            // Memory that grows faster than anybody looks is unhealthy at once.
            let before = runs(&shop.host.get("/checks/pulse"));
            shop.host.wait_for("/checks/pulse", |answer| runs(answer) > before + 2);
        }
    };
    grow_until("degraded");
    assert!(shop.host.said("pulse", "degraded").starts_with("memory "));
    assert_eq!(shop.host.get("/ready").status, 200, "degraded is no reason to stop");
    grow_until("unhealthy");
    shop.wait_unready();
}

#[test]
fn flask_without_payments_stays_in_rotation() {
    super::stays_in_rotation_without_payments_or_cache(start(), "payment failed: ");
}

#[test]
fn flask_survives_a_restart_of_the_database() {
    super::survives_a_restart_of_the_database(Framework::Flask, "orders", 500);
}

#[test]
fn flask_that_fails_to_start_is_never_ready() {
    let shop = Shop::prepared(Framework::Flask, "", &[]);
    super::is_never_ready_when_its_start_fails(shop, "postgresql+psycopg", "connection failed");
}

// On SIGTERM what is being answered is answered; new traffic stops.
#[test]
fn flask_drains_on_sigterm() {
    let mut shop = start();
    let report = shop.ask_aside("GET", "/report?seconds=2");
    // One worker has the report for sure once only the other one answers.
    let pids = || -> std::collections::BTreeSet<String> { (0..8).map(|_| shop.get("/ping").body).collect() };
    let end = Instant::now() + Duration::from_millis(1500);
    while pids().len() > 1 && Instant::now() < end {}
    shop.terminate();
    assert_eq!(report.join().unwrap().unwrap().body.trim(), "{\"report\":\"done\"}");
    shop.wait_unready();
    shop.ended();
    // Before that, a connection may have been accepted that nobody answered any more.
    shop.host.wait_until_says("shop", "unhealthy", "refused");
}
