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

/// What a PostgreSQL server in recovery says: connected, has all, the last transaction's age.
fn replica(connected: bool, has_all: sql::Value, age: sql::Value) -> Database {
    let row = vec![true.into(), connected.into(), has_all, age];
    Database::postgres().answers("pg_is_in_recovery", &["r", "c", "h", "a"], vec![row])
}

// A replica that has all it was sent is not behind, however old the last transaction is; one that is cut off may be by all
// of that; one that cannot tell is no healthy one.
#[test]
fn postgres_replicas_are_judged() {
    let config = json!({"mode": "replication-lag"});
    assert_eq!(run(replica(true, true.into(), 86_400.0.into()), config.clone()).message, "replica 0 ms behind");
    assert_eq!(run(replica(true, true.into(), sql::Value::Null), config.clone()).message, "replica 0 ms behind");
    assert_eq!(status(replica(true, false.into(), 60.0.into()), config.clone()), Status::Degraded);
    assert_eq!(status(replica(true, sql::Value::Null, 301.0.into()), config.clone()), Status::Unhealthy);
    assert_eq!(status(replica(true, false.into(), sql::Value::Null), config.clone()), Status::Unhealthy);
    assert_eq!(run(replica(false, true.into(), 1.0.into()), config.clone()).message, "no connection to the primary");
    assert_eq!(status(replica(false, true.into(), 301.0.into()), config.clone()), Status::Unhealthy);
    assert_eq!(status(replica(false, sql::Value::Null, sql::Value::Null), config), Status::Unhealthy);
}

/// What a PostgreSQL primary says: followers, hidden ones, ones that do not stream, the most that one is behind.
fn primary(count: i64, hidden: i64, behind: i64, lag: sql::Value) -> Database {
    Database::postgres()
        .answers(
            "pg_is_in_recovery",
            &["r", "c", "h", "a"],
            vec![vec![false.into(), false.into(), sql::Value::Null, sql::Value::Null]],
        )
        .answers(
            "pg_stat_replication",
            &["n", "h", "b", "lag", "u"],
            vec![vec![count.into(), hidden.into(), behind.into(), lag, "plain".into()]],
        )
}

// A primary tells how far its slowest replica is; what it hides from its user is unknown, with the right that is missing.
#[test]
fn postgres_primaries_are_judged() {
    let config = json!({"mode": "replication-lag"});
    assert_eq!(status(primary(2, 0, 0, 301.0.into()), config.clone()), Status::Unhealthy);
    assert_eq!(run(primary(2, 0, 0, sql::Value::Null), config.clone()).message, "slowest replica 0 ms behind");
    assert_eq!(run(primary(0, 0, 0, sql::Value::Null), config.clone()).message, "a primary without replicas");
    assert_eq!(run(primary(2, 0, 1, 1.0.into()), config.clone()).message, "1 of 2 replicas do not stream yet");
    assert_eq!(status(primary(1, 0, 1, sql::Value::Null), config.clone()), Status::Degraded);
    let mut config = config;
    config["connection"] = "db".into();
    let unseen = TestHost::new().sql("db", primary(1, 1, 0, sql::Value::Null)).run::<Sql>(config);
    assert!(matches!(&unseen, Err(Failure::Capability(error)) if error.message.contains("GRANT pg_monitor TO plain")));
}

/// What MySQL says of a statement that it does not know.
fn syntax() -> Error {
    Error { code: Some("42000".into()), ..Error::new(ErrorKind::Remote, "syntax") }
}

// Every word for the statement, and both for the column, are understood; of several channels the worst decides.
#[test]
fn mysql_replication_is_judged() {
    let config = json!({"mode": "replication-lag"});
    let mysql = || Database::mysql().fails("SHOW ALL REPLICAS", syntax());
    let new = mysql().answers("SHOW REPLICA", &["Seconds_Behind_Source"], vec![vec![3.into()]]);
    assert_eq!(status(new, config.clone()), Status::Healthy);
    let old = mysql().fails("SHOW REPLICA", syntax()).fails("SHOW ALL SLAVES", syntax()).answers(
        "SHOW SLAVE",
        &["Seconds_Behind_Master"],
        vec![vec![sql::Value::Null]],
    );
    assert_eq!(run(old, config.clone()).message, "replication does not run");
    let alone = mysql().answers("SHOW REPLICA", &[], vec![]);
    assert_eq!(status(alone, config.clone()), Status::Unhealthy);
    let channels = |second: sql::Value| {
        let rows = vec![vec!["".into(), 0.into()], vec!["eu".into(), second]];
        Database::mysql().answers("SHOW ALL REPLICAS", &["Connection_name", "Seconds_Behind_Master"], rows)
    };
    assert_eq!(status(channels(60.into()), config.clone()), Status::Degraded);
    assert_eq!(run(channels(sql::Value::Null), config).message, "replication from `eu` does not run");
}

