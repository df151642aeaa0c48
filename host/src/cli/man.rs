//! `probity man`: a manual page for each command.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::CommandFactory;

use super::{Cli, terminal};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  probity man ~/.local/share/man/man1         then: man probity-run
  probity man man && man -l man/probity.1")]
pub(super) struct Args {
    /// Where to put them; made when it is not there
    dir: PathBuf,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let dir = args.dir.display();
    std::fs::create_dir_all(&args.dir).with_context(|| format!("make {dir}"))?;
    clap_mangen::generate_to(Cli::command(), &args.dir).with_context(|| format!("write the pages into {dir}"))?;
    terminal::note(&format!("the pages are in {dir}: probity.1, and one for each command"));
    Ok(ExitCode::SUCCESS)
}
