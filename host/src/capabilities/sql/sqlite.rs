//! One session with a SQLite file, on a blocking thread while it works.
//!
//! Read-only by the flags the file is opened with. No statement reaches another file, and what a statement may take in
//! time and memory is bounded inside SQLite.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::{Value as Raw, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use tokio::sync::OwnedSemaphorePermit;

use super::value::{Caps, Column, Gather, RowSet, Value};
use crate::capabilities::{CallError, ErrorKind};

/// Bytes of one value or statement.
const VALUE_BYTES_MAX: i32 = 16 << 20;

/// Bytes that all of SQLite may hold in this process; temporary tables and sorts beyond a cache go to files.
const HEAP_BYTES_MAX: i64 = 256 << 20;

/// Steps of SQLite's machine between two looks at the clock: some tens of microseconds.
const STEPS_PER_LOOK: i32 = 1_000;

/// Settings that reach beyond the session.
const PRAGMAS_DENIED: [&str; 4] =
    ["temp_store_directory", "data_store_directory", "hard_heap_limit", "soft_heap_limit"];

/// A session.
pub(super) struct Session {
    /// Away while a blocking thread has it; lost with a call that was cut off.
    connection: Option<Connection>,
    line: String,
    /// Taken for as long as a blocking thread works, beyond the call if need be.
    place: Arc<OwnedSemaphorePermit>,
}

/// Tells the statement's thread that nobody waits any more.
struct Cancel(Arc<AtomicBool>);

impl Drop for Cancel {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Session {
    /// Opens the file, which must be there.
    ///
    /// # Errors
    /// `unreachable` when it is not, `protocol` when it is no database.
    pub(super) async fn open(
        file: &Path,
        line: &str,
        read_only: bool,
        place: OwnedSemaphorePermit,
        budget: Duration,
    ) -> Result<Self, CallError> {
        let mut session = Self { connection: None, line: line.to_owned(), place: Arc::new(place) };
        let path = file.to_owned();
        let (opened, line) = (Arc::clone(&session.place), session.line.clone());
        let connection = blocking(move || {
            let _place = opened;
            open(&path, read_only).map_err(|error| map_error(&error, &line))
        })
        .await??;
        session.connection = Some(connection);
        session.ping(budget).await?;
        Ok(session)
    }

    pub(super) const fn is_usable(&self) -> bool {
        self.connection.is_some()
    }

    /// Reads the file's first page.
    pub(super) async fn ping(&mut self, budget: Duration) -> Result<(), CallError> {
        self.work(budget, |connection| connection.execute_batch("SELECT count(*) FROM sqlite_schema LIMIT 1")).await
    }

    pub(super) async fn query(
        &mut self,
        statement: &str,
        params: &[Value],
        caps: Caps,
        budget: Duration,
    ) -> Result<RowSet, CallError> {
        let (statement, params) = (statement.to_owned(), raw(params));
        self.work(budget, move |connection| gather(connection, &statement, params, caps)).await?.finish()
    }

    pub(super) async fn execute(
        &mut self,
        statement: &str,
        params: &[Value],
        budget: Duration,
    ) -> Result<u64, CallError> {
        let (statement, params) = (statement.to_owned(), raw(params));
        let touched = move |connection: &Connection| {
            connection.execute(&statement, rusqlite::params_from_iter(params)).map(|rows| rows as u64)
        };
        self.work(budget, touched).await
    }

    pub(super) async fn begin(&mut self, budget: Duration) -> Result<(), CallError> {
        self.work(budget, |connection| connection.execute_batch("BEGIN")).await
    }

    pub(super) async fn end(&mut self, commit: bool, budget: Duration) -> Result<(), CallError> {
        let statement = if commit { "COMMIT" } else { "ROLLBACK" };
        self.work(budget, move |connection| connection.execute_batch(statement)).await
    }

