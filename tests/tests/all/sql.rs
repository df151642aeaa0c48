//! The `sql` capability and the checks that use it, against real servers.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use probity_config::grants::NamedGrant;
use probity_config::{Connection, Egress, Grants, ServerConnection, SqlBounds};
use probity_drivers::net::{Net, Resolver};
use probity_drivers::sql::{Access, Databases};
use probity_tests::guests::first_party;
use probity_tests::host::Host;
use probity_tests::servers::mariadb::{self, MariaDb};
use probity_tests::servers::postgres::{self, Postgres};
use serde_json::Value;

/// A host whose check `db` asks the database at `url`, ten times a second.
pub(super) fn host(url: &str, config: &str) -> Host {
    host_with(&format!("url = \"{url}\""), "every = \"100ms\"\ntimeout = \"1s\"", config)
}

pub(super) fn host_with(connection: &str, check: &str, config: &str) -> Host {
    let host = Host::start(&format!(
        "[connections.shop]\n{connection}\n[[check]]\nname = \"db\"\nplugin = \"sql\"\n{check}\n\
         grants = {{ sql = [\"shop\"] }}\n[check.config]\nconnection = \"shop\"\n{config}"
    ));
    host.copy_in("sql", &first_party("sql"));
    host
}

pub(super) fn query(statement: &str) -> String {
    format!("mode = \"query\"\nquery = {statement:?}\n")
}

fn wait_for(host: &Host, status: &str, text: &str) -> Value {
    host.wait_until_says("db", status, text)
}

/// Everything the host tells anyone.
fn emitted(host: &Host) -> String {
    let paths = ["/checks/db", "/checks", "/health", "/metrics", "/plugins", "/plugins/sql", "/checks/db/history"];
    paths.iter().fold(host.log(), |all, path| all + &host.get(path).body)
}

// A value of PostgreSQL is judged as it changes, and an exact number keeps its digits.
#[test]
fn a_value_of_postgres_is_judged() {
    let server = Postgres::start();
    server.sql("CREATE TABLE orders (state text); INSERT INTO orders SELECT 'pending' FROM generate_series(1, 3)");
    let statement = query("SELECT count(*)::numeric(9, 2) FROM orders WHERE state = $1");
    let host = host(&server.url(), &(statement + "params = [\"pending\"]\nat-most = { warn = 3, crit = 5 }\n"));
    let check = wait_for(&host, "healthy", "3.00");
    assert_eq!(check["measurements"]["value"]["value"], 3.0, "{check}");
    server.sql("INSERT INTO orders VALUES ('pending')");
    wait_for(&host, "degraded", "4");
}

// The same check on MariaDB and on SQLite: only the connection differs.
#[test]
fn other_engines_answer_alike() {
    let server = MariaDb::start();
    server.sql("CREATE TABLE shop.orders (n INT); INSERT INTO shop.orders VALUES (1), (2), (NULL)");
    let statement = query("SELECT count(n), 1.5, 'x' FROM orders") + "equals = 2\n";
    wait_for(&host(&server.url(), &statement), "healthy", "gave 2");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("shop.db");
    let made = std::process::Command::new("python3").arg("-c").arg(SQLITE).arg(&file).status().unwrap();
    assert!(made.success());
    wait_for(&host(&format!("sqlite://{}", file.display()), &statement), "healthy", "gave 2");
}

/// Makes a file as any other program would.
const SQLITE: &str = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); \
     c.executescript('CREATE TABLE orders (n INT); INSERT INTO orders VALUES (1), (2), (NULL)')";

