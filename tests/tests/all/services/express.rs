//! An Express service on Node: one event loop.

use probity_tests::servers::shop::{Framework, Shop};

fn start() -> Shop {
    super::beating(Framework::Express, "event-loop", "silence = \"5s\"\nlag = { warn = \"1s\", crit = \"2s\" }")
}

#[test]
fn express_shows_the_board_and_its_absence() {
    super::shows_the_board_and_its_absence(start(), "3.0.2", "connect ECONNREFUSED");
}

#[test]
fn express_with_a_blocked_event_loop_is_taken_out() {
    super::is_taken_out_when_its_event_loop_is_blocked(&start(), "event-loop", "2 s");
}

#[test]
fn express_with_an_exhausted_pool_is_degraded() {
    super::is_degraded_when_its_pool_is_exhausted(&start(), "event-loop", "timeout");
}

#[test]
fn express_without_payments_or_cache_stays_in_rotation() {
    super::stays_in_rotation_without_payments_or_cache(start(), "payment failed: connect ECONNREFUSED");
}

#[test]
fn express_survives_a_restart_of_the_database() {
    super::survives_a_restart_of_the_database(Framework::Express, "order-flow", 503);
}

#[test]
fn express_that_fails_to_start_is_never_ready() {
    let shop = Shop::prepared(Framework::Express, "", &[]);
    super::is_never_ready_when_its_start_fails(shop, "postgres", "connect ECONNREFUSED 127.0.0.1:1");
}

#[test]
fn express_drains_on_sigterm() {
    super::drains_on_sigterm(start(), "event-loop");
}
