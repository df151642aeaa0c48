//! `probity status`: a running host's checks as a table, and which host that is.
//!
//! Reads `GET /health`; to those who may not see its checks, `GET /checks` still shows them without their messages. The host
//! is the folder's own: that of `server.listen`. One that knows none of the checks that the folder declares is another, and
//! what it says is no answer.

mod address;
mod client;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use probity_core::check::Status;
use serde_json::Value;

use self::address::{Address, Source};
use self::table::Board;
use super::listener::{self, Listener};
use super::{Output, terminal};

/// How often `--watch` asks.
const WATCH_EVERY: Duration = Duration::from_secs(2);

/// Clears the terminal and goes to its first line.
const CLEAR: &str = "\x1b[H\x1b[2J\x1b[3J";

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  probity status                              the host of this folder: where server.listen of probity.toml says
  probity status --url 10.0.0.7:8080 --token \"$PROBITY_TOKEN\"
  probity status --watch                      redrawn every two seconds, until Ctrl-C
  probity status --output json | jq .status

Messages are shown with a token, or where the host shows them to everybody (`server.details`).
Exit codes: 0 healthy, 1 degraded, 2 unhealthy, 3 unknown or not reached.")]
pub(super) struct Args {
    /// Where the host listens; without it, where the configuration says
    #[arg(long, env = "PROBITY_URL", value_parser = address::parse)]
    url: Option<url::Url>,
    /// The host's configuration; without it `probity.toml` in the working directory
    #[arg(long, short, value_name = "FILE", env = "PROBITY_CONFIG")]
    config: Option<PathBuf>,
    /// A token of `server.auth.tokens`
    #[arg(long, env = "PROBITY_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Ask again every two seconds, until Ctrl-C
    #[arg(long, short)]
    watch: bool,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = Output::Human)]
    output: Output,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let address = address::find(args.url.as_ref(), args.config.as_deref())?;
    let host = &Asked { args, address };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("start the runtime")?;
    let status =
        runtime.block_on(async { if args.watch { watch(host).await } else { show(host, &ask(host).await?) } })?;
    Ok(ExitCode::from(status.nagios_code()))
}

/// A host, and what is wanted of it.
struct Asked<'a> {
    args: &'a Args,
    address: Address,
}

impl Asked<'_> {
    /// The process that answers, where it is one of this machine and can be seen.
    fn process(&self) -> Option<Listener> {
        let addresses = self.address.url.socket_addrs(|| None).ok()?;
        addresses.into_iter().filter(|address| address.ip().is_loopback()).find_map(listener::of)
    }

    /// Who answered, in a line.
    fn line(&self) -> String {
        let url = self.address.url.as_str().trim_end_matches('/');
        let process = self.process().map(|process| format!(": {process}")).unwrap_or_default();
        match self.address.source {
            Source::Typed => format!("asked {url}{process}"),
            _ => format!("asked {url} ({}){process}", self.address.source),
        }
    }

    /// Refuses the answers of another host than the folder's.
    fn recognise(&self, board: &Board) -> anyhow::Result<()> {
        let missing: Vec<&str> =
            self.address.declared.iter().map(String::as_str).filter(|name| !board.knows(name)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let names = missing.iter().take(NAMES_SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let line = self.line();
        if missing.len() == self.address.declared.len() {
            bail!("{line}; it knows no check {names}, which this configuration declares: another host listens there");
        }
        terminal::complain(&format!(
            "warning: {line}; it does not know {names}: it has an older configuration, or is another host"
        ));
        Ok(())
    }
}

/// Names of checks in one line.
const NAMES_SHOWN: usize = 5;

/// The health document, with checks as far as they are shown.
async fn ask(host: &Asked<'_>) -> anyhow::Result<Value> {
    let args = host.args;
    let (url, mut health) = get(host, "health").await?;
    // 503 is how an unhealthy host answers; what matters is that it says so in its own words.
    if health.get("status").is_none() {
        bail!("{url} is no health document; is this a Probity host? {}", host.line());
    }
    if health.get("checks").is_none() {
        let (_, mut listed) = get(host, "checks").await?;
        health["checks"] = listed["checks"].take();
        if args.token.is_none() && args.output == Output::Human && !args.watch {
            terminal::note("note: the host shows messages only with a token (--token, or PROBITY_TOKEN)");
        }
    }
    Ok(health)
}

async fn get(host: &Asked<'_>, route: &str) -> anyhow::Result<(url::Url, Value)> {
    let mut url = host.address.url.clone();
    let base = url.path().trim_end_matches('/').to_owned();
    url.set_path(&format!("{base}/{route}"));
    let asked = client::get(&url, host.args.token.as_deref()).await;
    let answer = asked.with_context(|| format!("the address is that of {}", host.address.source))?;
    match serde_json::from_slice::<Value>(&answer.body) {
        Ok(value) if value.is_object() => Ok((url, value)),
        _ => bail!("{url} answered {} and no JSON object; is this a Probity host? {}", answer.status, host.line()),
    }
}

fn show(host: &Asked<'_>, document: &Value) -> anyhow::Result<Status> {
    let board = Board::read(document);
    host.recognise(&board)?;
    match host.args.output {
        Output::Human => {
            let paint = terminal::Paint::for_stdout();
            terminal::print(&format!("{}{}\n", board.render(paint), paint.dim(&host.line())))?;
        }
        Output::Json if host.args.watch => terminal::print_json_line(document)?,
        Output::Json => terminal::print_json(document)?,
    }
    Ok(board.status)
}

/// Shows until Ctrl-C; a host that goes away is waited for.
async fn watch(host: &Asked<'_>) -> anyhow::Result<Status> {
    let mut last = Status::Unknown;
    let mut ticks = tokio::time::interval(WATCH_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    loop {
        tokio::select! {
            _ = &mut interrupted => return Ok(last),
            _ = ticks.tick() => {}
        }
        let answer = tokio::select! {
            _ = &mut interrupted => return Ok(last),
            answer = ask(host) => answer,
        };
        if host.args.output == Output::Human && std::io::IsTerminal::is_terminal(&std::io::stdout()) {
            terminal::print(CLEAR)?;
        }
        last = match answer.and_then(|document| show(host, &document)) {
            Ok(status) => status,
            Err(error) => {
                terminal::complain(&format!("error: {error:#}"));
                Status::Unknown
            }
        };
    }
}
