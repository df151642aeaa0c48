//! Whether the migrations that should be applied are.
//!
//! A row is no applied migration yet: tools note there as well what failed, what is under way and what was undone. Which
//! tool it is the table's columns tell, and so what its marks mean.

use probity_check::prelude::*;
use probity_check::sql::{Connection, RowSet, Value};

use crate::config::Config;
use crate::{is_right_missing, no_row};

/// Migrations that a finding names.
const NAMED_MAX: usize = 3;

/// Where tools keep a migration's name, from the most to the least telling.
const NAME_COLUMNS: [&str; 8] =
    ["version", "version_num", "version_id", "migration_name", "migrationid", "name", "migration", "id"];

/// Tools whose table says more than that there was a migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    /// One row, `dirty` while a migration runs and for good after one that failed.
    GolangMigrate,
    /// Failed ones stay with `success = false`; one that was undone has a later row that says so.
    Flyway,
    /// `success` is false until the migration is through: sqlx, Evolve.
    Success,
    /// `exectype` says what became of it; a lock is in a table of its own.
    Liquibase,
    /// Begun, finished, and rolled back have a time each.
    Prisma,
    /// A row for each way up and down; the last one counts.
    Goose,
    /// How many statements of how many are through, and what stopped the next.
    Atlas,
    /// A state for each way up and down.
    Play,
    /// A row is an applied migration; a lock is in a table of its own.
    Knex,
    /// A row is an applied migration.
    Plain,
}

impl Tool {
    /// By the columns of its table.
    pub(crate) fn of(columns: &[String]) -> Self {
        let has = |names: &[&str]| names.iter().all(|name| columns.iter().any(|own| own.eq_ignore_ascii_case(name)));
        match () {
            () if has(&["dirty"]) => Self::GolangMigrate,
            () if has(&["success", "installed_rank", "type", "version"]) => Self::Flyway,
            () if has(&["success"]) => Self::Success,
            () if has(&["exectype"]) => Self::Liquibase,
            () if has(&["finished_at", "rolled_back_at"]) => Self::Prisma,
            () if has(&["is_applied", "version_id", "id"]) => Self::Goose,
            () if has(&["applied", "total", "error"]) => Self::Atlas,
            () if has(&["state", "last_problem"]) => Self::Play,
            () if has(&["batch", "migration_time"]) => Self::Knex,
            () => Self::Plain,
        }
    }

    /// What rows `r` of `table` must be to count.
    fn applied(self, table: &str) -> String {
        match self {
            Self::GolangMigrate => "r.dirty IS FALSE".to_owned(),
            // What only marks the schema's creation is no migration.
            Self::Flyway => format!(
                "r.success IS TRUE AND r.type NOT LIKE 'UNDO%' AND r.type NOT IN ('DELETE', 'SCHEMA') AND NOT EXISTS \
                 (SELECT 1 FROM {table} AS l WHERE l.version = r.version AND l.installed_rank > r.installed_rank \
                 AND l.success IS TRUE AND (l.type LIKE 'UNDO%' OR l.type = 'DELETE'))"
            ),
            Self::Success => "r.success IS TRUE".to_owned(),
            Self::Liquibase => "r.exectype IN ('EXECUTED', 'RERAN', 'MARK_RAN')".to_owned(),
            Self::Prisma => "r.finished_at IS NOT NULL AND r.rolled_back_at IS NULL".to_owned(),
            // The first row stands for the empty database.
            Self::Goose => format!(
                "r.is_applied IS TRUE AND r.version_id > 0 AND NOT EXISTS \
                 (SELECT 1 FROM {table} AS l WHERE l.version_id = r.version_id AND l.id > r.id)"
            ),
            Self::Atlas => "r.applied >= r.total AND coalesce(r.error, '') = ''".to_owned(),
            Self::Play => "r.state = 'applied'".to_owned(),
            Self::Knex | Self::Plain => "1 = 1".to_owned(),
        }
    }

    /// What rows are that failed, or are under way; and how to say so.
    const fn broken(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::GolangMigrate => ("r.dirty IS NOT FALSE", "is dirty: it failed, or is under way"),
            Self::Flyway | Self::Success => ("r.success IS NOT TRUE", "has no success: it failed, or is under way"),
            Self::Liquibase => ("r.exectype = 'FAILED'", "failed"),
            Self::Prisma => {
                ("r.finished_at IS NULL AND r.rolled_back_at IS NULL", "is not finished: it failed, or is under way")
            }
            Self::Atlas => {
                ("r.applied < r.total OR coalesce(r.error, '') <> ''", "is applied in part: it failed, or is under way")
            }
            Self::Play => ("r.state IS NULL OR r.state <> 'applied'", "is between two states"),
            Self::Goose | Self::Knex | Self::Plain => return None,
        })
    }

    /// The lock's table, beside the list's, and its column.
    const fn lock(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Liquibase => Some(("lock", "locked")),
            Self::Knex => Some(("_lock", "is_locked")),
            _ => None,
        }
    }
}

