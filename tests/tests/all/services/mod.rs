//! The services of `examples/` with their real servers: what goes wrong in production, and what `/ready` and `/health`
//! say then. What goes wrong with each of them is here, what only one framework has is with that framework.

mod django;
mod express;
mod fastapi;
mod flask;
mod go;

use std::time::{Duration, Instant};

use probity_tests::host::Answer;
use probity_tests::servers::shop::{Framework, Shop};

/// The check that judges the service's pulse, with bounds that a test reaches.
fn pulse(plugin: &str, bounds: &str) -> String {
    format!(
        "[[check]]\nname = \"{plugin}\"\nplugin = \"{plugin}\"\nevery = \"300ms\"\nprobes = [\"ready\"]\n\
         grants = {{ heartbeats = [\"shop\"] }}\n[check.config]\nheartbeat = \"shop\"\n{bounds}\n"
    )
}

/// The check that asks the business's question: how many orders wait. Two may.
fn orders(plugin: &str) -> String {
    format!(
        "[[check]]\nname = \"{plugin}\"\nplugin = \"{plugin}\"\nevery = \"300ms\"\nprobes = [\"ready\"]\n\
         grants = {{ sql = [\"shop\"], redis = [\"cache\"] }}\n[check.config]\nwaiting = {{ warn = 2, crit = 100 }}\n"
    )
}

/// A service, and the check of its pulse, which is well.
fn beating(framework: Framework, plugin: &str, bounds: &str) -> Shop {
    let shop = Shop::start(framework, &pulse(plugin, bounds), &[plugin]);
    shop.host.wait_until(plugin, "healthy");
    shop
}

/// The service's own routes say what the host says, with the service's version; without a host they say so, quickly, and
/// the service lives on.
fn shows_the_board_and_its_absence(mut shop: Shop, version: &str, away: &str) {
    shop.wait_for("/ready", |answer| answer.says(200, "ok") && answer.json()["version"] == version);
    shop.wait_for("/health", |answer| answer.says(200, "healthy"));
    shop.redis.kill();
    shop.wait_for("/health", |answer| answer.says(200, "degraded"));
    let host = shop.host.address().to_owned();
    shop.host.terminate();
    shop.host.ended();
    let told = format!("the health-check host at http://{host} is away: {away}");
    let alone = |answer: &Answer| {
        let message = &answer.json()["message"];
        answer.says(503, "unknown") && message.as_str().is_some_and(|said| said.starts_with(&told))
    };
    // Each worker has a cache of its own, in which the last answer grows too old.
    shop.wait_for("/ready", |answer| alone(answer) && (0..8).all(|_| alone(&shop.get("/ready"))));
    let start = Instant::now();
    assert!(shop.get("/live").says(200, "unknown"));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(shop.get("/ping").status, 200);
}

/// A computation in the event loop stops everything; the thread of the pulse tells so while it lasts.
fn is_taken_out_when_its_event_loop_is_blocked(shop: &Shop, check: &str, bound: &str) {
    let quote = shop.ask_aside("GET", "/quote?seconds=6");
    let said = shop.host.said(check, "unhealthy");
    assert!(said.starts_with("lag ") && said.ends_with(&format!(", more than {bound}")), "{said}");
    shop.wait_unready();
    assert!(shop.ask("GET", "/ping", Duration::from_millis(100)).is_err(), "the loop was free");
    assert_eq!(quote.join().unwrap().unwrap().status, 200);
    shop.wait_ready();
    shop.wait_for("/ready", |answer| answer.says(200, "ok"));
}

/// All connections of the pool in long queries: degraded, with the number, while requests begin to fail, with `refusal`.
fn is_degraded_when_its_pool_is_exhausted(shop: &Shop, check: &str, refusal: &str) {
    let exports: Vec<_> = (0..3).map(|_| shop.ask_aside("GET", "/export?seconds=6")).collect();
    assert_eq!(shop.host.said(check, "degraded"), "pool 100 %, more than 90 %");
    let refused = shop.get("/orders/count");
    assert!(refused.status == 503 && refused.body.contains(refusal), "{refused:?}");
    let health = shop.host.get("/health").json();
    assert_eq!(health["checks"][check]["status"], "degraded", "{health}");
    assert_eq!(shop.host.get("/ready").status, 200);
    for export in exports {
        assert_eq!(export.join().unwrap().unwrap().status, 200);
    }
    shop.host.wait_until(check, "healthy");
    assert_eq!(shop.get("/orders/count").status, 200);
}

