//! A FastAPI service on uvicorn: one event loop.

use probity_tests::servers::shop::{Framework, Shop};

fn start() -> Shop {
    let shop =
        super::beating(Framework::FastApi, "pulse", "silence = \"5s\"\nlag = { warn = \"500ms\", crit = \"1s\" }");
    shop.host.wait_for_message("pulse", "1 processes are well");
    shop
}

#[test]
fn fastapi_shows_the_board_and_its_absence() {
    super::shows_the_board_and_its_absence(start(), "2.0.1", "");
}

#[test]
fn fastapi_with_a_blocked_event_loop_is_taken_out() {
    super::is_taken_out_when_its_event_loop_is_blocked(&start(), "pulse", "1 s");
}

#[test]
fn fastapi_with_an_exhausted_pool_is_degraded() {
    super::is_degraded_when_its_pool_is_exhausted(&start(), "pulse", "no connection is free");
}

// The database going away and coming back leaves no dead connection in the pool.
#[test]
fn fastapi_survives_a_restart_of_the_database() {
    let mut shop = start();
    assert_eq!(shop.post("/orders").status, 201);
    shop.postgres.kill();
    shop.wait_unready();
    assert_eq!(shop.post("/orders").status, 500);
    shop.postgres.restart();
    shop.wait_ready();
    assert_eq!(shop.post("/orders").status, 201, "{}", shop.log());
}

// On SIGTERM the process says in its pulse that it goes before it is gone, and finishes what it has.
#[test]
fn fastapi_drains_on_sigterm() {
    let mut shop = start();
    let export = shop.ask_aside("GET", "/export?seconds=2");
    shop.wait_for_use();
    shop.terminate();
    assert_eq!(export.join().unwrap().unwrap().status, 200);
    shop.host.wait_for_message("pulse", "all processes are ending");
    shop.wait_unready();
    shop.ended();
}
