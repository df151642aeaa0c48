//! `probity completions`: what a shell needs to complete the others.

use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Cli, terminal};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  probity completions bash > ~/.local/share/bash-completion/completions/probity
  probity completions zsh > ~/.zfunc/_probity
  probity completions fish > ~/.config/fish/completions/probity.fish")]
pub(super) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "probity", &mut script);
    terminal::print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}
