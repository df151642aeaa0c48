//! A real Django service on gunicorn: the views, and a check that orders without ordering.

use probity_tests::servers::shop::{Framework, Shop};

const CHECKOUT: &str = "
[[check]]
name = \"checkout\"
plugin = \"checkout\"
every = \"300ms\"
probes = [\"ready\"]
timeout = \"3s\"
grants = { sql = [\"shop:write\"] }
[check.config]
duration = { warn = \"1s\", crit = \"2s\" }
";

// The dummy order goes all the way and leaves nothing; when ordering is impossible the service is taken out, although it
// answers.
#[test]
fn django_is_taken_out_when_nobody_can_order() {
    let mut shop = Shop::start(Framework::Django, CHECKOUT, &["checkout"]);
    assert_eq!(shop.host.wait_until("checkout", "healthy")["message"], "ordering works");
    assert_eq!(shop.post("/orders").status, 201);
    assert_eq!(shop.postgres.sql("SELECT count(*) FROM shop_order"), "1", "a dummy order was kept");
    shop.wait_for("/ready", |answer| answer.status == 200 && answer.json()["version"] == "3.1.0");
    shop.postgres.sql("ALTER TABLE shop_order RENAME TO shop_order_gone");
    let said = shop.host.wait_until("checkout", "unhealthy");
    assert!(said["message"].as_str().unwrap().starts_with("ordering fails: remote: "), "{said}");
    assert_eq!(shop.get("/ping").status, 200);
    shop.wait_for("/ready", |answer| answer.status == 503 && answer.json()["status"] == "unhealthy");
    shop.postgres.sql("ALTER TABLE shop_order_gone RENAME TO shop_order");
    shop.wait_for("/ready", |answer| answer.status == 200);
    shop.postgres.kill();
    shop.wait_unready();
    shop.postgres.restart();
    shop.wait_ready();
    assert_eq!(shop.post("/orders").status, 201, "{}", shop.log());
}
