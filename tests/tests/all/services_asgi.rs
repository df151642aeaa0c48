//! A real FastAPI service on uvicorn: a blocked event loop, an exhausted pool, a drain.

use std::time::Duration;

use probity_tests::servers::shop::{Framework, Shop};

const PULSE: &str = "
[[check]]
name = \"pulse\"
plugin = \"pulse\"
every = \"300ms\"
probes = [\"ready\"]
grants = { heartbeats = [\"shop\"] }
[check.config]
heartbeat = \"shop\"
silence = \"5s\"
lag = { warn = \"500ms\", crit = \"1s\" }
";

fn start() -> Shop {
    let shop = Shop::start(Framework::FastApi, PULSE, &["pulse"]);
    assert_eq!(shop.host.wait_until("pulse", "healthy")["message"], "1 processes are well");
    shop
}

fn message(shop: &Shop, status: &str) -> String {
    shop.host.wait_until("pulse", status)["message"].as_str().unwrap().to_owned()
}

// A computation in the event loop stops everything; the thread of the pulse tells so while it lasts.
#[test]
fn fastapi_with_a_blocked_event_loop_is_taken_out() {
    let shop = start();
    let quote = shop.ask_aside("GET", "/quote?seconds=6");
    let said = message(&shop, "unhealthy");
    assert!(said.starts_with("lag ") && said.ends_with(", more than 1 s"), "{said}");
    shop.host.wait_for("/ready", |answer| answer.status == 503);
    assert!(shop.ask("GET", "/ping", Duration::from_millis(100)).is_err(), "the loop was free");
    assert_eq!(quote.join().unwrap().unwrap().status, 200);
    shop.wait_ready();
    shop.wait_for("/ready", |answer| answer.status == 200 && answer.json()["version"] == "2.0.1");
}

// All connections of the pool in long queries: degraded, with the number, while requests begin to fail.
#[test]
fn fastapi_with_an_exhausted_pool_is_degraded() {
    let shop = start();
    let exports: Vec<_> = (0..3).map(|_| shop.ask_aside("GET", "/export?seconds=6")).collect();
    assert_eq!(message(&shop, "degraded"), "pool 100 %, more than 90 %");
    let refused = shop.get("/orders/count");
    assert_eq!((refused.status, refused.json()["detail"].as_str()), (503, Some("no connection is free")));
    let health = shop.host.get("/health").json();
    assert_eq!(health["checks"]["pulse"]["status"], "degraded", "{health}");
    assert_eq!(shop.host.get("/ready").status, 200);
    for export in exports {
        assert_eq!(export.join().unwrap().unwrap().status, 200);
    }
    message(&shop, "healthy");
    assert_eq!(shop.get("/orders/count").status, 200);
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

// On SIGTERM the process says that it goes before it is gone, and finishes what it has.
#[test]
fn fastapi_drains_on_sigterm() {
    let mut shop = start();
    let export = shop.ask_aside("GET", "/export?seconds=2");
    shop.host.wait_for("/heartbeats/shop", |answer| {
        answer.json()["last"]["message"].as_str().is_some_and(|said| said.contains("\"used\": 1"))
    });
    shop.terminate();
    assert_eq!(export.join().unwrap().unwrap().status, 200);
    let said = message(&shop, "unhealthy");
    assert_eq!(said, "all processes are ending");
    assert_eq!(shop.wait_unready().as_secs() / 30, 0);
    shop.ended();
}