    /// Does `work` on a blocking thread, which stops soon after nobody waits for it or its time is over.
    async fn work<T: Send + 'static>(
        &mut self,
        budget: Duration,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, CallError> {
        let lost = || CallError::new(ErrorKind::Other, "the session was lost with an earlier call");
        let connection = self.connection.take().ok_or_else(lost)?;
        let cancelled = Arc::new(AtomicBool::new(false));
        let _cancel = Cancel(Arc::clone(&cancelled));
        let place = Arc::clone(&self.place);
        let (connection, answer) = blocking(move || {
            let _place = place;
            let mut connection = connection;
            let answer = limit(&mut connection, budget, cancelled).and_then(|()| work(&connection));
            (connection, answer)
        })
        .await?;
        self.connection = Some(connection);
        answer.map_err(|error| map_error(&error, &self.line))
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, CallError> {
    let failed = |error| CallError::new(ErrorKind::Other, format!("the database's thread failed: {error}"));
    tokio::task::spawn_blocking(work).await.map_err(failed)
}

fn open(file: &Path, read_only: bool) -> rusqlite::Result<Connection> {
    let access = if read_only { OpenFlags::SQLITE_OPEN_READ_ONLY } else { OpenFlags::SQLITE_OPEN_READ_WRITE };
    let mut connection = Connection::open_with_flags(file, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.pragma_update(None, "hard_heap_limit", HEAP_BYTES_MAX)?;
    if read_only {
        connection.pragma_update(None, "query_only", true)?;
    }
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX)?;
    connection.set_limit(Limit::SQLITE_LIMIT_WORKER_THREADS, 0)?;
    connection.authorizer(Some(authorize))?;
    Ok(connection)
}

fn authorize(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Attach { .. } | AuthAction::Detach { .. } => Authorization::Deny,
        AuthAction::Pragma { pragma_name, .. }
            if PRAGMAS_DENIED.iter().any(|denied| denied.eq_ignore_ascii_case(pragma_name)) =>
        {
            Authorization::Deny
        }
        _ => Authorization::Allow,
    }
}

fn limit(connection: &mut Connection, budget: Duration, cancelled: Arc<AtomicBool>) -> rusqlite::Result<()> {
    let deadline = Instant::now() + budget;
    connection.busy_timeout(budget)?;
    let over = move || cancelled.load(Ordering::Relaxed) || Instant::now() >= deadline;
    connection.progress_handler(STEPS_PER_LOOK, Some(over))
}

fn raw(params: &[Value]) -> Vec<Raw> {
    let raw = params.iter().map(|value| match value {
        Value::Null => Raw::Null,
        Value::Boolean(value) => Raw::Integer((*value).into()),
        Value::Integer(value) => Raw::Integer(*value),
        Value::Float(value) => Raw::Real(*value),
        Value::Text(text) => Raw::Text(text.clone()),
        Value::Bytes(bytes) => Raw::Blob(bytes.clone()),
    });
    raw.collect()
}

fn gather(connection: &Connection, statement: &str, params: Vec<Raw>, caps: Caps) -> rusqlite::Result<Gather> {
    let mut gather = Gather::new(caps);
    let mut statement = connection.prepare(statement)?;
    let columns = statement.columns().map(|column| Column {
        name: column.name().to_owned(),
        type_name: column.decl_type().unwrap_or_default().to_owned(),
    });
    let columns: Vec<Column> = columns.collect();
    let count = columns.len();
    gather.columns(columns);
    let mut rows = statement.query(rusqlite::params_from_iter(params))?;
    while let Some(row) = rows.next()? {
        let fields: rusqlite::Result<Vec<Value>> = (0..count).map(|at| row.get_ref(at).map(value)).collect();
        if !gather.push(fields?) {
            break;
        }
    }
    Ok(gather)
}

fn value(field: ValueRef<'_>) -> Value {
    match field {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Integer(value),
        ValueRef::Real(value) => Value::Float(value),
        ValueRef::Text(text) => {
            String::from_utf8(text.to_vec()).map_or_else(|error| Value::Bytes(error.into_bytes()), Value::Text)
        }
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
    }
}

fn map_error(error: &rusqlite::Error, line: &str) -> CallError {
    let kind = match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            ErrorKind::Timeout
        }
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => ErrorKind::Unreachable,
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => ErrorKind::Protocol,
        Some(ErrorCode::TooBig | ErrorCode::OutOfMemory) => ErrorKind::TooLarge,
        Some(ErrorCode::ReadOnly | ErrorCode::AuthorizationForStatementDenied) => ErrorKind::Denied,
        Some(_) => ErrorKind::Remote,
        None => ErrorKind::InvalidArgument,
    };
    let mut message = error.to_string();
    if matches!(error.sqlite_error_code(), Some(ErrorCode::ReadOnly)) {
        message = format!("{message}; to allow it, add: {}", line.replace("\"]", ":write\"]"));
    }
    let answer = CallError::new(kind, message);
    match error.sqlite_extended_error_code() {
        Some(code) => answer.with_code(format!("SQLITE_{code}")),
        None => answer,
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;

    const CAPS: Caps = Caps { rows: 10, bytes: 1 << 20 };
    const LONG: Duration = Duration::from_secs(20);

    async fn session(file: &Path, read_only: bool) -> Result<Session, CallError> {
        let place = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
        Session::open(file, "grants = { sql = [\"db\"] }", read_only, place, LONG).await
    }

    fn file(dir: &tempfile::TempDir) -> std::path::PathBuf {
        let file = dir.path().join("x.db");
        let made = Connection::open(&file).unwrap();
        made.execute_batch("CREATE TABLE t (n INTEGER, s TEXT); INSERT INTO t VALUES (1, 'one'), (2, NULL)").unwrap();
        file
    }

    async fn kind(session: &mut Session, statement: &str) -> ErrorKind {
        session.query(statement, &[], CAPS, LONG).await.unwrap_err().kind
    }

    // Rows come with their types, parameters go in, and a read-only session changes nothing.
    #[tokio::test]
    async fn rows_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = session(&file(&dir), true).await.unwrap();
        let reply = session.query("SELECT n, s FROM t WHERE n >= ?", &[Value::Integer(1)], CAPS, LONG).await.unwrap();
        assert_eq!(reply.columns[0], Column { name: "n".into(), type_name: "INTEGER".into() });
        assert_eq!(reply.rows, [[Value::Integer(1), Value::Text("one".into())], [Value::Integer(2), Value::Null]]);
        let denied = session.query("INSERT INTO t VALUES (3, '') RETURNING n", &[], CAPS, LONG).await.unwrap_err();
        assert_eq!(denied.kind, ErrorKind::Denied);
        assert!(denied.message.ends_with("grants = { sql = [\"db:write\"] }"), "{}", denied.message);
        assert_eq!(kind(&mut session, "SELECT ?").await, ErrorKind::InvalidArgument);
    }

