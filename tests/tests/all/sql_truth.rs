//! What the `sql` check says where a database hides something, answers in types of its own, or is behind a pooler.

use std::fmt::Write;

use probity_tests::guests::first_party;
use probity_tests::host::Host;
use probity_tests::servers::mariadb::{self, MariaDb};
use probity_tests::servers::pgbouncer::PgBouncer;
use probity_tests::servers::postgres::{self, Postgres};
use probity_tests::servers::redis::Redis;

use super::sql::{host, query};

/// A host with a check for each name and its `[check.config]`, all of them at `url`.
pub(super) fn checks(url: &str, checks: &[(&str, &str)]) -> Host {
    let mut config = format!("[connections.shop]\nurl = \"{url}\"\n");
    for (name, keys) in checks {
        write!(
            config,
            "[[check]]\nname = \"{name}\"\nplugin = \"sql\"\nevery = \"200ms\"\ntimeout = \"5s\"\n\
             grants = {{ sql = [\"shop\"] }}\n[check.config]\nconnection = \"shop\"\n{keys}\n"
        )
        .unwrap();
    }
    let host = Host::start(&config);
    host.copy_in("sql", &first_party("sql"));
    host
}

// Connections of others count, also for a user to whom the server does not say what they do.
#[test]
fn hidden_sessions_count() {
    let server = Postgres::start();
    server.admin_sql(&format!("CREATE ROLE plain LOGIN PASSWORD '{}'", postgres::PASSWORD));
    let _held = server.hold(12);
    let asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    server.wait_for(|| server.admin_sql(asleep) == "12");
    for url in [server.url_of("plain"), server.url()] {
        let host = host(&url, "mode = \"connections\"");
        // The check's own is the thirteenth; three of twenty are for superusers.
        host.wait_until_says("db", "healthy", "13 of 17 connections in use");
    }
}

// A question that the server does not answer for lack of a right is unknown, and the right is named; the number of
// connections MariaDB tells everybody.
#[test]
fn missing_rights_are_named() {
    let (postgres, mariadb) = (Postgres::start(), MariaDb::start());
    postgres.admin_sql(&format!(
        "CREATE ROLE plain LOGIN PASSWORD '{}'; CREATE TABLE schema_migrations (version text)",
        postgres::PASSWORD
    ));
    mariadb.sql(&format!(
        "CREATE USER plain@'127.0.0.1' IDENTIFIED BY '{}'; GRANT INSERT ON shop.* TO plain@'127.0.0.1'; \
         CREATE TABLE shop.schema_migrations (version text)",
        mariadb::PASSWORD
    ));
    let asked = [
        ("lag", "mode = \"replication-lag\""),
        ("migrations", "mode = \"migrations\""),
        ("connections", "mode = \"connections\""),
    ];
    let host = checks(&postgres.url_of("plain"), &asked);
    host.wait_until_says("migrations", "unknown", "permission denied for table schema_migrations");
    host.wait_until_says("lag", "unhealthy", "a primary without replicas");
    let host = checks(&mariadb.url().replacen(mariadb::USER, "plain", 1), &asked);
    host.wait_until_says("lag", "unknown", "MONITOR");
    host.wait_until_says("migrations", "unknown", "SELECT command denied");
    host.wait_until_says("connections", "healthy", "connections in use");
}

/// A check of mode `query` for each name, statement and rule.
fn values(url: &str, asked: &[(&str, &str, &str)]) -> Host {
    let keys: Vec<String> = asked.iter().map(|(_, statement, rule)| format!("{}{rule}\n", query(statement))).collect();
    let named: Vec<(&str, &str)> = asked.iter().zip(&keys).map(|((name, ..), keys)| (*name, keys.as_str())).collect();
    checks(url, &named)
}

