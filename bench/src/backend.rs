//! Servers that rows ask: private instances of the installed packages, on free loopback ports, gone with the row.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// Who checks log in as, at the server that nobody else knows of. Power over the server would be refused.
pub(crate) const USER: &str = "bench";

/// Who makes that user.
pub(crate) const ADMIN: &str = "postgres";

/// How long a server may take to start.
const START_MAX: Duration = Duration::from_secs(30);

/// A running server.
pub(crate) struct Backend {
    process: Child,
    pub(crate) port: u16,
}

impl Backend {
    /// PostgreSQL with its data in `dir`; the database is `postgres`, and no password is asked for.
    pub(crate) fn postgres(dir: &Path) -> Result<Self> {
        let versions = fs::read_dir("/usr/lib/postgresql").context("PostgreSQL: apt-get install postgresql")?;
        let programs = versions.flatten().map(|version| version.path().join("bin")).max();
        let programs = programs.context("PostgreSQL: apt-get install postgresql")?;
        let owner = owner()?;
        if let Some((user, group)) = owner {
            // The server refuses to be root.
            for path in dir.ancestors().take_while(|path| path.starts_with(std::env::temp_dir())) {
                if path != std::env::temp_dir() {
                    chown(path, Some(user), Some(group)).context("give the directory to postgres")?;
                }
            }
        }
        let command = |name: &str| {
            let mut command = Command::new(programs.join(name));
            command.current_dir(dir).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            if let Some((user, group)) = owner {
                command.uid(user).gid(group);
            }
            command
        };
        let made = command("initdb").args(["--no-sync", "--auth=trust", "-U", ADMIN, "-D", "data"]).status();
        ensure!(made.context("start initdb")?.success(), "initdb failed");
        let port = free_port()?;
        let mut server = command("postgres");
        server.args(["-D", "data", "-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]);
        Self::start(server.args(["-c", "unix_socket_directories="]), port)
    }

    /// Redis that keeps nothing.
    pub(crate) fn redis(dir: &Path) -> Result<Self> {
        let port = free_port()?;
        let mut server = Command::new("redis-server");
        server.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        server.current_dir(dir).stdin(Stdio::null()).stdout(Stdio::null());
        Self::start(&mut server, port)
    }

    fn start(command: &mut Command, port: u16) -> Result<Self> {
        let process = command.spawn().with_context(|| format!("start {}", command.get_program().display()))?;
        let mut backend = Self { process, port };
        let end = Instant::now() + START_MAX;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(status) = backend.process.try_wait().context("look at the server")? {
                bail!("the server ended ({status})");
            }
            ensure!(Instant::now() < end, "the server does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(backend)
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        // PostgreSQL's sessions notice the end of the first process; either may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("find a free port")?;
    Ok(listener.local_addr().context("find a free port")?.port())
}

/// User and group of `postgres`, where this process is root.
fn owner() -> Result<Option<(u32, u32)>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = fs::read_to_string(PathBuf::from("/etc/passwd")).context("read /etc/passwd")?;
    let line = users.lines().find(|line| line.starts_with("postgres:")).context("no user postgres")?;
    let ids: Vec<u32> = line.split(':').skip(2).take(2).filter_map(|id| id.parse().ok()).collect();
    let [user, group] = ids[..] else { bail!("the user postgres has no ids") };
    Ok(Some((user, group)))
}