    // No statement opens another file, for reading or for writing, not even where changes are granted.
    #[tokio::test]
    async fn other_files_stay_closed() {
        let dir = tempfile::tempdir().unwrap();
        let (file, other) = (file(&dir), dir.path().join("other.db"));
        for read_only in [true, false] {
            let mut session = session(&file, read_only).await.unwrap();
            for statement in ["ATTACH ? AS o", "VACUUM INTO ?"] {
                let name = [Value::Text(other.display().to_string())];
                let refused = session.query(statement, &name, CAPS, LONG).await.unwrap_err();
                assert!(matches!(refused.kind, ErrorKind::Denied | ErrorKind::Remote), "{refused:?}");
            }
            assert_eq!(kind(&mut session, "PRAGMA temp_store_directory = '/tmp'").await, ErrorKind::Denied);
            assert!(session.query("SELECT load_extension('x')", &[], CAPS, LONG).await.is_err());
        }
        assert!(!other.exists());
    }

    // A statement without end is stopped when its time is over, and soon after its caller has gone.
    #[tokio::test]
    async fn endless_statements_end() {
        const ENDLESS: &str = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) FROM c";
        let dir = tempfile::tempdir().unwrap();
        let mut session = session(&file(&dir), true).await.unwrap();
        let late = session.query(ENDLESS, &[], CAPS, Duration::from_millis(50)).await.unwrap_err();
        assert_eq!(late.kind, ErrorKind::Timeout);
        assert!(session.is_usable());
        let place = Arc::downgrade(&session.place);
        let call = session.query(ENDLESS, &[], CAPS, LONG);
        assert!(tokio::time::timeout(Duration::from_millis(50), call).await.is_err());
        assert!(!session.is_usable());
        drop(session);
        let end = Instant::now() + Duration::from_secs(5);
        while place.strong_count() > 0 {
            assert!(Instant::now() < end, "the thread goes on");
            tokio::time::sleep(Duration::from_millis(5)).await; // the distance of two looks
        }
    }

    // A file that is not there is not made; one that is no database says so.
    #[tokio::test]
    async fn only_databases_open() {
        let dir = tempfile::tempdir().unwrap();
        let (missing, text) = (dir.path().join("missing.db"), dir.path().join("text"));
        for read_only in [true, false] {
            assert_eq!(session(&missing, read_only).await.err().unwrap().kind, ErrorKind::Unreachable);
        }
        assert!(!missing.exists());
        std::fs::write(&text, "no database, and long enough to be one by its size alone ".repeat(20)).unwrap();
        assert_eq!(session(&text, true).await.err().unwrap().kind, ErrorKind::Protocol);
    }
}
