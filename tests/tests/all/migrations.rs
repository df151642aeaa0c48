//! The lists of migration tools, made as the tools make them: what is applied, and what is not although there is a row.

use probity_tests::servers::mariadb::MariaDb;
use probity_tests::servers::postgres::Postgres;

use super::sql_truth::checks;

/// A tool: its list, keys of the check, what breaks it, and what is said then.
struct Tool {
    name: &'static str,
    list: &'static str,
    keys: &'static str,
    breaks: &'static str,
    status: &'static str,
    says: &'static str,
}

const POSTGRES: [Tool; 9] = [
    Tool {
        name: "golang-migrate",
        list: "CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL); \
               INSERT INTO schema_migrations VALUES (20260309085743, false)",
        keys: "expect = \"20260309085743\"",
        breaks: "UPDATE schema_migrations SET dirty = true",
        status: "unhealthy",
        says: "migration 20260309085743 is dirty",
    },
    Tool {
        name: "flyway",
        list: "CREATE TABLE flyway_schema_history (installed_rank int PRIMARY KEY, version varchar(50), description \
               varchar(200) NOT NULL, type varchar(20) NOT NULL, script varchar(1000) NOT NULL, checksum int, installed_by \
               varchar(100) NOT NULL, installed_on timestamp NOT NULL DEFAULT now(), execution_time int NOT NULL, success \
               boolean NOT NULL); INSERT INTO flyway_schema_history VALUES \
               (1, '1', 'init', 'SQL', 'V1__init.sql', 1, 'me', now(), 1, true), \
               (2, '2', 'more', 'SQL', 'V2__more.sql', 2, 'me', now(), 1, true)",
        keys: "table = \"flyway_schema_history\"\nexpect = \"2\"\ncount = 2",
        breaks: "INSERT INTO flyway_schema_history VALUES (3, '3', 'bad', 'SQL', 'V3__bad.sql', 3, 'me', now(), 1, false)",
        status: "unhealthy",
        says: "migration 3 has no success",
    },
    Tool {
        name: "flyway-undo",
        list: "CREATE TABLE undo_history AS TABLE flyway_schema_history",
        keys: "table = \"undo_history\"\nexpect = \"2\"",
        breaks: "INSERT INTO undo_history VALUES (3, '2', 'more', 'UNDO_SQL', 'U2__more.sql', 3, 'me', now(), 1, true)",
        status: "unhealthy",
        says: "migration 2 is not applied",
    },
    Tool {
        name: "liquibase",
        list: "CREATE TABLE databasechangelog (id varchar(255) NOT NULL, author varchar(255) NOT NULL, filename \
               varchar(255) NOT NULL, dateexecuted timestamp NOT NULL, orderexecuted int NOT NULL, exectype varchar(10) NOT \
               NULL); CREATE TABLE databasechangeloglock (id int PRIMARY KEY, locked boolean NOT NULL, lockgranted \
               timestamp, lockedby varchar(255)); INSERT INTO databasechangeloglock VALUES (1, false, NULL, NULL); \
               INSERT INTO databasechangelog VALUES ('init', 'me', 'x.xml', now(), 1, 'EXECUTED'), \
               ('old', 'me', 'x.xml', now(), 2, 'SKIPPED')",
        keys: "table = \"DATABASECHANGELOG\"\nexpect = \"init\"",
        breaks: "UPDATE databasechangeloglock SET locked = true, lockgranted = now(), lockedby = 'pod-7'",
        status: "degraded",
        says: "migrations are locked",
    },
    Tool {
        name: "prisma",
        list: "CREATE TABLE _prisma_migrations (id varchar(36) PRIMARY KEY, checksum varchar(64) NOT NULL, finished_at \
               timestamptz, migration_name varchar(255) NOT NULL, logs text, rolled_back_at timestamptz, started_at \
               timestamptz NOT NULL DEFAULT now(), applied_steps_count int NOT NULL DEFAULT 0); \
               INSERT INTO _prisma_migrations VALUES ('a', 'x', now(), '1_init', NULL, NULL, now(), 1), \
               ('b', 'x', NULL, '2_bad', 'P3018', now(), now(), 0)",
        keys: "table = \"_prisma_migrations\"\nexpect = \"1_init\"",
        breaks: "INSERT INTO _prisma_migrations VALUES ('c', 'x', NULL, '3_bad', 'P3018', NULL, now(), 0)",
        status: "unhealthy",
        says: "migration 3_bad is not finished",
    },
    Tool {
        name: "goose",
        list: "CREATE TABLE goose_db_version (id serial PRIMARY KEY, version_id bigint NOT NULL, is_applied boolean NOT \
               NULL, tstamp timestamp DEFAULT now()); INSERT INTO goose_db_version (version_id, is_applied) VALUES \
               (0, true), (1, true), (2, true), (2, false), (2, true)",
        keys: "table = \"goose_db_version\"\nexpect = \"2\"\ncount = 2",
        breaks: "INSERT INTO goose_db_version (version_id, is_applied) VALUES (2, false)",
        status: "unhealthy",
        says: "migration 2 is not applied",
    },
    Tool {
        name: "sqlx",
        list: "CREATE TABLE _sqlx_migrations (version bigint PRIMARY KEY, description text NOT NULL, installed_on \
               timestamptz NOT NULL DEFAULT now(), success boolean NOT NULL, checksum bytea NOT NULL, execution_time bigint \
               NOT NULL); INSERT INTO _sqlx_migrations VALUES (1, 'init', now(), true, '', 1)",
        keys: "table = \"_sqlx_migrations\"\nexpect = \"1\"",
        breaks: "UPDATE _sqlx_migrations SET success = false",
        status: "unhealthy",
        says: "migration 1 has no success",
    },
    Tool {
        name: "knex",
        list: "CREATE TABLE knex_migrations (id serial PRIMARY KEY, name varchar(255), batch int, migration_time \
               timestamptz); CREATE TABLE knex_migrations_lock (index serial PRIMARY KEY, is_locked int); \
               INSERT INTO knex_migrations_lock (is_locked) VALUES (0); \
               INSERT INTO knex_migrations (name, batch, migration_time) VALUES ('1_init.js', 1, now())",
        keys: "table = \"knex_migrations\"\nexpect = \"1_init.js\"",
        breaks: "UPDATE knex_migrations_lock SET is_locked = 1",
        status: "degraded",
        says: "migrations are locked",
    },
    Tool {
        name: "ef",
        list: "CREATE TABLE \"__EFMigrationsHistory\" (\"MigrationId\" varchar(150) PRIMARY KEY, \"ProductVersion\" \
               varchar(32) NOT NULL); INSERT INTO \"__EFMigrationsHistory\" VALUES ('20260101_Init', '9.0.0')",
        keys: "table = \"__EFMigrationsHistory\"\nexpect = \"20260101_Init\"",
        breaks: "DELETE FROM \"__EFMigrationsHistory\"",
        status: "unhealthy",
        says: "migration 20260101_Init is not applied",
    },
];

