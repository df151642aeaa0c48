//! A declared database: what is the same for every engine, and the sessions that runs borrow.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use probity_config::grants::NamedGrant;
use probity_config::{Connection, Grants};
use probity_core::check::Capability;
use tokio::sync::OwnedSemaphorePermit;

use super::pool::Pool;
use super::postgres::Door;
use super::target::Target;
use super::value::{Caps, RowSet, Value};
use super::{mysql, postgres, sqlite};
use crate::net::Net;
use crate::tasks::Tasks;
use crate::{CallError, ErrorKind};

/// Bytes of one statement.
const STATEMENT_BYTES_MAX: usize = 1 << 20;

/// The databases of one configuration. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Databases {
    /// With the reason for those that cannot be used.
    by_name: Arc<BTreeMap<String, Result<Arc<Database>, String>>>,
    /// Sessions are driven, cancelled and reset beside the runs; all of it ends with the configuration.
    _tasks: Arc<Tasks>,
}

/// One of them.
pub struct Database {
    name: String,
    engine: Engine,
    rows_max: usize,
    read: Pool,
    write: Pool,
}

enum Engine {
    Postgres(Arc<Door>),
    MySql(Arc<Door>),
    Sqlite(PathBuf),
}

/// A session of any engine.
pub(super) enum Driver {
    Postgres(postgres::Session),
    MySql(mysql::Session),
    Sqlite(sqlite::Session),
}

/// What a run borrowed. Dropped it goes back, unless a statement was cut off: then that is cancelled on the server and
/// the session closed. An open transaction is rolled back either way.
pub struct Session {
    driver: Option<Driver>,
    /// None for SQLite, whose session keeps it itself.
    place: Option<OwnedSemaphorePermit>,
    database: Arc<Database>,
    pool: Pool,
    /// Nothing but pings went through it: it is as new.
    untouched: bool,
    /// When a kept session answered as it was borrowed, and how long that took.
    answered: Option<(Instant, Duration)>,
}

/// A ping that follows borrowing a kept session at once is the one that borrowing made.
const ANSWER_AGE_MAX: Duration = Duration::from_millis(10);

/// May a session change data?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The server refuses changes.
    Read,
    /// As the server's user may.
    Write,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("name", &self.name).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("database", &self.database).finish_non_exhaustive()
    }
}

impl Databases {
    /// For the `connections` of one configuration. One that cannot be used fails only the checks that use it.
    #[must_use]
    pub fn new(net: &Net, connections: &BTreeMap<String, Connection>) -> Self {
        let tasks = Tasks::default();
        let all = connections.iter().filter_map(|(name, connection)| {
            let door = |server, port| {
                let target = Target::parse(server, port)?;
                let line = Grants::line_for(Capability::Sql, name);
                Ok(Arc::new(Door { net: net.clone(), target, line, spawner: tasks.spawner() }))
            };
            let (Connection::Postgres(_, bounds) | Connection::MySql(_, bounds) | Connection::Sqlite(_, bounds)) =
                connection
            else {
                return None;
            };
            let engine = match connection {
                Connection::Postgres(server, _) => door(server, 5432).map(Engine::Postgres),
                Connection::MySql(server, _) => door(server, 3306).map(Engine::MySql),
                Connection::Sqlite(file, _) => Ok(Engine::Sqlite(file.clone())),
                _ => return None,
            };
            let database = engine.map(|engine| {
                let pool = || Pool::new(bounds.pool, bounds.idle, tasks.spawner());
                let (name, read, write) = (name.clone(), pool(), pool());
                Arc::new(Database { name, engine, rows_max: bounds.rows_max, read, write })
            });
            Some((name.clone(), database))
        });
        Self { by_name: Arc::new(all.collect()), _tasks: Arc::new(tasks) }
    }

    /// The databases that cannot be used, and why.
    pub fn unusable(&self) -> impl Iterator<Item = (&str, &str)> {
        self.by_name.iter().filter_map(|(name, database)| Some((name.as_str(), database.as_ref().err()?.as_str())))
    }

