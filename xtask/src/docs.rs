//! `cargo xtask docs`: runs what the documents show and pastes what came out.
//!
//! The tour runs beside a running demo: after the first command of a block marked `<!-- run: WORD -->` the group `orders`
//! is waited for to be WORD. The quickstarts are followed in an empty folder each: see [`quickstarts`].

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::console::{self, Step};
use crate::workspace::{self, Workspace, cargo};
use crate::{demo, guests, quickstarts};

const DOCUMENTS: [&str; 2] = ["README.md", "docs/operating.md"];

/// Where the documents say that things listen.
const HOST: &str = "127.0.0.1:8080";
const SHOP: &str = "127.0.0.1:9000";

/// How long a status may take to become the one that is shown: a few intervals of the quickstart.
const STATUS_MAX: Duration = Duration::from_secs(30);
const STATUS_EVERY: Duration = Duration::from_millis(100);

/// Renews the output in every document. With `host`, that program and the components that are in the quickstart's
/// plugin directory are used; without, both are built. With `only`, nothing but that quickstart.
pub(crate) fn run(host: Option<PathBuf>, only: Option<&str>) -> Result<()> {
    let workspace = Workspace::load()?;
    let quickstart = workspace.root.join("examples/quickstart");
    let host = match host {
        // It is started in another folder.
        Some(host) => std::fs::canonicalize(&host).with_context(|| format!("find {}", host.display()))?,
        None => build(&workspace, &quickstart)?,
    };
    if only.is_some() {
        return quickstarts::renew(&workspace, &host, only);
    }
    for document in DOCUMENTS {
        let path = workspace.root.join(document);
        let old = std::fs::read_to_string(&path).with_context(|| format!("read {document}"))?;
        let running = Running::start(&quickstart, &host)?;
        let step = |step: Step| {
            if step.at == 1 {
                wait_for(step.word)?;
            }
            output(step.command, &workspace.root)
        };
        let new = console::renew(&old, step).with_context(|| document.to_owned())?;
        drop(running);
        std::fs::write(&path, &new).with_context(|| format!("write {document}"))?;
        println!("{document}: {}", if new == old { "unchanged" } else { "renewed" });
    }
    quickstarts::renew(&workspace, &host, None)
}

fn build(workspace: &Workspace, quickstart: &Path) -> Result<PathBuf> {
    demo::install(&guests::run()?, quickstart)?;
    let mut build = Command::new(cargo());
    build.args(["build", "--release", "--package", "probity"]).current_dir(&workspace.root);
    workspace::run(&mut build, "cargo build --release --package probity")?;
    Ok(workspace.target.join("release").join(format!("probity{}", std::env::consts::EXE_SUFFIX)))
}

/// What a shell command prints.
fn output(command: &str, dir: &Path) -> Result<String> {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(dir).stderr(Stdio::inherit());
    let output = shell.output().with_context(|| format!("run {command}"))?;
    ensure!(output.status.success(), "`{command}` failed ({})", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Waits until the quickstart's group `orders` is in this status.
fn wait_for(status: &str) -> Result<()> {
    until(&format!("curl -s 'http://{HOST}/health/orders?summary'"), &format!("\"status\":\"{status}\""))
}

/// Repeats a command until it prints `wanted`.
fn until(command: &str, wanted: &str) -> Result<()> {
    let end = Instant::now() + STATUS_MAX;
    loop {
        // It fails while nobody listens yet.
        let answer = output(&format!("{command} || true"), Path::new("."))?;
        if answer.contains(wanted) {
            return Ok(());
        }
        ensure!(Instant::now() < end, "`{command}` did not print {wanted}; the last was {answer}");
        std::thread::sleep(STATUS_EVERY);
    }
}

/// The shop and the host, ended when dropped.
struct Running {
    children: Vec<Child>,
}

impl Running {
    fn start(quickstart: &Path, host: &Path) -> Result<Self> {
        for address in [HOST, SHOP] {
            ensure!(std::net::TcpStream::connect(address).is_err(), "{address} is in use: stop what listens there");
        }
        // What a check remembered of the last time is not what a reader has.
        match std::fs::remove_dir_all(quickstart.join(".probity")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => bail!("empty .probity: {error}"),
            _ => {}
        }
        let mut running = Self { children: Vec::new() };
        running.spawn("the shop", Command::new("python3").arg("shop.py").current_dir(quickstart))?;
        let mut serve = Command::new(host);
        serve.args(["serve", "--log", "warn"]).current_dir(quickstart);
        running.spawn("the host", &mut serve)?;
        until(&format!("curl -s http://{SHOP}/health"), "ok")?;
        until(&format!("curl -s http://{HOST}/ready"), "ok")?;
        wait_for("healthy")?;
        Ok(running)
    }

    fn spawn(&mut self, what: &str, command: &mut Command) -> Result<()> {
        command.stdin(Stdio::null()).stdout(Stdio::null());
        self.children.push(command.spawn().with_context(|| format!("start {what}"))?);
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for child in &mut self.children {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