/// A dependency that is down or slow shows in /health; only what the operator calls critical takes the service out.
/// `failure` is what the service answers when it cannot pay.
fn stays_in_rotation_without_payments_or_cache(mut shop: Shop, failure: &str) {
    shop.payments.slow(Duration::from_millis(600));
    let said = shop.host.said("payments", "degraded");
    assert!(said.contains("more than 300 ms"), "{said}");
    shop.payments.slow(Duration::ZERO);
    shop.host.wait_until("payments", "healthy");
    shop.payments.down();
    let said = shop.host.said("payments", "unhealthy");
    assert!(said.contains("refused"), "{said}");
    shop.wait_for("/health", |answer| answer.says(200, "degraded"));
    assert_eq!(shop.host.get("/health").json()["checks"]["payments"]["status"], "unhealthy");
    assert_eq!(shop.host.get("/ready").status, 200);
    assert_eq!(shop.post("/orders").status, 201);
    let unpaid = shop.post("/orders/1/pay");
    assert!(unpaid.status == 502 && unpaid.body.contains(failure), "{unpaid:?}");
    shop.payments.up();
    shop.host.wait_until("payments", "healthy");
    assert_eq!(shop.post("/orders/1/pay").status, 200);
    shop.redis.kill();
    shop.host.wait_until("cache", "unhealthy");
    assert_eq!(shop.host.get("/ready").status, 200);
    assert_eq!(shop.post("/orders").status, 201, "{}", shop.log());
}

/// While the database restarts nobody sends traffic; afterwards neither the service nor the host trips over the
/// connections that died. `failure` is the status of an answer that needs the database.
fn survives_a_restart_of_the_database(framework: Framework, plugin: &str, failure: u16) {
    let mut shop = Shop::start(framework, &orders(plugin), &[plugin]);
    assert_eq!(shop.post("/orders").status, 201);
    shop.host.wait_until(plugin, "healthy");
    shop.postgres.kill();
    shop.wait_unready();
    shop.wait_for("/health", |answer| answer.says(503, "unhealthy"));
    let said = shop.host.said(plugin, "unhealthy");
    assert!(said.starts_with("refused: "), "{said}");
    assert_eq!(shop.post("/orders").status, failure);
    assert_eq!(shop.host.get("/live").status, 200);
    shop.postgres.restart();
    shop.wait_ready();
    for _ in 0..4 {
        assert_eq!(shop.post("/orders").status, 201, "{}", shop.log());
    }
    // The question of the business is answered again, too: five orders wait, and two may.
    shop.host.wait_for_message(plugin, "waiting 5 orders, more than 2 orders");
}

/// A service that cannot start says why, ends with an error, and never gets traffic.
fn is_never_ready_when_its_start_fails(mut shop: Shop, scheme: &str, reason: &str) {
    shop.launch(&[("DATABASE_URL", format!("{scheme}://nobody:x@127.0.0.1:1/shop"))]);
    assert!(!shop.ended().success());
    assert!(shop.log().contains(reason), "{}", shop.log());
    let said = shop.host.said("shop", "unhealthy");
    assert!(said.contains("refused"), "{said}");
    shop.host.wait_until("database", "healthy");
    assert_eq!(shop.host.get("/ready").status, 503);
    shop.launch(&[]);
    shop.wait_ready();
}

/// On SIGTERM the process says that it goes before it is gone, on both ways of asking, and finishes what it has.
fn drains_on_sigterm(mut shop: Shop, check: &str) {
    let export = shop.ask_aside("GET", "/export?seconds=4");
    shop.wait_for_use();
    shop.terminate();
    shop.wait_for("/ready", |answer| answer.says(503, "draining"));
    shop.host.wait_for_message(check, "all processes are ending");
    shop.wait_unready();
    assert_eq!(export.join().unwrap().unwrap().status, 200);
    assert_eq!(shop.ended().code(), Some(0), "{}", shop.log());
}