    /// The database `name`, and what `grants` let a check do with it.
    ///
    /// # Errors
    /// `denied` with the line to add, or `not-found`.
    pub fn granted(&self, name: &str, grants: &Grants) -> Result<(Arc<Database>, Access), CallError> {
        if !NamedGrant::any(&grants.sql, name) {
            let line = Grants::line_for(Capability::Sql, name);
            let message = format!("connection `{name}` is not granted to this check; to allow it, add: {line}");
            return Err(CallError::new(ErrorKind::Denied, message));
        }
        let access = if NamedGrant::any_also(&grants.sql, name, "write") { Access::Write } else { Access::Read };
        match self.by_name.get(name) {
            Some(Ok(database)) => Ok((Arc::clone(database), access)),
            Some(Err(why)) => {
                Err(CallError::new(ErrorKind::Other, format!("connection `{name}` cannot be used: {why}")))
            }
            None => {
                let message = format!("no database `{name}`; to declare it, add: [connections.{name}]");
                Err(CallError::new(ErrorKind::NotFound, message))
            }
        }
    }
}

impl Database {
    /// `postgres`, `mysql` or `sqlite`.
    #[must_use]
    pub const fn engine(&self) -> &'static str {
        match &self.engine {
            Engine::Postgres(_) => "postgres",
            Engine::MySql(_) => "mysql",
            Engine::Sqlite(_) => "sqlite",
        }
    }

    /// The name in the configuration.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A session: one that was used before and still answers, or a new one.
    ///
    /// # Errors
    /// `timeout` when all are in use, and those of connecting.
    pub async fn session(self: &Arc<Self>, access: Access, deadline: Instant) -> Result<Session, CallError> {
        let pool = match access {
            Access::Read => &self.read,
            Access::Write => &self.write,
        };
        let mut place = Some(pool.place(deadline).await?);
        let mut reused = None;
        // The server may have gone, and come back, since: nothing of the run was sent yet, so nothing is done twice.
        while let Some(mut driver) = pool.take() {
            let start = Instant::now();
            if driver.is_usable() && driver.ping(left(deadline)?).await.is_ok() {
                reused = Some((driver, Some((start, start.elapsed()))));
                break;
            }
        }
        let (driver, answered) = match reused {
            Some(reused) => reused,
            None => (self.open(access == Access::Read, &mut place, deadline).await?, None),
        };
        let (database, pool) = (Arc::clone(self), pool.clone());
        Ok(Session { driver: Some(driver), place, database, pool, untouched: true, answered })
    }

    async fn open(
        &self,
        read_only: bool,
        place: &mut Option<OwnedSemaphorePermit>,
        deadline: Instant,
    ) -> Result<Driver, CallError> {
        match &self.engine {
            Engine::Postgres(door) => postgres::Session::open(door, read_only, deadline).await.map(Driver::Postgres),
            Engine::MySql(door) => mysql::Session::open(door, read_only, deadline).await.map(Driver::MySql),
            Engine::Sqlite(file) => {
                let line = Grants::line_for(Capability::Sql, &self.name);
                let place = place.take().ok_or_else(gone)?;
                sqlite::Session::open((&self.name, file), &line, read_only, place, left(deadline)?)
                    .await
                    .map(Driver::Sqlite)
            }
        }
    }
}

/// The time left for a statement, never nothing.
fn left(deadline: Instant) -> Result<Duration, CallError> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(CallError::new(ErrorKind::Timeout, "the run's time was used up before this call"));
    }
    Ok(left)
}

fn gone() -> CallError {
    CallError::new(ErrorKind::Other, "the session was given up with an earlier call")
}

impl Driver {
    pub(super) fn is_usable(&self) -> bool {
        match self {
            Self::Postgres(session) => session.is_usable(),
            Self::MySql(session) => session.is_usable(),
            Self::Sqlite(session) => session.is_usable(),
        }
    }

    async fn ping(&mut self, budget: Duration) -> Result<(), CallError> {
        match self {
            Self::Postgres(session) => session.ping().await,
            Self::MySql(session) => session.ping().await,
            Self::Sqlite(session) => session.ping(budget).await,
        }
    }

