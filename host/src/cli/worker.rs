//! `probity compile-worker`: the process that `serve` compiles a plugin in.

use std::io;
use std::process::ExitCode;

use crate::sandbox::compiler::{Flavor, work};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The engine to compile for
    #[arg(value_parser = parse_flavor)]
    flavor: Flavor,
    /// Bytes of memory it may use
    memory: u64,
}

fn parse_flavor(text: &str) -> Result<Flavor, String> {
    Flavor::parse(text).ok_or_else(|| "plain or concurrent".to_owned())
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    Ok(match work(args.flavor, args.memory, io::stdin().lock(), io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(said) => {
            super::terminal::complain(&said);
            ExitCode::FAILURE
        }
    })
}
