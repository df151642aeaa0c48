//! Compiled functions between one compilation and the next, for the author's loop.
//!
//! A component of Python or JavaScript is an interpreter and a snapshot of its memory. A save changes the snapshot and
//! hardly a function, so the next version compiles in a fraction of the time, and so does the next check in that
//! language. A server does without: what one plugin's compilation leaves behind is nothing that another's should find.
//!
//! One file, only ever appended to, of batches: a checksum, a length, and records of key, length and code. A batch that
//! does not match its checksum ends the file.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use probity_config::files;
use sha2::{Digest, Sha256};
use wasmtime::CacheStore;

/// Bytes of the file; past that it begins anew. Five of Python's interpreters.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// SHA-256 of what makes a function's code what it is, as the compiler has it.
type Key = [u8; 32];

const SUM_BYTES: usize = 32;
const LENGTH_BYTES: usize = 8;

/// The functions of one user.
#[derive(Debug)]
pub(crate) struct Functions {
    path: PathBuf,
    /// Read when the first function is asked for.
    known: OnceLock<Known>,
    new: Mutex<HashMap<Key, Vec<u8>>>,
}

#[derive(Debug, Default)]
struct Known {
    bytes: Vec<u8>,
    /// Where the last whole batch ends.
    whole: usize,
    places: HashMap<Key, Range<usize>>,
}

impl Functions {
    /// Those that are kept below `dir`, which is known to be ours alone.
    pub(crate) fn of(dir: &Path) -> Self {
        // A directory for each release, which goes when no start has used it for long.
        let path = dir.join(concat!("functions-", env!("CARGO_PKG_VERSION"))).join("functions");
        Self { path, known: OnceLock::new(), new: Mutex::default() }
    }

    /// Writes what is new. A failure costs the next compilation time and nothing else.
    pub(crate) fn keep(&self) {
        let new = std::mem::take(&mut *self.new.lock().unwrap_or_else(PoisonError::into_inner));
        if new.is_empty() {
            return;
        }
        let count = new.len();
        match append(&self.path, &batch(new), self.known()) {
            Ok(()) => tracing::debug!(count, "compiled functions are kept"),
            Err(error) => tracing::debug!(file = %self.path.display(), %error, "compiled functions are not kept"),
        }
    }

    fn known(&self) -> &Known {
        self.known.get_or_init(|| match read(&self.path) {
            Ok(bytes) => Known::of(bytes),
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::debug!(file = %self.path.display(), %error, "compiled functions are not read");
                }
                Known::default()
            }
        })
    }
}

impl CacheStore for Functions {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        let key = Key::try_from(key).ok()?;
        let known = self.known();
        if let Some(place) = known.places.get(&key) {
            return known.bytes.get(place.clone()).map(Cow::Borrowed);
        }
        // The same function again, in the same component.
        self.new.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned().map(Cow::Owned)
    }

    fn insert(&self, key: &[u8], value: Vec<u8>) -> bool {
        let Ok(key) = Key::try_from(key) else { return false };
        self.new.lock().unwrap_or_else(PoisonError::into_inner).insert(key, value);
        true
    }
}

impl Known {
    fn of(bytes: Vec<u8>) -> Self {
        let mut places = HashMap::new();
        let mut at = 0;
        while let Some(body) = next_batch(&bytes, at) {
            at = body.end;
            let mut record = body.start;
            while let Some((key, place)) = next_record(&bytes, record..body.end) {
                record = place.end;
                places.insert(key, place);
            }
        }
        Self { bytes, whole: at, places }
    }
}

/// The records of the batch at `at`, if it is all there and unchanged.
fn next_batch(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let head = at.checked_add(SUM_BYTES)?;
    let length = read_length(bytes, head)?;
    let start = head + LENGTH_BYTES;
    let body = start..start.checked_add(length)?;
    let matches = Sha256::digest(bytes.get(body.clone())?).as_slice() == bytes.get(at..head)?;
    matches.then_some(body)
}

fn next_record(bytes: &[u8], within: Range<usize>) -> Option<(Key, Range<usize>)> {
    let head = within.start.checked_add(size_of::<Key>())?;
    let key = Key::try_from(bytes.get(within.start..head)?).ok()?;
    let length = read_length(bytes, head)?;
    let start = head + LENGTH_BYTES;
    let end = start.checked_add(length).filter(|end| *end <= within.end)?;
    Some((key, start..end))
}

fn read_length(bytes: &[u8], at: usize) -> Option<usize> {
    let field = bytes.get(at..at.checked_add(LENGTH_BYTES)?)?;
    usize::try_from(u64::from_le_bytes(field.try_into().ok()?)).ok()
}

fn batch(records: HashMap<Key, Vec<u8>>) -> Vec<u8> {
    let mut body = Vec::new();
    for (key, code) in records {
        body.extend_from_slice(&key);
        body.extend_from_slice(&(code.len() as u64).to_le_bytes());
        body.extend_from_slice(&code);
    }
    let mut batch = Sha256::digest(&body).to_vec();
    batch.extend_from_slice(&(body.len() as u64).to_le_bytes());
    batch.append(&mut body);
    batch
}

