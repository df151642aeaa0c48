//! The questions.

use probity_check::prelude::*;
use probity_check::serde_json::Value as Json;
use probity_check::sql::{Connection, FromValue, Value};
use probity_check::units::Quantity;

use crate::config::Config;

/// A value's characters in a message.
const SHOWN_CHARS_MAX: usize = 120;

/// Judges the first field of the first row.
pub(crate) fn query(db: &Connection, config: &Config) -> Result<Outcome, Error> {
    let reply = db.query(config.query.as_deref().unwrap_or_default(), &config.params)?;
    let Some(row) = reply.first() else {
        return Ok(Outcome::unhealthy("the query gave no row"));
    };
    let value: Value = row.at(0)?;
    let mut outcome = Outcome::healthy(format!("the query gave {}", show(&value)));
    if let Some(expected) = &config.equals
        && !equals(&value, expected)
    {
        outcome = outcome.finding(Status::Unhealthy, &format!("expected {expected}, got {}", show(&value)));
    }
    let bounded = config.at_most != AtMost::default() || config.at_least != AtLeast::default();
    match f64::from_value(&value) {
        Some(number) => {
            // One measurement, judged by both.
            let above = config.at_most.complaint(number, "");
            let below = config.at_least.complaint(number, "");
            let status = Status::worst([config.at_most.judge(number), config.at_least.judge(number)]);
            outcome = outcome.measure("value", number, "");
            if let Some(text) = above.or(below) {
                outcome = outcome.finding(status, &format!("value {text}"));
            }
            Ok(outcome)
        }
        None if bounded => Ok(outcome.finding(Status::Unhealthy, &format!("expected a number, got {}", show(&value)))),
        None => Ok(outcome),
    }
}

fn equals(value: &Value, expected: &Json) -> bool {
    match expected {
        Json::String(text) => String::from_value(value).as_ref() == Some(text),
        Json::Bool(truth) => bool::from_value(value) == Some(*truth),
        Json::Number(number) => f64::from_value(value) == number.as_f64(),
        _ => false,
    }
}