/// Whether the tool's list holds what it should, and nothing that failed.
pub(crate) fn applied(db: &Connection, config: &Config) -> Result<Outcome, Error> {
    let engine = db.engine();
    let (table, columns) = table(db, &engine, &config.table)?;
    let tool = Tool::of(&columns);
    let name = name_column(&engine, &columns, config)?;
    let condition = tool.applied(&table);
    let applied: i64 = db.scalar(&format!("SELECT count(*) FROM {table} AS r WHERE {condition}"), &[])?;
    let mut outcome =
        Outcome::healthy(format!("{applied} migrations applied")).measure("applied", applied, "{migrations}");
    if let Some((broken, what)) = tool.broken() {
        let shown = name.as_deref().unwrap_or("NULL");
        let rows = db.query(&format!("SELECT {shown} FROM {table} AS r WHERE {broken}"), &[])?;
        if !rows.rows.is_empty() {
            outcome = outcome.finding(Status::Unhealthy, &format!("migration {} {what}", listed(&rows)));
        }
    }
    if let Some((suffix, column)) = tool.lock()
        && is_locked(db, &lock_table(&config.table, suffix), column)?
    {
        outcome =
            outcome.finding(Status::Degraded, "migrations are locked: one is under way, or ended without letting go");
    }
    if applied < config.count.into() {
        outcome = outcome
            .finding(Status::Unhealthy, &format!("{applied} migrations applied, expected at least {}", config.count));
    }
    if let (Some(expected), Some(name)) = (&config.expect, &name) {
        let (text, placeholder) = match engine.as_str() {
            "postgres" => ("TEXT", "$1"),
            "mysql" => ("CHAR", "?"),
            _ => ("TEXT", "?"),
        };
        let statement =
            format!("SELECT count(*) FROM {table} AS r WHERE CAST({name} AS {text}) = {placeholder} AND ({condition})");
        if db.scalar::<i64>(&statement, &[expected.as_str().into()])? == 0 {
            outcome = outcome.finding(Status::Unhealthy, &format!("migration {expected} is not applied"));
        }
    }
    Ok(outcome)
}

/// The table as a statement names it, and its columns. PostgreSQL makes names small unless they are quoted, and some tools
/// quote theirs (`SequelizeMeta`, `__EFMigrationsHistory`).
fn table(db: &Connection, engine: &str, table: &str) -> Result<(String, Vec<String>), Error> {
    let look = |name: &str| -> Result<(String, Vec<String>), Error> {
        let reply = db.query(&format!("SELECT * FROM {name} WHERE 1 = 0"), &[])?;
        Ok((name.to_owned(), reply.columns.into_iter().map(|column| column.name).collect()))
    };
    match look(table) {
        Err(error) if engine == "postgres" && error.code.as_deref() == Some("42P01") && is_mixed(table) => {
            let quoted: Vec<String> = table.split('.').map(|part| format!("\"{part}\"")).collect();
            // What was typed is what the message should be about.
            look(&quoted.join(".")).map_err(|second| if is_right_missing(&second) { second } else { error })
        }
        answer => answer,
    }
}

fn is_mixed(name: &str) -> bool {
    name.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// The column that names a migration, as a statement names it; none where nobody asks and the table has none.
fn name_column(engine: &str, columns: &[String], config: &Config) -> Result<Option<String>, Error> {
    let find = |name: &str| columns.iter().find(|own| own.eq_ignore_ascii_case(name));
    let found = match &config.column {
        Some(name) => Some(find(name).ok_or_else(|| no_column(name, columns, config))?),
        None => match NAME_COLUMNS.iter().find_map(|name| find(name)) {
            None if config.expect.is_some() => return Err(no_column("version", columns, config)),
            found => found,
        },
    };
    let quote = if engine == "mysql" { "`" } else { "\"" };
    Ok(found.map(|name| format!("r.{quote}{}{quote}", name.replace(quote, &quote.repeat(2)))))
}

fn no_column(name: &str, columns: &[String], config: &Config) -> Error {
    let message = format!("{} has no column `{name}` (key `column`): it has {}", config.table, columns.join(", "));
    Error::new(ErrorKind::Remote, message)
}

fn listed(rows: &RowSet) -> String {
    let name = |row: &Vec<Value>| match row.first() {
        Some(Value::Text(text)) => text.clone(),
        Some(Value::Integer(number)) => number.to_string(),
        _ => "without a name".to_owned(),
    };
    let mut names: Vec<String> = rows.rows.iter().take(NAMED_MAX).map(name).collect();
    if rows.rows.len() > NAMED_MAX {
        names.push("…".to_owned());
    }
    names.join(", ")
}

/// Written as the list is: MySQL on Linux tells `LOCK` from `lock`.
fn lock_table(table: &str, suffix: &str) -> String {
    let is_large = !table.bytes().any(|byte| byte.is_ascii_lowercase());
    format!("{table}{}", if is_large { suffix.to_ascii_uppercase() } else { suffix.to_owned() })
}

/// Truth values come as what the engine has for them: booleans, numbers, bits, letters.
fn is_locked(db: &Connection, table: &str, column: &str) -> Result<bool, Error> {
    let rows = match db.query(&format!("SELECT {column} FROM {table}"), &[]) {
        Ok(rows) => rows,
        Err(error) if is_right_missing(&error) => return Err(error),
        // Tools that were told to do without have none.
        Err(error) if error.kind == ErrorKind::Remote => return Ok(false),
        Err(error) => return Err(error),
    };
    if rows.columns.is_empty() {
        return Err(no_row());
    }
    Ok(rows.rows.iter().filter_map(|row| row.first()).any(|value| match value {
        Value::Boolean(truth) => *truth,
        Value::Integer(number) => *number != 0,
        Value::Float(number) => *number != 0.0,
        Value::Text(text) => !matches!(text.as_str(), "" | "0" | "f" | "false" | "n" | "N" | "FALSE"),
        Value::Bytes(bytes) => bytes.iter().any(|byte| *byte != 0),
        Value::Null => false,
    }))
}
