//! The file in which state survives a restart: opened, read whole, written, and written anew after whatever befell it.
//!
//! What checks keep is in memory, and the file is a copy. So an error of the disk closes it, to be opened and written whole
//! once there is room; a damaged one is set aside, for whoever wants to look. The database panics over some damages: every
//! call into it is held.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use probity_config::files;
use probity_core::panics::caught;
use redb::{Builder, Database, DatabaseError, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition};

/// Bytes of a file that is read: it is kept in memory whole.
const FILE_BYTES_MAX: u64 = 4 << 30;

/// Memory that the database takes for pages of it.
const CACHE_BYTES: usize = 8 << 20;

/// Bytes of rows that are written at once. A larger row is written alone.
const WRITE_BYTES_MAX: usize = 256 << 10;

/// Damaged files that are kept; the oldest go.
const DAMAGED_KEPT_MAX: usize = 3;

/// Check name to its entries as JSON.
const CHECKS: Table = TableDefinition::new("state");
/// Heartbeat name to what is kept of it as JSON.
const HEARTBEATS: Table = TableDefinition::new("heartbeats");

type Table = TableDefinition<'static, &'static str, &'static [u8]>;

/// Why the file was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The disk, or whoever else has the file: may pass.
    #[error("{0}")]
    Io(String),
    /// What is in the file is not what was written.
    #[error("it is damaged: {0}")]
    Damaged(String),
}

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Entries of a check.
    Check,
    /// Beats of a heartbeat.
    Heartbeat,
}

/// One row to write; without bytes it goes.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) bytes: Option<Vec<u8>>,
}

impl Row {
    fn len(&self) -> usize {
        self.name.len() + self.bytes.as_ref().map_or(0, Vec::len)
    }
}

/// Makes a database of an open file. Tests put disks that fail in between.
pub(super) type MakeDatabase = fn(File) -> Result<Database, DatabaseError>;

/// The file and, while it can be used, the database in it.
#[derive(Debug)]
pub(super) struct StateFile {
    path: PathBuf,
    make: MakeDatabase,
    database: Option<Database>,
    /// The last write found damage, so there is no use in opening it again.
    is_damaged: bool,
}

impl StateFile {
    /// Opens or creates the file at `path` and shows every row. A damaged one is set aside, and a new one made.
    pub(super) fn open(
        path: &Path,
        make: MakeDatabase,
        mut show: impl FnMut(Kind, &str, &[u8]),
    ) -> Result<Self, StateError> {
        let mut file = Self { path: path.to_owned(), make, database: None, is_damaged: false };
        let mut rows = Vec::new();
        file.database = Some(match open_and_read(path, make, &mut rows) {
            Ok(database) => database,
            Err(StateError::Damaged(why)) => {
                rows.clear();
                set_aside(path, &why)?;
                open_and_read(path, make, &mut rows)?
            }
            Err(error) => return Err(error),
        });
        for Row { kind, name, bytes } in rows {
            show(kind, &name, &bytes.unwrap_or_default());
        }
        Ok(file)
    }

    /// Opens it again after an error closed it. True when it has to be written whole.
    pub(super) fn reopen(&mut self) -> Result<bool, StateError> {
        if self.database.is_some() {
            return Ok(false);
        }
        if std::mem::take(&mut self.is_damaged) {
            set_aside(&self.path, "writing it failed")?;
        }
        let opened = open_and_read(&self.path, self.make, &mut Vec::new());
        if let Err(StateError::Damaged(why)) = &opened {
            set_aside(&self.path, why)?;
            self.database = Some(open_and_read(&self.path, self.make, &mut Vec::new())?);
        } else {
            self.database = Some(opened?);
        }
        Ok(true)
    }

    /// Writes `rows`, each whole or not at all, the small ones first: on a disk with little room most of them find some.
    /// Those that were written are taken out of `rows`. After an error the file is closed.
    pub(super) fn write(&mut self, rows: &mut Vec<Row>) -> Result<(), StateError> {
        let Some(database) = &self.database else { return Err(StateError::Io("it is closed".to_owned())) };
        // From the end.
        rows.sort_by_key(|row| std::cmp::Reverse(row.len()));
        while !rows.is_empty() {
            let mut bytes = 0;
            let fits = rows.iter().rev().take_while(|row| {
                bytes += row.len();
                bytes <= WRITE_BYTES_MAX
            });
            let from = rows.len() - fits.count().max(1);
            if let Err(error) = held(|| write(database, &rows[from..])) {
                self.is_damaged = matches!(error, StateError::Damaged(_));
                self.close();
                return Err(error);
            }
            rows.truncate(from);
        }
        Ok(())
    }

