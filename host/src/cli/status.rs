//! `probity status`: a running host's checks as a table.
//!
//! Reads `GET /health`; to those who may not see its checks, `GET /checks` still shows them without their messages.

mod client;
mod table;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

use self::table::Board;
use super::{Output, terminal};
use crate::check::Status;

/// How often `--watch` asks.
const WATCH_EVERY: Duration = Duration::from_secs(2);

/// Clears the terminal and goes to its first line.
const CLEAR: &str = "\x1b[H\x1b[2J\x1b[3J";

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  probity status                              the host on this machine
  probity status --url http://10.0.0.7:8080 --token \"$PROBITY_TOKEN\"
  probity status --watch                      redrawn every two seconds, until Ctrl-C
  probity status --output json | jq .status

Messages are shown with a token, or where the host shows them to everybody (`server.details`).
Exit codes: 0 healthy, 1 degraded, 2 unhealthy, 3 unknown or not reached.")]
pub(super) struct Args {
    /// Where the host listens
    #[arg(long, env = "PROBITY_URL", default_value = "http://127.0.0.1:8080")]
    url: url::Url,
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
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("start the runtime")?;
    let status =
        runtime.block_on(async { if args.watch { watch(args).await } else { show(args, &ask(args).await?) } })?;
    Ok(ExitCode::from(status.nagios_code()))
}

/// The health document, with checks as far as they are shown.
async fn ask(args: &Args) -> anyhow::Result<Value> {
    let (url, mut health) = get(args, "health").await?;
    // 503 is how an unhealthy host answers; what matters is that it says so in its own words.
    if health.get("status").is_none() {
        bail!("{url} is no health document; is this a Probity host?");
    }
    if health.get("checks").is_none() {
        let (_, mut listed) = get(args, "checks").await?;
        health["checks"] = listed["checks"].take();
        if args.token.is_none() && args.output == Output::Human && !args.watch {
            terminal::complain("note: the host shows messages only with a token (--token, or PROBITY_TOKEN)");
        }
    }
    Ok(health)
}

async fn get(args: &Args, route: &str) -> anyhow::Result<(url::Url, Value)> {
    let mut url = args.url.clone();
    let base = url.path().trim_end_matches('/').to_owned();
    url.set_path(&format!("{base}/{route}"));
    let answer = client::get(&url, args.token.as_deref()).await?;
    match serde_json::from_slice::<Value>(&answer.body) {
        Ok(value) if value.is_object() => Ok((url, value)),
        _ => bail!("{url} answered {} and no JSON object; is this a Probity host?", answer.status),
    }
}

fn show(args: &Args, document: &Value) -> anyhow::Result<Status> {
    let board = Board::read(document);
    match args.output {
        Output::Human => terminal::print(&board.render(terminal::Paint::for_stdout()))?,
        Output::Json if args.watch => terminal::print_json_line(document)?,
        Output::Json => terminal::print_json(document)?,
    }
    Ok(board.status)
}

/// Shows until Ctrl-C; a host that goes away is waited for.
async fn watch(args: &Args) -> anyhow::Result<Status> {
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
            answer = ask(args) => answer,
        };
        if args.output == Output::Human && std::io::IsTerminal::is_terminal(&std::io::stdout()) {
            terminal::print(CLEAR)?;
        }
        last = match answer {
            Ok(document) => show(args, &document)?,
            Err(error) => {
                terminal::complain(&format!("error: {error:#}"));
                Status::Unknown
            }
        };
    }
}
