//! The bytes that checks keep between runs: in memory, written behind to an embedded database.
//!
//! Reads and writes of a run touch memory only. [`StateStore::flush`] writes the checks that changed in one transaction
//! (redb: crash-safe, so `kill -9` loses at most what was not flushed and never leaves half a write).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition};
use serde::{Deserialize, Serialize};

use super::heartbeat_store::HeartbeatStore;
use super::{CallError, ErrorKind};

/// Keys of one check.
const KEYS_MAX: usize = 256;
/// Bytes of one key.
const KEY_BYTES_MAX: usize = 256;

/// Whether `key` is one.
///
/// # Errors
/// `invalid-argument` when it is empty or long.
pub(super) fn check_key(key: &str) -> Result<(), CallError> {
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        let message = format!("a state key has 1 to {KEY_BYTES_MAX} bytes");
        return Err(CallError::new(ErrorKind::InvalidArgument, message));
    }
    Ok(())
}

/// Check name to its entries as JSON.
const TABLE: Table = TableDefinition::new("state");
/// Heartbeat name to what is kept of it as JSON.
const HEARTBEATS: Table = TableDefinition::new("heartbeats");

type Table = TableDefinition<'static, &'static str, &'static [u8]>;

/// State of all checks of this host, and the beats it received.
#[derive(Debug, Default)]
pub struct StateStore {
    inner: Mutex<Inner>,
    heartbeats: HeartbeatStore,
    database: Option<Database>,
}

#[derive(Debug, Default)]
struct Inner {
    checks: HashMap<String, Entries>,
    dirty: BTreeSet<String>,
}

type Entries = BTreeMap<String, Entry>;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    value: Vec<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_unix_ms: Option<u64>,
}

impl StateStore {
    /// A store without a file: what `probity run` and tests use.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::default()
    }

    /// Opens or creates the database at `path` and reads it whole.
    ///
    /// # Errors
    /// When the file cannot be opened, is not a database, or is locked by another host.
    pub fn open(path: &Path) -> Result<Self, redb::Error> {
        let database = Database::create(path)?;
        let mut inner = Inner::default();
        let heartbeats = HeartbeatStore::default();
        let read = database.begin_read()?;
        each(&read, TABLE, |name, bytes| match serde_json::from_slice(bytes) {
            Ok(entries) => drop(inner.checks.insert(name.to_owned(), entries)),
            Err(error) => tracing::warn!(check = name, %error, "stored state is unreadable, dropped"),
        })?;
        each(&read, HEARTBEATS, |name, bytes| {
            if let Err(error) = heartbeats.restore(name, bytes) {
                tracing::warn!(heartbeat = name, %error, "stored beats are unreadable, dropped");
            }
        })?;
        drop(read);
        Ok(Self { inner: Mutex::new(inner), heartbeats, database: Some(database) })
    }

    /// What jobs reported; kept in the same file.
    #[must_use]
    pub const fn heartbeats(&self) -> &HeartbeatStore {
        &self.heartbeats
    }

    /// Writes what changed since the last flush. Blocks on the disk; call it off the async runtimes.
    ///
    /// # Errors
    /// When the database cannot be written; the changes stay pending.
    pub fn flush(&self) -> Result<(), redb::Error> {
        let Some(database) = &self.database else { return Ok(()) };
        let changed: Vec<(String, Option<Vec<u8>>)> = {
            let mut inner = self.lock();
            let dirty = std::mem::take(&mut inner.dirty);
            dirty
                .into_iter()
                .map(|name| (inner.checks.get(&name).and_then(|entries| serde_json::to_vec(entries).ok()), name))
                .map(|(bytes, name)| (name, bytes))
                .collect()
        };
        let beaten = self.heartbeats.take_changed();
        if changed.is_empty() && beaten.is_empty() {
            return Ok(());
        }
        let written = write(database, &changed, &beaten);
        if written.is_err() {
            self.heartbeats.changed_still(beaten.into_iter().map(|(name, _)| name));
            self.lock().dirty.extend(changed.into_iter().map(|(name, _)| name));
        }
        written
    }

    /// The value under `key`, if it is there and has not expired.
    #[must_use]
    pub fn get(&self, check: &str, key: &str, now_unix_ms: u64) -> Option<Vec<u8>> {
        self.lock()
            .checks
            .get(check)?
            .get(key)
            .filter(|entry| entry.alive(now_unix_ms))
            .map(|entry| entry.value.clone())
    }

    /// How long the value of `key` stays, in milliseconds; none for good, or when there is none.
    #[must_use]
    pub fn ttl_ms(&self, check: &str, key: &str, now_unix_ms: u64) -> Option<u64> {
        let inner = self.lock();
        let expires = inner.checks.get(check)?.get(key)?.expires_unix_ms?;
        expires.checked_sub(now_unix_ms)
    }

    /// Stores `value` under `key`, for `ttl_ms` if given.
    ///
    /// # Errors
    /// `quota` when the check would keep more than `bytes_max` bytes or too many keys, `invalid-argument` for an empty
    /// or long key.
    pub fn set(
        &self,
        check: &str,
        key: &str,
        value: Vec<u8>,
        ttl_ms: Option<u64>,
        now_unix_ms: u64,
        bytes_max: u32,
    ) -> Result<(), CallError> {
        check_key(key)?;
        let mut inner = self.lock();
        let entries = inner.checks.entry(check.to_owned()).or_default();
        entries.retain(|_, entry| entry.alive(now_unix_ms));
        let others = entries.iter().filter(|(name, _)| *name != key);
        let (count, bytes) =
            others.fold((0, 0), |(count, bytes), (name, entry)| (count + 1, bytes + name.len() + entry.value.len()));
        if count >= KEYS_MAX {
            return Err(CallError::new(ErrorKind::Quota, format!("a check keeps at most {KEYS_MAX} keys of state")));
        }
        if bytes + key.len() + value.len() > bytes_max as usize {
            return Err(CallError::new(
                ErrorKind::Quota,
                format!("a check keeps at most {bytes_max} bytes of state (key `state-bytes`)"),
            ));
        }
        let expires_unix_ms = ttl_ms.map(|ttl| now_unix_ms.saturating_add(ttl));
        entries.insert(key.to_owned(), Entry { value, expires_unix_ms });
        inner.dirty.insert(check.to_owned());
        Ok(())
    }

    /// Forgets `key`.
    pub fn delete(&self, check: &str, key: &str) {
        let mut inner = self.lock();
        if inner.checks.get_mut(check).is_some_and(|entries| entries.remove(key).is_some()) {
            inner.dirty.insert(check.to_owned());
        }
    }

    /// Keys that start with `prefix`, sorted.
    #[must_use]
    pub fn keys(&self, check: &str, prefix: &str, now_unix_ms: u64) -> Vec<String> {
        let inner = self.lock();
        let Some(entries) = inner.checks.get(check) else { return Vec::new() };
        entries
            .iter()
            .filter(|(key, entry)| key.starts_with(prefix) && entry.alive(now_unix_ms))
            .map(|(key, _)| key.clone())
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn alive(&self, now_unix_ms: u64) -> bool {
        self.expires_unix_ms.is_none_or(|expires| now_unix_ms < expires)
    }
}

