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

/// What generated bindings stand on, and where the kit carries a copy of it: a build asks no module proxy for anything.
const RUNTIME: &str = "go.bytecodealliance.org/pkg/";
const KIT_RUNTIME: &str = "probity.dev/sdk/internal/pkg/";

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
    let own = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(RUNTIME, KIT_RUNTIME).into_bytes();
    let mut files: Vec<(String, Vec<u8>)> = made.iter().map(|(name, bytes)| (name.to_owned(), own(bytes))).collect();
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
    let mut command = command(&go, job.folder, "build", &modfile);
    command.args(["-buildmode=c-shared", "-trimpath"]);
    if let Some(overlay) = overlay(&go, &out)? {
        command.arg("-overlay").arg(overlay);
    }
    // The name of a symbol of the runtime that bindings need is closed to the linker without it.
    command.arg("-ldflags=-s -w -checklinkname=0").arg("-o").arg(&wasm).arg(".");
    tool::run(&mut command)?;
    let module = fs::read(&wasm).map_err(BuildError::read(&wasm))?;
    let mut module = sections::export_instead(&module, REALLOC, KIT_REALLOC)
        .map_err(|error| BuildError::source(&wasm, format!("not what a Go compiler makes: {error}")))?;
    World::full().embed(&mut module).map_err(BuildError::Component)?;
    let mut made = Made::compiled(Code::Module(module), inputs);
    let list = "{{if not .Standard}}{{.ImportPath}}{{range .Imports}} {{.}}{{end}}{{end}}";
    let listed = tool::told(self::command(&go, job.folder, "list", &modfile).args(["-deps", "-f", list, "."]));
    made.notes = notes(&listed.unwrap_or_default());
    Ok(made)
}

/// A command of the compiler about the check's own package.
fn command(go: &Path, folder: &Path, what: &str, modfile: &Path) -> Command {
    let mut command = Command::new(go);
    command.current_dir(folder).args([what, "-mod=mod", "-modfile"]).arg(modfile);
    // Its own choice of a toolchain would be one that it fetches.
    command.env("GOOS", "wasip1").env("GOARCH", "wasm").env("GOTOOLCHAIN", "local");
    command
}

/// Packages by what they want that a component has not; what to use instead.
const PACKAGES: [(&str, &str, &str); 8] = [
    ("net/http", "sockets", "probity.dev/sdk/http"),
    ("net", "sockets", "probity.dev/sdk/tcp, udp or dns"),
    ("crypto/tls", "sockets", "probity.dev/sdk/tls"),
    ("net/smtp", "sockets", "probity.dev/sdk/tcp"),
    ("net/rpc", "sockets", "probity.dev/sdk/tcp"),
    ("database/sql", "sockets", "probity.dev/sdk/sql"),
    ("os/exec", "processes", "probity.dev/sdk/system"),
    ("os/signal", "processes", "probity.dev/sdk/run"),
];

/// What to know about packages that are imported, of lines `IMPORTER PACKAGE …`. What a dependency imports is noted for the
/// most telling package only: who wants `net/http` wants `net` as well.
fn notes(listed: &str) -> Vec<String> {
    let mut notes = Vec::new();
    for line in listed.lines() {
        let mut words = line.split(' ').filter(|word| !word.is_empty());
        let Some(importer) = words.next().filter(|name| !is_kit(name)) else { continue };
        let imported: Vec<&str> = words.collect();
        if let Some((package, wants, instead)) = PACKAGES.iter().find(|(name, _, _)| imported.contains(name)) {
            notes.push(format!(
                "{importer} imports {package}, which wants {wants}: a component has none; use {instead}"
            ));
        }
    }
    notes
}

fn is_kit(package: &str) -> bool {
    package.strip_prefix(KIT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The standard library plays at being a network where there is none: nobody listens, so every connection is refused, and a
/// check would call that news about its target. In its place it says what is so, and ends the run; the standard library's
/// file with that one change, for the compiler's `-overlay`.
fn overlay(go: &Path, out: &Path) -> Result<Option<PathBuf>, BuildError> {
    const REFUSED: &str = "return wrapErr(syscall.ECONNREFUSED)";
    const SAID: &str =
        r#"panic("net: a component has no sockets: use probity.dev/sdk/http, tcp, udp, dns, sql, redis or queue")"#;
    let Some(root) = tool::told(Command::new(go).args(["env", "GOROOT"]).env("GOTOOLCHAIN", "local")) else {
        return Ok(None);
    };
    let file = Path::new(root.trim()).join("src/net/net_fake.go");
    let Ok(text) = fs::read_to_string(&file) else { return Ok(None) };
    if !text.contains(REFUSED) {
        return Ok(None);
    }
    let (changed, list) = (out.join("net_fake.go.txt"), out.join("overlay.json"));
    write_if_changed(&changed, text.replace(REFUSED, SAID).as_bytes()).map_err(BuildError::write(&changed))?;
    let json = serde_json::json!({"Replace": {file.display().to_string(): changed.display().to_string()}});
    write_if_changed(&list, json.to_string().as_bytes()).map_err(BuildError::write(&list))?;
    Ok(Some(list))
}

/// The author's `go.mod` with the kit where it is on this machine, and what lies outside of the folder. The author's own
/// file is left alone, and what it replaces itself stays as it says.
fn modfile(folder: &Path, out: &Path) -> Result<(PathBuf, Vec<PathBuf>), BuildError> {
    let file = folder.join("go.mod");
    let mut text = fs::read_to_string(&file).map_err(BuildError::read(&file))?;
    let mut inputs = Vec::new();
    if let Some(place) = replaced(&text, KIT) {
        inputs.push(folder.join(place));
    } else if let Some(place) = sdk::find(Language::Go)? {
        text.push_str(&format!("\nreplace {KIT} => {}\n", go_path(&place)));
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

/// Where a `go.mod` itself says that `module` is.
fn replaced<'a>(text: &'a str, module: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (what, place) = line.trim().trim_start_matches("replace").split_once("=>")?;
        what.split_whitespace().any(|word| word == module).then(|| place.trim().trim_matches('"'))
    })
}

/// A path as `go.mod` has it.
#[must_use]
pub fn go_path(path: &Path) -> String {
    let text = path.display().to_string();
    if text.contains([' ', '(', ')', '"', '\\']) { format!("{text:?}") } else { text }
}

/// The compiler's version.
pub(crate) fn toolchain() -> Option<String> {
    compiler().ok().map(|(_, version)| version)
}

/// A compiler that is new enough, and what it calls itself.
fn compiler() -> Result<(PathBuf, String), BuildError> {
    let missing = |what: String| BuildError::Missing { what, command: crate::tools::GO.into() };
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

    // Who imports what a component has not is named, with what to use instead; the kit's own packages are not.
    #[test]
    fn packages_that_cannot_work_are_noted() {
        let listed = "probity.dev/sdk/board net/http net\nacme.test/orders fmt net/http net\n\nexample.com/x net/url\n";
        let told =
            "acme.test/orders imports net/http, which wants sockets: a component has none; use probity.dev/sdk/http";
        assert_eq!(notes(listed), [told]);
        assert!(is_kit("probity.dev/sdk") && !is_kit("probity.dev/sdkx"));
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
        assert_eq!(replaced("replace probity.dev/sdk => ../sdk", KIT), Some("../sdk"));
        assert_eq!(replaced("replace (\n\tprobity.dev/sdk v0.1.0 => \"/a b\"\n)", KIT), Some("/a b"));
        assert_eq!(replaced(said, KIT), None);
    }
}