    pub(super) async fn reset(&mut self) -> Result<(), CallError> {
        match self {
            Self::Postgres(session) => session.reset().await,
            Self::MySql(session) => session.reset().await,
            // Opening a file costs next to nothing: each run has its own session.
            Self::Sqlite(_) => Err(gone()),
        }
    }
}

impl Session {
    /// Whether another statement can follow.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.driver.as_ref().is_some_and(Driver::is_usable)
    }

    /// One round trip, and how long it took.
    ///
    /// # Errors
    /// `refused`, `timeout`, `protocol`.
    pub async fn ping(&mut self, deadline: Instant) -> Result<Duration, CallError> {
        if let Some((at, took)) = self.answered.take()
            && at.elapsed() < took + ANSWER_AGE_MAX
        {
            return Ok(took);
        }
        let start = Instant::now();
        let budget = left(deadline)?;
        self.driver.as_mut().ok_or_else(gone)?.ping(budget).await?;
        Ok(start.elapsed())
    }

    /// Runs one statement and reads its rows, at most `bytes` of them.
    ///
    /// # Errors
    /// `remote` with the SQLSTATE, `denied` for a change in a read-only session, `timeout`, `too-large`,
    /// `invalid-argument` for parameters that do not fit, `refused` when the server goes away.
    pub async fn query(
        &mut self,
        statement: &str,
        params: &[Value],
        bytes: u64,
        deadline: Instant,
    ) -> Result<RowSet, CallError> {
        check(statement)?;
        let caps = Caps { rows: self.database.rows_max, bytes };
        let budget = left(deadline)?;
        match self.driver()? {
            Driver::Postgres(session) => session.query(statement, params, caps, budget).await,
            Driver::MySql(session) => session.query(statement, params, caps, budget).await,
            Driver::Sqlite(session) => session.query(statement, params, caps, budget).await,
        }
    }

    /// Runs one statement; the number of rows it changed.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub async fn execute(&mut self, statement: &str, params: &[Value], deadline: Instant) -> Result<u64, CallError> {
        check(statement)?;
        let budget = left(deadline)?;
        match self.driver()? {
            Driver::Postgres(session) => session.execute(statement, params, budget).await,
            Driver::MySql(session) => session.execute(statement, params, budget).await,
            Driver::Sqlite(session) => session.execute(statement, params, budget).await,
        }
    }

    /// Starts a transaction, which dropping the session rolls back.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub async fn begin(&mut self, deadline: Instant) -> Result<(), CallError> {
        let budget = left(deadline)?;
        match self.driver()? {
            Driver::Postgres(session) => session.begin(budget).await,
            Driver::MySql(session) => session.begin(budget).await,
            Driver::Sqlite(session) => session.begin(budget).await,
        }
    }

    /// Ends the transaction.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub async fn end(&mut self, commit: bool, deadline: Instant) -> Result<(), CallError> {
        let budget = left(deadline)?;
        match self.driver()? {
            Driver::Postgres(session) => session.end(commit).await,
            Driver::MySql(session) => session.end(commit).await,
            Driver::Sqlite(session) => session.end(commit, budget).await,
        }
    }

    /// The driver, for what leaves traces.
    fn driver(&mut self) -> Result<&mut Driver, CallError> {
        self.untouched = false;
        self.driver.as_mut().ok_or_else(gone)
    }
}

fn check(statement: &str) -> Result<(), CallError> {
    if statement.len() > STATEMENT_BYTES_MAX {
        let message = format!("the statement is longer than {STATEMENT_BYTES_MAX} bytes");
        return Err(CallError::new(ErrorKind::InvalidArgument, message));
    }
    Ok(())
}

impl Drop for Session {
    fn drop(&mut self) {
        if let (Some(driver), Some(place)) = (self.driver.take(), self.place.take())
            && driver.is_usable()
        {
            if self.untouched {
                self.pool.keep(driver);
                drop(place);
            } else {
                self.pool.give_back(driver, place);
            }
        }
    }
}