// A wrong password is `auth`; neither it nor a right one is in anything that the host emits.
#[test]
fn passwords_stay_inside() {
    let (postgres, mariadb) = (Postgres::start(), MariaDb::start());
    let wrong = "carp-of-the-database";
    let cases = [
        (postgres.url().replace(postgres::PASSWORD, wrong), "unhealthy", "28P01", wrong),
        (postgres.url(), "healthy", "answers", postgres::PASSWORD),
        (mariadb.url().replace(mariadb::PASSWORD, wrong), "unhealthy", "28000", wrong),
        (mariadb.url(), "healthy", "answers", mariadb::PASSWORD),
    ];
    for (url, status, text, secret) in cases {
        let host = host(&url, "");
        let check = wait_for(&host, status, text);
        assert!(status == "healthy" || check["message"].to_string().contains("auth: "), "{check}");
        let emitted = emitted(&host);
        assert!(emitted.contains("shop") && !emitted.contains(secret), "{emitted}");
    }
}

// A closed port says so, and a server that comes up later is found without a restart of the host.
#[test]
fn a_server_may_come_later() {
    let mut server = Postgres::start();
    server.kill();
    let host = host(&server.url(), "");
    wait_for(&host, "unhealthy", "ECONNREFUSED");
    server.restart();
    wait_for(&host, "healthy", "shop answers");
}

// A server that accepts and says nothing is a timeout within the run's time, for either driver.
#[test]
fn a_silent_server_is_a_timeout() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    for scheme in ["postgres", "mysql"] {
        let host = host(&format!("{scheme}://probe:secret@127.0.0.1:{port}/shop"), "");
        let check = wait_for(&host, "unhealthy", "timeout: ");
        let ms = check["duration_ms"].as_f64().unwrap();
        assert!((800.0..3_000.0).contains(&ms), "{check}");
    }
}

// A statement that takes too long ends with the run: the server works on it no more.
#[test]
fn slow_statements_are_cancelled_on_the_server() {
    let postgres = Postgres::start();
    let slow = host(&postgres.url(), &query("SELECT pg_sleep(600)::text"));
    postgres.wait_for(|| postgres.sessions("AND query LIKE '%pg_sleep%' AND state = 'active'") > 0);
    wait_for(&slow, "unhealthy", "timeout: ");
    drop(slow);
    postgres.wait_for(|| postgres.sessions("") == 0);
    let mariadb = MariaDb::start();
    let slow = host(&mariadb.url(), &query("SELECT sleep(600)"));
    mariadb.wait_for(|| mariadb.sessions("AND info LIKE '%sleep(600)%'") > 0);
    wait_for(&slow, "unhealthy", "timeout: ");
    drop(slow);
    mariadb.wait_for(|| mariadb.sessions("") == 0);
}

// After a crash in the middle of a statement and a restart the next run is healthy: sessions that died meanwhile are
// nobody's business.
#[test]
fn restarts_cause_no_false_alarm() {
    let mut server = Postgres::start();
    let sleepy = query("SELECT count(*) FROM (SELECT pg_sleep(n) FROM naps) AS nap");
    server.sql("CREATE TABLE naps (n float8)");
    let url = format!("url = \"{}\"", server.url());
    let host = host_with(&url, "every = \"1h\"\ntimeout = \"20s\"", &sleepy);
    wait_for(&host, "healthy", "gave 0");
    server.sql("INSERT INTO naps VALUES (600)");
    let run = std::thread::scope(|scope| {
        let run = scope.spawn(|| host.run_now("db").json());
        server.wait_for(|| server.sessions("AND query LIKE '%pg_sleep%' AND state = 'active'") > 0);
        server.kill();
        run.join().unwrap()
    });
    assert_eq!(run["status"], "unhealthy", "{run}");
    server.restart();
    server.sql("TRUNCATE naps");
    for _ in 0..3 {
        let run = host.run_now("db").json();
        assert_eq!(run["status"], "healthy", "{run}");
        server.kill();
        server.restart();
    }
}

