//! `probity serve`: the host in the foreground.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

use crate::config::{self, Config, FILE_NAME};
use crate::daemon::Daemon;

/// Exit code of a configuration that cannot be used (EX_CONFIG of sysexits).
const EXIT_CONFIG: u8 = 78;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration; without it `probity.toml` in the working directory, else the defaults
    #[arg(long, short, env = "PROBITY_CONFIG")]
    config: Option<PathBuf>,
    /// Address to listen on instead of `server.listen`
    #[arg(long, env = "PROBITY_LISTEN")]
    listen: Option<SocketAddr>,
    /// What to log: error, warn, info, debug, trace, or a filter like `probity=debug`
    #[arg(long, env = "PROBITY_LOG", default_value = "info")]
    log: String,
    /// How to log
    #[arg(long, env = "PROBITY_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

pub(super) fn run(args: &Args) -> ExitCode {
    init_log(&args.log, args.log_format);
    let mut config = match config::load(args.config.as_deref()) {
        Ok(config) => config,
        Err(errors) => {
            super::complain(&errors.to_string());
            return ExitCode::from(EXIT_CONFIG);
        }
    };
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    if let Some(listen) = args.listen {
        config.server.listen = listen;
    }
    let path = args.config.clone().or_else(|| Some(PathBuf::from(FILE_NAME)));
    match serve(config, path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            super::complain(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn serve(config: Config, path: Option<PathBuf>) -> anyhow::Result<()> {
    let daemon = Daemon::build(config, path)?;
    tracing::info!(address = %daemon.address()?, "listening");
    daemon.run(signalled())?;
    tracing::info!("stopped");
    Ok(())
}

/// Ends at the first SIGTERM or SIGINT. A second one ends the process at once.
async fn signalled() {
    first_signal().await;
    tokio::spawn(async {
        first_signal().await;
        tracing::warn!("second signal, ending at once");
        std::process::exit(1);
    });
}

#[cfg(unix)]
async fn first_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(mut terminate), Ok(mut interrupt)) => tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        },
        (Err(error), _) | (_, Err(error)) => {
            tracing::error!(%error, "signals cannot be listened to");
            std::future::pending().await
        }
    }
}

#[cfg(not(unix))]
async fn first_signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}

fn init_log(filter: &str, format: LogFormat) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => builder.init(),
        LogFormat::Json => builder.json().init(),
    }
}
