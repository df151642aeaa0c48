//! A real Express service on Node: a blocked event loop, an exhausted pool, dead connections, a drain.

use std::time::{Duration, Instant};

use probity_tests::host::Answer;
use probity_tests::servers::shop::{Framework, Shop};

const EVENT_LOOP: &str = "
[[check]]
name = \"event-loop\"
plugin = \"event-loop\"
every = \"300ms\"
probes = [\"ready\"]
grants = { heartbeats = [\"shop\"] }
[check.config]
heartbeat = \"shop\"
silence = \"5s\"
lag = { warn = \"1s\", crit = \"2s\" }
";

const ORDER_FLOW: &str = "
[[check]]
name = \"order-flow\"
plugin = \"order-flow\"
every = \"300ms\"
probes = [\"ready\"]
grants = { sql = [\"shop\"], redis = [\"cache\"] }
[check.config]
waiting = { warn = 2, crit = 100 }
";

fn start() -> Shop {
    let shop = Shop::start(Framework::Express, EVENT_LOOP, &["event-loop"]);
    shop.host.wait_for_message("event-loop", "the event loops turn");
    shop
}

fn message(shop: &Shop, check: &str, status: &str) -> String {
    shop.host.wait_until(check, status)["message"].as_str().unwrap().to_owned()
}

fn says(answer: &Answer, status: u16, word: &str) -> bool {
    answer.status == status && answer.json()["status"] == word
}

// The service's own routes say what the host says, with the service's version; without a host they say so, quickly, and
// the service lives on.
#[test]
fn express_shows_the_board_and_its_absence() {
    let mut shop = start();
    shop.wait_for("/ready", |answer| says(answer, 200, "ok") && answer.json()["version"] == "3.0.2");
    shop.wait_for("/health", |answer| says(answer, 200, "healthy"));
    shop.host.terminate();
    shop.host.ended();
    shop.wait_for("/ready", |answer| {
        let said = answer.json();
        let message = said["message"].as_str().unwrap_or_default();
        says(answer, 503, "unknown") && message.starts_with("the health-check host is away: connect ECONNREFUSED")
    });
    let start = Instant::now();
    assert!(says(&shop.get("/live"), 200, "unknown"));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(shop.get("/ping").status, 200);
}

// A computation in the event loop stops everything; the thread of the pulse tells so while it lasts.
#[test]
fn express_with_a_blocked_event_loop_is_taken_out() {
    let shop = start();
    let quote = shop.ask_aside("GET", "/quote?seconds=6");
    let said = message(&shop, "event-loop", "unhealthy");
    assert!(said.starts_with("lag ") && said.ends_with(", more than 2 s"), "{said}");
    shop.host.wait_for("/ready", |answer| answer.status == 503);
    assert!(shop.ask("GET", "/ping", Duration::from_millis(100)).is_err(), "the loop was free");
    assert_eq!(quote.join().unwrap().unwrap().status, 200);
    shop.wait_ready();
    shop.wait_for("/ready", |answer| says(answer, 200, "ok"));
}

// All connections of the pool in long queries: degraded, with the number, while requests begin to fail.
#[test]
fn express_with_an_exhausted_pool_is_degraded() {
    let shop = start();
    let exports: Vec<_> = (0..3).map(|_| shop.ask_aside("GET", "/export?seconds=6")).collect();
    shop.host.wait_for_message("event-loop", "pool 100 %, more than 90 %");
    let refused = shop.get("/orders/count");
    let said = refused.json()["error"].as_str().unwrap_or_default().to_owned();
    assert!(refused.status == 503 && said.contains("timeout"), "{refused:?}");
    assert_eq!(shop.host.get("/ready").status, 200);
    for export in exports {
        assert_eq!(export.join().unwrap().unwrap().status, 200);
    }
    message(&shop, "event-loop", "healthy");
    assert_eq!(shop.get("/orders/count").status, 200);
}

// A dependency that is down or slow shows in /health; only what the operator calls critical takes the service out.
#[test]
fn express_without_payments_or_cache_stays_in_rotation() {
    let mut shop = start();
    shop.payments.slow(Duration::from_millis(600));
    let said = message(&shop, "payments", "degraded");
    assert!(said.contains("more than 300 ms"), "{said}");
    shop.payments.slow(Duration::ZERO);
    message(&shop, "payments", "healthy");
    shop.payments.down();
    assert!(message(&shop, "payments", "unhealthy").contains("refused"));
    shop.wait_for("/health", |answer| says(answer, 200, "degraded"));
    assert_eq!(shop.host.get("/health").json()["checks"]["payments"]["status"], "unhealthy");
    assert_eq!(shop.host.get("/ready").status, 200);
    assert_eq!(shop.post("/orders").status, 201);
    let unpaid = shop.post("/orders/1/pay");
    assert!(unpaid.status == 502 && unpaid.body.contains("payment failed: connect ECONNREFUSED"), "{unpaid:?}");
    shop.payments.up();
    message(&shop, "payments", "healthy");
    assert_eq!(shop.post("/orders/1/pay").status, 200);
    shop.redis.kill();
    message(&shop, "cache", "unhealthy");
    assert_eq!(shop.host.get("/ready").status, 200);
    assert_eq!(shop.post("/orders").status, 201);
}

// While the database restarts nobody sends traffic; afterwards neither the service nor the host trips over the
// connections that died.
#[test]
fn express_survives_a_restart_of_the_database() {
    let mut shop = Shop::start(Framework::Express, ORDER_FLOW, &["order-flow"]);
    assert_eq!(shop.post("/orders").status, 201);
    message(&shop, "order-flow", "healthy");
    shop.postgres.kill();
    shop.wait_unready();
    let said = message(&shop, "order-flow", "unhealthy");
    assert!(said.starts_with("refused: "), "{said}");
    assert_eq!(shop.post("/orders").status, 503);
    assert_eq!(shop.host.get("/live").status, 200);
    shop.postgres.restart();
    shop.wait_ready();
    for _ in 0..4 {
        assert_eq!(shop.post("/orders").status, 201, "{}", shop.log());
    }
    // The question of the business is answered again, too: five orders wait, and two may.
    shop.host.wait_for_message("order-flow", "waiting 5 orders, more than 2 orders");
}

// On SIGTERM the process says that it goes before it is gone, on both ways of asking, and finishes what it has.
#[test]
fn express_drains_on_sigterm() {
    let mut shop = start();
    let export = shop.ask_aside("GET", "/export?seconds=4");
    shop.host.wait_for("/heartbeats/shop", |answer| {
        answer.json()["last"]["message"].as_str().is_some_and(|said| said.contains("\"used\":1"))
    });
    shop.terminate();
    shop.wait_for("/ready", |answer| says(answer, 503, "draining"));
    shop.host.wait_for_message("event-loop", "all processes are ending");
    shop.wait_unready();
    assert_eq!(export.join().unwrap().unwrap().status, 200);
    assert_eq!(shop.ended().code(), Some(0), "{}", shop.log());
}
