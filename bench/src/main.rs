//! Measures the host beside its floors: what wasmtime, hyper, a bare heap and processes cost when nothing is around them.
//!
//! One binary holds the floors and, through the `probity` library, the product; they take turns in one process, with
//! the same component, limits and engine settings. `docs/performance.md` says how to read the numbers.

mod backend;
mod child;
mod clock;
mod raw;
mod report;
mod rig;
mod rows;
mod server;
mod stats;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

use report::{Machine, Report};
use rows::Bench;

#[derive(Parser)]
#[command(name = "probity-bench")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure; `cargo xtask bench` builds everything and calls this
    Measure(Measure),
    /// The processes that measurements start
    #[command(subcommand, hide = true)]
    Child(child::Child),
}

#[derive(clap::Args)]
struct Measure {
    /// Fewer and shorter batches: to see that it works, not for the record
    #[arg(long)]
    quick: bool,
    /// Rows to measure, such as 1,2,9; the others keep their earlier numbers
    #[arg(long, value_delimiter = ',')]
    only: Vec<u8>,
    /// Seconds that rows which need an idle machine wait for one
    #[arg(long, default_value_t = 60)]
    idle_wait: u64,
    /// Where `typical.wasm`, `naive.wasm` and `park.wasm` are
    #[arg(long)]
    components: PathBuf,
    /// The host's binary, a release build
    #[arg(long)]
    probity: PathBuf,
    /// The repository
    #[arg(long)]
    root: PathBuf,
    /// The JSON file
    #[arg(long)]
    out: PathBuf,
}

fn main() -> ExitCode {
    let result = match Args::parse().command {
        Command::Measure(args) => measure(&args),
        Command::Child(child) => child::run(&child),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(args: &Measure) -> Result<()> {
    let bench = Bench {
        quick: args.quick,
        idle_wait: Duration::from_secs(args.idle_wait),
        components: args.components.clone(),
        probity: args.probity.clone(),
        peers: args.root.join("bench/peers"),
        scratch: tempfile::tempdir().context("make a scratch directory")?,
    };
    let mut report = Report::resume(&args.out, Machine::here(&args.root));
    for (numbers, metric, group) in rows::GROUPS {
        if !args.only.is_empty() && !numbers.iter().any(|number| args.only.contains(number)) {
            continue;
        }
        eprintln!("row {numbers:?}: {metric} (load {})", clock::load());
        // One row that cannot be measured says so, and the others go on.
        let rows = group(&bench).unwrap_or_else(|error| {
            numbers.iter().map(|number| report::Row::absent(*number, metric, format!("{error:#}"))).collect()
        });
        report.take(numbers, rows, args.quick);
        report.write_json(&args.out)?;
    }
    println!("{}", report.table());
    if !args.quick {
        report.write_table(&args.root.join("docs/performance.md"))?;
    }
    Ok(())
}
