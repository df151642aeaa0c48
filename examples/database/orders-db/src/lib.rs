//! Business logic as a check: how many orders wait in the shop's own database, and for how long?

use probity_check::prelude::*;
use probity_check::units::Quantity;
use serde::{Deserialize, Deserializer, de};

/// Keys of `[check.config]`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Config {
    #[serde(default = "connection_default", deserialize_with = "not_empty")]
    connection: String,
    #[serde(default = "pending_default")]
    pending: AtMost,
    #[serde(default = "oldest_default")]
    oldest: AtMost<Span>,
}

fn connection_default() -> String {
    "orders-db".to_owned()
}

fn pending_default() -> AtMost {
    AtMost::new(100.0, 500.0)
}

fn oldest_default() -> AtMost<Span> {
    AtMost::new(Span::from_ms(5 * 60_000), Span::from_ms(30 * 60_000))
}

fn not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() { Err(de::Error::custom("must not be empty")) } else { Ok(text) }
}

/// The check.
struct OrdersDb;

/// `created_unix` is in seconds, so that the same statement runs on PostgreSQL, MySQL and SQLite.
const BACKLOG: &str = "SELECT count(*), min(created_unix) FROM orders WHERE state = 'pending'";

impl Check for OrdersDb {
    type Config = Config;

    fn describe() -> Metadata {
        Metadata::new("orders-db", env!("CARGO_PKG_VERSION"))
            .description("How many orders wait in the database, and for how long")
            .probe(Probe::Ready)
            .default_interval_ms(15_000)
            .default_timeout_ms(3_000)
            .config_schema(include_str!("../schema.json"))
            .config_example(include_str!("../example.json"))
    }

    fn run(config: &Config) -> Result<Outcome, Failure> {
        match backlog(&config.connection) {
            Ok((pending, oldest_ms)) => {
                let text = format!("{pending} orders wait, the oldest for {}", Span::show(oldest_ms, "ms"));
                Ok(Outcome::healthy(text).judge("pending", pending as f64, "{orders}", &config.pending).judge(
                    "oldest",
                    oldest_ms,
                    "ms",
                    &config.oldest,
                ))
            }
            // A database that does not answer is the shop's trouble as well.
            Err(error) if error.kind.is_about_the_target() => Ok(Outcome::unhealthy(error.to_string())),
            Err(error) => Err(error.into()),
        }
    }
}

fn backlog(connection: &str) -> Result<(i64, f64), Error> {
    let db = sql::Connection::open(connection)?;
    let reply = db.query(BACKLOG, &[])?;
    let row = reply.first().ok_or_else(|| Error::new(ErrorKind::Protocol, "no row"))?;
    let created: Option<i64> = row.at(1)?;
    let now = i64::try_from(clock::now_unix_ms() / 1000).unwrap_or(i64::MAX);
    let oldest_s = created.map_or(0, |created| now.saturating_sub(created).max(0));
    Ok((row.at(0)?, oldest_s as f64 * 1e3))
}

probity_check::export!(OrdersDb);

#[cfg(test)]
mod tests {
    use super::*;
    use probity_check::serde_json::json;
    use probity_check::testing::{Database, TestHost, assert_schema_matches};

    const NOW_S: i64 = 1_800_000_000;

    fn run(pending: i64, age_s: Option<i64>) -> Outcome {
        let row = vec![pending.into(), age_s.map(|age| NOW_S - age).into()];
        let db = Database::postgres().answers("FROM orders", &["count", "min"], vec![row]);
        let host = TestHost::new().sql("orders-db", db).now_unix_ms(NOW_S as u64 * 1000);
        host.run::<OrdersDb>(json!({})).unwrap()
    }

    #[test]
    fn schema_matches_the_configuration() {
        assert_schema_matches::<OrdersDb>();
    }

    // No orders, few orders: fine.
    #[test]
    fn short_backlog_is_healthy() {
        assert_eq!(run(0, None).status, Status::Healthy);
        assert_eq!(run(3, Some(60)).message, "3 orders wait, the oldest for 1 m");
    }

    // Many orders, or an old one, are told apart.
    #[test]
    fn long_backlog_is_judged() {
        assert_eq!(run(101, Some(1)).status, Status::Degraded);
        assert_eq!(run(501, Some(1)).status, Status::Unhealthy);
        assert_eq!(run(1, Some(3600)).status, Status::Unhealthy);
    }

    // A database that is down is unhealthy, and no failure of the check.
    #[test]
    fn no_database_is_unhealthy() {
        let down = Database::postgres().fails_to_open(Error::new(ErrorKind::Refused, "closed"));
        let outcome = TestHost::new().sql("orders-db", down).run::<OrdersDb>(json!({})).unwrap();
        assert_eq!(outcome.status, Status::Unhealthy);
    }
}
