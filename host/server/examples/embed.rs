//! A host inside another program: its own configuration, its own end, and the board to look at.
//!
//! `cargo run --package probity-server --example embed -- DIRECTORY-OF-PLUGINS`

use std::error::Error;
use std::path::Path;

use probity_config::{Source, parse};
use probity_sandbox::Compiler;
use probity_server::board::ScopeId;
use probity_server::daemon::Daemon;

#[allow(clippy::print_stdout, reason = "it is a program")]
fn main() -> Result<(), Box<dyn Error>> {
    let plugins = std::env::args().nth(1).ok_or("usage: embed DIRECTORY-OF-PLUGINS")?;
    let text = format!("[server]\nlisten = \"127.0.0.1:0\"\n[plugins]\ndir = {plugins:?}\n");
    let source = Source { path: "embedded".into(), text };
    let config =
        parse(&[source], Path::new("."), &|name| std::env::var(name).ok(), &|path| std::fs::read_to_string(path))?;
    // Where there is no worker to start, plugins are compiled in this process.
    let daemon = Daemon::build(config, None, Compiler::InProcess)?;
    let host = daemon.host();
    println!("http://{}/health, until a line is entered", daemon.address()?);
    daemon.run(async {
        let line = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
        drop(line.await);
    })?;
    println!("in the end: {:?}", host.board.summary(&ScopeId::All).map(|summary| summary.counts));
    Ok(())
}
