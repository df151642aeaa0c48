//! The command line: one file per subcommand.

mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Health checks as WebAssembly components in a directory.
#[derive(Debug, Parser)]
#[command(name = "probity", version, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Command {
    /// Run the checks and answer over HTTP
    Serve(serve::Args),
}

/// Parses the arguments and does what they say.
#[must_use]
pub fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Serve(args) => serve::run(&args),
    }
}

/// Tells the user, on standard error.
#[allow(clippy::print_stderr, reason = "the command line talks to its user")]
fn complain(text: &str) {
    eprintln!("{text}");
}
