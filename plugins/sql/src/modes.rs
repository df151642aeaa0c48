//! Questions that one statement answers: a value of the operator's, and connections.

use probity_check::prelude::*;
use probity_check::serde_json::Value as Json;
use probity_check::sql::{Connection, FromValue, Value};
use probity_check::units::Number;

use crate::config::{Config, OnNull};
use crate::{casts, no_row};

/// A value's characters in a message.
const SHOWN_CHARS_MAX: usize = 120;

/// Judges the first field of the first row.
pub(crate) fn query(db: &Connection, config: &Config) -> Result<Outcome, Error> {
    let reply = db.query(config.query.as_deref().unwrap_or_default(), &config.params)?;
    let Some(row) = reply.first() else {
        return Ok(Outcome::unhealthy("the query gave no row"));
    };
    let value: Value = row.at(0)?;
    if value == Value::Null {
        return Ok(null(config));
    }
    let mut outcome = Outcome::healthy(format!("the query gave {}", show(&value)));
    if let Some(expected) = &config.equals
        && !equals(&value, expected)
    {
        outcome = outcome.finding(Status::Unhealthy, &format!("expected {expected}, got {}", show(&value)));
    }
    match Number::from_value(&value) {
        Some(number) => Ok(judge(outcome, number, config)),
        None if config.is_bounded() => {
            let type_name = reply.columns.first().map_or("", |column| column.type_name.as_str());
            match casts::refusal(&db.engine(), type_name, &value) {
                Some(refusal) => Err(refusal),
                None => Ok(outcome.finding(Status::Unhealthy, &format!("expected a number, got {}", show(&value)))),
            }
        }
        None => Ok(outcome),
    }
}

/// One measurement, judged by both.
fn judge(outcome: Outcome, number: Number, config: &Config) -> Outcome {
    let above = config.at_most.complaint_exact(number, "");
    let below = config.at_least.complaint_exact(number, "");
    let status = Status::worst([config.at_most.judge_exact(number), config.at_least.judge_exact(number)]);
    let outcome = outcome.measure("value", number, "");
    match above.or(below) {
        Some(text) => outcome.finding(status, &format!("value {text}")),
        None => outcome,
    }
}

/// There is nothing to judge. Where something should be, that is bad news unless the operator says otherwise.
fn null(config: &Config) -> Outcome {
    let is_judged = config.is_bounded() || config.equals.is_some();
    let status = match config.on_null.map(OnNull::status) {
        Some(status) => status,
        None if is_judged => Status::Unhealthy,
        None => Status::Healthy,
    };
    Outcome::new(status, "the query gave null")
}

fn equals(value: &Value, expected: &Json) -> bool {
    match expected {
        Json::String(text) => String::from_value(value).as_ref() == Some(text),
        Json::Bool(truth) => bool::from_value(value) == Some(*truth),
        Json::Number(_) => match (Number::from_value(value), Number::of_json(expected)) {
            (Some(value), Some(expected)) => value == expected,
            _ => false,
        },
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

/// What a session is the server tells only to some; that there is one, of which user and in which database, to all. Those
/// kept for superusers, and from 16 on for others, are of no use to a service.
const POSTGRES_CONNECTIONS: &str = "SELECT count(*) FILTER (WHERE backend_type = 'client backend'), \
     count(*) FILTER (WHERE backend_type IS NULL AND usesysid IS NOT NULL AND datid IS NOT NULL), \
     current_setting('max_connections')::int8 - current_setting('superuser_reserved_connections')::int8 \
     - coalesce(current_setting('reserved_connections', true)::int8, 0), current_user::text FROM pg_stat_activity";

/// Connections of the whole server against its limit.
pub(crate) fn connections(db: &Connection, config: &Config) -> Result<Outcome, Error> {
    match db.engine().as_str() {
        "postgres" => {
            let reply = db.query(POSTGRES_CONNECTIONS, &[])?;
            let row = reply.first().ok_or_else(no_row)?;
            let (seen, unseen): (f64, f64) = (row.at(0)?, row.at(1)?);
            let outcome = used(seen + unseen, row.at(2)?, config);
            if unseen == 0.0 {
                return Ok(outcome);
            }
            let user: String = row.at(3)?;
            let told = format!(
                "{unseen} of them by user and database only, so that background workers may be among them; to tell \
                 them apart: GRANT pg_monitor TO {user}"
            );
            Ok(outcome.detail("counted", told))
        }
        "mysql" => {
            let threads = db.query("SHOW GLOBAL STATUS LIKE 'Threads_connected'", &[])?;
            let threads = threads.first().ok_or_else(no_row)?.at::<f64>(1)?;
            Ok(used(threads, db.scalar::<f64>("SELECT @@global.max_connections", &[])?, config))
        }
        engine => Err(Error::new(ErrorKind::Unsupported, format!("{engine} has no limit of connections"))),
    }
}

fn used(used: f64, limit: f64, config: &Config) -> Outcome {
    let percent = if limit > 0.0 { used / limit * 100.0 } else { 100.0 };
    Outcome::healthy(format!("{used} of {limit} connections in use"))
        .measure("connections", used, "{connections}")
        .judge("used", percent, "%", &config.used_percent)
}