// MariaDB that dies in the middle of a statement is unhealthy at once, and healthy at the next run after it is back.
#[test]
fn mariadb_may_die_in_the_middle() {
    let mut server = MariaDb::start();
    server.sql("CREATE TABLE shop.naps (n INT)");
    let sleepy = query("SELECT count(sleep(n)) FROM naps");
    let host = host_with(&format!("url = \"{}\"", server.url()), "every = \"1h\"\ntimeout = \"20s\"", &sleepy);
    wait_for(&host, "healthy", "gave 0");
    server.sql("INSERT INTO shop.naps VALUES (600)");
    let run = std::thread::scope(|scope| {
        let run = scope.spawn(|| host.run_now("db").json());
        server.wait_for(|| server.sessions("AND info LIKE '%sleep(n)%'") > 0);
        server.kill();
        run.join().unwrap()
    });
    assert_eq!(run["status"], "unhealthy", "{run}");
    assert!(run["duration_ms"].as_f64().unwrap() < 15_000.0, "{run}");
    server.restart();
    server.sql("TRUNCATE shop.naps");
    let run = host.run_now("db").json();
    assert_eq!(run["status"], "healthy", "{run}");
}

// The same for MariaDB, whose sessions are numbered anew after a restart: giving up the dead session must not kill the
// new one that has its number.
#[test]
fn mariadb_may_restart_as_well() {
    let mut server = MariaDb::start();
    let host = host_with(&format!("url = \"{}\"", server.url()), "every = \"1h\"", "");
    wait_for(&host, "healthy", "answers");
    for _ in 0..2 {
        server.kill();
        server.restart();
        for _ in 0..5 {
            let run = host.run_now("db").json();
            assert_eq!(run["status"], "healthy", "{run}");
        }
    }
}

// Without `:write` the server itself refuses changes, however the statement goes about them, and the message says what
// would allow them.
#[test]
fn the_server_refuses_changes() {
    let postgres = Postgres::start();
    postgres.sql("CREATE TABLE t (n int); CREATE PROCEDURE put() LANGUAGE sql AS 'INSERT INTO t VALUES (1)'");
    for statement in [
        "INSERT INTO t VALUES (1) RETURNING n",
        "WITH put AS (INSERT INTO t VALUES (1) RETURNING n) SELECT n FROM put",
        "CALL put()",
        "DROP TABLE t",
    ] {
        let host = host(&postgres.url(), &query(statement));
        wait_for(&host, "unknown", "shop:write");
    }
    for statement in
        ["DO $$ BEGIN SET TRANSACTION READ WRITE; INSERT INTO t VALUES (1); END $$", "COMMIT; DROP TABLE t"]
    {
        wait_for(&host(&postgres.url(), &query(statement)), "unknown", "shop:write");
    }
    wait_for(&host(&postgres.url(), &query("SELECT 1; DROP TABLE t")), "unhealthy", "remote: ");
    assert_eq!(postgres.sql("SELECT count(*) FROM t"), "0");
    let mariadb = MariaDb::start();
    mariadb.sql("CREATE TABLE shop.t (n INT)");
    for statement in ["INSERT INTO t VALUES (1)", "DROP TABLE t"] {
        wait_for(&host(&mariadb.url(), &query(statement)), "unknown", "shop:write");
    }
    assert_eq!(mariadb.sql("SELECT count(*) FROM shop.t"), "0");
}

// A user who may write files or start programs on the server is not kept to reading by it, and so is refused: a
// superuser, a member of the roles for it, directly or through another, and who may become one.
#[test]
fn users_with_power_over_the_server_are_refused() {
    let postgres = Postgres::start();
    let role = |name: &str, more: &str| format!("CREATE ROLE {name} LOGIN PASSWORD '{}'; {more};", postgres::PASSWORD);
    postgres.admin_sql(
        &[
            role("programs", "GRANT pg_execute_server_program TO programs"),
            "CREATE ROLE between; GRANT pg_write_server_files TO between;".to_owned(),
            role("files", "GRANT between TO files; ALTER ROLE files NOINHERIT"),
            role("heir", "CREATE ROLE boss SUPERUSER; GRANT boss TO heir"),
            role("modest", "ALTER ROLE programs SET role = 'modest'; GRANT modest TO programs"),
            role("copier", "ALTER ROLE copier REPLICATION"),
        ]
        .concat(),
    );
    let statement = query("SELECT 1");
    for user in [postgres::ADMIN, "programs", "files", "heir", "copier"] {
        let check = wait_for(&host(&postgres.url_of(user), &statement), "unknown", "shop:write");
        assert!(check["message"].to_string().contains("CREATE ROLE probity"), "{check}");
    }
    wait_for(&host(&postgres.url_of("modest"), &statement), "healthy", "gave 1");
    let mariadb = MariaDb::start();
    mariadb.sql(&format!(
        "CREATE USER files@'127.0.0.1' IDENTIFIED BY '{}'; GRANT FILE ON *.* TO files@'127.0.0.1'; \
         GRANT SELECT ON shop.* TO files@'127.0.0.1'",
        mariadb::PASSWORD
    ));
    wait_for(&host(&mariadb.url().replacen(mariadb::USER, "files", 1), &statement), "unknown", "shop:write");
    wait_for(&host(&mariadb.url(), &statement), "healthy", "gave 1");
}

