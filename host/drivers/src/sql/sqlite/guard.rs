//! How a file is opened: what its statements may take, and what they may touch.
//!
//! The file itself is not trusted: somebody else writes it. What its schema may do is what is safe to do for a stranger,
//! and what is no regular file is not opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

use super::functions;
use super::watch::Watch;
use crate::{CallError, ErrorKind};

/// Bytes of one value, and of a row. Functions of SQLite that are linear in a value's length take milliseconds for it,
/// and cannot be interrupted.
pub(super) const VALUE_BYTES_MAX: i32 = 256 << 10;

/// Bytes of one statement.
const SQL_BYTES_MAX: i32 = 256 << 10;

/// Instructions of SQLite's machine for one statement.
const INSTRUCTIONS_MAX: i32 = 25_000;

/// Parameters of one statement.
const PARAMETERS_MAX: i32 = 1_000;

/// Bytes of a pattern of `LIKE` and `GLOB`.
pub(super) const PATTERN_BYTES_MAX: i32 = 1_000;

/// Triggers within triggers.
const TRIGGER_DEPTH_MAX: i32 = 50;

/// Bytes that all of SQLite may hold in this process, temporary tables and sorts with it.
const HEAP_BYTES_MAX: i64 = 256 << 20;

/// Steps of SQLite's machine between two looks at the clock: microseconds, unless they call functions.
const STEPS_PER_LOOK: i32 = 50;

/// Functions that take quadratic time, and whose results nothing else can give the type that SQLite knows them by.
const FUNCTIONS_DENIED: [&str; 3] = ["json_patch", "jsonb_patch", "load_extension"];

/// Pragmas that only look, whatever their argument.
const PRAGMAS_LOOKING: [&str; 12] = [
    "collation_list",
    "compile_options",
    "foreign_key_check",
    "foreign_key_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "quick_check",
    "table_info",
    "table_list",
    "table_xinfo",
];

/// Settings that may be read.
const PRAGMAS_READABLE: [&str; 14] = [
    "application_id",
    "auto_vacuum",
    "data_version",
    "encoding",
    "foreign_keys",
    "freelist_count",
    "journal_mode",
    "locking_mode",
    "max_page_count",
    "page_count",
    "page_size",
    "schema_version",
    "synchronous",
    "user_version",
];

/// What may be set or done besides where changes are granted.
const PRAGMAS_CHANGING: [&str; 7] = [
    "application_id",
    "defer_foreign_keys",
    "foreign_keys",
    "incremental_vacuum",
    "optimize",
    "user_version",
    "wal_checkpoint",
];

/// Refuses what would block as it is opened, or is no file: a pipe, a device. So for the files that SQLite keeps beside.
///
/// # Errors
/// `unreachable`.
pub(super) fn check_files(file: &Path) -> Result<(), CallError> {
    for suffix in ["", "-journal", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        let path = PathBuf::from(name);
        // One that is not there is told by SQLite, where it is missed.
        if let Ok(metadata) = std::fs::metadata(&path)
            && !metadata.is_file()
        {
            let message = format!("{} is no regular file", path.display());
            return Err(CallError::new(ErrorKind::Unreachable, message));
        }
    }
    Ok(())
}

/// Opens the file, which must be there.
pub(super) fn open(file: &Path, read_only: bool, watch: &Arc<Watch>) -> rusqlite::Result<Connection> {
    let access = if read_only { OpenFlags::SQLITE_OPEN_READ_ONLY } else { OpenFlags::SQLITE_OPEN_READ_WRITE };
    let mut connection = Connection::open_with_flags(file, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.pragma_update(None, "hard_heap_limit", HEAP_BYTES_MAX)?;
    limit(&connection)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    // A file that somebody else cuts while it is mapped ends the process.
    connection.pragma_update(None, "mmap_size", 0)?;
    // No statement fills the disk.
    connection.pragma_update(None, "temp_store", "memory")?;
    if read_only {
        connection.pragma_update(None, "query_only", true)?;
    }
    let over = Arc::clone(watch);
    connection.progress_handler(STEPS_PER_LOOK, Some(move || over.is_over()))?;
    functions::replace_quadratic(&connection, watch)?;
    let watch = Arc::clone(watch);
    connection.authorizer(Some(move |context: AuthContext<'_>| authorize(&context.action, read_only, &watch)))?;
    Ok(connection)
}

/// Sets what bounds every statement's size, and so the time between two looks.
pub(super) fn limit(connection: &Connection) -> rusqlite::Result<()> {
    for (limit, value) in [
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, SQL_BYTES_MAX),
        (Limit::SQLITE_LIMIT_VDBE_OP, INSTRUCTIONS_MAX),
        (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, PARAMETERS_MAX),
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, PATTERN_BYTES_MAX),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, TRIGGER_DEPTH_MAX),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
    ] {
        connection.set_limit(limit, value)?;
    }
    Ok(())
}

fn authorize(action: &AuthAction<'_>, read_only: bool, watch: &Watch) -> Authorization {
    let allowed = match action {
        AuthAction::Attach { .. } | AuthAction::Detach { .. } => false,
        AuthAction::Pragma { pragma_name, pragma_value } => is_pragma_allowed(pragma_name, *pragma_value, read_only),
        AuthAction::Function { function_name } => {
            watch.admits_function() && !FUNCTIONS_DENIED.iter().any(|denied| denied.eq_ignore_ascii_case(function_name))
        }
        // The file's flags keep changes from the file; these would be elsewhere.
        AuthAction::CreateTempIndex { .. }
        | AuthAction::CreateTempTable { .. }
        | AuthAction::CreateTempTrigger { .. }
        | AuthAction::CreateTempView { .. }
        | AuthAction::CreateVtable { .. } => !read_only,
        _ => true,
    };
    if allowed { Authorization::Allow } else { Authorization::Deny }
}

fn is_pragma_allowed(name: &str, value: Option<&str>, read_only: bool) -> bool {
    let among = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    among(&PRAGMAS_LOOKING) || (value.is_none() && among(&PRAGMAS_READABLE)) || (!read_only && among(&PRAGMAS_CHANGING))
}