// A right that the server's user lacks makes the check's own questions unknown, and names it.
#[test]
fn missing_rights_are_unknown() {
    let denied =
        |code: &str, message: &str| Error { code: Some(code.into()), ..Error::new(ErrorKind::Remote, message) };
    let said = "Access denied; you need (at least one of) the SLAVE MONITOR privilege(s) for this operation";
    let mysql = Database::mysql().fails("SHOW ALL REPLICAS", denied("42000", said));
    let postgres = Database::postgres().fails("SELECT *", denied("42501", "permission denied for table list"));
    for (database, mode, word) in
        [(mysql, "replication-lag", "SLAVE MONITOR"), (postgres, "migrations", "permission denied for table list")]
    {
        let result = TestHost::new().sql("db", database).run::<Sql>(json!({"connection": "db", "mode": mode}));
        assert!(matches!(&result, Err(Failure::Capability(error)) if error.message.contains(word)), "{result:?}");
    }
}

// Connections are judged against the server's limit, those of others among them; what they are is said where it is hidden.
#[test]
fn connections_are_judged() {
    let config = json!({"mode": "connections"});
    let postgres = |seen: i64, unseen: i64| {
        let row = vec![seen.into(), unseen.into(), 100.into(), "plain".into()];
        Database::postgres().answers("pg_stat_activity", &["seen", "unseen", "limit", "user"], vec![row])
    };
    let statuses = [80, 90, 96].map(|used| status(postgres(used, 0), config.clone()));
    assert_eq!(statuses, [Status::Healthy, Status::Degraded, Status::Unhealthy]);
    let hidden = run(postgres(1, 95), config.clone());
    assert_eq!(hidden.status, Status::Unhealthy, "{}", hidden.message);
    assert!(hidden.details.iter().any(|(_, text)| text.contains("pg_monitor TO plain")), "{:?}", hidden.details);
    let mysql = Database::mysql()
        .answers("Threads_connected", &["name", "value"], vec![vec!["Threads_connected".into(), "150".into()]])
        .answers("max_connections", &["n"], vec![vec![151.into()]]);
    assert_eq!(status(mysql, config), Status::Unhealthy);
}

// Large integers are told apart, by thresholds and by `equals`.
#[test]
fn large_integers_are_told_apart() {
    let next = 9_007_199_254_740_993_i64;
    let of = |rule: Json| {
        let mut config = rule;
        (config["mode"], config["query"]) = ("query".into(), "SELECT n".into());
        status(Database::postgres().answers("SELECT n", &["n"], vec![vec![next.into()]]), config)
    };
    assert_eq!(of(json!({"equals": next})), Status::Healthy);
    assert_eq!(of(json!({"equals": next - 1})), Status::Unhealthy);
    assert_eq!(of(json!({"at-most": {"crit": next - 1}})), Status::Unhealthy);
    assert_eq!(of(json!({"at-least": {"warn": next + 1}})), Status::Degraded);
}

// An aggregate over no rows is a null: unhealthy where it is judged, unless the operator says what it means.
#[test]
fn nulls_are_what_the_operator_says() {
    let of = |rule: Json| {
        let mut config = rule;
        (config["mode"], config["query"]) = ("query".into(), "SELECT max(n)".into());
        status(Database::postgres().answers("SELECT max", &["max"], vec![vec![sql::Value::Null]]), config)
    };
    assert_eq!(of(json!({})), Status::Healthy);
    assert_eq!([of(json!({"at-most": {"warn": 1}})), of(json!({"equals": 1}))], [Status::Unhealthy; 2]);
    assert_eq!(of(json!({"at-most": {"warn": 1}, "on-null": "healthy"})), Status::Healthy);
    assert_eq!(of(json!({"on-null": "degraded"})), Status::Degraded);
    let misplaced = TestHost::new().run::<Sql>(json!({"connection": "db", "on-null": "healthy"}));
    assert!(matches!(misplaced, Err(Failure::InvalidConfig(_))));
}

/// A list with these columns, on any engine.
fn list(database: Database, columns: &[&str]) -> Database {
    database.answers("WHERE 1 = 0", columns, vec![])
}

// Too few migrations, or one that is missing, is unhealthy; so is a table that is not there.
#[test]
fn migrations_are_counted_and_found() {
    let db = |count: i64, found: i64| {
        list(Database::postgres(), &["version"])
            .answers("CAST(r.\"version\" AS TEXT) = $1 AND (1 = 1)", &["n"], vec![vec![found.into()]])
            .answers("count(*) FROM schema_migrations", &["n"], vec![vec![count.into()]])
    };
    let config = json!({"mode": "migrations", "expect": "20260101", "count": 3});
    assert_eq!(status(db(3, 1), config.clone()), Status::Healthy);
    assert_eq!(run(db(3, 0), config.clone()).message, "migration 20260101 is not applied");
    assert_eq!(status(db(2, 1), config), Status::Unhealthy);
    let missing = Database::sqlite().fails("SELECT *", Error::new(ErrorKind::Remote, "no such table"));
    assert_eq!(status(missing, json!({"mode": "migrations"})), Status::Unhealthy);
    let injected =
        TestHost::new().run::<Sql>(json!({"connection": "db", "mode": "migrations", "table": "a; DROP TABLE b"}));
    assert!(matches!(injected, Err(Failure::InvalidConfig(_))));
    let other = list(Database::mysql(), &["title"]).answers("count(*)", &["n"], vec![vec![1.into()]]);
    assert!(run(other, json!({"mode": "migrations", "expect": "x"})).message.contains("no column `version`"));
}

