//! How far replicas are behind.
//!
//! A lag that nobody told is no lag of nothing: what the server hides from its user, and what a replica has not said yet,
//! is never read as 0.

use probity_check::prelude::*;
use probity_check::sql::{Connection, Row, RowSet};
use probity_check::units::Quantity;

use crate::config::Config;
use crate::{hidden, is_right_missing, no_row};

/// On a replica: how far it is behind. On a primary: how far the slowest replica is.
pub(crate) fn lag(db: &Connection, config: &Config) -> Result<Outcome, Error> {
    match db.engine().as_str() {
        "postgres" => postgres(db, config),
        "mysql" => mysql(db, config),
        engine => Err(Error::new(ErrorKind::Unsupported, format!("{engine} does not replicate"))),
    }
}

/// Whether it is a replica; whether it is connected to its primary; whether it has replayed all that it received, however
/// old the last transaction is; and how old that is. What was received is told from the start of a segment on after a
/// restart, and so is less than what was replayed until more comes.
const POSTGRES_REPLICA: &str = "SELECT pg_is_in_recovery(), EXISTS (SELECT 1 FROM pg_stat_wal_receiver), \
     CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn() END, \
     CASE WHEN pg_is_in_recovery() THEN extract(epoch FROM now() - pg_last_xact_replay_timestamp())::float8 END";

/// Of those that follow: all; those of which this user sees nothing; those that do not stream what is new or have not said
/// yet how far they are; and the most that one is behind. Copies being made, and archives of what is received
/// (`pg_receivewal`), replay nothing. A replica that streams and has no lag has caught up.
const POSTGRES_PRIMARY: &str = "SELECT count(*), count(*) FILTER (WHERE state IS NULL), \
     count(*) FILTER (WHERE state <> 'streaming' OR replay_lsn IS NULL), \
     max(extract(epoch FROM replay_lag)::float8), current_user::text FROM pg_stat_replication \
     WHERE state IS NULL OR state <> 'backup' AND NOT (state = 'streaming' AND replay_lsn IS NULL AND flush_lsn IS NOT NULL)";

fn postgres(db: &Connection, config: &Config) -> Result<Outcome, Error> {
    let reply = db.query(POSTGRES_REPLICA, &[])?;
    let row = reply.first().ok_or_else(no_row)?;
    if row.at(0)? { postgres_replica(&row, config) } else { postgres_primary(db, config) }
}

fn postgres_replica(row: &Row<'_>, config: &Config) -> Result<Outcome, Error> {
    let (is_connected, has_all): (bool, Option<bool>) = (row.at(1)?, row.at(2)?);
    let age: Option<f64> = row.at(3)?;
    // Without a primary there may be more that it has not heard of: then only the last transaction's age says anything.
    let seconds = if is_connected && has_all == Some(true) { Some(0.0) } else { age };
    let outcome = match seconds {
        Some(seconds) => judged(Outcome::healthy(String::new()), "replica", seconds, config),
        None if is_connected => Outcome::unhealthy("a replica that has replayed nothing yet"),
        None => Outcome::unhealthy("a replica that has replayed nothing since its start"),
    };
    Ok(if is_connected { outcome } else { outcome.finding(Status::Degraded, "no connection to the primary") })
}

fn postgres_primary(db: &Connection, config: &Config) -> Result<Outcome, Error> {
    let reply = db.query(POSTGRES_PRIMARY, &[])?;
    let row = reply.first().ok_or_else(no_row)?;
    let (replicas, unseen, behind): (i64, i64, i64) = (row.at(0)?, row.at(1)?, row.at(2)?);
    if replicas == 0 {
        return Ok(Outcome::unhealthy("a primary without replicas"));
    }
    if unseen > 0 {
        let user: String = row.at(4)?;
        let right = format!("to show it: GRANT pg_monitor TO {user}");
        return Err(hidden(&format!("how far {unseen} followers are is hidden from user `{user}`"), &right));
    }
    let outcome = Outcome::healthy(String::new()).measure("replicas", replicas, "{replicas}");
    let slowest: Option<f64> = row.at(3)?;
    if behind == replicas && slowest.is_none() {
        return Ok(outcome.finding(Status::Degraded, &format!("{replicas} replicas do not stream yet")));
    }
    let outcome = judged(outcome, "slowest replica", slowest.unwrap_or(0.0), config);
    Ok(match behind {
        0 => outcome,
        _ => outcome.finding(Status::Degraded, &format!("{behind} of {replicas} replicas do not stream yet")),
    })
}

/// Every channel: MySQL tells of all at once, MariaDB only when asked so. The word `SLAVE` is understood by MariaDB and by
/// MySQL up to 8.3, `REPLICA` by both from 10.5 and 8.0.22.
const MYSQL_STATUS: [&str; 4] =
    ["SHOW ALL REPLICAS STATUS", "SHOW REPLICA STATUS", "SHOW ALL SLAVES STATUS", "SHOW SLAVE STATUS"];

fn mysql(db: &Connection, config: &Config) -> Result<Outcome, Error> {
    let channels = mysql_status(db)?;
    if channels.rows.is_empty() {
        return Ok(Outcome::unhealthy("no replica: the server follows nobody"));
    }
    let mut slowest = 0.0_f64;
    for channel in channels.iter() {
        let behind = channel.get::<Option<f64>>("Seconds_Behind_Source");
        match behind.or_else(|_| channel.get::<Option<f64>>("Seconds_Behind_Master"))? {
            Some(seconds) => slowest = slowest.max(seconds),
            None => {
                let name = channel.get::<String>("Channel_Name").or_else(|_| channel.get("Connection_name"));
                let name = name.ok().filter(|name| !name.is_empty()).map(|name| format!(" from `{name}`"));
                return Ok(Outcome::unhealthy(format!("replication{} does not run", name.unwrap_or_default())));
            }
        }
    }
    Ok(judged(Outcome::healthy(String::new()), "replica", slowest, config))
}

/// The first form that the server understands.
fn mysql_status(db: &Connection) -> Result<RowSet, Error> {
    let mut refusal = no_row();
    for statement in MYSQL_STATUS {
        match db.query(statement, &[]) {
            Err(error) if error.code.as_deref() == Some("42000") && !is_right_missing(&error) => refusal = error,
            answer => return answer,
        }
    }
    Err(refusal)
}

fn judged(mut outcome: Outcome, who: &str, seconds: f64, config: &Config) -> Outcome {
    let ms = seconds * 1e3;
    outcome.message = format!("{who} {} behind", Span::show(ms, "ms"));
    outcome.judge("lag", ms, "ms", &config.lag)
}
