//! The check against a database that answers what it is told.

use super::*;
use probity_check::serde_json::{Value as Json, json};
use probity_check::testing::{Database, TestHost, assert_schema_matches};

fn run(database: Database, mut config: Json) -> Outcome {
    config["connection"] = "db".into();
    TestHost::new().sql("db", database).run::<Sql>(config).unwrap()
}

fn status(database: Database, config: Json) -> Status {
    run(database, config).status
}

#[test]
fn schema_matches_the_configuration() {
    assert_schema_matches::<Sql>();
}

// A database that answers is healthy; one that answers slowly is judged.
#[test]
fn ping_is_judged_by_latency() {
    assert_eq!(status(Database::postgres(), json!({})), Status::Healthy);
    let config = json!({"latency": {"warn": "100ms", "crit": "1s"}});
    assert_eq!(status(Database::sqlite().ping_ms(150.0), config.clone()), Status::Degraded);
    assert_eq!(status(Database::mysql().ping_ms(1500.0), config), Status::Unhealthy);
}

// What the server says about itself is a judgement; what the operator did not grant is none.
#[test]
fn errors_of_the_target_are_unhealthy() {
    let refuses = |kind| {
        let database = Database::postgres().fails_to_open(Error::new(kind, "no"));
        TestHost::new().sql("db", database).run::<Sql>(json!({"connection": "db"}))
    };
    for kind in [ErrorKind::Refused, ErrorKind::Auth, ErrorKind::Tls, ErrorKind::Timeout] {
        assert_eq!(refuses(kind).unwrap().status, Status::Unhealthy, "{kind}");
    }
    assert!(matches!(refuses(ErrorKind::Denied), Err(Failure::Capability(_))));
}

// A number is judged from above and from below, also when it travels as text.
#[test]
fn scalar_is_judged() {
    let config =
        json!({"mode": "query", "query": "SELECT 1", "at-most": {"warn": 100, "crit": 500}, "at-least": {"crit": 1}});
    let of =
        |value: sql::Value| status(Database::postgres().answers("SELECT 1", &["n"], vec![vec![value]]), config.clone());
    assert_eq!(of(100.into()), Status::Healthy);
    assert_eq!(of("412.5".into()), Status::Degraded);
    assert_eq!(of(501.into()), Status::Unhealthy);
    assert_eq!(of(0.into()), Status::Unhealthy);
    assert_eq!(of("many".into()), Status::Unhealthy);
    assert_eq!(of(sql::Value::Null), Status::Unhealthy);
}

// The value may have to be one text, number or truth value; parameters reach the server.
#[test]
fn expected_value_is_compared() {
    let host = TestHost::new().sql("db", Database::mysql().answers("SELECT", &["v"], vec![vec!["on".into()]]));
    let config = |expected: Json| json!({"connection": "db", "mode": "query", "query": "SELECT ?", "params": [1, 1.5, "x", null, true], "equals": expected});
    assert_eq!(host.run::<Sql>(config("on".into())).unwrap().status, Status::Healthy);
    let other = host.run::<Sql>(config("off".into())).unwrap();
    assert_eq!((other.status, other.message.as_str()), (Status::Unhealthy, "expected \"off\", got \"on\""));
    assert_eq!(host.sql_statements("db")[0].1.len(), 5);
    let empty = Database::mysql().answers("SELECT", &["v"], vec![]);
    assert_eq!(run(empty, json!({"mode": "query", "query": "SELECT 1"})).message, "the query gave no row");
}

// A statement belongs to mode `query`, and only there.
#[test]
fn query_and_mode_belong_together() {
    for config in [json!({"connection": "db", "mode": "query"}), json!({"connection": "db", "query": "SELECT 1"})] {
        let result = TestHost::new().run::<Sql>(config);
        assert!(matches!(result, Err(Failure::InvalidConfig(_))), "{result:?}");
    }
}

