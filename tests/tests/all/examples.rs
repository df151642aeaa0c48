//! What the examples configure works as they say, on real databases.

use std::process::Command;

use probity_tests::guests::first_party;
use probity_tests::host::{Host, TOKEN};
use probity_tests::servers::postgres::{PASSWORD, Postgres};
use probity_tests::servers::{Process, program, wait_until};

use super::docs::{read, root};

/// The line of the quickstart that says where the database is.
const LINE: &str = "url = \"sqlite:shop.db\"";

// The quickstart's check of the database: on the file that the shop writes, and, with exactly one other line and no
// restart, on PostgreSQL.
#[test]
fn one_line_makes_sqlite_postgres() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("plugins")).unwrap();
    let log = dir.path().join("shop.log");
    let mut shop = Command::new(program("python3", "python3"));
    shop.arg(root().join("examples/quickstart/shop.py")).args(["0", "shop.db"]).current_dir(dir.path());
    let _shop = Process::start(&mut shop, &log);
    let said = || std::fs::read_to_string(&log).unwrap_or_default();
    wait_until(&log, || said().contains("/orders"));
    let orders = said().split_whitespace().find(|word| word.starts_with("http://")).unwrap().to_owned();
    let post = |path: &str| ureq::post(format!("{orders}{path}")).send_empty().unwrap();

    // Only the port differs from what a reader has.
    let sqlite =
        read("examples/quickstart/probity.toml").replace("listen = \"127.0.0.1:8080\"", "listen = \"127.0.0.1:0\"");
    assert_eq!(sqlite.matches(LINE).count(), 1, "{sqlite}");
    let host = Host::start_with(dir, &sqlite, &[("PROBITY_TOKEN", TOKEN.to_owned())]);
    host.copy_in("orders-db", &first_party("orders-db"));
    host.wait_until_says("orders-db", "healthy", "0 orders wait");
    post("?count=6");
    host.wait_until_says("orders-db", "degraded", "pending 6");
    post("/pay");
    host.wait_until_says("orders-db", "healthy", "0 orders wait");

    let server = Postgres::start();
    server.sql("CREATE TABLE orders (state text NOT NULL, created_unix bigint NOT NULL)");
    let postgres = sqlite.replace(LINE, &format!("url = \"{}\"", server.url()));
    let changed = sqlite.lines().zip(postgres.lines()).filter(|(old, new)| old != new).count();
    assert_eq!((changed, sqlite.lines().count()), (1, postgres.lines().count()));
    server.sql("INSERT INTO orders SELECT 'pending', extract(epoch FROM now()) FROM generate_series(1, 7)");
    host.reconfigure(&postgres);
    host.wait_until_says("orders-db", "degraded", "pending 7");
    server.sql("INSERT INTO orders VALUES ('pending', extract(epoch FROM now()) - 3600)");
    host.wait_until_says("orders-db", "unhealthy", "more than 10 m");
    server.sql("UPDATE orders SET state = 'paid'");
    host.wait_until_says("orders-db", "healthy", "0 orders wait");
    assert!(!host.log().contains(PASSWORD), "{}", host.log());
}

// A payment is booked on a real server, and none is there afterwards; without the table the check says so.
#[test]
fn dummy_payments_leave_nothing() {
    let server = Postgres::start();
    let host = Host::start(&format!(
        "[connections.payments-db]\nurl = \"{}\"\n[[check]]\nname = \"dummy-payment\"\nevery = \"200ms\"\n\
         grants = {{ sql = [\"payments-db:write\"] }}\n",
        server.url()
    ));
    host.copy_in("dummy-payment", &first_party("dummy-payment"));
    host.wait_until_says("dummy-payment", "unhealthy", "42P01");
    server.sql("CREATE TABLE payments (reference text PRIMARY KEY, amount_cents bigint NOT NULL)");
    host.wait_until_says("dummy-payment", "healthy", "a payment can be booked");
    assert_eq!(server.sql("SELECT count(*) FROM payments"), "0");
    // They were really there: rows that are rolled back leave the space that they took.
    assert_ne!(server.sql("SELECT pg_relation_size('payments')"), "0");
}

// What `probity init` makes of all first-party checks is what a host would run: each example fits its plugin's schema, and
// each component was found.
#[test]
fn init_makes_a_host_that_would_run() {
    let dir = tempfile::tempdir().unwrap();
    let components = probity_tests::host::binary().ancestors().nth(2).unwrap().join("components");
    let probity = |line: &str| {
        let mut probity = Command::new(probity_tests::host::binary());
        probity.current_dir(dir.path()).env("PROBITY_COMPONENTS", &components).args(line.split(' '));
        let output = probity.output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "probity {line}: {said}");
        said
    };
    assert!(!probity("init host --with all").contains("put into plugins/"));
    assert!(probity("validate host/probity.toml").contains("valid, 24 checks"));
}
