//! Runs cargo once and names the core modules that came out.
//!
//! The profile is given on the command line, so that an author's project and
//! the first-party checks are compiled alike without a `[profile]` in each.

use std::env;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use super::TARGET;
use super::toolchain::Toolchain;

/// The profile's name, and so the directory under the target directory.
pub const PROFILE: &str = "guest";

/// Small and abort-on-panic. The author's own code has lines until it is a component, whose function names say where they
/// begin; what others wrote has none.
const PROFILE_SETTINGS: [&str; 8] = [
    "inherits='release'",
    "opt-level='s'",
    "lto=true",
    "panic='abort'",
    "codegen-units=1",
    "debug='line-tables-only'",
    "package.\"*\".debug=false",
    "strip='none'",
];

/// What to compile.
#[derive(Clone, Debug)]
pub struct Job<'a> {
    /// The `Cargo.toml` of the package or workspace.
    pub manifest: &'a Path,
    /// Packages by name; empty for the manifest's own package.
    pub packages: &'a [String],
    /// Cargo's target directory; cargo's own choice when `None`.
    pub target_dir: Option<&'a Path>,
    /// Where intermediate files go, the compiled standard library among them; to the target directory when `None`.
    pub shared: Option<&'a Shared>,
}

/// A place that all folders of a machine share, so that the standard library is compiled once and not for each.
#[derive(Clone, Debug)]
pub struct Shared {
    /// The folder; cargo makes and locks it.
    pub dir: PathBuf,
    /// Where the author kit is, if it is on this machine. Flags must not differ from folder to folder: the standard library
    /// would be compiled anew. Paths below a package's own folder are relative anyway.
    pub kit: Option<PathBuf>,
}

/// One compiled `cdylib`, not yet a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// The package's `Cargo.toml`.
    pub manifest: PathBuf,
    /// The core WebAssembly module.
    pub wasm: PathBuf,
}

/// Why there are no modules.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// cargo did not start, or its output broke off.
    #[error("run {}", program.display())]
    Run {
        /// The program.
        program: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// cargo reported errors, already on standard error.
    #[error("cargo build of {} failed ({status}); its errors are above", manifest.display())]
    Failed {
        /// The manifest of the job.
        manifest: PathBuf,
        /// cargo's exit status.
        status: String,
    },
    /// The build succeeded but made no module.
    #[error("{} builds no component: add `[lib] crate-type = [\"cdylib\", \"rlib\"]` to it", manifest.display())]
    NoModule {
        /// The manifest of the job.
        manifest: PathBuf,
    },
}

/// Compiles the job's packages for [`TARGET`] in one cargo invocation.
///
/// Takes a minute the first time on Debian's route (it compiles the standard
/// library), seconds after. cargo's progress goes to standard error.
///
/// # Errors
/// [`CompileError`] when cargo fails or nothing of the job is a `cdylib`.
pub fn compile(toolchain: &Toolchain, job: &Job<'_>) -> Result<Vec<Module>, CompileError> {
    let program = env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let run_error = |source| CompileError::Run { program: program.clone(), source };
    let mut cargo = Command::new(&program);
    describe(&mut cargo, toolchain, job);
    let mut child = cargo.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(run_error)?;
    let stdout = child.stdout.take().expect("stdout was piped a line above");
    let modules = read_modules(BufReader::new(stdout));
    let status = child.wait().map_err(run_error)?;
    if !status.success() {
        return Err(CompileError::Failed { manifest: job.manifest.into(), status: status.to_string() });
    }
    let modules = modules.map_err(run_error)?;
    if modules.is_empty() {
        return Err(CompileError::NoModule { manifest: job.manifest.into() });
    }
    Ok(modules)
}

fn describe(cargo: &mut Command, toolchain: &Toolchain, job: &Job<'_>) {
    cargo.args(["build", "--lib", "--target", TARGET, "--profile", PROFILE]);
    cargo.arg("--message-format=json-render-diagnostics").arg("--manifest-path").arg(job.manifest);
    if !io::stderr().is_terminal() {
        // A line for each crate is for who watches.
        cargo.arg("--quiet");
    }
    for setting in PROFILE_SETTINGS {
        cargo.arg("--config").arg(format!("profile.{PROFILE}.{setting}"));
    }
    for package in job.packages {
        cargo.args(["--package", package]);
    }
    if let Some(dir) = job.target_dir {
        cargo.arg("--target-dir").arg(dir);
    }
    if let Some(shared) = job.shared {
        // As TOML: quotes and escapes are not the shell's.
        let dir = toml::Value::String(shared.dir.display().to_string());
        cargo.arg("--config").arg(format!("build.build-dir={dir}"));
    }
    cargo.env("CARGO_ENCODED_RUSTFLAGS", rustflags(job)).env_remove("RUSTFLAGS");
    toolchain.apply(cargo);
}