const MARIADB: [Tool; 3] = [
    Tool {
        name: "golang-migrate",
        list: "CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL); \
               INSERT INTO schema_migrations VALUES (7, false)",
        keys: "expect = \"7\"",
        breaks: "UPDATE schema_migrations SET dirty = true",
        status: "unhealthy",
        says: "migration 7 is dirty",
    },
    Tool {
        name: "liquibase",
        list: "CREATE TABLE DATABASECHANGELOG (ID varchar(255) NOT NULL, EXECTYPE varchar(10) NOT NULL); \
               CREATE TABLE DATABASECHANGELOGLOCK (ID int PRIMARY KEY, LOCKED bit(1) NOT NULL); \
               INSERT INTO DATABASECHANGELOGLOCK VALUES (1, b'0'); INSERT INTO DATABASECHANGELOG VALUES ('init', 'EXECUTED')",
        keys: "table = \"DATABASECHANGELOG\"\nexpect = \"init\"",
        breaks: "UPDATE DATABASECHANGELOGLOCK SET LOCKED = b'1'",
        status: "degraded",
        says: "migrations are locked",
    },
    Tool {
        name: "goose",
        list: "CREATE TABLE goose_db_version (id serial PRIMARY KEY, version_id bigint NOT NULL, is_applied boolean NOT \
               NULL); INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, true), (1, true)",
        keys: "table = \"goose_db_version\"\nexpect = \"1\"",
        breaks: "INSERT INTO goose_db_version (version_id, is_applied) VALUES (1, false)",
        status: "unhealthy",
        says: "migration 1 is not applied",
    },
];

/// Every list is healthy as made, and told for what it is once it is broken.
fn judge(tools: &[Tool], url: &str, schema: &str, sql: impl Fn(&str)) {
    for tool in tools {
        sql(&format!("{schema}{}", tool.list));
    }
    let keys: Vec<String> = tools.iter().map(|tool| format!("mode = \"migrations\"\n{}", tool.keys)).collect();
    let named: Vec<(&str, &str)> = tools.iter().zip(&keys).map(|(tool, keys)| (tool.name, keys.as_str())).collect();
    let host = checks(url, &named);
    for tool in tools {
        host.wait_until_says(tool.name, "healthy", "migrations applied");
    }
    for tool in tools {
        sql(&format!("{schema}{}", tool.breaks));
    }
    for tool in tools {
        host.wait_until_says(tool.name, tool.status, tool.says);
    }
}

// A row is no applied migration: failed, unfinished, undone and locked ones are told apart, on PostgreSQL and on MariaDB.
#[test]
fn rows_are_not_yet_applied_migrations() {
    let (postgres, mariadb) = (Postgres::start(), MariaDb::start());
    judge(&POSTGRES, &postgres.url(), "", |statements| drop(postgres.sql(statements)));
    judge(&MARIADB, &mariadb.url(), "USE shop; ", |statements| drop(mariadb.sql(statements)));
}
