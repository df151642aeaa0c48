//! One session with a SQLite file, on a thread of its own while it works.
//!
//! Read-only by the flags the file is opened with. No statement reaches another file, and what a statement may take in
//! time and memory is bounded inside SQLite: nothing that it does goes on for long after its time is over.

mod functions;
mod guard;
mod watch;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::types::{Value as Raw, ValueRef};
use rusqlite::{Connection, ErrorCode, InterruptHandle, ffi};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::reading;
use super::value::{Caps, Column, Gather, RowSet, Value};
use crate::looks::Looks;
use crate::{CallError, ErrorKind};
use watch::{FUNCTIONS_MAX, Watch};

/// Stack of a session's thread. The deepest statement that SQLite's limits admit takes less than a quarter of it.
const STACK_BYTES: usize = 4 << 20;

/// The share of a call's time in which a lock of somebody else may go. The rest is for saying that it did not.
const BUSY_SHARE: f64 = 0.9;

/// Looks at files under way before they are opened, those that hang aside, and those that may hang.
const LOOKS_MAX: usize = 8;
const LOOKS_HANGING_MAX: usize = 128;

/// A file may be where nothing answers. Then a thread and a place would be lost with each session that opens it.
static LOOKS: Looks<()> = Looks::new("looks at database files", LOOKS_MAX, LOOKS_HANGING_MAX);

/// A session.
pub(super) struct Session {
    /// Away while a thread has it; lost with a call that was cut off.
    connection: Option<Connection>,
    watch: Arc<Watch>,
    interrupt: Option<Arc<InterruptHandle>>,
    line: String,
    /// Taken for as long as a thread works, beyond the call if need be.
    place: Arc<OwnedSemaphorePermit>,
}

/// Tells the statement's thread that nobody waits any more.
struct Cancel {
    watch: Arc<Watch>,
    /// Ends what is one long step of SQLite's machine, where it looks for this: counting a table.
    interrupt: Option<Arc<InterruptHandle>>,
    is_done: bool,
}

impl Drop for Cancel {
    fn drop(&mut self) {
        if !self.is_done {
            self.watch.give_up();
            if let Some(interrupt) = &self.interrupt {
                interrupt.interrupt();
            }
        }
    }
}

impl Session {
    /// Opens the file of the connection `name`, which must be there.
    ///
    /// # Errors
    /// `unreachable` when it is not, `protocol` when it is no database, `timeout` when its file system does not answer.
    pub(super) async fn open(
        (name, file): (&str, &Path),
        line: &str,
        read_only: bool,
        place: OwnedSemaphorePermit,
        budget: Duration,
    ) -> Result<Self, CallError> {
        let (path, looked, asked) = (file.to_owned(), file.to_owned(), Instant::now());
        let said = format!("the look at the file of connection `{name}`");
        LOOKS.look((&file.to_string_lossy(), &said), budget, move || guard::check_files(&looked)).await?;
        let budget = budget.saturating_sub(asked.elapsed());
        let watch = Arc::new(Watch::new());
        watch.begin(budget);
        let mut session =
            Self { connection: None, watch, interrupt: None, line: line.to_owned(), place: Arc::new(place) };
        let watch = Arc::clone(&session.watch);
        let (opened, line) = (Arc::clone(&session.place), session.line.clone());
        let connection = on_thread(move || {
            let _place = opened;
            guard::open(&path, read_only, &watch).map_err(|error| map_error(&error, &line, &watch))
        })
        .await??;
        session.interrupt = Some(Arc::new(connection.get_interrupt_handle()));
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

    /// Does `work` on a thread, which stops soon after nobody waits for it or its time is over.
    async fn work<T: Send + 'static>(
        &mut self,
        budget: Duration,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, CallError> {
        let lost = || CallError::new(ErrorKind::Other, "the session was lost with an earlier call");
        let connection = self.connection.take().ok_or_else(lost)?;
        self.watch.begin(budget);
        let mut cancel = Cancel { watch: Arc::clone(&self.watch), interrupt: self.interrupt.clone(), is_done: false };
        let place = Arc::clone(&self.place);
        let (connection, answer) = on_thread(move || {
            let _place = place;
            let answer = connection.busy_timeout(budget.mul_f64(BUSY_SHARE)).and_then(|()| work(&connection));
            (connection, answer)
        })
        .await?;
        cancel.is_done = true;
        self.connection = Some(connection);
        answer.map_err(|error| map_error(&error, &self.line, &self.watch))
    }
}

/// Runs `work` on a thread of its own. The runtime's threads are shared, and have less stack.
async fn on_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, CallError> {
    let failed = |why: String| CallError::new(ErrorKind::Other, format!("the database's thread failed: {why}"));
    let (sender, receiver) = oneshot::channel();
    let thread = std::thread::Builder::new().name("sqlite".to_owned()).stack_size(STACK_BYTES);
    thread
        // Whoever asked may have gone.
        .spawn(move || drop(sender.send(work())))
        .map_err(|error| failed(error.to_string()))?;
    receiver.await.map_err(|_| failed("it panicked".to_owned()))
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
    // A name may be as long as the statement, and stand in it as a star for each of many columns.
    let names: usize = statement.column_names().map(str::len).sum();
    if names as u64 > caps.bytes {
        return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_TOOBIG), None));
    }
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

fn map_error(error: &rusqlite::Error, line: &str, watch: &Watch) -> CallError {
    let extended = error.sqlite_extended_error_code();
    let kind = match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            ErrorKind::Timeout
        }
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => ErrorKind::Unreachable,
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => ErrorKind::Protocol,
        Some(ErrorCode::TooBig | ErrorCode::OutOfMemory) => ErrorKind::TooLarge,
        // What its application left in the middle cannot be mended by who only reads.
        Some(ErrorCode::ReadOnly) if extended.is_some_and(needs_recovery) => ErrorKind::Unreachable,
        Some(ErrorCode::ReadOnly | ErrorCode::AuthorizationForStatementDenied) => ErrorKind::Denied,
        Some(_) => ErrorKind::Remote,
        None => ErrorKind::InvalidArgument,
    };
    let mut message = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::ReadOnly) if kind == ErrorKind::Unreachable => {
            message = format!("{message}: the file was left in the middle of a change; its application has to open it");
        }
        Some(ErrorCode::ReadOnly) => {
            message = format!("{message}; to allow it, add: {}", reading::writing(line));
        }
        _ if watch.had_too_many_functions() => {
            message = format!("{message}: a statement may name {FUNCTIONS_MAX} functions");
        }
        _ => {}
    }
    let answer = CallError::new(kind, message);
    match extended {
        Some(code) => answer.with_code(format!("SQLITE_{code}")),
        None => answer,
    }
}

const fn needs_recovery(code: i32) -> bool {
    matches!(
        code,
        ffi::SQLITE_READONLY_RECOVERY
            | ffi::SQLITE_READONLY_ROLLBACK
            | ffi::SQLITE_READONLY_CANTINIT
            | ffi::SQLITE_READONLY_DIRECTORY
    )
}

#[cfg(test)]
mod tests;
