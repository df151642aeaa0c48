//! Replicas of real databases: following, standing still, and following again, as the `sql` check sees them.

use probity_tests::guests::first_party;
use probity_tests::host::Host;
use probity_tests::servers::mariadb::MariaDb;
use probity_tests::servers::postgres::{self, Postgres};

/// A host with a check for each name: a URL, and thresholds for the lag.
fn host(checks: &[(&str, String, &str)]) -> Host {
    let tables = checks.iter().map(|(name, url, lag)| {
        format!(
            "[connections.{name}]\nurl = \"{url}\"\n[[check]]\nname = \"{name}\"\nplugin = \"sql\"\nevery = \"100ms\"\n\
             grants = {{ sql = [\"{name}\"] }}\n[check.config]\nconnection = \"{name}\"\nmode = \"replication-lag\"\n\
             lag = {lag}\n"
        )
    });
    let host = Host::start(&tables.collect::<String>());
    host.copy_in("sql", &first_party("sql"));
    host
}

// A PostgreSQL replica whose replay is paused falls behind, by its own word and by that of its primary, and catches up
// when it may go on. After a restart on an idle primary it is not behind. Without a word from its primary it says so.
#[test]
fn postgres_replicas_fall_behind() {
    let mut primary = Postgres::start();
    primary.sql("CREATE TABLE orders (n int)");
    primary.admin_sql(&format!("CREATE ROLE plain LOGIN PASSWORD '{}'", postgres::PASSWORD));
    let mut replica = Postgres::replica_of(&primary);
    let host = host(&[
        ("slack", replica.url(), "{ warn = \"200ms\", crit = \"1h\" }"),
        ("strict", replica.url(), "{ crit = \"400ms\" }"),
        ("above", primary.url(), "{ warn = \"500ms\", crit = \"1h\" }"),
        ("blind", primary.url_of("plain"), "{ warn = \"500ms\", crit = \"1h\" }"),
        ("humble", replica.url_of("plain"), "{ warn = \"200ms\", crit = \"1h\" }"),
    ]);
    let follows = || {
        host.wait_until_says("slack", "healthy", "replica 0 ms behind");
        host.wait_until_says("strict", "healthy", "replica 0 ms behind");
        host.wait_until_says("above", "healthy", "slowest replica");
        // A replica tells everybody; a primary hides from some how far another one is.
        host.wait_until_says("humble", "healthy", "replica 0 ms behind");
        host.wait_until_says("blind", "unknown", "GRANT pg_monitor TO plain");
    };
    follows();
    // A transaction that was replayed has a time.
    primary.sql("INSERT INTO orders VALUES (1)");
    replica.wait_for(|| replica.sql("SELECT count(*) FROM orders") == "1");
    replica.admin_sql("SELECT pg_wal_replay_pause()");
    replica.wait_for(|| replica.admin_sql("SELECT pg_get_wal_replay_pause_state()") == "paused");
    primary.sql("INSERT INTO orders VALUES (2)");
    host.wait_until_says("slack", "degraded", "more than 200 ms");
    host.wait_until_says("strict", "unhealthy", "more than 400 ms");
    host.wait_until_says("above", "degraded", "more than 500 ms");
    replica.admin_sql("SELECT pg_wal_replay_resume()");
    follows();
    // Nothing happens on the primary while the replica restarts: the age of the last transaction is no lag.
    replica.kill();
    replica.restart();
    replica
        .wait_for(|| replica.admin_sql("SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'") == "1");
    for name in ["slack", "strict", "humble"] {
        let run = host.run_now(name).json();
        assert_eq!((&run["status"], &run["message"]), (&"healthy".into(), &"replica 0 ms behind".into()), "{run}");
    }
    primary.kill();
    host.wait_until_says("slack", "degraded", "no connection to the primary");
}

// A MariaDB replica whose SQL thread stands still is unhealthy, one that lags is judged, and both recover.
#[test]
fn mariadb_replicas_fall_behind() {
    let primary = MariaDb::start_primary();
    let replica = MariaDb::replica_of(&primary);
    primary.sql("CREATE TABLE shop.orders (n INT)");
    let host = host(&[("db", replica.url(), "{ warn = \"1s\", crit = \"1h\" }")]);
    host.wait_until_says("db", "healthy", "replica 0 ms behind");
    replica.sql("STOP SLAVE SQL_THREAD");
    primary.sql("INSERT INTO shop.orders VALUES (1)");
    host.wait_until_says("db", "unhealthy", "replication does not run");
    replica.sql("START SLAVE SQL_THREAD");
    host.wait_until_says("db", "healthy", "replica 0 ms behind");
    replica.sql("STOP SLAVE; CHANGE MASTER TO MASTER_DELAY=3600; START SLAVE");
    primary.sql("INSERT INTO shop.orders VALUES (2)");
    host.wait_until_says("db", "degraded", "more than 1 s");
    replica.sql("STOP SLAVE; CHANGE MASTER TO MASTER_DELAY=0; START SLAVE");
    host.wait_until_says("db", "healthy", "replica 0 ms behind");
}