// Statements that act outside of the read-only transaction, or end it, do not get to the server.
#[test]
fn statements_outside_of_the_transaction_are_not_sent() {
    let postgres = Postgres::start();
    postgres.sql("CREATE TABLE t (n int); CREATE SEQUENCE s");
    for statement in [
        "PREPARE TRANSACTION 'left-behind'",
        "COPY (SELECT 1) TO PROGRAM 'cat > /tmp/probity-left-behind'",
        "COPY (SELECT 1) TO '/tmp/probity-left-behind'",
        "LISTEN x",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
        "LOCK TABLE t",
        "/* looks */ SET default_transaction_read_only = off",
    ] {
        wait_for(&host(&postgres.url(), &query(statement)), "unknown", "shop:write");
    }
    wait_for(&host(&postgres.url(), &query("SELECT nextval('s')::text")), "unknown", "shop:write");
    let left =
        "SELECT (SELECT count(*) FROM pg_prepared_xacts) + (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')";
    wait_for(&host(&postgres.url(), &query("SELECT pg_advisory_lock(1)::text")), "healthy", "gave");
    postgres.wait_for(|| postgres.admin_sql(left) == "0");
    assert!(!std::path::Path::new("/tmp/probity-left-behind").exists());
    let mariadb = MariaDb::start();
    mariadb.sql("CREATE TABLE shop.t (n INT); CREATE PROCEDURE shop.put() INSERT INTO shop.t VALUES (1)");
    for statement in [
        "BEGIN NOT ATOMIC COMMIT; SET SESSION TRANSACTION READ WRITE; INSERT INTO t VALUES (1); END",
        "CALL put()",
        "XA START 'x'",
        "SET SESSION TRANSACTION READ WRITE",
        "/*M!100000 DROP TABLE t */",
        "LOCK TABLES t WRITE",
        "KILL 1",
    ] {
        wait_for(&host(&mariadb.url(), &query(statement)), "unknown", "shop:write");
    }
    wait_for(&host(&mariadb.url(), &query("SELECT get_lock('x', 0)")), "healthy", "gave 1");
    mariadb.wait_for(|| mariadb.sql("SELECT is_free_lock('x')") == "1");
    assert_eq!(mariadb.sql("SELECT count(*) FROM shop.t"), "0");
}

// What a statement sets in a read-only session is gone for the next run.
#[test]
fn session_state_does_not_leak() {
    let server = Postgres::start();
    let all = ["set", "look"].map(|name| {
        let statement = match name {
            "set" => "SELECT set_config('search_path', 'elsewhere', false)",
            _ => "SELECT current_setting('search_path')",
        };
        format!(
            "[[check]]\nname = \"{name}\"\nplugin = \"sql\"\nevery = \"1h\"\ngrants = {{ sql = [\"shop\"] }}\n\
             [check.config]\nconnection = \"shop\"\nmode = \"query\"\nquery = \"{statement}\"\n"
        )
    });
    let host = Host::start(&format!("[connections.shop]\nurl = \"{}\"\npool = 1\n{}", server.url(), all.concat()));
    host.copy_in("sql", &first_party("sql"));
    host.wait_until("set", "healthy");
    for _ in 0..3 {
        let _ = host.run_now("set");
        let look = host.run_now("look").json();
        assert!(look["message"].as_str().unwrap().contains("public"), "{look}");
    }
    assert_eq!(server.sessions(""), 1, "the pool's only session");
}