// Each type of PostgreSQL is judged as what it is, or refused by its name with what to write.
#[test]
fn postgres_types_are_judged_or_refused_by_name() {
    const BOUNDS: &str = "at-most = { warn = 1 }";
    let server = Postgres::start();
    let refused = [
        ("interval", "SELECT '1 hour'::interval", "extract(epoch FROM COLUMN)"),
        ("money", "SELECT 5::money", "COLUMN::numeric"),
        ("array", "SELECT ARRAY[1]", "cardinality(COLUMN)"),
        ("bits", "SELECT B'101'", "COLUMN::bigint"),
        ("point", "SELECT point(1, 2)", "COLUMN::text"),
        ("time", "SELECT now()", "extract(epoch FROM now() - COLUMN)"),
        ("uuid", "SELECT gen_random_uuid()", "equals"),
        ("json", "SELECT '{}'::jsonb", "COLUMN->>'KEY'"),
        ("bool", "SELECT true", "COLUMN::int"),
        ("bytes", "SELECT '\\x01'::bytea", "length(COLUMN)"),
    ];
    let judged = [
        ("large", "SELECT 9007199254740993::int8", "equals = 9007199254740993", "healthy"),
        ("beyond", "SELECT 9007199254740993::int8", "at-most = { crit = 9007199254740992 }", "unhealthy"),
        ("exact", "SELECT 9007199254740993::numeric(30, 2)", "at-most = { crit = 9007199254740992 }", "unhealthy"),
        ("address", "SELECT '10.0.0.1'::inet", "equals = \"10.0.0.1\"", "healthy"),
        ("network", "SELECT '10.0.0.0/8'::cidr", "equals = \"10.0.0.0/8\"", "healthy"),
        ("number", "SELECT '3'::jsonb", "at-most = { warn = 3 }", "healthy"),
        ("null", "SELECT max(n) FROM generate_series(1, 0) AS n", "at-most = { warn = 3 }", "unhealthy"),
        (
            "none",
            "SELECT max(n) FROM generate_series(1, 0) AS n",
            "at-most = { warn = 3 }\non-null = \"healthy\"",
            "healthy",
        ),
    ];
    let asked: Vec<_> = refused.iter().map(|(name, statement, _)| (*name, *statement, BOUNDS)).collect();
    let told: Vec<_> = judged.iter().map(|(name, statement, rule, _)| (*name, *statement, *rule)).collect();
    let host = values(&server.url(), &[asked, told].concat());
    for (name, _, words) in refused {
        host.wait_until_says(name, "unknown", words);
    }
    for (name, _, _, status) in judged {
        host.wait_until(name, status);
    }
}

// The same of MariaDB.
#[test]
fn mariadb_types_are_judged_or_refused_by_name() {
    let server = MariaDb::start();
    server.sql(
        "CREATE TABLE shop.t (one bit, many bit(10), big bigint unsigned, y year, d decimal(20, 3), e enum('a', 'b'), \
         at datetime, took time); INSERT INTO shop.t VALUES (1, 513, 18446744073709551615, 2026, 9007199254740993, 'b', \
         now(), '01:00:00')",
    );
    let judged = [
        ("one", "SELECT one FROM t", "equals = true", "healthy"),
        ("many", "SELECT many FROM t", "equals = 513", "healthy"),
        ("big", "SELECT big FROM t", "at-most = { crit = 9223372036854775807 }", "unhealthy"),
        ("year", "SELECT y FROM t", "equals = 2026", "healthy"),
        ("decimal", "SELECT d FROM t", "at-most = { crit = 9007199254740992 }", "unhealthy"),
        ("enum", "SELECT e FROM t", "equals = \"b\"", "healthy"),
        ("at", "SELECT at FROM t", "at-most = { warn = 1 }", "unknown"),
        ("took", "SELECT took FROM t", "at-most = { warn = 1 }", "unknown"),
    ];
    let asked: Vec<_> = judged.iter().map(|(name, statement, rule, _)| (*name, *statement, *rule)).collect();
    let host = values(&server.url(), &asked);
    for (name, _, _, status) in judged {
        host.wait_until(name, status);
    }
    host.wait_until_says("at", "unknown", "timestampdiff(SECOND, COLUMN, now())");
    host.wait_until_says("took", "unknown", "time_to_sec(COLUMN)");
}

