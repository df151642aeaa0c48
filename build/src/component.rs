//! From a core module to a component file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use wit_component::{ComponentEncoder, DecodedWasm};

use crate::names;

/// Why there is no component.
#[derive(Debug, thiserror::Error)]
pub enum ComponentError {
    /// The module's imports and exports do not make a component.
    #[error("not a check: {reason}")]
    Encode {
        /// The encoder's reasons, outermost first.
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

/// Wraps the core module at `wasm` and writes the component to `out`.
///
/// `out` is replaced atomically and only when its content changes, so that a
/// host watching the directory reloads exactly then.
///
/// # Errors
/// [`ComponentError`]; `out` then keeps its old content.
pub fn build(wasm: &Path, out: &Path) -> Result<Built, ComponentError> {
    let module = fs::read(wasm).map_err(io_error("read", wasm))?;
    let component = componentize(&module)?;
    let imports = imports(&component)?;
    let changed = write_if_changed(out, &component).map_err(io_error("write", out))?;
    Ok(Built { bytes: component.len(), imports, changed })
}

/// Wraps a core module, built against a WIT world, into a validated component.
///
/// Function names are kept, demangled and cut to a readable length.
///
/// # Errors
/// [`ComponentError::Encode`], for example when the module imports WASI.
pub fn componentize(module: &[u8]) -> Result<Vec<u8>, ComponentError> {
    let mut encoder = ComponentEncoder::default();
    let module = names::shorten(module).map_err(encode_error)?;
    encoder.module(&module).map_err(encode_error)?;
    encoder.validate(true);
    encoder.encode().map_err(encode_error)
}

/// The names of the interfaces a component imports, in its order.
///
/// # Errors
/// [`ComponentError::Encode`] when the bytes are not a component.
pub fn imports(component: &[u8]) -> Result<Vec<String>, ComponentError> {
    match wit_component::decode(component).map_err(encode_error)? {
        DecodedWasm::Component(resolve, world) => {
            Ok(resolve.worlds[world].imports.keys().map(|key| resolve.name_world_key(key)).collect())
        }
        DecodedWasm::WitPackage(..) => {
            Err(ComponentError::Encode { reason: "this is a WIT package, not a component".into() })
        }
    }
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

fn encode_error(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ComponentError {
    let error = error.into();
    let mut reason = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        reason = format!("{reason}: {cause}");
        source = cause.source();
    }
    ComponentError::Encode { reason }
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

    // A module becomes a component, and a component names its imports.
    #[test]
    fn a_module_becomes_a_component() {
        let component = componentize(EMPTY_MODULE).unwrap();
        assert_eq!(&component[4..8], [0x0d, 0, 1, 0]);
        assert!(imports(&component).unwrap().is_empty());
    }

    // What is not WebAssembly is refused with a reason.
    #[test]
    fn garbage_is_refused() {
        assert!(matches!(componentize(b"hello"), Err(ComponentError::Encode { .. })));
        assert!(imports(b"hello").is_err());
    }
}