// A name that its tool quotes is found on PostgreSQL as it was typed.
#[test]
fn quoted_tables_are_found() {
    let unknown = Error { code: Some("42P01".into()), ..Error::new(ErrorKind::Remote, "no such relation") };
    let db = list(Database::postgres().fails("FROM __EFMigrationsHistory", unknown), &["MigrationId"])
        .answers(
            "count(*) FROM \"__EFMigrationsHistory\" AS r WHERE CAST(r.\"MigrationId\"",
            &["n"],
            vec![vec![1.into()]],
        )
        .answers("count(*) FROM \"__EFMigrationsHistory\"", &["n"], vec![vec![1.into()]]);
    let config = json!({"mode": "migrations", "table": "__EFMigrationsHistory", "expect": "20260101_Init"});
    assert_eq!(status(db, config), Status::Healthy);
}

// What failed, or is under way, is unhealthy with its name; a lock is degraded. Nothing of that counts as applied.
#[test]
fn marks_of_migration_tools_are_read() {
    for columns in [
        &["version", "dirty"][..],
        &["installed_rank", "version", "type", "success"],
        &["version", "success"],
        &["ID", "EXECTYPE"],
        &["id", "migration_name", "finished_at", "rolled_back_at"],
        &["version", "applied", "total", "error"],
        &["id", "state", "last_problem"],
    ] {
        let tool = crate::migrations::Tool::of(&columns.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_ne!(tool, crate::migrations::Tool::Plain, "{columns:?}");
        let db = |broken: Vec<Vec<sql::Value>>| {
            list(Database::postgres(), columns)
                .answers("SELECT count(*)", &["n"], vec![vec![1.into()]])
                .answers("SELECT locked", &["locked"], vec![vec![false.into()]])
                .answers("SELECT r.", &["name"], broken)
        };
        assert_eq!(status(db(vec![]), json!({"mode": "migrations"})), Status::Healthy, "{tool:?}");
        let broken = run(db(vec![vec!["M7".into()]]), json!({"mode": "migrations"}));
        assert_eq!(broken.status, Status::Unhealthy, "{tool:?}");
        assert!(broken.message.starts_with("migration M7 "), "{tool:?}: {}", broken.message);
    }
    for (columns, statement) in [
        (&["ID", "EXECTYPE"][..], "SELECT locked FROM listlock"),
        (&["name", "batch", "migration_time"], "SELECT is_locked FROM list_lock"),
    ] {
        let locked = |value: sql::Value| {
            let db = list(Database::mysql(), columns)
                .answers("SELECT count(*)", &["n"], vec![vec![1.into()]])
                .answers("SELECT r.", &["name"], vec![])
                .answers(statement, &["locked"], vec![vec![value]]);
            status(db, json!({"mode": "migrations", "table": "list"}))
        };
        assert_eq!([locked(1.into()), locked(vec![1_u8].into()), locked("t".into())], [Status::Degraded; 3]);
        assert_eq!([locked(0.into()), locked(vec![0_u8].into()), locked(false.into())], [Status::Healthy; 3]);
    }
}

// What thresholds cannot judge because of what is selected is no judgement, and the message says what to select.
#[test]
fn types_without_an_order_are_refused_by_name() {
    for (engine, type_name, words) in [
        ("postgres", "timestamptz", "extract(epoch FROM now() - COLUMN)"),
        ("postgres", "bool", "COLUMN::int"),
        ("mysql", "datetime", "timestampdiff"),
        ("mysql", "json", "json_value"),
    ] {
        let refusal = crate::casts::refusal(engine, type_name, &"x".into()).unwrap();
        assert!(refusal.message.contains(type_name) && refusal.message.contains(words), "{}", refusal.message);
    }
    assert!(crate::casts::refusal("postgres", "text", &"x".into()).is_none());
    let bytes = Database::sqlite().answers("SELECT", &["b"], vec![vec![vec![1_u8].into()]]);
    let config = json!({"connection": "db", "mode": "query", "query": "SELECT b", "at-most": {"warn": 1}});
    let result = TestHost::new().sql("db", bytes).run::<Sql>(config);
    assert!(matches!(&result, Err(Failure::Capability(error)) if error.message.contains("length(COLUMN)")));
}
