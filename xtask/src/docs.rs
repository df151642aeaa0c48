//! `cargo xtask docs`: runs what the documents show and pastes what came out.
//!
//! The tour runs beside a demo of its own, in a copy of the quickstart and on free ports: after the first command of a block
//! marked `<!-- run: WORD -->` the group `orders` is waited for to be WORD. The quickstarts are followed in an empty folder each: see [`quickstarts`].

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::console::{self, Step};
use crate::ports::Ports;
use crate::workspace::{self, Workspace, cargo};
use crate::{demo, guests, quickstarts};

const DOCUMENTS: [&str; 2] = ["README.md", "docs/operating.md"];

/// The ports that the documents show.
const HOST: u16 = 8_080;
const SHOP: u16 = demo::SHOP_PORT;

/// The quickstart's folder, as the documents name it.
const QUICKSTART: &str = "examples/quickstart";

/// How long a status may take to become the one that is shown: a few intervals of the quickstart.
const STATUS_MAX: Duration = Duration::from_secs(30);
const STATUS_EVERY: Duration = Duration::from_millis(100);

/// Renews the output in every document. With `host`, that program and the components that are in the quickstart's
/// plugin directory are used; without, both are built. With `only`, nothing but that quickstart.
pub(crate) fn run(host: Option<PathBuf>, only: Option<&str>) -> Result<()> {
    let workspace = Workspace::load()?;
    let quickstart = workspace.root.join(QUICKSTART);
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
        let running = Running::start(&quickstart, &workspace.target.join("tmp"), &host)?;
        let step = |step: Step| {
            if step.at == 1 {
                running.wait_for(step.word)?;
            }
            let said = output(&running.ports.to_used(step.command), &running.folder)?;
            Ok(running.ports.to_shown(&said))
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
    ports: Ports,
    /// Has a copy of the quickstart, at the same place as this repository.
    folder: PathBuf,
}

impl Running {
    fn start(quickstart: &Path, tmp: &Path, host: &Path) -> Result<Self> {
        let ports = Ports::free(&[HOST, SHOP])?;
        let folder = tmp.join(format!("docs-{}", std::process::id()));
        let mut running = Self { children: Vec::new(), ports, folder };
        let copy = running.copy(quickstart)?;
        let mut shop = Command::new("python3");
        shop.args(["shop.py", &running.ports.used(SHOP).to_string()]).current_dir(&copy);
        running.spawn("the shop", &mut shop)?;
        let mut serve = Command::new(host);
        serve.args(["serve", "--log", "warn"]).current_dir(&copy);
        running.spawn("the host", &mut serve)?;
        until(&running.ports.to_used(&format!("curl -s http://127.0.0.1:{SHOP}/health")), "ok")?;
        until(&running.ports.to_used(&format!("curl -s http://127.0.0.1:{HOST}/ready")), "ok")?;
        running.wait_for("healthy")?;
        Ok(running)
    }

    /// Copies what the demo runs, with the ports that are used. What a check remembers is not copied: no reader has it.
    fn copy(&self, quickstart: &Path) -> Result<PathBuf> {
        let to = self.folder.join(QUICKSTART);
        let plugins = to.join("plugins");
        std::fs::create_dir_all(&plugins).with_context(|| format!("make {}", plugins.display()))?;
        let config = std::fs::read_to_string(quickstart.join("probity.toml")).context("read probity.toml")?;
        std::fs::write(to.join("probity.toml"), self.ports.to_used(&config)).context("write probity.toml")?;
        std::fs::copy(quickstart.join("shop.py"), to.join("shop.py")).context("copy shop.py")?;
        for entry in std::fs::read_dir(quickstart.join("plugins")).context("read the quickstart's plugins")? {
            let from = entry.context("read the quickstart's plugins")?.path();
            let name = from.file_name().unwrap_or_default();
            std::fs::copy(&from, plugins.join(name)).with_context(|| format!("copy {}", from.display()))?;
        }
        Ok(to)
    }

    /// Waits until the quickstart's group `orders` is in this status.
    fn wait_for(&self, status: &str) -> Result<()> {
        let command = format!("curl -s 'http://127.0.0.1:{HOST}/health/orders?summary'");
        until(&self.ports.to_used(&command), &format!("\"status\":\"{status}\""))
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
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