// Behind pgbouncer, which lends a session for a transaction and takes no start parameters, checks read and write, and
// whoever has the session next finds nothing of theirs.
#[test]
fn poolers_lend_sessions_for_a_transaction() {
    let server = Postgres::start();
    server.sql("CREATE TABLE payments (reference varchar(80) PRIMARY KEY, amount_cents int NOT NULL)");
    let pooler = PgBouncer::in_front_of(&server);
    let reading = checks(
        &pooler.url(),
        &[
            ("ping", ""),
            (
                "count",
                "mode = \"query\"\nquery = \"SELECT count(*) FROM payments WHERE amount_cents > $1\"\nparams = [1]",
            ),
            (
                "change",
                "mode = \"query\"\nquery = \"WITH put AS (INSERT INTO payments VALUES ('x', 1) RETURNING 1) SELECT * FROM put\"",
            ),
            ("connections", "mode = \"connections\""),
        ],
    );
    reading.wait_until_says("ping", "healthy", "answers");
    reading.wait_until_says("count", "healthy", "gave 0");
    reading.wait_until_says("change", "unknown", "shop:write");
    reading.wait_until_says("connections", "healthy", "of 17 connections in use");
    let writing = Host::start(&format!(
        "[connections.payments-db]\nurl = \"{}\"\n[[check]]\nname = \"db\"\nplugin = \"dummy-payment\"\n\
         every = \"100ms\"\ngrants = {{ sql = [\"payments-db:write\"] }}\n",
        pooler.url()
    ));
    writing.copy_in("dummy-payment", &first_party("dummy-payment"));
    writing.wait_until_says("db", "healthy", "a payment can be booked");
    let settings = "SELECT current_setting('statement_timeout'), current_setting('default_transaction_read_only')";
    for _ in 0..5 {
        let runs = |host: &Host, name: &str| host.get(&format!("/checks/{name}")).json()["counters"]["runs"].as_u64();
        let before = (runs(&reading, "count"), runs(&writing, "db"));
        server.wait_for(|| runs(&reading, "count") > before.0 && runs(&writing, "db") > before.1);
        assert_eq!(pooler.sql(settings), "0|off");
    }
    assert_eq!(server.sql("SELECT count(*) FROM payments"), "0");
}

// A generated password goes into a URL as it is: what a placeholder brings is encoded for every driver.
#[test]
fn generated_passwords_need_no_escaping() {
    const ODD: &str = "p@ss/w:rd%#?";
    let (postgres, mariadb, redis) = (Postgres::start(), MariaDb::start(), Redis::start());
    postgres.admin_sql(&format!("CREATE ROLE odd LOGIN PASSWORD '{ODD}'"));
    mariadb
        .sql(&format!("CREATE USER odd@'127.0.0.1' IDENTIFIED BY '{ODD}'; GRANT SELECT ON shop.* TO odd@'127.0.0.1'"));
    let _ = redis.command(&["ACL", "SETUSER", "odd", "on", &format!(">{ODD}"), "~*", "+@all"]);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("password");
    std::fs::write(&file, format!("{ODD}\n")).unwrap();
    let placed = |scheme: &str, port: u16, path: &str| {
        format!("{scheme}://odd:${{file:{}}}@127.0.0.1:{port}{path}", file.display())
    };
    for url in [placed("postgres", postgres.port(), "/shop"), placed("mysql", mariadb.port(), "/shop")] {
        let host = host(&url, "");
        host.wait_until_says("db", "healthy", "shop answers");
        assert!(!host.log().contains(ODD) && !host.log().contains("p%40ss"), "{}", host.log());
    }
    let host = Host::start(&format!(
        "[connections.cache]\nurl = \"{}\"\n[[check]]\nname = \"cache\"\nplugin = \"redis\"\nevery = \"200ms\"\n\
         grants = {{ redis = [\"cache\"] }}\n[check.config]\nconnection = \"cache\"\n",
        placed("redis", redis.port(), "")
    ));
    host.copy_in("redis", &first_party("redis"));
    host.wait_until_says("cache", "healthy", "cache answers");
}
