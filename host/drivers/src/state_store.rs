//! The bytes that checks keep between runs: in memory, written behind to an embedded database.
//!
//! Reads and writes of a run touch memory only. [`StateStore::flush`] writes the checks that changed in one transaction
//! (redb: crash-safe, so `kill -9` loses at most what was not flushed and never leaves half a write). Whatever befalls the
//! file, what is in memory is not lost: see [`StateFile`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use probity_config::is_name;
use probity_core::clock::Moment;
use probity_core::text::clean;
use serde::{Deserialize, Serialize};

use super::heartbeat_store::HeartbeatStore;
use super::state_file::{Kind, MakeDatabase, Row, StateError, StateFile, make_database};
use super::{CallError, ErrorKind};

/// Keys of one check.
const KEYS_MAX: usize = 256;
/// Bytes of one key.
const KEY_BYTES_MAX: usize = 256;
/// Bytes of the JSON of one check: what `limits.state-bytes` allows at most, in numbers and commas.
const ROW_BYTES_MAX: usize = 80 << 20;

/// Whether `key` is one.
///
/// # Errors
/// `invalid-argument` when it is empty or long.
pub fn check_key(key: &str) -> Result<(), CallError> {
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        let message = format!("a state key has 1 to {KEY_BYTES_MAX} bytes");
        return Err(CallError::new(ErrorKind::InvalidArgument, message));
    }
    Ok(())
}

/// State of all checks of this host, and the beats it received.
#[derive(Debug, Default)]
pub struct StateStore {
    inner: Mutex<Inner>,
    heartbeats: HeartbeatStore,
    /// None: nothing survives the process.
    file: Mutex<Option<StateFile>>,
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
    /// For the next process.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_unix_ms: Option<u64>,
    /// The same by this process's clock: one that is set, back or forth, neither keeps a value alive nor ends it.
    #[serde(skip)]
    expires_monotonic_ms: Option<u64>,
}

