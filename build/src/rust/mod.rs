//! Rust: cargo for `wasm32-unknown-unknown`, no WASI. What a component imports is then exactly what it may ask for.

pub mod compile;
pub mod toolchain;

use std::fs;
use std::path::{Path, PathBuf};

use crate::{BuildError, Code, Job as Check, Made};
use compile::Job;
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
    let job = Job { manifest: &manifest, packages: &[], target_dir: Some(check.target) };
    let modules = compile::compile(&toolchain, &job).map_err(BuildError::RustCompile)?;
    let module = modules.into_iter().find(|module| same(&module.manifest, &manifest));
    let module = module.ok_or(BuildError::RustCompile(compile::CompileError::NoModule { manifest }))?;
    let code = fs::read(&module.wasm).map_err(BuildError::read(&module.wasm))?;
    Ok(Made { code: Code::Module(code), inputs: inputs(&module.wasm) })
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
