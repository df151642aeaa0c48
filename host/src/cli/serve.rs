//! `probity serve`: the host in the foreground.

mod rlimits;
mod signals;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

pub(super) use self::rlimits::FILE_BYTES_WANTED;
use probity_config::{Config, Details, FILE_NAME};
use probity_sandbox::Compiler;
use probity_server::daemon::{Daemon, StartError};

use self::signals::Signals;
use super::listener::{self, Listener};
use super::terminal::{self, Settings};

/// Exit code of a configuration that cannot be used (EX_CONFIG of sysexits).
const EXIT_CONFIG: u8 = 78;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  probity serve                                    ./probity.toml if there is one, else ./plugins with the defaults
  probity serve --config /etc/probity/probity.toml
  probity serve --listen 0.0.0.0:8080 --log warn,probity=debug --log-format json

SIGTERM, SIGINT and SIGQUIT drain: /ready fails first, answers in flight finish. A second one ends at once. SIGHUP reloads.")]
pub(super) struct Args {
    /// The configuration; without it `probity.toml` in the working directory, else the defaults
    #[arg(long, short, env = "PROBITY_CONFIG")]
    config: Option<PathBuf>,
    /// Address to listen on instead of `server.listen`
    #[arg(long, env = "PROBITY_LISTEN")]
    listen: Option<SocketAddr>,
    /// What to log: error, warn, info, debug, trace, or a filter like `probity=debug`; info by default, warn with --quiet
    #[arg(long, env = "PROBITY_LOG", value_parser = log_filter, value_name = "FILTER")]
    log: Option<String>,
    /// How to log
    #[arg(long, env = "PROBITY_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let signals = signals::listen().context("start the thread that listens to signals")?;
    probity_server::log::start().context("start the thread that writes the log")?;
    init_log(args.log.as_deref().unwrap_or_else(|| default_log(terminal::settings())), args.log_format);
    if let Some(complaint) = rlimits::complaint() {
        tracing::warn!("{complaint}");
    }
    let mut config = match probity_config::load(args.config.as_deref()) {
        Ok(config) => config,
        Err(errors) => {
            terminal::complain(&errors.to_string());
            return Ok(ExitCode::from(EXIT_CONFIG));
        }
    };
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    if let Some(hint) = hidden_details(&config) {
        tracing::warn!("{hint}");
    }
    if let Some(listen) = args.listen {
        config.server.listen = listen;
    }
    let path = args.config.clone().unwrap_or_else(|| PathBuf::from(FILE_NAME));
    serve(config, &path, signals)?;
    Ok(ExitCode::SUCCESS)
}

fn serve(config: Config, path: &Path, signals: Signals) -> anyhow::Result<()> {
    let compiler = Compiler::this_program(config.plugins.compile_timeout, config.plugins.compile_memory);
    let daemon = Daemon::build(config, Some(path.to_owned()), compiler).map_err(named)?.reloading_at(signals.reload);
    tracing::info!(address = %daemon.address()?, "listening");
    daemon.run(async { drop(signals.end.await) })?;
    tracing::info!("stopped");
    Ok(())
}

/// The error with the process that is in the way, and what to do.
fn named(error: StartError) -> anyhow::Error {
    match &error {
        StartError::Listen { address, source } if source.kind() == std::io::ErrorKind::AddrInUse => {
            let (address, holder) = (*address, listener::of(*address));
            anyhow::Error::new(error).context(in_use(address, holder.as_ref()))
        }
        _ => error.into(),
    }
}

fn in_use(address: SocketAddr, holder: Option<&Listener>) -> String {
    let holder =
        holder.map_or_else(|| "another process, which cannot be seen from here".to_owned(), Listener::to_string);
    format!("{address} is in use by {holder}; stop that, or listen elsewhere: `server.listen`, or --listen ADDRESS")
}

/// What to tell an operator who would look for messages in vain.
fn hidden_details(config: &Config) -> Option<String> {
    let hidden = config.server.details == Details::Authorized && config.server.tokens.is_empty();
    hidden.then(|| {
        "messages and data are shown to nobody: `server.details` is \"authorized\" and no token is set; add \
         `server.auth.tokens = [\"${PROBITY_TOKEN}\"]`, or `server.details = \"always\"` where everybody may see them"
            .to_owned()
    })
}

/// What is logged when nobody says.
const fn default_log(settings: Settings) -> &'static str {
    match settings {
        Settings { quiet: true, .. } => "warn",
        Settings { verbose: true, .. } => "info,probity=debug",
        Settings { .. } => "info",
    }
}

fn init_log(filter: &str, format: LogFormat) {
    let filter = EnvFilter::try_new(filter).expect("the filter was parsed with the arguments");
    let colours = terminal::stderr_has_colours();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(probity_server::log::Redacted { colours })
        .with_ansi(colours)
        .log_internal_errors(false);
    match format {
        LogFormat::Text => builder.init(),
        LogFormat::Json => builder.json().init(),
    }
}

/// Refuses a filter that does not parse, instead of logging something else than was asked for.
fn log_filter(text: &str) -> Result<String, String> {
    EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    // Nobody is left to wonder why answers are empty, and nobody is warned without need.
    #[test]
    fn hidden_details_are_told_with_the_line_to_add() {
        let mut config = Config::default_in(Path::new(""));
        assert!(hidden_details(&config).unwrap().contains("server.auth.tokens = ["));
        config.server.tokens = vec![probity_config::Token::new("secret")];
        assert_eq!(hidden_details(&config), None);
        config.server.tokens.clear();
        config.server.details = Details::Always;
        assert_eq!(hidden_details(&config), None);
    }

    // A filter with a typing error is refused.
    #[test]
    fn filter_is_checked() {
        assert!(log_filter("warn,probity=debug").is_ok());
        assert!(log_filter("probity=loud").is_err());
    }
}
