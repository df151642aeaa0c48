//! Compiled code on disk, keyed by engine and by the plugin's digest.
//!
//! Loading compiled code executes it: the directory is a trust boundary. It lies under the state directory, never in
//! the plugin directory; it and its files must belong to this user and be closed to others, and every file must match
//! the checksum written beside it. Whatever fails that is ignored with a warning and compiled anew.

use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use probity_config::files;
use probity_core::text::hex;
use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

/// Bytes of a checksum in hexadecimal.
const SUM_BYTES: u64 = 64;

/// Bytes of compiled code that are looked at.
const CODE_BYTES_MAX: u64 = 1 << 30;

/// Where compiled code came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From the cache.
    Cache,
    /// From the compiler.
    Compiled,
}

/// The cache directory, known to be ours alone.
#[derive(Debug)]
pub(crate) struct Cache {
    dir: PathBuf,
}

impl Cache {
    /// Takes `dir` if it is, or can be made, a directory of this user that others cannot enter. Says why not.
    pub(crate) fn open(dir: &Path) -> Option<Self> {
        match files::private_dir(dir) {
            Ok(()) => {
                prune(dir, SystemTime::now());
                Some(Self { dir: dir.to_owned() })
            }
            Err(error) => {
                tracing::warn!(dir = %dir.display(), %error, "the cache of compiled code cannot be used, compiling each time");
                None
            }
        }
    }

    /// The component, if it is there and untouched.
    pub(crate) fn load(&self, engine: &Engine, digest: &str) -> Option<Component> {
        let path = self.path(engine, digest);
        match self.try_load(engine, &path) {
            Ok(component) => component,
            Err(error) => {
                tracing::warn!(file = %path.display(), %error, "cached code is ignored");
                None
            }
        }
    }

    fn try_load(&self, engine: &Engine, path: &Path) -> Result<Option<Component>, String> {
        let expected = match files::read_regular(&sum_path(path), SUM_BYTES) {
            Ok(sum) => sum,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("its checksum cannot be read: {error}")),
        };
        let sum = fs::symlink_metadata(path)
            .and_then(|metadata| files::private_file(path, &metadata))
            .and_then(|_| sum_of(path))
            .map_err(|error| error.to_string())?;
        if sum.as_bytes() != expected {
            return Err("it does not match its checksum".into());
        }
        touch(path);
        deserialize(engine, path).map(Some).map_err(|error| format!("{error:#}"))
    }

    /// Keeps compiled code; a failure to do so is a warning.
    pub(crate) fn store(&self, engine: &Engine, digest: &str, code: &[u8]) {
        let path = self.path(engine, digest);
        if let Err(error) = write(&path, code) {
            tracing::warn!(file = %path.display(), %error, "compiled code cannot be cached");
        }
    }

    fn path(&self, engine: &Engine, digest: &str) -> PathBuf {
        let mut key = std::hash::DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut key);
        self.dir.join(format!("{:016x}", key.finish())).join(format!("{digest}.cwasm"))
    }
}

#[allow(unsafe_code, reason = "compiled code has no safe way in; see SAFETY")]
fn deserialize(engine: &Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the file was written by `Cache::store` of this or an earlier host: it lies in a directory that only this
    // user may enter, belongs to this user, is closed to others, and matches its checksum. Files are replaced by
    // rename, never written in place, so the mapping does not change under the component. wasmtime itself refuses
    // code of another version, configuration or processor.
    unsafe { Component::deserialize_file(engine, path) }
}

/// Entries unused for this long are removed at the start.
const UNUSED_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

/// Notes that an entry is used. Best effort: a file that cannot be touched is compiled again some day.
fn touch(path: &Path) {
    for path in [path.to_owned(), sum_path(path)] {
        let file = fs::OpenOptions::new().append(true).open(path);
        let _ = file.and_then(|file| file.set_modified(SystemTime::now()));
    }
}

/// Removes what no start has used for [`UNUSED_MAX`]: old versions of plugins, and code for older hosts.
fn prune(dir: &Path, now: SystemTime) {
    let entries = |dir: &Path| fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    for engine in entries(dir).filter(|path| path.is_dir()) {
        for file in entries(&engine) {
            let modified = fs::symlink_metadata(&file).and_then(|metadata| metadata.modified());
            if modified.is_ok_and(|modified| now.duration_since(modified).is_ok_and(|age| age > UNUSED_MAX)) {
                tracing::debug!(file = %file.display(), "unused compiled code is removed");
                // Somebody else may have removed it; what stays is looked at again at the next start.
                let _ = fs::remove_file(&file);
            }
        }
        // Fails while there are entries left.
        let _ = fs::remove_dir(&engine);
    }
}

/// Makes a component of what [`super::compiler`] handed back.
#[allow(unsafe_code, reason = "compiled code has no safe way in; see SAFETY")]
pub(crate) fn deserialize_bytes(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the bytes come from the compiler of this very program, in this process or in a child that ran the same
    // file and nothing else; they never touched a disk or a network.
    unsafe { Component::deserialize(engine, code) }
}

/// The checksum of a file, of which only a part is in memory at any time.
fn sum_of(path: &Path) -> io::Result<String> {
    let mut file = files::open_regular(path)?.take(CODE_BYTES_MAX + 1);
    let (mut digest, mut bytes) = (Sha256::new(), vec![0; 64 << 10]);
    loop {
        match file.read(&mut bytes)? {
            0 if file.limit() == 0 => return Err(io::ErrorKind::FileTooLarge.into()),
            0 => return Ok(hex(&digest.finalize())),
            read => digest.update(&bytes[..read]),
        }
    }
}

fn sum_path(path: &Path) -> PathBuf {
    path.with_extension("sha256")
}

/// Code first, checksum last: without its checksum a file does not count.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        files::private_dir(dir)?;
    }
    replace(path, bytes)?;
    replace(&sum_path(path), hex(&Sha256::digest(bytes)).as_bytes())
}

/// Writes beside and renames over, so that a reader sees the old file or the new one.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Of its own for each writer, also of one process: what one has renamed and mapped, no other writes to.
    static WRITERS: AtomicU64 = AtomicU64::new(0);
    let beside = path.with_extension(format!("tmp-{}-{}", std::process::id(), WRITERS.fetch_add(1, Ordering::Relaxed)));
    let written = write_private(&beside, bytes).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // Nobody writes to this name again.
        let _ = fs::remove_file(&beside);
    }
    written
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = files::open_regular_with(path, &mut options)?;
    io::Write::write_all(&mut file, bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Code that no start has used for a month goes, what was used stays, and the directory of an old host goes with it.
    #[test]
    fn unused_code_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let file = |name: &str, age: Duration| {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::File::create(&path).unwrap().set_modified(now - age).unwrap();
            path
        };
        let (old, used) = (file("a/old.cwasm", UNUSED_MAX * 2), file("a/used.cwasm", UNUSED_MAX / 2));
        let other = file("b/old.cwasm", UNUSED_MAX * 2);
        prune(dir.path(), now);
        assert!(!old.exists() && used.exists() && !other.parent().unwrap().exists());
    }
}
