//! Rust: cargo for `wasm32-unknown-unknown`, no WASI. What a component imports is then exactly what it may ask for.

pub mod compile;
mod libraries;
pub mod toolchain;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::component::ComponentError;
use crate::sources::hex;
use crate::{BuildError, Code, Job as Check, Language, Made, sdk};
use compile::{Job, Shared};
use toolchain::Toolchain;

/// The target of every Rust check.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// The package's name in `Cargo.toml`.
pub(crate) fn name(folder: &Path) -> Result<Option<String>, BuildError> {
    let manifest = folder.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).map_err(BuildError::read(&manifest))?;
    let table: toml::Table = text.parse().map_err(|error| BuildError::source(&manifest, format!("{error}")))?;
    let name = table.get("package").and_then(|package| package.get("name")).and_then(toml::Value::as_str);
    match name {
        Some(name) => Ok(Some(name.to_owned())),
        None => Err(BuildError::source(&manifest, "it names no package; give the folder of one check")),
    }
}

/// Compiles the folder's package.
pub(crate) fn build(check: &Check<'_>) -> Result<Made, BuildError> {
    let toolchain = Toolchain::find(check.folder).map_err(BuildError::RustToolchain)?;
    let manifest = check.folder.join("Cargo.toml");
    let shared = shared(check.folder)?;
    let job = Job { manifest: &manifest, packages: &[], target_dir: Some(check.target), shared: shared.as_ref() };
    let modules = compile::compile(&toolchain, &job).map_err(BuildError::RustCompile)?;
    let module = modules.into_iter().find(|module| same(&module.manifest, &manifest));
    let module = module.ok_or(BuildError::RustCompile(compile::CompileError::NoModule { manifest }))?;
    let code = fs::read(&module.wasm).map_err(BuildError::read(&module.wasm))?;
    let mut made = Made::compiled(Code::Module(code), inputs(&module.wasm));
    made.notes = libraries::notes(check.folder);
    made.notes.extend(libraries::printing(check.folder));
    Ok(made)
}

/// Why the module is no component, with the library that is to blame where that is known.
pub(crate) fn explain(error: ComponentError, folder: &Path) -> BuildError {
    match libraries::blame(&error.to_string(), folder) {
        Some(reason) => BuildError::source(&folder.join("Cargo.toml"), reason),
        None => BuildError::Component(error),
    }
}

/// Where this user's builds with this compiler share what they have in common; `None` on a machine without a cache
/// directory.
fn shared(folder: &Path) -> Result<Option<Shared>, BuildError> {
    let Some(cache) = user_cache() else { return Ok(None) };
    let compiler = toolchain::versions(folder).unwrap_or_default();
    let key = &hex(&Sha256::digest(compiler))[..16];
    Ok(Some(Shared { dir: cache.join("rust").join(key), kit: sdk::find(Language::Rust)? }))
}

/// Not in the host's own, which holds compiled code and is open to nobody else. Made here, and not above it.
fn user_cache() -> Option<PathBuf> {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    base.is_dir().then(|| base.join("probity-build"))
}

fn same(one: &Path, other: &Path) -> bool {
    one == other || fs::canonicalize(one).ok().zip(fs::canonicalize(other).ok()).is_some_and(|(a, b)| a == b)
}

/// The sources that cargo's dep-info lists beside the module: those of path dependencies, such as the author kit.
fn inputs(wasm: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(wasm.with_extension("d")).unwrap_or_default();
    let sources = text.split_once(": ").map_or("", |(_, sources)| sources);
    // A space within a name is escaped.
    let sources = sources.trim_end().replace("\\ ", "\0");
    sources.split_ascii_whitespace().map(|source| PathBuf::from(source.replace('\0', " "))).collect()
}
