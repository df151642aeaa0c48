//! The command line: one file per subcommand.
//!
//! Results go to standard output, complaints to standard error. Exit codes: 0 done, 1 not, 2 misuse; `run` and `status`
//! answer like Nagios plugins instead (0 healthy, 1 degraded, 2 unhealthy, 3 unknown), so for them every other end is 3.

mod build;
mod completions;
mod components;
mod dev;
mod doctor;
mod explain;
mod init;
mod inspect;
mod listener;
mod local;
mod man;
mod new;
mod progress;
mod run;
mod schema;
mod serve;
mod status;
mod terminal;
mod test;
mod validate;
mod worker;

use std::process::ExitCode;

use clap::{ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use probity_config::Errors;
use probity_core::check::Status;

use self::terminal::{Colour, Settings};

/// Health checks as WebAssembly components in a directory.
#[derive(Debug, Parser)]
#[command(name = "probity", version, propagate_version = true, arg_required_else_help = true, after_help = EXAMPLES, max_term_width = 0)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// When there are colours: auto (on a terminal, as NO_COLOR and CLICOLOR_FORCE say), always or never
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t, hide_possible_values = true, help_heading = EVERYWHERE)]
    color: Colour,
    /// Results and errors only
    #[arg(long, short, global = true, conflicts_with = "verbose", help_heading = EVERYWHERE)]
    quiet: bool,
    /// Say more: what is loaded, and what stands behind an error
    #[arg(long, short, global = true, help_heading = EVERYWHERE)]
    verbose: bool,
}

/// Above the options that every command has.
const EVERYWHERE: &str = "Everywhere";

const EXAMPLES: &str = "\
Examples:
  probity serve                               serve ./plugins as ./probity.toml says
  probity init --with disk,memory,http        make a host's folder to begin with
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
    /// Make the folder of a host, with first-party checks to begin with
    Init(init::Args),
    /// Say whether this machine has what a host or an author needs
    Doctor(doctor::Args),
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
    /// Write a manual page for each command
    Man(man::Args),
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
    probity_server::log::last_words();
    code
}

fn work() -> ExitCode {
    let parsed = Cli::command().color(clap_colours(std::env::args_os())).try_get_matches();
    let cli = match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    terminal::set(Settings { colour: cli.color, quiet: cli.quiet, verbose: cli.verbose });
    if !matches!(cli.command, Command::Serve(_)) {
        show_warnings();
    }
    let failed = cli.command.failure_code();
    cli.command.run().unwrap_or_else(|error| {
        tell_error(&error);
        ExitCode::from(failed)
    })
}

/// Colours of help and of complaints about the arguments, which are printed before there are any.
fn clap_colours(args: impl Iterator<Item = std::ffi::OsString>) -> ColorChoice {
    let args: Vec<String> = args.map(|arg| arg.to_string_lossy().into_owned()).collect();
    let typed = args.iter().enumerate().find_map(|(at, arg)| match arg.strip_prefix("--color") {
        Some("") => args.get(at + 1).map(String::as_str),
        Some(value) => value.strip_prefix('='),
        None => None,
    });
    match typed {
        Some("always") => ColorChoice::Always,
        Some("never") => ColorChoice::Never,
        _ => ColorChoice::Auto,
    }
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
            Self::Init(args) => init::run(&args),
            Self::Doctor(args) => doctor::run(&args),
            Self::Status(args) => status::run(&args),
            Self::New(args) => new::run(&args),
            Self::Build(args) => build::run(&args),
            Self::Test(args) => test::run(&args),
            Self::Dev(args) => dev::run(&args),
            Self::Schema(args) => schema::run(&args),
            Self::Completions(args) => completions::run(&args),
            Self::Man(args) => man::run(&args),
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

/// Lets the host's own warnings through (a connection that cannot be used, a cache that is ignored), more with `--verbose`.
fn show_warnings() {
    let colours = terminal::stderr_has_colours();
    let level = match terminal::settings() {
        Settings { quiet: true, .. } => tracing::Level::ERROR,
        Settings { verbose: true, .. } => tracing::Level::INFO,
        Settings { .. } => tracing::Level::WARN,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .without_time()
        .with_target(false)
        .with_writer(probity_server::log::Redacted { colours })
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
    use super::*;

    // Names, defaults and conflicts of the arguments fit together, and no two share a letter.
    #[test]
    fn arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    // Help knows whether colours are wanted, however that is typed.
    #[test]
    fn help_obeys_the_option_for_colours() {
        let choice = |line: &str| clap_colours(line.split(' ').map(Into::into));
        assert_eq!(choice("probity run --color never --help"), ColorChoice::Never);
        assert_eq!(choice("probity --color=always"), ColorChoice::Always);
        assert_eq!(choice("probity --color"), ColorChoice::Auto);
        assert_eq!(choice("probity --colored never"), ColorChoice::Auto);
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
