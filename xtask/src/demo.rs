//! `cargo xtask demo`: the quickstart, running.
//!
//! Builds what is not built, starts the shop and the host, prints what to open
//! and what to type, and stops both when told to or when one of them ends.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::guests::{self, Component};
use crate::workspace::{self, Workspace, cargo};
use crate::{listener, setup, toolchain};

/// Where the shop is in `probity.toml`, unless another port is chosen.
pub(crate) const SHOP_PORT: u16 = 9_000;

/// The configuration with another port of the shop, beside the one it is made of.
const CHANGED: &str = "demo.toml";

/// How the host is built: see the root `Cargo.toml`.
const PROFILE: &str = "demo";

/// How long a started program may take until it accepts connections.
const START_MAX: Duration = Duration::from_secs(10);

/// How long the host may take to finish its answers after Ctrl-C.
const STOP_MAX: Duration = Duration::from_secs(5);

/// Runs until Ctrl-C.
pub(crate) fn run(listen: SocketAddr, shop_port: u16) -> Result<()> {
    let shop = SocketAddr::from((Ipv4Addr::LOCALHOST, shop_port));
    ensure!(listen != shop, "{listen} cannot be both the host's and the shop's address");
    for (taken, option) in [(listen, "--listen ADDRESS"), (shop, "--shop-port PORT")] {
        ensure!(!accepts(taken), "{}", in_use(taken, option));
    }
    let workspace = Workspace::load()?;
    let quickstart = workspace.root.join("examples/quickstart");
    println!("1/3 the checks of the quickstart (the first time takes a minute or two)");
    setup::compiler(&workspace)?;
    let components = build_checks(&workspace, &quickstart)?;
    install(&components, &quickstart)?;
    println!("2/3 the host (the first time takes some minutes)");
    let mut build = std::process::Command::new(cargo());
    build.args(["build", "--locked", "--profile", PROFILE, "--package", "probity"]).current_dir(&workspace.root);
    workspace::run(&mut build, "cargo build of the host")?;
    let host = workspace.target.join(PROFILE).join(format!("probity{}", std::env::consts::EXE_SUFFIX));
    println!("3/3 the shop and the host");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("start a runtime")?;
    let config = configuration(&quickstart, shop)?;
    runtime.block_on(serve(&quickstart, &host, config, listen, shop))
}

/// Who is in the way, and what to do.
fn in_use(address: SocketAddr, option: &str) -> String {
    let holder = listener::of(address).map_or_else(|| "another process".to_owned(), |holder| holder.to_string());
    format!("{address} is in use by {holder}: stop that, or choose another with {option}")
}

/// The file to serve: the quickstart's own, or a copy that knows the shop's other port.
fn configuration(quickstart: &Path, shop: SocketAddr) -> Result<&'static str> {
    const FILE: &str = "probity.toml";
    if shop.port() == SHOP_PORT {
        return Ok(FILE);
    }
    let text = own_configuration(quickstart)?;
    std::fs::write(quickstart.join(CHANGED), with_shop(&text, shop)).with_context(|| format!("write {CHANGED}"))?;
    Ok(CHANGED)
}

/// The quickstart's configuration for a shop that is elsewhere.
pub(crate) fn with_shop(config: &str, shop: SocketAddr) -> String {
    config.replace(&format!("127.0.0.1:{SHOP_PORT}"), &shop.to_string())
}

/// Builds the components that the quickstart's checks use, and no others.
fn build_checks(workspace: &Workspace, quickstart: &Path) -> Result<Vec<Component>> {
    let config = own_configuration(quickstart)?;
    let used = plugins_in(&config);
    let guests: Vec<_> = workspace.guests.iter().filter(|guest| used.contains(&guest.name.as_str())).cloned().collect();
    guests::build(workspace, &toolchain::find(workspace)?, &guests, &workspace.components())
}

fn own_configuration(quickstart: &Path) -> Result<String> {
    let path = quickstart.join("probity.toml");
    std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))
}

/// Copies the components that the quickstart's checks use. The others would be
/// checks of their own, named after their files, without configuration.
pub(crate) fn install(components: &[Component], quickstart: &Path) -> Result<()> {
    let config = own_configuration(quickstart)?;
    let used = plugins_in(&config);
    for component in components.iter().filter(|component| used.contains(&component.name.as_str())) {
        let bytes = std::fs::read(&component.path).with_context(|| format!("read {}", component.path.display()))?;
        let target = quickstart.join("plugins").join(format!("{}.wasm", component.name));
        // Through a temporary name: a running host never sees half a component.
        probity_build::component::write_if_changed(&target, &bytes)
            .with_context(|| format!("write {}", target.display()))?;
    }
    Ok(())
}

