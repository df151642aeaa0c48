//! Asks a database: does it answer, is a value right, do replicas follow, are connections left, are migrations applied?

mod casts;
mod config;
mod migrations;
mod modes;
mod replication;

use probity_check::prelude::*;

use config::{Config, Mode};

/// The check.
struct Sql;

impl Check for Sql {
    type Config = Config;

    fn describe() -> Metadata {
        Metadata::new("sql", env!("CARGO_PKG_VERSION"))
            .description("Asks a database: answers, a value, replication lag, connections in use, migrations applied")
            .probe(Probe::Ready)
            .default_interval_ms(30_000)
            .default_timeout_ms(5_000)
            .config_schema(include_str!("../schema.json"))
            .config_example(include_str!("../example.json"))
    }

    fn run(config: &Config) -> Result<Outcome, Failure> {
        config.check()?;
        match ask(config) {
            Ok(outcome) => Ok(outcome),
            // The operator's own statement is judged as it stands; the check's own questions are not to be taken for answers.
            Err(error) if config.mode != Mode::Query && is_right_missing(&error) => Err(error.into()),
            Err(error) if error.kind.is_about_the_target() => {
                Ok(Outcome::unhealthy(format!("{}: {error}", config.connection)))
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn ask(config: &Config) -> Result<Outcome, Error> {
    let db = sql::Connection::open(&config.connection)?;
    let start_ns = clock::monotonic_ns();
    let mut ping_ms = None;
    let outcome = match config.mode {
        Mode::Ping => {
            let ms = db.ping()?;
            ping_ms = Some(ms);
            Outcome::healthy(format!("{} answers", config.connection))
        }
        Mode::Query => modes::query(&db, config)?,
        Mode::ReplicationLag => replication::lag(&db, config)?,
        Mode::Connections => modes::connections(&db, config)?,
        Mode::Migrations => migrations::applied(&db, config)?,
    };
    let took_ms = ping_ms.unwrap_or_else(|| clock::monotonic_ns().saturating_sub(start_ns) as f64 / 1e6);
    Ok(outcome.judge("latency", took_ms, "ms", &config.latency).detail("engine", db.engine()))
}

/// Whether the server says that its user may not see what was asked. MySQL has one SQLSTATE for that and for a statement
/// that it does not understand.
pub(crate) fn is_right_missing(error: &Error) -> bool {
    match error.code.as_deref() {
        Some("42501") => true,
        Some("42000") => error.message.to_ascii_lowercase().contains("denied"),
        _ => false,
    }
}

/// What the server does not show to its user: no judgement, and what would allow one.
pub(crate) fn hidden(what: &str, right: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("{what}; {right}"))
}

/// The server answered, and not as it should.
pub(crate) fn no_row() -> Error {
    Error::new(ErrorKind::Protocol, "the server answered without a row")
}

probity_check::export!(Sql);

#[cfg(test)]
mod tests;