fn show(value: &Value) -> String {
    let text = match value {
        Value::Null => return "null".to_owned(),
        Value::Boolean(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::Text(text) => format!("{text:?}"),
        Value::Bytes(bytes) => return format!("{} bytes", bytes.len()),
    };
    text.chars().take(SHOWN_CHARS_MAX).collect()
}

/// On a replica: how far it is behind. On a primary: how far the slowest replica is.
pub(crate) fn replication_lag(db: &Connection, config: &Config) -> Result<Outcome, Error> {
    match db.engine().as_str() {
        "postgres" => postgres_lag(db, config),
        "mysql" => mysql_lag(db, config),
        engine => Err(Error::new(ErrorKind::Unsupported, format!("{engine} does not replicate"))),
    }
}

/// A replica that has replayed all it received is not behind, however old the last transaction is.
const POSTGRES_REPLICA: &str = "SELECT pg_is_in_recovery(), \
     CASE WHEN NOT pg_is_in_recovery() THEN NULL \
          WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0.0 \
          ELSE extract(epoch FROM now() - pg_last_xact_replay_timestamp())::float8 END, \
     EXISTS (SELECT 1 FROM pg_stat_wal_receiver)";

const POSTGRES_PRIMARY: &str = "SELECT count(*), max(extract(epoch FROM replay_lag)::float8) FROM pg_stat_replication";

fn postgres_lag(db: &Connection, config: &Config) -> Result<Outcome, Error> {
    let reply = db.query(POSTGRES_REPLICA, &[])?;
    let row = reply.first().ok_or_else(no_row)?;
    if row.at(0)? {
        let receives: bool = row.at(2)?;
        let Some(seconds) = row.at::<Option<f64>>(1)? else {
            return Ok(Outcome::unhealthy("a replica that has replayed nothing yet"));
        };
        let outcome = lag(Outcome::healthy(String::new()), "replica", seconds, config);
        return Ok(if receives { outcome } else { outcome.finding(Status::Degraded, "no connection to the primary") });
    }
    let reply = db.query(POSTGRES_PRIMARY, &[])?;
    let row = reply.first().ok_or_else(no_row)?;
    let replicas: i64 = row.at(0)?;
    if replicas == 0 {
        return Ok(Outcome::unhealthy("a primary without replicas"));
    }
    let seconds: Option<f64> = row.at(1)?;
    let outcome = Outcome::healthy(String::new()).measure("replicas", replicas, "{replicas}");
    Ok(lag(outcome, "slowest replica", seconds.unwrap_or(0.0), config))
}

fn mysql_lag(db: &Connection, config: &Config) -> Result<Outcome, Error> {
    // The old word is understood by MariaDB and MySQL up to 8.3, the new one by both from 10.5 and 8.0.22.
    let reply = match db.query("SHOW REPLICA STATUS", &[]) {
        Ok(reply) => reply,
        Err(error) if error.code.as_deref() == Some("42000") => db.query("SHOW SLAVE STATUS", &[])?,
        Err(error) => return Err(error),
    };
    let Some(row) = reply.first() else {
        return Ok(Outcome::unhealthy("no replica: the server follows nobody"));
    };
    let behind = row.get::<Option<f64>>("Seconds_Behind_Source");
    let Some(seconds) = behind.or_else(|_| row.get::<Option<f64>>("Seconds_Behind_Master"))? else {
        return Ok(Outcome::unhealthy("replication does not run"));
    };
    Ok(lag(Outcome::healthy(String::new()), "replica", seconds, config))
}

fn lag(mut outcome: Outcome, who: &str, seconds: f64, config: &Config) -> Outcome {
    let ms = seconds * 1e3;
    outcome.message = format!("{who} {} behind", Span::show(ms, "ms"));
    outcome.judge("lag", ms, "ms", &config.lag)
}

/// Connections of the whole server against its limit.
pub(crate) fn connections(db: &Connection, config: &Config) -> Result<Outcome, Error> {
    let (used, limit) = match db.engine().as_str() {
        "postgres" => {
            // Those kept for superusers are of no use to a service.
            let reply = db.query(
                "SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'), \
                 current_setting('max_connections')::int8 - current_setting('superuser_reserved_connections')::int8",
                &[],
            )?;
            let row = reply.first().ok_or_else(no_row)?;
            (row.at::<f64>(0)?, row.at::<f64>(1)?)
        }
        "mysql" => {
            let used = db.query("SHOW GLOBAL STATUS LIKE 'Threads_connected'", &[])?;
            let used = used.first().ok_or_else(no_row)?.at::<f64>(1)?;
            (used, db.scalar::<f64>("SELECT @@global.max_connections", &[])?)
        }
        engine => return Err(Error::new(ErrorKind::Unsupported, format!("{engine} has no limit of connections"))),
    };
    let percent = if limit > 0.0 { used / limit * 100.0 } else { 100.0 };
    Ok(Outcome::healthy(format!("{used} of {limit} connections in use"))
        .measure("connections", used, "{connections}")
        .judge("used", percent, "%", &config.used_percent))
}

/// Whether the tool's list holds what it should.
pub(crate) fn migrations(db: &Connection, config: &Config) -> Result<Outcome, Error> {
    let table = &config.table;
    let applied: i64 = db.scalar(&format!("SELECT count(*) FROM {table}"), &[])?;
    let mut outcome =
        Outcome::healthy(format!("{applied} migrations applied")).measure("applied", applied, "{migrations}");
    if applied < config.count.into() {
        outcome = outcome
            .finding(Status::Unhealthy, &format!("{applied} migrations applied, expected at least {}", config.count));
    }
    if let Some(expected) = &config.expect {
        let (text, placeholder) = match db.engine().as_str() {
            "postgres" => ("TEXT", "$1"),
            "mysql" => ("CHAR", "?"),
            _ => ("TEXT", "?"),
        };
        let statement = format!("SELECT count(*) FROM {table} WHERE CAST({} AS {text}) = {placeholder}", config.column);
        if db.scalar::<i64>(&statement, &[expected.as_str().into()])? == 0 {
            outcome = outcome.finding(Status::Unhealthy, &format!("migration {expected} is not applied"));
        }
    }
    Ok(outcome)
}

fn no_row() -> Error {
    Error::new(ErrorKind::Protocol, "the server answered without a row")
}