// A replica tells its lag, a primary that of its slowest replica; neither replicates at all without the other.
#[test]
fn postgres_replication_is_judged() {
    let replica = |lag: sql::Value| {
        Database::postgres().answers("pg_is_in_recovery", &["r", "l", "c"], vec![vec![true.into(), lag, true.into()]])
    };
    let config = json!({"mode": "replication-lag"});
    assert_eq!(status(replica(0.0.into()), config.clone()), Status::Healthy);
    assert_eq!(status(replica(60.0.into()), config.clone()), Status::Degraded);
    assert_eq!(status(replica(sql::Value::Null), config.clone()), Status::Unhealthy);
    let primary = |count: i64| {
        Database::postgres()
            .answers("pg_is_in_recovery", &["r", "l", "c"], vec![vec![false.into(), sql::Value::Null, false.into()]])
            .answers("pg_stat_replication", &["n", "lag"], vec![vec![count.into(), 301.0.into()]])
    };
    assert_eq!(status(primary(2), config.clone()), Status::Unhealthy);
    assert_eq!(run(primary(0), config).message, "a primary without replicas");
}

// Both words for the statement, and both for the column, are understood.
#[test]
fn mysql_replication_is_judged() {
    let config = json!({"mode": "replication-lag"});
    let new = Database::mysql().answers("SHOW REPLICA", &["Seconds_Behind_Source"], vec![vec![3.into()]]);
    assert_eq!(status(new, config.clone()), Status::Healthy);
    let syntax = Error { code: Some("42000".into()), ..Error::new(ErrorKind::Remote, "syntax") };
    let old = Database::mysql().fails("SHOW REPLICA", syntax).answers(
        "SHOW SLAVE",
        &["Seconds_Behind_Master"],
        vec![vec![sql::Value::Null]],
    );
    assert_eq!(run(old, config.clone()).message, "replication does not run");
    let alone = Database::mysql().answers("SHOW REPLICA", &[], vec![]);
    assert_eq!(status(alone, config), Status::Unhealthy);
}

// Connections are judged against the server's limit.
#[test]
fn connections_are_judged() {
    let config = json!({"mode": "connections"});
    let postgres = |used: i64| {
        Database::postgres().answers("pg_stat_activity", &["used", "limit"], vec![vec![used.into(), 100.into()]])
    };
    let statuses = [80, 90, 96].map(|used| status(postgres(used), config.clone()));
    assert_eq!(statuses, [Status::Healthy, Status::Degraded, Status::Unhealthy]);
    let mysql = Database::mysql()
        .answers("Threads_connected", &["name", "value"], vec![vec!["Threads_connected".into(), "150".into()]])
        .answers("max_connections", &["n"], vec![vec![151.into()]]);
    assert_eq!(status(mysql, config), Status::Unhealthy);
}

// Too few migrations, or one that is missing, is unhealthy; so is a table that is not there.
#[test]
fn migrations_are_counted_and_found() {
    let db = |count: i64, found: i64| {
        Database::postgres().answers("WHERE CAST(version AS TEXT) = $1", &["n"], vec![vec![found.into()]]).answers(
            "count(*) FROM schema_migrations",
            &["n"],
            vec![vec![count.into()]],
        )
    };
    let config = json!({"mode": "migrations", "expect": "20260101", "count": 3});
    assert_eq!(status(db(3, 1), config.clone()), Status::Healthy);
    assert_eq!(run(db(3, 0), config.clone()).message, "migration 20260101 is not applied");
    assert_eq!(status(db(2, 1), config), Status::Unhealthy);
    let missing = Database::sqlite().fails("count(*)", Error::new(ErrorKind::Remote, "no such table"));
    assert_eq!(status(missing, json!({"mode": "migrations"})), Status::Unhealthy);
    let injected =
        TestHost::new().run::<Sql>(json!({"connection": "db", "mode": "migrations", "table": "a; DROP TABLE b"}));
    assert!(matches!(injected, Err(Failure::InvalidConfig(_))));
}