// A dummy payment is booked and leaves nothing, on PostgreSQL and on MariaDB; without `:write` it says what is missing.
#[test]
fn a_dummy_payment_leaves_nothing() {
    const TABLE: &str = "payments (reference varchar(80) PRIMARY KEY, amount_cents int NOT NULL)";
    let (postgres, mariadb) = (Postgres::start(), MariaDb::start());
    postgres.sql(&format!("CREATE TABLE {TABLE}"));
    mariadb.sql(&format!("CREATE TABLE shop.{TABLE}"));
    let payments = |url: &str, grant: &str| {
        let host = Host::start(&format!(
            "[connections.payments-db]\nurl = \"{url}\"\n[[check]]\nname = \"db\"\nplugin = \"dummy-payment\"\n\
             every = \"100ms\"\ngrants = {{ sql = [\"{grant}\"] }}\n"
        ));
        host.copy_in("dummy-payment", &first_party("dummy-payment"));
        host
    };
    for url in [postgres.url(), mariadb.url()] {
        let host = payments(&url, "payments-db:write");
        wait_for(&host, "healthy", "a payment can be booked");
        host.wait_for("/checks/db", |answer| answer.json()["counters"]["runs"].as_u64() > Some(5));
    }
    assert_eq!(postgres.sql("SELECT count(*) FROM payments"), "0");
    assert_eq!(mariadb.sql("SELECT count(*) FROM shop.payments"), "0");
    wait_for(&payments(&postgres.url(), "payments-db"), "unknown", "payments-db:write");
}

// Two hundred runs that ended in the middle of a statement leave no session on the server beyond the pool's, and a host
// that forgets the connection leaves none at all.
#[test]
fn timed_out_runs_leave_no_session() {
    const CHECKS: [&str; 5] = ["a", "b", "c", "d", "e"];
    let server = Postgres::start();
    let checks = CHECKS.map(|name| {
        format!(
            "[[check]]\nname = \"{name}\"\nplugin = \"sql\"\nevery = \"100ms\"\ntimeout = \"150ms\"\n\
             grants = {{ sql = [\"shop\"] }}\n[check.config]\nconnection = \"shop\"\n{}",
            query("SELECT pg_sleep(600)::text")
        )
    });
    let host = Host::start(&format!("[connections.shop]\nurl = \"{}\"\npool = 5\n{}", server.url(), checks.concat()));
    host.copy_in("sql", &first_party("sql"));
    for name in CHECKS {
        host.wait_for(&format!("/checks/{name}"), |answer| {
            answer.status == 200 && answer.json()["counters"]["runs"].as_u64() > Some(40)
        });
    }
    // The pool and as many again that are being cancelled, never one per run.
    let left = server.sessions("");
    assert!(left <= 10, "{left}: {}", server.sql("SELECT state, query FROM pg_stat_activity"));
    host.reconfigure("");
    server.wait_for(|| server.sessions("") == 0);
}

// The questions of the first-party check that need a server to be worth asking.
#[test]
fn servers_tell_about_themselves() {
    let (postgres, mariadb) = (Postgres::start(), MariaDb::start());
    postgres.sql("CREATE TABLE schema_migrations (version bigint); INSERT INTO schema_migrations VALUES (20260101)");
    mariadb.sql(
        "CREATE TABLE shop.schema_migrations (version BIGINT); INSERT INTO shop.schema_migrations VALUES (20260101)",
    );
    for url in [postgres.url(), mariadb.url()] {
        wait_for(&host(&url, "mode = \"connections\""), "healthy", "connections in use");
        wait_for(&host(&url, "mode = \"migrations\"\nexpect = \"20260101\""), "healthy", "1 migrations applied");
        wait_for(&host(&url, "mode = \"migrations\"\nexpect = \"20270101\""), "unhealthy", "20270101 is not applied");
    }
    wait_for(&host(&postgres.url(), "mode = \"replication-lag\""), "unhealthy", "a primary without replicas");
    wait_for(&host(&mariadb.url(), "mode = \"replication-lag\""), "unhealthy", "follows nobody");
}

