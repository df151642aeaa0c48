//! Python for tests: the environment that `cargo xtask setup` makes, and hosts that need not compile its components.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::host::{Host, first_party};

/// How long compiling a component of 18 MB may take in a debug build on a busy machine.
const COMPILING: Duration = Duration::from_mins(8);

/// A program of the environment.
///
/// # Panics
/// When it was not made.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let path = target().join("venv/bin").join(name);
    assert!(path.is_file(), "{} is missing: run `cargo xtask setup` first (`cargo xtask test` does)", path.display());
    path
}

/// The repository.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Starts a host with these plugins, of which those in Python were compiled before, once for all tests.
///
/// # Panics
/// As [`Host::start`], and when a component was not built.
#[must_use]
pub fn host(config: &str, plugins: &[&str]) -> Host {
    let dir = TempDir::new().expect("a temporary directory can be made");
    let folder = dir.path().join("plugins");
    fs::create_dir(&folder).expect("it is empty");
    for plugin in plugins {
        let bytes = first_party(plugin);
        let compiled = (bytes.len() > 4 << 20).then(|| compiled(plugin, &bytes));
        fs::write(folder.join(plugin).with_extension("wasm"), &bytes).expect("the directory can be written");
        if let Some(compiled) = compiled {
            copy_private(&compiled, &dir.path().join(".probity/cache"));
        }
    }
    Host::start_in(dir, config)
}

/// A directory with the compiled code of `plugin`, kept for as long as its bytes stay the same.
fn compiled(plugin: &str, bytes: &[u8]) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let kept = target().join("compiled").join(format!("{plugin}-{}", &crate::bench::digest(bytes)[..16]));
    if kept.is_dir() {
        return kept;
    }
    let host = Host::start("[plugins]\ncompile-timeout = \"8m\"\n[limits]\nmemory = \"64MiB\"\n");
    host.copy_in(plugin, bytes);
    let end = Instant::now() + COMPILING;
    // The plugin is told of from the start of its compilation on.
    while !host.get(&format!("/plugins/{plugin}")).json()["current"]["digest"].is_string() {
        assert!(Instant::now() < end, "{plugin} was not compiled; log:\n{}", host.log());
        std::thread::sleep(Duration::from_millis(200)); // the distance of two looks
    }
    // Another process may do the same at the same time: the first one's folder stays.
    let mine = kept.with_extension(std::process::id().to_string());
    copy_private(&host.dir().join(".probity/cache"), &mine);
    if fs::rename(&mine, &kept).is_err() {
        let _ = fs::remove_dir_all(&mine);
    }
    kept
}

/// Copies compiled code, which only counts when nobody else could have written it.
fn copy_private(from: &Path, to: &Path) {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(to).expect("the directory can be made");
    for entry in fs::read_dir(from).expect("it was just made") {
        let entry = entry.expect("it can be read");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_private(&entry.path(), &target);
        } else if fs::hard_link(entry.path(), &target).is_err() && !target.is_file() {
            fs::copy(entry.path(), &target).expect("there is room");
            fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).expect("the file is ours");
        }
    }
}

/// Where everything is built.
///
/// # Panics
/// When the host was not built.
#[must_use]
pub fn target() -> PathBuf {
    let binary = crate::host::binary();
    binary.ancestors().nth(2).expect("it lies in target/<profile>").to_owned()
}
