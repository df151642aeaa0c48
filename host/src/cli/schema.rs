//! `probity schema`: what a configuration may hold, for editors and for people.

use std::process::ExitCode;

use super::terminal;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  probity schema > probity.schema.json        for an editor that checks TOML
  probity schema --markdown | less            the reference of every key")]
pub(super) struct Args {
    /// Print the reference instead
    #[arg(long)]
    markdown: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.markdown {
        terminal::print(&probity_config::reference())?;
    } else {
        terminal::print_json(&probity_config::schema())?;
    }
    Ok(ExitCode::SUCCESS)
}
