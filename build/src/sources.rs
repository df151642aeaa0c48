//! Whether anything that a component was made of has changed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Folders that hold no sources of a check, whatever the language: what is generated, installed, or only tests.
const SKIPPED: [&str; 5] = ["target", "node_modules", "venv", "__pycache__", "tests"];

/// What one build left for the next to compare with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    /// Of all inputs and of this program's version.
    pub(crate) digest: String,
    /// What the toolchain called itself; `None` when it did not say.
    pub(crate) toolchain: Option<String>,
    /// Inputs outside of the check's folder.
    pub(crate) inputs: Vec<PathBuf>,
    /// Of the component that came out, in hexadecimal.
    pub(crate) component: String,
    /// What there was to say.
    pub(crate) notes: Vec<String>,
    /// The interpreter in the component.
    pub(crate) runtime: Option<String>,
}

impl Stamp {
    /// The stamp at `path`; `None` when there is none that this program reads.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }
}

/// Files that the tools themselves write while they build.
const LOCKS: [&str; 5] = ["Cargo.lock", "package-lock.json", "go.sum", "uv.lock", "poetry.lock"];

/// Whether a file is written by the tools, not by the author.
pub(crate) fn is_lock(path: &Path) -> bool {
    path.file_name().is_some_and(|name| LOCKS.contains(&&*name.to_string_lossy()))
}

/// The digest of the author's own files: what changes in it while a build runs is not in what was built.
pub(crate) fn own_digest(folder: &Path) -> io::Result<String> {
    digest_of(folder, &[], |path| !is_lock(path))
}

/// One digest over names and contents of all that `folder` and `inputs` hold.
///
/// # Errors
/// Any I/O error: a source that cannot be read cannot be built either.
pub(crate) fn digest(folder: &Path, inputs: &[PathBuf]) -> io::Result<String> {
    digest_of(folder, inputs, |_| true)
}

fn digest_of(folder: &Path, inputs: &[PathBuf], counts: impl Fn(&Path) -> bool) -> io::Result<String> {
    let mut files = Vec::new();
    for root in std::iter::once(folder).chain(inputs.iter().map(PathBuf::as_path)) {
        collect(root, &mut files)?;
    }
    files.sort();
    files.dedup();
    let mut digest = Sha256::new();
    digest.update(env!("CARGO_PKG_VERSION"));
    for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "GOFLAGS", "CFLAGS", "CXXFLAGS"] {
        digest.update(std::env::var_os(variable).unwrap_or_default().as_encoded_bytes());
        digest.update([0]);
    }
    for file in files.iter().filter(|file| counts(file)) {
        let bytes = fs::read(file)?;
        digest.update(file.as_os_str().as_encoded_bytes());
        digest.update([0]);
        digest.update((bytes.len() as u64).to_le_bytes());
        digest.update(bytes);
    }
    Ok(hex(&digest.finalize()))
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The files below `root`, or `root` itself. Hidden ones are not sources; what is gone is no input any more.
fn collect(root: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if root.is_file() {
        files.push(root.to_owned());
        return Ok(());
    }
    let entries = match fs::read_dir(root) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        if is_source(Path::new(&entry.file_name())) {
            collect(&entry.path(), files)?;
        }
    }
    Ok(())
}

/// Whether a file or folder of this name belongs to the sources. Components do not: an author tries them in the folder.
pub(crate) fn is_source(name: &Path) -> bool {
    let name = name.to_string_lossy();
    !name.starts_with('.') && !name.ends_with('~') && !name.ends_with(".wasm") && !SKIPPED.contains(&&*name)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Sources change the digest, wherever they lie; what is generated or hidden does not.
    #[test]
    fn only_sources_count() {
        let (dir, kit) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let write = |path: &Path, text: &str| {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let now = || digest(dir.path(), &[kit.path().to_owned()]).unwrap();
        write(&dir.path().join("src/check.go"), "a");
        let first = now();
        for ignored in
            ["target/x", "node_modules/y", ".git/z", "tests/case.toml", "src/check.go~", "plugins/check.wasm"]
        {
            write(&dir.path().join(ignored), "b");
        }
        assert_eq!(now(), first);
        write(&kit.path().join("kit.go"), "c");
        let second = now();
        assert_ne!(second, first);
        write(&dir.path().join("src/check.go"), "d");
        assert_ne!(now(), second);
    }
}
