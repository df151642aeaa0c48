//! A real Flask service on gunicorn: what goes wrong with it in production, and what `/ready` and `/health` say then.

use std::time::{Duration, Instant};

use probity_tests::host::Answer;
use probity_tests::servers::shop::{Framework, Shop};

/// The pulse of the workers, with bounds that a test reaches.
const PULSE: &str = "
[[check]]
name = \"pulse\"
plugin = \"pulse\"
every = \"300ms\"
probes = [\"ready\"]
grants = { heartbeats = [\"shop\"] }
[check.config]
heartbeat = \"shop\"
busy = { warn = \"500ms\", crit = \"1s\" }
memory = { warn = \"300MiB\", crit = \"600MiB\" }
";

const ORDERS: &str = "
[[check]]
name = \"orders\"
plugin = \"orders\"
every = \"300ms\"
probes = [\"ready\"]
grants = { sql = [\"shop\"], redis = [\"cache\"] }
[check.config]
waiting = { warn = 2, crit = 100 }
";

fn start(checks: &str, plugins: &[&str]) -> Shop {
    Shop::start(Framework::Flask, checks, plugins)
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
fn flask_shows_the_board_and_its_absence() {
    let mut shop = start("", &[]);
    shop.wait_for("/ready", |answer| says(answer, 200, "ok") && answer.json()["version"] == "1.4.2");
    shop.wait_for("/health", |answer| says(answer, 200, "healthy"));
    shop.redis.kill();
    shop.wait_for("/health", |answer| says(answer, 200, "degraded"));
    shop.host.terminate();
    shop.host.ended();
    let away = |answer: &Answer| {
        says(answer, 503, "unknown")
            && answer.json()["message"].as_str().is_some_and(|said| said.starts_with("the health-check host is away"))
    };
    // Each worker has a cache of its own, in which the last answer grows too old.
    shop.wait_for("/ready", |answer| away(answer) && (0..8).all(|_| away(&shop.get("/ready"))));
    let start = Instant::now();
    assert!(says(&shop.get("/live"), 200, "unknown"));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(shop.get("/ping").status, 200);
}

// With every worker in a request the service is taken out, although it could not have said so itself; and comes back.
#[test]
fn flask_with_all_workers_busy_is_taken_out() {
    let shop = start(PULSE, &["pulse"]);
    message(&shop, "pulse", "healthy");
    let reports: Vec<_> = (0..2).map(|_| shop.ask_aside("GET", "/report?seconds=8")).collect();
    let said = message(&shop, "pulse", "unhealthy");
    assert!(said.starts_with("all-busy ") && said.ends_with(", more than 1 s"), "{said}");
    shop.host.wait_for("/ready", |answer| answer.status == 503);
    assert!(shop.ask("GET", "/ping", Duration::from_millis(100)).is_err(), "a worker was free");
    for report in reports {
        assert_eq!(report.join().unwrap().unwrap().status, 200);
    }
    shop.wait_ready();
}

// Memory that only grows is first something to look at, then a reason to stop.
#[test]
fn flask_that_grows_is_seen_before_it_dies() {
    let shop = start(PULSE, &["pulse"]);
    message(&shop, "pulse", "healthy");
    let grow_until = |status: &str| {
        let end = Instant::now() + probity_tests::host::PATIENCE;
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
    assert!(message(&shop, "pulse", "degraded").starts_with("memory "));
    assert_eq!(shop.host.get("/ready").status, 200, "degraded is no reason to stop");
    grow_until("unhealthy");
    shop.wait_unready();
}

// A dependency that is down or slow shows in /health; only what the operator calls critical takes the service out.
#[test]
fn flask_without_payments_stays_in_rotation() {
    let mut shop = start("", &[]);
    shop.payments.slow(Duration::from_millis(600));
    let said = message(&shop, "payments", "degraded");
    assert!(said.contains("more than 300 ms"), "{said}");
    shop.payments.slow(Duration::ZERO);
    message(&shop, "payments", "healthy");
    shop.payments.down();
    let said = message(&shop, "payments", "unhealthy");
    assert!(said.contains("refused"), "{said}");
    let health = shop.host.wait_for("/health", |answer| says(answer, 200, "degraded"));
    assert_eq!(health.json()["checks"]["payments"]["status"], "unhealthy");
    assert_eq!(shop.host.get("/ready").status, 200);
    assert_eq!(shop.post("/orders").status, 201);
    assert_eq!(shop.post("/orders/1/pay").status, 502);
    shop.payments.up();
    message(&shop, "payments", "healthy");
    assert_eq!(shop.post("/orders/1/pay").status, 200);
    shop.redis.kill();
    message(&shop, "cache", "unhealthy");
    assert_eq!(shop.post("/orders").status, 201, "{}", shop.log());
    assert_eq!(shop.host.get("/ready").status, 200);
}

// While the database restarts nobody sends traffic; afterwards neither the service nor the host trips over the
// connections that died.
#[test]
fn flask_survives_a_restart_of_the_database() {
    let mut shop = start(ORDERS, &["orders"]);
    assert_eq!(shop.post("/orders").status, 201);
    message(&shop, "orders", "healthy");
    shop.postgres.kill();
    shop.wait_unready();
    let said = message(&shop, "orders", "unhealthy");
    assert!(said.starts_with("refused: "), "{said}");
    assert_eq!(shop.post("/orders").status, 500);
    assert_eq!(shop.host.get("/live").status, 200);
    shop.postgres.restart();
    shop.wait_ready();
    for _ in 0..4 {
        assert_eq!(shop.post("/orders").status, 201, "{}", shop.log());
    }
    // The question of the business is answered again, too: five orders wait, and two may.
    shop.host.wait_for_message("orders", "waiting 5 orders, more than 2 orders");
}

// A service that cannot start never gets traffic, and the reason is visible.
#[test]
fn flask_that_fails_to_start_is_never_ready() {
    let mut shop = Shop::prepared(Framework::Flask, "", &[]);
    shop.launch(&[("DATABASE_URL", "postgresql+psycopg://nobody:x@127.0.0.1:1/shop".to_owned())]);
    shop.ended();
    assert!(shop.log().contains("connection failed"), "{}", shop.log());
    let said = message(&shop, "shop", "unhealthy");
    assert!(said.contains("refused"), "{said}");
    message(&shop, "database", "healthy");
    assert_eq!(shop.host.get("/ready").status, 503);
    shop.launch(&[]);
    shop.wait_ready();
}

// On SIGTERM what is being answered is answered; new traffic stops.
#[test]
fn flask_drains_on_sigterm() {
    let mut shop = start("", &[]);
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
    shop.host.wait_for("/checks/shop", |answer| {
        let check = answer.json();
        check["status"] == "unhealthy" && check["message"].as_str().is_some_and(|said| said.contains("refused"))
    });
}