/// The values of the lines `plugin = "…"`.
fn plugins_in(config: &str) -> Vec<&str> {
    config.lines().filter_map(|line| line.strip_prefix("plugin = \"")?.split('"').next()).collect()
}

async fn serve(quickstart: &Path, host: &Path, config: &str, listen: SocketAddr, shop: SocketAddr) -> Result<()> {
    let port = shop.port().to_string();
    let mut shop_process = start("the shop", Command::new("python3").args(["shop.py", &port]).current_dir(quickstart))?;
    until_accepting("the shop", &mut shop_process, shop).await?;
    let mut host_command = Command::new(host);
    host_command.args(["serve", "--config", config, "--listen", &listen.to_string()]).current_dir(quickstart);
    let mut host_process = start("the host", &mut host_command)?;
    until_accepting("the host", &mut host_process, listen).await?;
    print_tour(config, listen, shop);
    let ended = tokio::select! {
        stopped = stop_signal() => { stopped?; None }
        status = host_process.wait() => Some(("the host", status)),
        status = shop_process.wait() => Some(("the shop", status)),
    };
    if let Some((what, status)) = ended {
        bail!("{what} ended ({})", status.with_context(|| format!("wait for {what}"))?);
    }
    println!("stopping");
    // Ctrl-C reached the host as well; what does not end by itself is ended on drop.
    drop(timeout(STOP_MAX, host_process.wait()).await);
    Ok(())
}

fn start(what: &str, command: &mut Command) -> Result<Child> {
    command.stdin(Stdio::null()).kill_on_drop(true).spawn().with_context(|| format!("start {what}"))
}

async fn until_accepting(what: &str, process: &mut Child, address: SocketAddr) -> Result<()> {
    let accepting = async {
        while !accepts(address) {
            sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        status = process.wait() => bail!("{what} ended before it listened ({})", status.context("wait")?),
        waited = timeout(START_MAX, accepting) => waited.with_context(|| format!("{what} does not listen on {address}")),
    }
}

fn accepts(address: SocketAddr) -> bool {
    TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok()
}

#[cfg(unix)]
async fn stop_signal() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("wait for SIGTERM")?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.context("wait for Ctrl-C"),
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn stop_signal() -> Result<()> {
    tokio::signal::ctrl_c().await.context("wait for Ctrl-C")
}

fn print_tour(config: &str, listen: SocketAddr, shop: SocketAddr) {
    println!(
        "
Open     http://{listen}/                          what can be asked
Ask      curl -i  http://{listen}/ready            what a load balancer asks
         curl -s  http://{listen}/health           what a person asks
SQL      curl -s  http://{listen}/health/books     the shop's own database, a file of SQLite: no server
         for PostgreSQL, write its URL into the line `url = ` below [connections.orders-db]; nothing else changes
Degrade  curl -X POST 'http://{shop}/orders?count=6'           more than 5 orders unpaid
Break    curl -X POST 'http://{shop}/orders?age=900'           one order unpaid for 15 minutes
Heal     curl -X POST http://{shop}/orders/pay                 pay all orders
Reload   copy another .wasm file into examples/quickstart/plugins, or edit examples/quickstart/{config}

Ctrl-C stops the host and the shop.
"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    // The quickstart's own configuration names the plugins to install.
    #[test]
    fn plugins_are_read_from_the_configuration() {
        let config = include_str!("../../examples/quickstart/probity.toml");
        assert_eq!(plugins_in(config), ["orders-backlog", "http", "orders-db", "disk", "memory", "load"]);
    }

    // With another port of the shop, no check asks the old one.
    #[test]
    fn the_shop_may_be_elsewhere() {
        let config = include_str!("../../examples/quickstart/probity.toml");
        let moved = with_shop(config, "127.0.0.1:9123".parse().unwrap());
        assert!(moved.matches("127.0.0.1:9123/").count() >= 4 && !moved.contains("127.0.0.1:9000"), "{moved}");
    }

    // Who is in the way is named, with what to do about it.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_taken_address_names_its_process() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let said = in_use(socket.local_addr().unwrap(), "--listen ADDRESS");
        assert!(said.contains(&format!("process {}", std::process::id())) && said.contains("--listen"), "{said}");
    }
}
