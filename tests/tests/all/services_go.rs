//! A real service in Go: an exhausted pool, a start without the database, a drain.

use std::time::{Duration, Instant};

use probity_tests::host::Answer;
use probity_tests::servers::shop::{Framework, Shop};

const CAPACITY: &str = "
[[check]]
name = \"capacity\"
plugin = \"capacity\"
every = \"300ms\"
probes = [\"ready\"]
grants = { heartbeats = [\"shop\"] }
[check.config]
heartbeat = \"shop\"
silence = \"5s\"
lag = { warn = \"2s\", crit = \"5s\" }
";

const FULFILMENT: &str = "
[[check]]
name = \"fulfilment\"
plugin = \"fulfilment\"
every = \"300ms\"
probes = [\"ready\"]
grants = { sql = [\"shop\"], redis = [\"cache\"] }
[check.config]
waiting = { warn = 2, crit = 100 }
";

fn start() -> Shop {
    let shop = Shop::start(Framework::Go, CAPACITY, &["capacity"]);
    shop.host.wait_for_message("capacity", "there is room");
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
fn go_shows_the_board_and_its_absence() {
    let mut shop = start();
    shop.wait_for("/ready", |answer| says(answer, 200, "ok") && answer.json()["version"] == "4.1.0");
    shop.wait_for("/health", |answer| says(answer, 200, "healthy"));
    shop.host.terminate();
    shop.host.ended();
    shop.wait_for("/ready", |answer| {
        let said = answer.json();
        let message = said["message"].as_str().unwrap_or_default();
        says(answer, 503, "unknown") && message.starts_with("the health-check host is away: dial tcp")
    });
    let start = Instant::now();
    assert!(says(&shop.get("/live"), 200, "unknown"));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(shop.get("/ping").status, 200);
}

// All connections of the pool in long queries: degraded, with the number, while requests begin to fail.
#[test]
fn go_with_an_exhausted_pool_is_degraded() {
    let shop = start();
    let exports: Vec<_> = (0..3).map(|_| shop.ask_aside("GET", "/export?seconds=6")).collect();
    shop.host.wait_for_message("capacity", "pool 100 %, more than 90 %");
    let refused = shop.get("/orders/count");
    assert_eq!((refused.status, refused.json()["error"].as_str()), (503, Some("no connection is free")));
    assert_eq!(shop.host.get("/ready").status, 200);
    for export in exports {
        assert_eq!(export.join().unwrap().unwrap().status, 200);
    }
    message(&shop, "capacity", "healthy");
    assert_eq!(shop.get("/orders/count").status, 200);
}

// A dependency that is down shows in /health; only what the operator calls critical takes the service out.
#[test]
fn go_without_payments_or_cache_stays_in_rotation() {
    let mut shop = start();
    shop.payments.down();
    assert!(message(&shop, "payments", "unhealthy").contains("refused"));
    shop.wait_for("/health", |answer| says(answer, 200, "degraded"));
    assert_eq!(shop.host.get("/ready").status, 200);
    assert_eq!(shop.post("/orders").status, 201);
    assert_eq!(shop.post("/orders/1/pay").status, 502);
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
fn go_survives_a_restart_of_the_database() {
    let mut shop = Shop::start(Framework::Go, FULFILMENT, &["fulfilment"]);
    assert_eq!(shop.post("/orders").status, 201);
    message(&shop, "fulfilment", "healthy");
    shop.postgres.kill();
    shop.wait_unready();
    shop.wait_for("/health", |answer| says(answer, 503, "unhealthy"));
    let said = message(&shop, "fulfilment", "unhealthy");
    assert!(said.starts_with("refused: "), "{said}");
    assert_eq!(shop.post("/orders").status, 503);
    shop.postgres.restart();
    shop.wait_ready();
    for _ in 0..4 {
        assert_eq!(shop.post("/orders").status, 201, "{}", shop.log());
    }
    // The question of the business is answered again, too: five orders wait, and two may.
    shop.host.wait_for_message("fulfilment", "waiting 5 orders, more than 2 orders");
}

// A service that cannot start says why, ends with an error, and never gets traffic.
#[test]
fn go_that_fails_to_start_is_never_ready() {
    let mut shop = Shop::prepared(Framework::Go, CAPACITY, &["capacity"]);
    shop.launch(&[("DATABASE_URL", "postgres://nobody:x@127.0.0.1:1/shop".to_owned())]);
    assert_eq!(shop.ended().code(), Some(1));
    assert!(shop.log().contains("the database: failed to connect"), "{}", shop.log());
    assert!(message(&shop, "shop", "unhealthy").contains("refused"));
    shop.host.wait_for_message("capacity", "no process has said anything for 5 s");
    message(&shop, "database", "healthy");
    assert_eq!(shop.host.get("/ready").status, 503);
    shop.launch(&[]);
    shop.wait_ready();
}

// On SIGTERM the process says that it goes before it is gone, on both ways of asking, and finishes what it has.
#[test]
fn go_drains_on_sigterm() {
    let mut shop = start();
    let export = shop.ask_aside("GET", "/export?seconds=4");
    shop.host.wait_for("/heartbeats/shop", |answer| {
        answer.json()["last"]["message"].as_str().is_some_and(|said| said.contains("\"used\":1"))
    });
    shop.terminate();
    shop.wait_for("/ready", |answer| says(answer, 503, "draining"));
    shop.host.wait_for_message("capacity", "all processes are ending");
    shop.wait_unready();
    assert_eq!(export.join().unwrap().unwrap().status, 200);
    assert_eq!(shop.ended().code(), Some(0), "{}", shop.log());
}
