//! Project tasks, run as `cargo xtask <task>`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
#[cfg(unix)]
mod console;
mod demo;
#[cfg(unix)]
mod docs;
mod fuzz;
mod guests;
mod install;
mod languages;
// The host's own look at who listens where: a file without dependencies, so that the tasks need not be built with the host.
#[path = "../../host/src/cli/listener.rs"]
mod listener;
#[cfg(unix)]
mod ports;
mod python;
#[cfg(unix)]
mod quickstarts;
#[cfg(unix)]
mod servers;
mod services;
mod setup;
mod test;
mod toolchain;
mod venv;
mod workspace;

/// Project tasks.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build every first-party component to target/components
    Guests,
    /// Build the checks of both suites in every language to target/components, with the host that `cargo build` made
    Languages {
        /// Also measure what each costs, and write the table in docs/languages.md
        #[arg(long)]
        measure: bool,
        /// Write the bindings that the kit for Go carries and the contract in the one for Rust, and do nothing else
        #[arg(long)]
        bindings: bool,
    },
    /// Install what building components needs (apt-get or rustup), if anything is missing
    Setup,
    /// Put `probity` onto the PATH, with the first-party components beside it
    Install {
        /// Where: bin/ and share/ below it; by default /usr/local for root, else ~/.local
        #[arg(long, value_name = "FOLDER")]
        prefix: Option<PathBuf>,
    },
    /// Build guests and host, then run every test
    Test {
        /// Only what needs no server and no other language: minutes instead of half an hour
        #[arg(long)]
        quick: bool,
        /// Passed on to `cargo test`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Run the fuzz targets (Linux)
    Fuzz {
        /// The targets; all where none is named
        targets: Vec<String>,
        /// How long each runs
        #[arg(long, value_name = "SECONDS", default_value_t = 20)]
        seconds: u32,
        /// Count in the dependencies, too: builds all of them once more
        #[arg(long)]
        deep: bool,
    },
    /// Measure the host beside what wasmtime, hyper and processes cost at best; writes docs/performance.md
    Bench {
        /// Passed on: --quick, --only 1,2,9
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Run what the documents show and paste what came out (needs curl and python3)
    #[cfg(unix)]
    Docs {
        /// Use this host and the components in examples/quickstart/plugins, build nothing
        #[arg(long, value_name = "FILE")]
        host: Option<PathBuf>,
        /// Only this quickstart: rust, python, go …
        #[arg(long, value_name = "NAME")]
        quickstart: Option<String>,
    },
    /// Run the quickstart: a shop, its check, and the host on 127.0.0.1:8080
    Demo {
        /// The host's address
        #[arg(long, default_value = "127.0.0.1:8080")]
        listen: std::net::SocketAddr,
        /// The shop's port on 127.0.0.1
        #[arg(long, default_value_t = demo::SHOP_PORT)]
        shop_port: u16,
    },
}

fn main() -> ExitCode {
    let result = match Args::parse().task {
        Task::Guests => guests::run().map(drop),
        Task::Languages { bindings: true, .. } => languages::write_bindings(),
        Task::Languages { measure, .. } => languages::run(measure),
        Task::Setup => setup::run(),
        Task::Install { prefix } => install::run(prefix),
        Task::Test { quick: true, args } => test::quick(&args),
        Task::Test { args, .. } => test::run(&args),
        Task::Fuzz { targets, seconds, deep } => fuzz::run(&targets, seconds, deep),
        Task::Bench { args } => bench::run(&args),
        #[cfg(unix)]
        Task::Docs { host, quickstart } => docs::run(host, quickstart.as_deref()),
        Task::Demo { listen, shop_port } => demo::run(listen, shop_port),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
