//! `cargo xtask bench`: builds what is measured, measures it, and writes the table.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace::{self, Guest, Workspace, cargo};
use crate::{guests, languages, toolchain};

/// The twin without the kit's allocator: united with the others' features it would get it back.
const ALONE: &str = "naive";

/// The first-party check of which a thousand run, half of them at a server that hangs.
const FIRST_PARTY: &str = "http";

/// Languages whose reference check the benchmark runs.
const INTERPRETERS: [&str; 3] = ["javascript", "go", "python"];

/// Builds guests, host and benchmark, and runs it. `args` are for the benchmark.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let workspace = Workspace::load()?;
    let toolchain = toolchain::find(&workspace)?;
    let components = workspace.target.join("bench/components");
    let (alone, together): (Vec<Guest>, Vec<Guest>) =
        workspace.bench_guests.iter().cloned().partition(|guest| guest.name == ALONE);
    let first_party = workspace.guests.iter().filter(|guest| guest.name == FIRST_PARTY).cloned().collect();
    for group in [together, alone, first_party] {
        guests::build(&workspace, &toolchain, &group, &components)?;
    }
    println!("building the host and the benchmark (the first time takes some minutes)");
    let mut build = Command::new(cargo());
    // The whole workspace's features, as for every other build: else its dependencies are built twice.
    build.args(["build", "--release", "--workspace", "--bin", "probity", "--bin", "probity-bench"]);
    workspace::run(build.current_dir(&workspace.root), "cargo build --release")?;
    let release = workspace.target.join("release");
    let binary = |name: &str| release.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    languages::build(&workspace, &binary("probity"))?;
    for language in INTERPRETERS {
        let name = format!("reference-{language}.wasm");
        fs::copy(workspace.components().join(&name), components.join(&name)).with_context(|| format!("copy {name}"))?;
    }
    let mut bench = Command::new(binary("probity-bench"));
    bench.arg("measure").arg("--components").arg(&components);
    bench.arg("--probity").arg(binary("probity")).arg("--root").arg(&workspace.root);
    bench.arg("--out").arg(workspace.target.join("bench/latest.json")).args(args);
    // With either set every trap captures a backtrace of the host (docs/performance.md).
    bench.env("RUST_BACKTRACE", "0").env("RUST_LIB_BACKTRACE", "0");
    workspace::run(&mut bench, "probity-bench")
}
