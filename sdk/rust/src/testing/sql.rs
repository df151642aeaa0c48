//! The fake of `sql`: canned answers, found by a part of the statement.

use std::collections::HashMap;

use super::host;
use crate::sql::{Column, RowSet, Value};
use crate::{Error, ErrorKind};

/// A database that a test declares.
///
/// ```
/// # use probity_check::testing::Database;
/// let db = Database::postgres()
///     .answers("count(*)", &["count"], vec![vec![412.into()]])
///     .affects("INSERT INTO payments", 1);
/// ```
#[derive(Clone, Debug)]
pub struct Database {
    engine: &'static str,
    ping: Result<f64, Error>,
    open: Result<(), Error>,
    /// A part of the statement, and the answer; the first that fits counts.
    answers: Vec<(String, Answer)>,
    read_only: bool,
}

#[derive(Clone, Debug)]
enum Answer {
    Rows(RowSet),
    Affected(u64),
    Fails(Error),
}

impl Database {
    fn new(engine: &'static str) -> Self {
        Self { engine, ping: Ok(0.5), open: Ok(()), answers: Vec::new(), read_only: false }
    }

    /// One of PostgreSQL.
    pub fn postgres() -> Self {
        Self::new("postgres")
    }

    /// One of MySQL or MariaDB.
    pub fn mysql() -> Self {
        Self::new("mysql")
    }

    /// One of SQLite.
    pub fn sqlite() -> Self {
        Self::new("sqlite")
    }

    /// Cannot be opened.
    #[must_use]
    pub fn fails_to_open(mut self, error: Error) -> Self {
        self.open = Err(error);
        self
    }

    /// Is granted without `:write`.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// Sets how long a ping takes, in milliseconds.
    #[must_use]
    pub fn ping_ms(mut self, ms: f64) -> Self {
        self.ping = Ok(ms);
        self
    }

    /// Answers statements that contain `part` with these columns and rows.
    #[must_use]
    pub fn answers(mut self, part: &str, columns: &[&str], rows: Vec<Vec<Value>>) -> Self {
        let columns = columns.iter().map(|name| Column { name: (*name).to_owned(), type_name: String::new() });
        let answer = Answer::Rows(RowSet { columns: columns.collect(), rows, truncated: false });
        self.answers.push((part.to_owned(), answer));
        self
    }

    /// Statements that contain `part` change this many rows.
    #[must_use]
    pub fn affects(mut self, part: &str, rows: u64) -> Self {
        self.answers.push((part.to_owned(), Answer::Affected(rows)));
        self
    }

    /// Statements that contain `part` fail; `BEGIN`, `COMMIT` and `ROLLBACK` can fail as well.
    #[must_use]
    pub fn fails(mut self, part: &str, error: Error) -> Self {
        self.answers.push((part.to_owned(), Answer::Fails(error)));
        self
    }

    fn find(&self, statement: &str) -> Option<Answer> {
        self.answers.iter().find(|(part, _)| statement.contains(part.as_str())).map(|(_, answer)| answer.clone())
    }
}

/// What the fake host knows of databases.
#[derive(Debug, Default)]
pub(crate) struct FakeSql {
    pub(crate) databases: HashMap<String, Database>,
    /// Name, statement, parameters.
    pub(crate) statements: Vec<(String, String, Vec<Value>)>,
}

fn run(name: &str, statement: &str, params: &[Value]) -> Result<Option<Answer>, Error> {
    host::fake(|fake| {
        fake.sql.statements.push((name.to_owned(), statement.to_owned(), params.to_vec()));
        match fake.sql.databases.get(name).and_then(|database| database.find(statement)) {
            Some(Answer::Fails(error)) => Err(error),
            found => Ok(found),
        }
    })
}

fn query(name: &str, statement: &str, params: &[Value]) -> Result<RowSet, Error> {
    match run(name, statement, params)? {
        Some(Answer::Rows(rows)) => Ok(rows),
        Some(_) => Ok(RowSet::default()),
        None => Err(Error::new(ErrorKind::Remote, format!("the test host has no answer to {statement:?}"))),
    }
}

fn execute(name: &str, statement: &str, params: &[Value]) -> Result<u64, Error> {
    match run(name, statement, params)? {
        Some(Answer::Affected(rows)) => Ok(rows),
        Some(_) => Ok(0),
        None => Err(Error::new(ErrorKind::Remote, format!("the test host has no answer to {statement:?}"))),
    }
}

/// A connection to a [`Database`].
#[derive(Debug)]
pub(crate) struct SqlConnection {
    name: String,
    database: Database,
}

impl SqlConnection {
    pub(crate) fn open(name: &str) -> Result<Self, Error> {
        let missing = || Error::new(ErrorKind::NotFound, format!("the test host has no database {name:?}"));
        let database = host::fake(|fake| fake.sql.databases.get(name).cloned()).ok_or_else(missing)?;
        database.open.clone()?;
        Ok(Self { name: name.to_owned(), database })
    }

    pub(crate) fn engine(&self) -> String {
        self.database.engine.to_owned()
    }

    pub(crate) fn ping(&self) -> Result<f64, Error> {
        self.database.ping.clone()
    }

    pub(crate) fn query(&self, statement: &str, params: &[Value]) -> Result<RowSet, Error> {
        query(&self.name, statement, params)
    }

    pub(crate) fn execute(&self, statement: &str, params: &[Value]) -> Result<u64, Error> {
        self.writable()?;
        execute(&self.name, statement, params)
    }

    pub(crate) fn begin(&self) -> Result<SqlTransaction, Error> {
        self.writable()?;
        run(&self.name, "BEGIN", &[])?;
        Ok(SqlTransaction { name: self.name.clone(), over: false })
    }

    fn writable(&self) -> Result<(), Error> {
        if self.database.read_only {
            return Err(Error::new(ErrorKind::Denied, format!("grants = {{ sql = [\"{}:write\"] }}", self.name)));
        }
        Ok(())
    }
}

/// A transaction of a [`Database`]; says `ROLLBACK` when it is dropped, as the host does.
#[derive(Debug)]
pub(crate) struct SqlTransaction {
    name: String,
    over: bool,
}

impl SqlTransaction {
    pub(crate) fn query(&self, statement: &str, params: &[Value]) -> Result<RowSet, Error> {
        query(&self.name, statement, params)
    }

    pub(crate) fn execute(&self, statement: &str, params: &[Value]) -> Result<u64, Error> {
        execute(&self.name, statement, params)
    }

    pub(crate) fn commit(mut self) -> Result<(), Error> {
        self.over = true;
        run(&self.name, "COMMIT", &[]).map(|_| ())
    }

    pub(crate) fn rollback(mut self) -> Result<(), Error> {
        self.over = true;
        run(&self.name, "ROLLBACK", &[]).map(|_| ())
    }
}

impl Drop for SqlTransaction {
    fn drop(&mut self) {
        if !self.over && !std::thread::panicking() {
            let _ = run(&self.name, "ROLLBACK", &[]);
        }
    }
}