/// The file's bytes. It and its folder must be ours and closed to others.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = files::open_regular_with(path, OpenOptions::new().read(true).append(true))?;
    if length(path, &file)? > FILE_BYTES_MAX {
        return Err(io::Error::other("it has grown too large and begins anew"));
    }
    // It is in use: the cache removes what is not.
    let _ = file.set_modified(SystemTime::now());
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Adds a batch behind what `known` found whole: what a command that was killed left is nothing to write behind.
fn append(path: &Path, batch: &[u8], known: &Known) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        files::private_dir(folder)?;
    }
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = files::open_regular_with(path, &mut options)?;
    // Another command may be writing: then what is new here is found again next time.
    file.try_lock().map_err(io::Error::other)?;
    let mut end = length(path, &file)?;
    if known.whole < known.bytes.len() {
        end = known.whole as u64;
    }
    if end.saturating_add(batch.len() as u64) > FILE_BYTES_MAX {
        end = 0;
    }
    file.set_len(end)?;
    file.write_all(batch).inspect_err(|_| {
        // Half a batch would hide those behind it; the next command cuts what stays.
        let _ = file.set_len(end);
    })
}

/// Bytes of the open file, after a look at whose it and its folder are.
fn length(path: &Path, file: &File) -> io::Result<u64> {
    if let Some(folder) = path.parent() {
        files::private_dir(folder)?;
    }
    files::private_file(path, &file.metadata()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: [u8; 32] = [1; 32];
    const TWO: [u8; 32] = [2; 32];

    fn opened(dir: &Path) -> Functions {
        let dir = dir.join("cache");
        files::private_dir(&dir).unwrap();
        Functions::of(&dir)
    }

    // What one command compiled the next one finds, and what both did is there for the third.
    #[test]
    fn functions_are_found_again() {
        let dir = tempfile::tempdir().unwrap();
        for (key, code) in [(ONE, b"one"), (TWO, b"two")] {
            let functions = opened(dir.path());
            assert_eq!(functions.get(&key), None);
            assert!(functions.insert(&key, code.to_vec()));
            assert_eq!(functions.get(&key).as_deref(), Some(code.as_slice()), "within the same compilation");
            functions.keep();
        }
        let functions = opened(dir.path());
        assert_eq!(functions.get(&ONE).as_deref(), Some(b"one".as_slice()));
        assert_eq!(functions.get(&TWO).as_deref(), Some(b"two".as_slice()));
        assert_eq!(functions.get(&[3; 32]), None);
    }

    // Code that is not what was written is not used, wherever the file is damaged; what stands before it is.
    #[test]
    fn damaged_functions_are_not_used() {
        let dir = tempfile::tempdir().unwrap();
        for (key, code) in [(ONE, b"one"), (TWO, b"two")] {
            let functions = opened(dir.path());
            functions.insert(&key, code.to_vec());
            functions.keep();
        }
        let path = opened(dir.path()).path;
        let whole = std::fs::read(&path).unwrap();
        let second = whole.len() / 2;
        for at in second..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            let known = Known::of(damaged);
            assert!(known.places.contains_key(&ONE) && !known.places.contains_key(&TWO), "changed at {at}");
            let known = Known::of(whole[..at].to_vec());
            assert!(known.places.contains_key(&ONE) && !known.places.contains_key(&TWO), "cut at {at}");
        }
    }

    // What a command that was killed left half written does not hide what the next ones write.
    #[test]
    fn half_a_batch_is_cut() {
        let dir = tempfile::tempdir().unwrap();
        let keep = |key: [u8; 32], code: &[u8]| {
            let functions = opened(dir.path());
            assert_eq!(functions.get(&key), None);
            functions.insert(&key, code.to_vec());
            functions.keep();
            functions.path
        };
        let path = keep(ONE, b"one");
        let whole = std::fs::metadata(&path).unwrap().len();
        let path = keep(TWO, b"two");
        OpenOptions::new().append(true).open(&path).unwrap().set_len(whole + 40).unwrap();
        keep(TWO, b"two");
        let functions = opened(dir.path());
        assert_eq!(functions.get(&ONE).as_deref(), Some(b"one".as_slice()));
        assert_eq!(functions.get(&TWO).as_deref(), Some(b"two".as_slice()));
    }

    // A file that others may write is not read: compiled code is executed.
    #[cfg(unix)]
    #[test]
    fn functions_open_to_others_are_not_used() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let functions = opened(dir.path());
        functions.insert(&ONE, b"one".to_vec());
        functions.keep();
        std::fs::set_permissions(&functions.path, std::fs::Permissions::from_mode(0o666)).unwrap();
        assert_eq!(opened(dir.path()).get(&ONE), None);
        std::fs::set_permissions(&functions.path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(opened(dir.path()).get(&ONE).is_some());
        let folder = functions.path.parent().unwrap();
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(opened(dir.path()).get(&ONE), None);
    }
}
