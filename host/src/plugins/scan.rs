//! Looks at the plugin directory. Decides nothing.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use crate::files;
use crate::sandbox::hex;

/// Files looked at in one directory; more are ignored with a warning.
const FILES_MAX: usize = 20_000;

/// What tells two states of a file apart without reading it. Any difference counts: a file may come with an older time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint {
    pub(super) len: u64,
    modified: Option<SystemTime>,
    #[cfg(unix)]
    inode: (u64, u64, i64, i64),
}

/// A file as it was read.
pub(super) struct Contents {
    pub(super) bytes: Vec<u8>,
    pub(super) digest: String,
}

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("read {path}")]
    Io { path: PathBuf, source: io::Error },
    #[error("{path} is {len} bytes, limit {max} (key `plugins.max-size`)")]
    TooLarge { path: PathBuf, len: u64, max: u64 },
    #[error("{path} changed while it was read")]
    Moving { path: PathBuf },
}

impl Fingerprint {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            len: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            inode: {
                use std::os::unix::fs::MetadataExt;
                (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
            },
        }
    }

    /// Time since the file was last touched, by the later of its two times; the change time cannot be set at will.
    pub(super) fn quiet_for(&self, now: SystemTime) -> Duration {
        let since = |time: SystemTime| now.duration_since(time).unwrap_or_default();
        let modified = self.modified.map_or(Duration::ZERO, since);
        #[cfg(unix)]
        {
            let nanos = u32::try_from(self.inode.3).unwrap_or(0);
            let changed = SystemTime::UNIX_EPOCH + Duration::new(u64::try_from(self.inode.2).unwrap_or(0), nanos);
            modified.min(since(changed))
        }
        #[cfg(not(unix))]
        modified
    }
}

/// The plugin files in `dir` by plugin name. Links are followed; hidden, temporary and backup files are not plugins.
pub(super) fn files(dir: &Path) -> io::Result<BTreeMap<String, (PathBuf, Fingerprint)>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let Some(name) = plugin_name(&path) else { continue };
        // A dangling link or a file that went away between the two calls is simply not there.
        let Ok(metadata) = fs::metadata(&path) else { continue };
        if !metadata.is_file() {
            continue;
        }
        if found.len() >= FILES_MAX {
            tracing::warn!(dir = %dir.display(), max = FILES_MAX, "too many plugins, the rest is ignored");
            break;
        }
        found.insert(name, (path, Fingerprint::of(&metadata)));
    }
    Ok(found)
}

/// `orders-backlog` for `orders-backlog.wasm`.
fn plugin_name(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?.strip_suffix(".wasm")?;
    let plain = !name.is_empty() && name.len() <= 63 && !name.starts_with('.') && !name.starts_with('#');
    plain.then(|| name.to_owned())
}

/// Reads a file whole, if it is small enough and stands still meanwhile.
pub(super) fn read(path: &Path, expected: Fingerprint, max: u64) -> Result<Contents, ReadError> {
    let failed = |source| ReadError::Io { path: path.to_owned(), source };
    let too_large = |len| ReadError::TooLarge { path: path.to_owned(), len, max };
    if expected.len > max {
        return Err(too_large(expected.len));
    }
    let file = files::open_regular(path).map_err(failed)?;
    let mut bytes = Vec::with_capacity(usize::try_from(expected.len).unwrap_or(0));
    // One byte more than allowed tells a file that grew apart from one that fits.
    (&file).take(max.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > max {
        return Err(too_large(bytes.len() as u64));
    }
    let after = Fingerprint::of(&file.metadata().map_err(failed)?);
    if after != expected || bytes.len() as u64 != expected.len {
        return Err(ReadError::Moving { path: path.to_owned() });
    }
    let digest = hex(&Sha256::digest(&bytes));
    Ok(Contents { bytes, digest })
}

#[cfg(test)]
mod tests {
    use super::*;

    // Editors' and copiers' temporary files are no plugins.
    #[test]
    fn only_plain_names_are_plugins() {
        let name = |file: &str| plugin_name(Path::new(file));
        assert_eq!(name("d/orders-backlog.wasm"), Some("orders-backlog".into()));
        for file in
            [".orders.wasm", "orders.wasm~", "orders.wasm.tmp", ".wasm", "#orders.wasm", "orders.cwasm", "orders"]
        {
            assert_eq!(name(file), None, "{file}");
        }
    }
}