/// Shows every row of a table that may not exist yet.
fn each(read: &ReadTransaction, table: Table, mut show: impl FnMut(&str, &[u8])) -> Result<(), redb::Error> {
    match read.open_table(table) {
        Ok(table) => {
            for row in table.iter()? {
                let (name, bytes) = row?;
                show(name.value(), bytes.value());
            }
            Ok(())
        }
        Err(redb::TableError::TableDoesNotExist(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn write(
    database: &Database,
    changed: &[(String, Option<Vec<u8>>)],
    beaten: &[(String, Vec<u8>)],
) -> Result<(), redb::Error> {
    let write = database.begin_write()?;
    {
        let mut table = write.open_table(TABLE)?;
        for (name, bytes) in changed {
            match bytes {
                Some(bytes) => drop(table.insert(name.as_str(), bytes.as_slice())?),
                None => drop(table.remove(name.as_str())?),
            }
        }
        let mut table = write.open_table(HEARTBEATS)?;
        for (name, bytes) in beaten {
            table.insert(name.as_str(), bytes.as_slice())?;
        }
    }
    write.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    // What was flushed is there after a restart, what expired is not.
    #[test]
    fn state_survives_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.redb");
        let store = StateStore::open(&path).unwrap();
        store.set("a", "kept", b"1".to_vec(), None, 0, 100).unwrap();
        store.set("a", "short", b"2".to_vec(), Some(10), 0, 100).unwrap();
        store.flush().unwrap();
        drop(store);
        let store = StateStore::open(&path).unwrap();
        assert_eq!(store.get("a", "kept", 20), Some(b"1".to_vec()));
        assert_eq!(store.keys("a", "", 20), ["kept"]);
    }

    // The quota counts the whole check, and replacing a value frees the old one.
    #[test]
    fn quota_is_per_check() {
        let store = StateStore::in_memory();
        store.set("a", "k", vec![0; 90], None, 0, 100).unwrap();
        store.set("a", "k", vec![0; 99], None, 0, 100).unwrap();
        assert_eq!(store.set("a", "l", vec![0; 1], None, 0, 100).unwrap_err().kind, ErrorKind::Quota);
        store.set("b", "l", vec![0; 99], None, 0, 100).unwrap();
    }
}
