//! From a core module to a component file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

use crate::{contract, names};

/// Why there is no component.
#[derive(Debug, thiserror::Error)]
pub enum ComponentError {
    /// The module's imports and exports do not make a component.
    #[error("not a check: {reason}")]
    Encode {
        /// The encoder's reasons, outermost first.
        reason: String,
    },
    /// It wants something that no host has.
    #[error("it imports what hosts do not offer: {imports}; take out what needs it")]
    Imports {
        /// The imports, each with what is offered.
        imports: String,
    },
    /// It does not export `checker`.
    #[error(
        "it exports {exports}, but not probity:check/checker@0.1.0: its world has to `include probity:check/check@0.1.0`"
    )]
    World {
        /// What it exports.
        exports: String,
    },
    /// It was built against another contract of the same version.
    #[error("its types are not those of probity:check@0.1.0: {reason}; delete target/ and build again")]
    Types {
        /// Which.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("{action} {}", path.display())]
    Io {
        /// "read" or "write".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// What [`build`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// Size of the component in bytes.
    pub bytes: usize,
    /// The interfaces it imports: what it may ask the operator for.
    pub imports: Vec<String>,
    /// Whether the file's content is new.
    pub changed: bool,
}

/// Wraps the core module at `wasm`, whose sources are below `own`, and writes the component to `out`.
///
/// # Errors
/// [`ComponentError`]; `out` then keeps its old content.
pub fn build(wasm: &Path, own: &Path, out: &Path) -> Result<Built, ComponentError> {
    let module = fs::read(wasm).map_err(io_error("read", wasm))?;
    install(&componentize(&module, own)?, out)
}

/// Writes a component to `out`, if it is a check.
///
/// `out` is replaced atomically and only when its content changes, so that a
/// host watching the directory reloads exactly then.
///
/// # Errors
/// [`ComponentError`]; `out` then keeps its old content.
pub fn install(component: &[u8], out: &Path) -> Result<Built, ComponentError> {
    let imports = contract::check(component)?;
    let changed = write_if_changed(out, component).map_err(io_error("write", out))?;
    Ok(Built { bytes: component.len(), imports, changed })
}

/// Wraps a core module that holds its world's type into a validated component.
///
/// Function names are kept, demangled and cut to a readable length; those of the
/// author's functions, in files below `own`, say where that is. WASI preview 1 becomes WASI 0.2 by the runtime's adapter.
///
/// # Errors
/// [`ComponentError::Encode`], for example when the module imports something else.
pub fn componentize(module: &[u8], own: &Path) -> Result<Vec<u8>, ComponentError> {
    let mut encoder = ComponentEncoder::default();
    let module = names::shorten(module, own).map_err(encode_error)?;
    encoder.module(&module).map_err(encode_error)?;
    if imports_preview1(&module) {
        encoder
            .adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER)
            .map_err(encode_error)?;
    }
    encoder.validate(true);
    encoder.encode().map_err(encode_error)
}

fn imports_preview1(module: &[u8]) -> bool {
    let sections = Parser::new(0).parse_all(module).filter_map(Result::ok);
    sections
        .filter_map(|section| if let Payload::ImportSection(imports) = section { Some(imports) } else { None })
        .flat_map(wasmparser::ImportSectionReader::into_imports)
        .any(|import| import.is_ok_and(|import| import.module == WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME))
}

/// Writes through a temporary file beside `path`; `false` when the content was
/// there already.
///
/// # Errors
/// Any I/O error; `path` then keeps its old content.
pub fn write_if_changed(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    fs::write(&temporary, bytes)?;
    fs::rename(&temporary, path).inspect_err(|_| drop(fs::remove_file(&temporary)))?;
    Ok(true)
}

pub(crate) fn encode_error(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ComponentError {
    ComponentError::Encode { reason: chain(&*error.into()) }
}

/// The error with its causes, outermost first.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ComponentError {
    move |source| ComponentError::Io { action, path: path.into(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The smallest core module: header only.
    const EMPTY_MODULE: &[u8] = b"\0asm\x01\0\0\0";

    // Writing the same bytes again leaves the file alone, so nothing reloads.
    #[test]
    fn unchanged_content_is_not_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sub/a.wasm");
        assert!(write_if_changed(&path, b"one").unwrap());
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        assert!(!write_if_changed(&path, b"one").unwrap());
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), modified);
    }

    // A new version replaces the old one and leaves no temporary file behind.
    #[test]
    fn new_content_replaces_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.wasm");
        write_if_changed(&path, b"one").unwrap();
        assert!(write_if_changed(&path, b"two").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    // A module becomes a component; one that is no check is not installed.
    #[test]
    fn a_module_becomes_a_component() {
        let component = componentize(EMPTY_MODULE, Path::new("/")).unwrap();
        assert_eq!(&component[4..8], [0x0d, 0, 1, 0]);
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("a.wasm");
        assert!(matches!(install(&component, &out), Err(ComponentError::World { .. })));
        assert!(!out.exists());
    }

    // What is not WebAssembly is refused with a reason.
    #[test]
    fn garbage_is_refused() {
        assert!(matches!(componentize(b"hello", Path::new("/")), Err(ComponentError::Encode { .. })));
        assert!(contract::check(b"hello").is_err());
    }
}