impl StateStore {
    /// A store without a file: what `probity run` and tests use.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::default()
    }

    /// Opens or creates the file at `path` and reads it whole. A damaged one is set aside, and the store begins empty.
    ///
    /// # Errors
    /// When the file cannot be opened or made, is of another kind, or is locked by another host.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        Self::open_by(path, make_database)
    }

    fn open_by(path: &Path, make: MakeDatabase) -> Result<Self, StateError> {
        let now = Moment::now();
        let mut inner = Inner::default();
        let heartbeats = HeartbeatStore::default();
        let file = StateFile::open(path, make, |kind, name, bytes| {
            let read = match kind {
                _ if !is_name(name) => Err("no name of a check or heartbeat".to_owned()),
                Kind::Check => entries(bytes, now).map(|entries| drop(inner.checks.insert(name.to_owned(), entries))),
                Kind::Heartbeat => heartbeats.restore(name, bytes).map_err(|error| error.to_string()),
            };
            if let Err(error) = read {
                tracing::warn!(name = %clean(name, KEY_BYTES_MAX), ?kind, error, "stored state is unreadable, dropped");
            }
        })?;
        Ok(Self { inner: Mutex::new(inner), heartbeats, file: Mutex::new(Some(file)) })
    }

    /// Whether what is kept survives a restart, as far as the disk allows.
    #[must_use]
    pub fn has_file(&self) -> bool {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// What jobs reported; kept in the same file.
    #[must_use]
    pub const fn heartbeats(&self) -> &HeartbeatStore {
        &self.heartbeats
    }

    /// Writes what changed since the last flush; after an error everything, to the file opened anew. Blocks on the disk; call
    /// it off the async runtimes.
    ///
    /// # Errors
    /// When the file cannot be written; the changes stay pending.
    pub fn flush(&self) -> Result<(), StateError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(file) = &mut *file else { return Ok(()) };
        let whole = file.reopen()?;
        let checks = std::mem::take(&mut self.lock().dirty);
        let heartbeats = self.heartbeats.take_changed();
        let beats = self.heartbeats.rows((!whole).then_some(&heartbeats));
        let beats = beats.into_iter().map(|(name, bytes)| Row { kind: Kind::Heartbeat, name, bytes: Some(bytes) });
        let mut rows: Vec<Row> = self.rows((!whole).then_some(&checks)).into_iter().chain(beats).collect();
        let written = file.write(&mut rows);
        let left = |kind: Kind, changed: BTreeSet<String>| -> BTreeSet<String> {
            let left: BTreeSet<&str> =
                rows.iter().filter(|row| row.kind == kind).map(|row| row.name.as_str()).collect();
            changed.into_iter().filter(|name| left.contains(name.as_str())).collect()
        };
        self.heartbeats.changed_still(left(Kind::Heartbeat, heartbeats));
        self.lock().dirty.extend(left(Kind::Check, checks));
        written
    }

    /// How many checks and heartbeats changed and are not written.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.lock().dirty.len() + self.heartbeats.changed()
    }

    /// What `names` keep, or all, as it is to be stored.
    fn rows(&self, names: Option<&BTreeSet<String>>) -> Vec<Row> {
        let inner = self.lock();
        let wanted = inner.checks.iter().filter(|(name, _)| names.is_none_or(|names| names.contains(*name)));
        wanted
            .map(|(name, entries)| Row {
                kind: Kind::Check,
                name: name.clone(),
                bytes: serde_json::to_vec(entries).ok(),
            })
            .collect()
    }

    /// The value under `key`, if it is there and has not expired.
    #[must_use]
    pub fn get(&self, check: &str, key: &str, now: Moment) -> Option<Vec<u8>> {
        self.lock().checks.get(check)?.get(key).filter(|entry| entry.alive(now)).map(|entry| entry.value.clone())
    }

    /// How long the value of `key` stays, in milliseconds; none for good, or when there is none.
    #[must_use]
    pub fn ttl_ms(&self, check: &str, key: &str, now: Moment) -> Option<u64> {
        let inner = self.lock();
        let expires = inner.checks.get(check)?.get(key)?.expires_monotonic_ms?;
        expires.checked_sub(now.monotonic_ms)
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
        now: Moment,
        bytes_max: u32,
    ) -> Result<(), CallError> {
        check_key(key)?;
        let mut inner = self.lock();
        let entries = inner.checks.entry(check.to_owned()).or_default();
        entries.retain(|_, entry| entry.alive(now));
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
        let expires_unix_ms = ttl_ms.map(|ttl| now.unix_ms.saturating_add(ttl));
        let expires_monotonic_ms = ttl_ms.map(|ttl| now.monotonic_ms.saturating_add(ttl));
        entries.insert(key.to_owned(), Entry { value, expires_unix_ms, expires_monotonic_ms });
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
    pub fn keys(&self, check: &str, prefix: &str, now: Moment) -> Vec<String> {
        let inner = self.lock();
        let Some(entries) = inner.checks.get(check) else { return Vec::new() };
        entries
            .iter()
            .filter(|(key, entry)| key.starts_with(prefix) && entry.alive(now))
            .map(|(key, _)| key.clone())
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn alive(&self, now: Moment) -> bool {
        self.expires_monotonic_ms.is_none_or(|expires| now.monotonic_ms < expires)
    }
}

/// The entries in a row, if they are within what [`StateStore::set`] takes. What is left of their time runs from `now` on.
fn entries(bytes: &[u8], now: Moment) -> Result<Entries, String> {
    if bytes.len() > ROW_BYTES_MAX {
        return Err(format!("{} bytes, at most {ROW_BYTES_MAX} are read", bytes.len()));
    }
    let mut entries: Entries = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if entries.len() > KEYS_MAX || entries.keys().any(|key| check_key(key).is_err()) {
        return Err("keys that no check could have written".to_owned());
    }
    entries.retain(|_, entry| entry.expires_unix_ms.is_none_or(|expires| now.unix_ms < expires));
    for entry in entries.values_mut() {
        entry.expires_monotonic_ms = entry.expires_unix_ms.map(|expires| now.monotonic_of(expires));
    }
    Ok(entries)
}

#[cfg(test)]
mod tests;