/// The caller's flags, then path remapping: panic messages hold source paths,
/// and the same source must give the same bytes wherever it is checked out.
fn rustflags(job: &Job<'_>) -> OsString {
    let mut flags: Vec<OsString> = match (env::var("CARGO_ENCODED_RUSTFLAGS"), env::var("RUSTFLAGS")) {
        (Ok(encoded), _) if !encoded.is_empty() => encoded.split('\u{1f}').map(OsString::from).collect(),
        (_, Ok(plain)) => plain.split_whitespace().map(OsString::from).collect(),
        _ => Vec::new(),
    };
    let root = || std::path::absolute(job.manifest.parent().unwrap_or(Path::new("."))).ok();
    let own = match job.shared {
        Some(shared) => (shared.kit.clone(), "probity-check"),
        None => (root(), "."),
    };
    for (from, to) in [(cargo_home(), "cargo"), own].into_iter().filter_map(|(from, to)| Some((from?, to))) {
        let mut flag = OsString::from("--remap-path-prefix=");
        flag.push(from);
        flag.push(format!("={to}"));
        flags.push(flag);
    }
    flags.join(std::ffi::OsStr::new("\u{1f}"))
}

fn cargo_home() -> Option<PathBuf> {
    env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".cargo")))
}

/// The part of cargo's JSON messages that names artifacts.
#[derive(Deserialize)]
struct Message {
    reason: String,
    manifest_path: Option<PathBuf>,
    target: Option<MessageTarget>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct MessageTarget {
    kind: Vec<String>,
}

fn read_modules(stdout: impl BufRead) -> io::Result<Vec<Module>> {
    let mut modules = Vec::new();
    for line in stdout.lines() {
        let line = line?;
        let Ok(message) = serde_json::from_str::<Message>(&line) else {
            continue;
        };
        modules.extend(module_of(message));
    }
    Ok(modules)
}

fn module_of(message: Message) -> Option<Module> {
    let is_cdylib = message.target?.kind.iter().any(|kind| kind == "cdylib");
    let wasm = message.filenames.into_iter().find(|file| file.extension().is_some_and(|e| e == "wasm"))?;
    (message.reason == "compiler-artifact" && is_cdylib).then_some(Module { manifest: message.manifest_path?, wasm })
}

#[cfg(test)]
mod tests {
    use super::*;

    // Of cargo's messages only cdylib artifacts that are wasm files count.
    #[test]
    fn modules_are_read_from_messages() {
        let lines = concat!(
            r#"{"reason":"compiler-artifact","manifest_path":"/p/a/Cargo.toml","target":{"kind":["lib"]},"filenames":["/t/liba.rlib"]}"#,
            "\n",
            r#"{"reason":"compiler-artifact","manifest_path":"/p/b/Cargo.toml","target":{"kind":["cdylib","rlib"]},"filenames":["/t/b.wasm","/t/libb.rlib"]}"#,
            "\nnot json\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        let modules = read_modules(lines.as_bytes()).unwrap();
        assert_eq!(modules, [Module { manifest: "/p/b/Cargo.toml".into(), wasm: "/t/b.wasm".into() }]);
    }

    // Debian's route carries its compiler, its linker and the std build; the active one nothing.
    #[test]
    fn toolchain_decides_what_cargo_is_told() {
        let job = Job {
            manifest: Path::new("/p/Cargo.toml"),
            packages: &["a".into(), "b".into()],
            target_dir: None,
            shared: None,
        };
        let command = |toolchain: Toolchain| {
            let mut cargo = Command::new("cargo");
            describe(&mut cargo, &toolchain, &job);
            format!("{cargo:?}")
        };
        let debian = command(Toolchain::Debian { linker: "/bin/wasm-ld-22".into() });
        assert!(
            debian.contains("-Zbuild-std") && debian.contains("/bin/wasm-ld-22") && debian.contains("/usr/bin/rustc")
        );
        let active = command(Toolchain::Active);
        assert!(!active.contains("build-std") && !active.contains("/usr/bin/rustc"), "{active}");
        assert!(active.contains(r#""--package" "a" "--package" "b""#), "{active}");
    }

    // What folders share is built with the same flags in each, or it would be built for each.
    #[test]
    fn shared_builds_have_the_same_flags_everywhere() {
        let shared = Shared { dir: "/cache/rust".into(), kit: Some("/sdk/rust".into()) };
        let job = |manifest| Job { manifest, packages: &[], target_dir: None, shared: Some(&shared) };
        let one = rustflags(&job(Path::new("/one/Cargo.toml")));
        assert_eq!(one, rustflags(&job(Path::new("/other/Cargo.toml"))));
        assert!(one.to_string_lossy().contains("--remap-path-prefix=/sdk/rust=probity-check"), "{one:?}");
        let mut cargo = Command::new("cargo");
        describe(&mut cargo, &Toolchain::Active, &job(Path::new("/one/Cargo.toml")));
        let said = format!("{cargo:?}");
        assert!(said.contains(r#"build.build-dir=\"/cache/rust\""#), "{said}");
    }
}
