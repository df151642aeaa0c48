//! The command line: one file per subcommand.
//!
//! Results go to standard output, complaints to standard error. Exit codes: 0 done, 1 not, 2 misuse; `run` and `status`
//! answer like Nagios plugins instead (0 healthy, 1 degraded, 2 unhealthy, 3 unknown), so for them every other end is 3.

mod build;
mod completions;
mod dev;
mod explain;
mod inspect;
mod local;
mod new;
mod run;
mod schema;
mod serve;
mod status;
mod terminal;
mod test;
mod validate;
mod worker;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::check::Status;
use crate::config::Errors;

/// Health checks as WebAssembly components in a directory.
#[derive(Debug, Parser)]
#[command(name = "probity", version, propagate_version = true, arg_required_else_help = true, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  probity serve                               serve ./plugins as ./probity.toml says
  probity new queue-depth                     start a check of your own
  probity run plugins/disk.wasm --grant system=disk:/
  probity status --watch                      what the running host sees";

/// What to do.
#[derive(Debug, Subcommand)]
enum Command {
    /// Run the checks and answer over HTTP
    Serve(serve::Args),
    /// Run one check once, without a server; exits 0, 1, 2 or 3 as Nagios plugins do
    Run(run::Args),
    /// Say what a plugin is and what it may ask for
    Inspect(inspect::Args),
    /// Check a configuration, and the plugins against it
    Validate(validate::Args),
    /// Say what a check asks for, what it is granted, and where that leads
    Explain(explain::Args),
    /// Show the checks of a running host; exits 0, 1, 2 or 3 as the worst of them
    Status(status::Args),
    /// Start a check of your own
    New(new::Args),
    /// Build a check's component
    Build(build::Args),
    /// Run a check's cases
    Test(test::Args),
    /// Build, test and run a check on every save
    Dev(dev::Args),
    /// Print the JSON Schema of the configuration
    Schema(schema::Args),
    /// Print completions for a shell
    Completions(completions::Args),
}

/// How a command prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people
    Human,
    /// For programs
    Json,
}

/// Stack of the thread that does what is asked. The process's first one has what `ulimit -s` leaves it, which may be little.
const STACK_BYTES: usize = 8 << 20;

/// Exit code of a thread that panicked, as the standard library has it.
const EXIT_PANIC: u8 = 101;

/// Parses the arguments and does what they say.
#[must_use]
pub fn main() -> ExitCode {
    if let Some(code) = worker::entered() {
        return code;
    }
    let work = std::thread::Builder::new().name("probity".into()).stack_size(STACK_BYTES).spawn(work);
    let code = match work {
        Ok(work) => work.join().unwrap_or_else(|_| ExitCode::from(EXIT_PANIC)),
        Err(error) => {
            let bytes = terminal::size(STACK_BYTES as u64);
            terminal::complain(&format!("error: a thread with a stack of {bytes} cannot be started: {error}"));
            ExitCode::FAILURE
        }
    };
    crate::log::last_words();
    code
}

fn work() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    if !matches!(cli.command, Command::Serve(_)) {
        show_warnings();
    }
    let failed = cli.command.failure_code();
    cli.command.run().unwrap_or_else(|error| {
        tell_error(&error);
        ExitCode::from(failed)
    })
}

fn tell_error(error: &anyhow::Error) {
    match error.downcast_ref::<Errors>() {
        // They say `error:` themselves, each with its place.
        Some(errors) => terminal::complain(&errors.to_string()),
        None => terminal::complain(&format!("error: {error:#}")),
    }
}

impl Command {
    fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Serve(args) => serve::run(&args),
            Self::Run(args) => run::run(&args),
            Self::Inspect(args) => inspect::run(&args),
            Self::Validate(args) => validate::run(&args),
            Self::Explain(args) => explain::run(&args),
            Self::Status(args) => status::run(&args),
            Self::New(args) => new::run(&args),
            Self::Build(args) => build::run(&args),
            Self::Test(args) => test::run(&args),
            Self::Dev(args) => dev::run(&args),
            Self::Schema(args) => schema::run(&args),
            Self::Completions(args) => completions::run(&args),
        }
    }

    /// The exit code when the command itself fails.
    const fn failure_code(&self) -> u8 {
        match self {
            Self::Run(_) | Self::Status(_) => Status::Unknown.nagios_code(),
            // As test runners have it: 1 is for cases that fail.
            Self::Test(_) => 2,
            _ => 1,
        }
    }
}

/// Lets the host's own warnings through (a connection that cannot be used, a cache that is ignored), and nothing else.
fn show_warnings() {
    let colours = terminal::stderr_has_colours();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .without_time()
        .with_target(false)
        .with_writer(crate::log::Redacted { colours })
        .with_ansi(colours)
        .log_internal_errors(false)
        .init();
}

/// Shows clap's help or complaint. A monitoring system reads 2 of `run` as "unhealthy", so misuse is 3 there.
fn refuse(error: &clap::Error) -> ExitCode {
    // A closed pipe: there is nobody left to tell.
    let _ = error.print();
    if !error.use_stderr() {
        return ExitCode::SUCCESS;
    }
    let speaks_nagios = std::env::args_os().nth(1).is_some_and(|command| command == "run" || command == "status");
    ExitCode::from(if speaks_nagios { Status::Unknown.nagios_code() } else { 2 })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    // Names, defaults and conflicts of the arguments fit together, and no two share a letter.
    #[test]
    fn arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    // Whoever asks a command for help sees it used.
    #[test]
    fn every_command_shows_an_example() {
        for command in Cli::command().get_subcommands().filter(|command| !command.is_hide_set()) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let used = format!("probity {}", command.get_name());
            assert!(help.starts_with("Examples:") && help.contains(&used), "{}: {help:?}", command.get_name());
        }
    }
}
