//! A service in Go: a program of its own.

use probity_tests::servers::shop::{Framework, Shop};

const BOUNDS: &str = "silence = \"5s\"\nlag = { warn = \"2s\", crit = \"5s\" }";

fn start() -> Shop {
    super::beating(Framework::Go, "capacity", BOUNDS)
}

#[test]
fn go_shows_the_board_and_its_absence() {
    super::shows_the_board_and_its_absence(start(), "4.1.0", "dial tcp");
}

#[test]
fn go_with_an_exhausted_pool_is_degraded() {
    super::is_degraded_when_its_pool_is_exhausted(&start(), "capacity", "no connection is free");
}

#[test]
fn go_without_payments_or_cache_stays_in_rotation() {
    super::stays_in_rotation_without_payments_or_cache(start(), "payment failed: ");
}

#[test]
fn go_survives_a_restart_of_the_database() {
    super::survives_a_restart_of_the_database(Framework::Go, "fulfilment", 503);
}

#[test]
fn go_that_fails_to_start_is_never_ready() {
    let shop = Shop::prepared(Framework::Go, &super::pulse("capacity", BOUNDS), &["capacity"]);
    shop.host.wait_for_message("capacity", "no process has said anything for 5 s");
    super::is_never_ready_when_its_start_fails(shop, "postgres", "the database: failed to connect");
}

#[test]
fn go_drains_on_sigterm() {
    super::drains_on_sigterm(start(), "capacity");
}