    fn close(&mut self) {
        let database = self.database.take();
        if let Err(why) = caught(|| drop(database)) {
            tracing::debug!(why, "the database panicked at its end");
        }
    }
}

impl Drop for StateFile {
    fn drop(&mut self) {
        self.close();
    }
}

/// The database in a file, as it is.
pub(super) fn make_database(file: File) -> Result<Database, DatabaseError> {
    Builder::new().set_cache_size(CACHE_BYTES).create_file(file)
}

/// Opens the file, makes sure that all of it is what was written, and collects its rows.
fn open_and_read(path: &Path, make: MakeDatabase, rows: &mut Vec<Row>) -> Result<Database, StateError> {
    let file = open(path).map_err(|error| StateError::Io(error.to_string()))?;
    held(|| {
        let mut database = make(file)?;
        // An orderly end does not make sure of pages that nobody looked at since.
        database.check_integrity()?;
        let read = database.begin_read()?;
        each(&read, CHECKS, Kind::Check, rows)?;
        each(&read, HEARTBEATS, Kind::Heartbeat, rows)?;
        drop(read);
        Ok(database)
    })
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = files::open_regular_with(path, &mut options)?;
    let bytes = file.metadata()?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(io::Error::new(
            ErrorKind::FileTooLarge,
            format!("{bytes} bytes, at most {FILE_BYTES_MAX} are read"),
        ));
    }
    Ok(file)
}

/// Collects every row of a table that may not exist yet.
fn each(read: &ReadTransaction, table: Table, kind: Kind, rows: &mut Vec<Row>) -> Result<(), redb::Error> {
    let table = match read.open_table(table) {
        Ok(table) => table,
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    for row in table.iter()? {
        let (name, bytes) = row?;
        rows.push(Row { kind, name: name.value().to_owned(), bytes: Some(bytes.value().to_owned()) });
    }
    Ok(())
}

fn write(database: &Database, rows: &[Row]) -> Result<(), redb::Error> {
    let write = database.begin_write()?;
    for (table, kind) in [(CHECKS, Kind::Check), (HEARTBEATS, Kind::Heartbeat)] {
        let mut table = write.open_table(table)?;
        for row in rows.iter().filter(|row| row.kind == kind) {
            match &row.bytes {
                Some(bytes) => drop(table.insert(row.name.as_str(), bytes.as_slice())?),
                None => drop(table.remove(row.name.as_str())?),
            }
        }
    }
    write.commit()?;
    Ok(())
}

/// What `work` answers, or what is wrong: a panic of the database is a damaged file.
fn held<T>(work: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, StateError> {
    caught(work).map_err(StateError::Damaged)?.map_err(|error| match error {
        redb::Error::Io(error) if !is_content(error.kind()) => StateError::Io(error.to_string()),
        redb::Error::PreviousIo => StateError::Io("an error of the disk before".to_owned()),
        redb::Error::DatabaseAlreadyOpen => StateError::Io("another host has it open".to_owned()),
        error => StateError::Damaged(error.to_string()),
    })
}

/// Errors that are about what a file holds.
const fn is_content(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof)
}

/// Renames a damaged file, and removes the oldest of those.
fn set_aside(path: &Path, why: &str) -> Result<(), StateError> {
    let failed = |error: io::Error| StateError::Io(format!("it is damaged ({why}) and cannot be set aside: {error}"));
    let begin = format!("{}.damaged-", path.file_name().unwrap_or_default().to_string_lossy());
    let dir = path.parent().unwrap_or(Path::new(""));
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let aside = dir.join(format!("{begin}{seconds}"));
    std::fs::rename(path, &aside).map_err(failed)?;
    tracing::warn!(file = %aside.display(), why, "the state of checks is damaged: it was set aside, and a new file begins");
    let mut kept: Vec<PathBuf> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&begin)))
        .collect();
    // Seconds of this century have ten digits.
    kept.sort();
    for path in kept.iter().rev().skip(DAMAGED_KEPT_MAX) {
        // What stays is looked at again when there is one more.
        let _ = std::fs::remove_file(path);
    }
    Ok(())
}
