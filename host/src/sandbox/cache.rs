//! Compiled code on disk, keyed by engine and by the plugin's digest.
//!
//! Loading compiled code executes it: the directory is a trust boundary. It lies under the state directory, never in
//! the plugin directory; it and its files must belong to this user and be closed to others, and every file must match
//! the checksum written beside it. Whatever fails that is ignored with a warning and compiled anew.

use std::fs;
use std::hash::{Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

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
        match private_dir(dir) {
            Ok(()) => Some(Self { dir: dir.to_owned() }),
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
        let expected = match fs::read_to_string(sum_path(path)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("its checksum cannot be read: {error}")),
        };
        private_file(path).map_err(|error| error.to_string())?;
        let bytes = fs::read(path).map_err(|error| error.to_string())?;
        if hex(&Sha256::digest(&bytes)) != expected {
            return Err("it does not match its checksum".into());
        }
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

/// Makes a component of what [`super::compiler`] handed back.
#[allow(unsafe_code, reason = "compiled code has no safe way in; see SAFETY")]
pub(crate) fn deserialize_bytes(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the bytes come from the compiler of this very program, in this process or in a child that ran the same
    // file and nothing else; they never touched a disk or a network.
    unsafe { Component::deserialize(engine, code) }
}

fn sum_path(path: &Path) -> PathBuf {
    path.with_extension("sha256")
}

/// Code first, checksum last: without its checksum a file does not count.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        private_dir(dir)?;
    }
    replace(path, bytes)?;
    replace(&sum_path(path), hex(&Sha256::digest(bytes)).as_bytes())
}

/// Writes beside and renames over, so that a reader sees the old file or the new one.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension(format!("tmp-{}", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    io::Write::write_all(&mut file, bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

/// Makes `dir` with mode 0700, or makes sure that it is ours.
pub(crate) fn private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)?;
    ours(dir, &fs::symlink_metadata(dir)?, fs::Metadata::is_dir)
}

fn private_file(path: &Path) -> io::Result<()> {
    ours(path, &fs::symlink_metadata(path)?, fs::Metadata::is_file)
}

fn ours(path: &Path, metadata: &fs::Metadata, kind: fn(&fs::Metadata) -> bool) -> io::Result<()> {
    let refuse = |why: &str| Err(io::Error::other(format!("{} {why}", path.display())));
    if !kind(metadata) {
        return refuse("is a link or of another kind");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return refuse("belongs to another user");
        }
        if metadata.mode() & 0o077 != 0 {
            return refuse("is open to other users (want mode 0700)");
        }
    }
    Ok(())
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