/// The database at `url` as the host's own code sees it, without a sandbox around it.
fn databases(url: &str, idle: Duration) -> Databases {
    let server = ServerConnection { url: url.parse().unwrap(), tls: false, ca: None, identity: None };
    let bounds = SqlBounds { pool: 2, rows_max: 10, idle };
    let connection = match server.url.scheme() {
        "postgres" => Connection::Postgres(server, bounds),
        _ => Connection::MySql(server, bounds),
    };
    Databases::new(&Net::new(Egress::default(), Resolver::default()), &[("shop".to_owned(), connection)].into())
}

/// Runs `statement` with ten minutes' time, and gives up once the server works on it.
async fn give_up(databases: &Databases, statement: &str, access: Access, works: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(10);
    let grants = Grants { sql: vec![NamedGrant::sql("shop:write").unwrap()], ..Grants::default() };
    let (database, _) = databases.granted("shop", &grants).unwrap();
    let mut session = database.session(access, deadline).await.unwrap();
    let call = session.query(statement, &[], 1 << 20, deadline);
    let looks = async {
        while !works() {
            tokio::time::sleep(Duration::from_millis(20)).await; // the distance of two looks
        }
    };
    tokio::select! {
        answer = call => panic!("{answer:?}"),
        () = looks => {}
    }
}

// A call that is dropped is cancelled on the server at once, although the server's own limit is far away.
#[tokio::test(flavor = "multi_thread")]
async fn dropped_calls_are_cancelled() {
    let (postgres, mariadb) = (Postgres::start(), MariaDb::start());
    let of_postgres = || postgres.sessions("AND query LIKE '%pg_sleep%' AND state = 'active'") > 0;
    let of_mariadb = || mariadb.sessions("AND info LIKE '%sleep(600)%'") > 0;
    let (in_postgres, in_mariadb) =
        (databases(&postgres.url(), SqlBounds::IDLE), databases(&mariadb.url(), SqlBounds::IDLE));
    for access in [Access::Read, Access::Write] {
        give_up(&in_postgres, "SELECT pg_sleep(600)::text", access, of_postgres).await;
        postgres.wait_for(|| !of_postgres());
        give_up(&in_mariadb, "SELECT sleep(600)", access, of_mariadb).await;
        mariadb.wait_for(|| !of_mariadb());
    }
}

/// Asks once, and lets go of the session.
async fn ask(databases: &Databases) {
    let deadline = Instant::now() + Duration::from_secs(10);
    let grants = Grants { sql: vec![NamedGrant::sql("shop").unwrap()], ..Grants::default() };
    let (database, access) = databases.granted("shop", &grants).unwrap();
    database.session(access, deadline).await.unwrap().ping(deadline).await.unwrap();
}

// A session that nobody uses is closed after its time, on either server, and the next question opens another; one with
// more time is still there.
#[tokio::test(flavor = "multi_thread")]
async fn idle_sessions_are_closed() {
    let (postgres, mariadb) = (Postgres::start(), MariaDb::start());
    let sessions = || (postgres.sessions(""), mariadb.sessions(""));
    let kept = (databases(&postgres.url(), SqlBounds::IDLE), databases(&mariadb.url(), SqlBounds::IDLE));
    ask(&kept.0).await;
    ask(&kept.1).await;
    let short = Duration::from_millis(200);
    let closed = (databases(&postgres.url(), short), databases(&mariadb.url(), short));
    for _ in 0..2 {
        ask(&closed.0).await;
        ask(&closed.1).await;
        postgres.wait_for(|| sessions() == (1, 1));
    }
    drop(kept);
    postgres.wait_for(|| sessions() == (0, 0));
}
