//! Business logic as a check: could a payment be booked right now? One is, in a transaction that is then rolled back.

use probity_check::prelude::*;
use serde::{Deserialize, Deserializer, de};

/// Keys of `[check.config]`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Config {
    #[serde(default = "connection_default", deserialize_with = "not_empty")]
    connection: String,
    #[serde(default)]
    latency: AtMost<Span>,
}

fn connection_default() -> String {
    "payments-db".to_owned()
}

fn not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() { Err(de::Error::custom("must not be empty")) } else { Ok(text) }
}

/// The check.
struct DummyPayment;

impl Check for DummyPayment {
    type Config = Config;

    fn describe() -> Metadata {
        Metadata::new("dummy-payment", env!("CARGO_PKG_VERSION"))
            .description("Books a payment in a transaction that is rolled back")
            .probe(Probe::Ready)
            .default_interval_ms(60_000)
            .default_timeout_ms(3_000)
            .config_schema(include_str!("../schema.json"))
            .config_example(include_str!("../example.json"))
    }

    fn run(config: &Config) -> Result<Outcome, Failure> {
        let start_ns = clock::monotonic_ns();
        match book(&config.connection) {
            Ok(true) => {
                let took_ms = clock::monotonic_ns().saturating_sub(start_ns) as f64 / 1e6;
                let outcome = Outcome::healthy("a payment can be booked");
                Ok(outcome.judge("booking", took_ms, "ms", &config.latency))
            }
            Ok(false) => Ok(Outcome::unhealthy("a payment was booked and is not there")),
            Err(error) if error.kind.is_about_the_target() => {
                Ok(Outcome::unhealthy(format!("no payment can be booked: {error}")))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Inserts a payment and looks for it. Whatever happens here, and wherever the run ends, the host rolls it back.
fn book(connection: &str) -> Result<bool, Error> {
    let db = sql::Connection::open(connection)?;
    let (insert, select) = match db.engine().as_str() {
        "postgres" => (
            "INSERT INTO payments (reference, amount_cents) VALUES ($1, 1)",
            "SELECT count(*) FROM payments WHERE reference = $1",
        ),
        _ => (
            "INSERT INTO payments (reference, amount_cents) VALUES (?, 1)",
            "SELECT count(*) FROM payments WHERE reference = ?",
        ),
    };
    let reference = [format!("probity-{}", context::run_id()).into()];
    let transaction = db.begin()?;
    transaction.execute(insert, &reference)?;
    let found = transaction.query(select, &reference)?;
    let found: i64 = found.first().ok_or_else(|| Error::new(ErrorKind::Protocol, "no row"))?.at(0)?;
    transaction.rollback()?;
    Ok(found == 1)
}

probity_check::export!(DummyPayment);

#[cfg(test)]
mod tests {
    use super::*;
    use probity_check::serde_json::json;
    use probity_check::testing::{Database, TestHost, assert_schema_matches};

    fn run(database: Database) -> (Outcome, Vec<String>) {
        let host = TestHost::new().sql("payments-db", database);
        let outcome = host.run::<DummyPayment>(json!({})).unwrap();
        let words = host.sql_statements("payments-db").into_iter();
        (outcome, words.map(|(statement, _)| statement.split(' ').next().unwrap_or_default().to_owned()).collect())
    }

    #[test]
    fn schema_matches_the_configuration() {
        assert_schema_matches::<DummyPayment>();
    }

    // A payment is booked, found and rolled back.
    #[test]
    fn payment_is_rolled_back() {
        let db = Database::mysql().affects("INSERT", 1).answers("SELECT", &["n"], vec![vec![1.into()]]);
        let (outcome, words) = run(db);
        assert_eq!(outcome.status, Status::Healthy);
        assert_eq!(words, ["BEGIN", "INSERT", "SELECT", "ROLLBACK"]);
    }

    // A booking that the database refuses is unhealthy, and rolled back all the same.
    #[test]
    fn refused_payment_is_unhealthy() {
        let db = Database::postgres().fails("INSERT", Error::new(ErrorKind::Remote, "disk full"));
        let (outcome, words) = run(db);
        assert_eq!((outcome.status, words.last().unwrap().as_str()), (Status::Unhealthy, "ROLLBACK"));
    }

    // Without `:write` the operator hears about the grant, not about the payments.
    #[test]
    fn reading_only_is_a_failure() {
        let host = TestHost::new().sql("payments-db", Database::postgres().read_only());
        let result = host.run::<DummyPayment>(json!({}));
        assert!(matches!(result, Err(Failure::Capability(error)) if error.kind == ErrorKind::Denied));
    }
}
