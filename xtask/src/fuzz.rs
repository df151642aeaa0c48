//! `cargo xtask fuzz`: builds the targets of `fuzz/` with libFuzzer's counters and runs each for a while.
//!
//! Only the workspace's own crates are counted (`fuzz/instrument.sh`), so that the dependencies are those of every other
//! build: the whole takes a minute or two rather than a second build of wasmtime. `--deep` counts them, too.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail, ensure};

use crate::workspace::{self, Workspace, cargo};

/// Targets that run at a time.
const TARGETS_AT_ONCE: usize = 2;

/// One input may take this long, and the process have this much memory: a hang shows as the one, a leak as the other.
const INPUT_SECONDS: &str = "60";
const MEMORY_MIB: &str = "4096";

/// Of a failed target's words.
const LINES_SHOWN: usize = 60;

/// What makes rustc count for libFuzzer, as cargo-fuzz does; none of it needs a nightly compiler.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-sanitizer-coverage-stack-depth";

/// Runs `targets` (all, where none is named) for `seconds` each.
pub(crate) fn run(targets: &[String], seconds: u32, deep: bool) -> Result<()> {
    let workspace = Workspace::load()?;
    let all = names(&workspace.root)?;
    if let Some(unknown) = targets.iter().find(|name| !all.contains(name)) {
        bail!("no fuzz target {unknown:?}: there are {}", all.join(", "));
    }
    let targets = if targets.is_empty() { &all } else { targets };
    seed(&workspace)?;
    let built = build(&workspace, targets, deep)?;
    for group in targets.chunks(TARGETS_AT_ONCE) {
        thread::scope(|scope| {
            let running: Vec<_> =
                group.iter().map(|name| scope.spawn(|| fuzz(&workspace, &built, name, seconds))).collect();
            let ended = running.into_iter().map(|thread| thread.join().unwrap_or_else(|_| bail!("a thread panicked")));
            ended.collect::<Vec<_>>().into_iter().collect::<Result<()>>()
        })?;
    }
    Ok(())
}

/// The targets: one file each.
fn names(root: &Path) -> Result<Vec<String>> {
    let folder = root.join("fuzz/fuzz_targets");
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))? {
        let path = entry?.path();
        names.extend(path.file_stem().and_then(|name| name.to_str()).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// Fills `fuzz/corpus` with what the targets start from.
fn seed(workspace: &Workspace) -> Result<()> {
    let mut seeds = Command::new(cargo());
    // The whole workspace's features, as for every other build: else its dependencies are built twice.
    seeds.args(["build", "--locked", "--workspace", "--bin", "fuzz-seeds"]).current_dir(&workspace.root);
    workspace::run(&mut seeds, "cargo build --bin fuzz-seeds")?;
    workspace::run(&mut Command::new(workspace.target.join("debug/fuzz-seeds")), "fuzz-seeds")
}

/// Builds the targets; answers with the folder they are in.
fn build(workspace: &Workspace, targets: &[String], deep: bool) -> Result<PathBuf> {
    let mut build = Command::new(cargo());
    build.args(["build", "--locked", "--workspace"]).current_dir(&workspace.root);
    build.args(targets.iter().flat_map(|name| ["--bin".to_owned(), binary(name)]));
    let folder = if deep {
        // Apart, since other flags make other dependencies; with a target, or they would reach build scripts.
        let (target, triple) = (workspace.target.join("fuzz"), host_triple()?);
        build.env("RUSTFLAGS", FLAGS).args(["--target", &triple]).arg("--target-dir").arg(&target);
        target.join(triple).join("debug")
    } else {
        build.env("RUSTC_WORKSPACE_WRAPPER", workspace.root.join("fuzz/instrument.sh")).env("FUZZ_FLAGS", FLAGS);
        workspace.target.join("debug")
    };
    workspace::run(&mut build, "cargo build of the fuzz targets")?;
    Ok(folder)
}

/// Runs one target; its words go to a file, of which the end is shown when it fails.
fn fuzz(workspace: &Workspace, built: &Path, name: &str, seconds: u32) -> Result<()> {
    let folder = workspace.root.join("fuzz");
    let artifacts = folder.join("artifacts").join(name);
    fs::create_dir_all(&artifacts).with_context(|| format!("create {}", artifacts.display()))?;
    let log = workspace.target.join(format!("fuzz-{name}.log"));
    let words = File::create(&log).with_context(|| format!("create {}", log.display()))?;
    let status = Command::new(built.join(binary(name)))
        .arg(format!("-max_total_time={seconds}"))
        .args([
            format!("-timeout={INPUT_SECONDS}"),
            format!("-rss_limit_mb={MEMORY_MIB}"),
            "-print_final_stats=1".into(),
        ])
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg(folder.join("corpus").join(name))
        .current_dir(&folder)
        .stdin(Stdio::null())
        .stdout(words.try_clone().context("share the log")?)
        .stderr(words)
        .status()
        .with_context(|| format!("start fuzz target {name}"))?;
    let said = String::from_utf8_lossy(&fs::read(&log).unwrap_or_default()).into_owned();
    if !status.success() {
        let lines: Vec<_> = said.lines().collect();
        eprintln!("{}", lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n"));
        bail!("fuzz target {name} failed ({status}); its input is in {}", artifacts.display());
    }
    let done = said.lines().find(|line| line.starts_with("Done ")).unwrap_or("ended without a count of its runs");
    println!("fuzz target {name}: {done}");
    Ok(())
}

/// The program of a target, as `fuzz/Cargo.toml` has it.
fn binary(target: &str) -> String {
    format!("fuzz-{}", target.replace('_', "-"))
}

/// The machine's own target, as rustc calls it.
fn host_triple() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("run rustc -vV")?;
    ensure!(output.status.success(), "rustc -vV failed ({})", output.status);
    let said = String::from_utf8_lossy(&output.stdout);
    let triple = said.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(triple.context("rustc -vV names no host")?.to_owned())
}
