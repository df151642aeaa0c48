//! Other processes: the real host, the bare server, and `wrk` against them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::clock;

/// Cores that server and load generator are pinned to.
const SERVER_CORE: &str = "0";
const CLIENT_CORE: &str = "1";

/// A server process; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts the host with `dir/probity.toml`; pinned to one core or not. Does not wait for it.
    pub(crate) fn host(probity: &Path, dir: &Path, pinned: bool) -> Result<Self> {
        let address = free_address()?;
        let mut command = command(probity, pinned);
        command.args(["serve", "--log", "error", "--listen", &address.to_string()]);
        command.arg("--config").arg(dir.join("probity.toml"));
        Self::start(command, address)
    }

    /// Starts this binary's bare hyper server, which gives `response` to everything.
    pub(crate) fn hyper(response: &Path) -> Result<Self> {
        let address = free_address()?;
        let mut command = command(&std::env::current_exe().context("find this binary")?, true);
        command.args(["child", "hyper", "--listen", &address.to_string()]).arg("--response").arg(response);
        Self::start(command, address)
    }

    fn start(mut command: Command, address: SocketAddr) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.env("RUST_BACKTRACE", "0").env("RUST_LIB_BACKTRACE", "0");
        let child = command.spawn().with_context(|| format!("start {:?}", command.get_program()))?;
        Ok(Self { child, address })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks until `path` answers 200. Answers how long it took from now.
    pub(crate) fn wait_for(&mut self, path: &str, max: Duration) -> Result<Duration> {
        let start = Instant::now();
        loop {
            if let Ok(answer) = get(self.address, path)
                && answer.starts_with(b"HTTP/1.1 200")
            {
                return Ok(start.elapsed());
            }
            if let Some(status) = self.child.try_wait().context("look at the server")? {
                bail!("the server ended ({status})");
            }
            ensure!(start.elapsed() < max, "{path} did not answer 200 within {max:?}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Server CPU time per request in µs, while `wrk` asks `path` for `seconds`.
    pub(crate) fn cost(&self, path: &str, seconds: u32) -> Result<f64> {
        let before = clock::cpu_of(self.pid())?;
        let requests = wrk(self.address, path, seconds)?;
        let spent = clock::cpu_of(self.pid())?.saturating_sub(before);
        Ok(spent.as_secs_f64() * 1e6 / requests)
    }
}

fn command(program: &Path, pinned: bool) -> Command {
    if !pinned {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["-c", SERVER_CORE]).arg(program);
    command
}

/// Runs `wrk` with 32 connections, pinned apart from the server. Answers how many requests were answered with 2xx.
fn wrk(address: SocketAddr, path: &str, seconds: u32) -> Result<f64> {
    let mut command = Command::new("taskset");
    command.args([
        "-c",
        CLIENT_CORE,
        "wrk",
        "-t1",
        "-c32",
        &format!("-d{seconds}s"),
        &format!("http://{address}{path}"),
    ]);
    let output = command.output().context("start wrk")?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "wrk failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    ensure!(!text.contains("Non-2xx"), "{path} did not answer 200 under load: {text}");
    let line = text.lines().find(|line| line.contains(" requests in "));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).context("read what wrk printed")
}

/// Whether what [`Server::cost`] needs is installed.
pub(crate) fn can_load() -> bool {
    let found = |program: &str, arg: &str| {
        Command::new(program).arg(arg).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
    };
    found("wrk", "--version") && found("taskset", "--version")
}

/// One request on a connection of its own; the whole answer.
pub(crate) fn get(address: SocketAddr, path: &str) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_millis(500))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n").as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

/// A kept connection that asks the same thing again and again.
pub(crate) struct Asker {
    stream: TcpStream,
    request: Vec<u8>,
}

impl Asker {
    pub(crate) fn new(address: SocketAddr, path: &str) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        Ok(Self { stream, request: format!("GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n").into_bytes() })
    }

    /// Asks once; answers the wall time until the answer was there. Answers must fit one read.
    pub(crate) fn ask(&mut self) -> Result<Duration> {
        let mut answer = [0; 4096];
        let start = Instant::now();
        self.stream.write_all(&self.request)?;
        let length = self.stream.read(&mut answer)?;
        let took = start.elapsed();
        ensure!(answer[..length].starts_with(b"HTTP/1.1 "), "the server closed the connection");
        Ok(took)
    }
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0").context("find a free port")?.local_addr()?)
}
