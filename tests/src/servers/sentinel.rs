//! Sentinels of Redis, and the servers that they watch.

use std::process::Command;

use tempfile::TempDir;

use super::redis::{PASSWORD, Redis, USER};
use super::{Process, free_port, program, wait_until};

/// What the sentinels call the primary.
pub const PRIMARY: &str = "mymaster";

/// The password of the sentinels themselves.
pub const SENTINEL_PASSWORD: &str = "swordfish-of-sentinels";

/// Three sentinels, a primary and a replica of it.
pub struct Sentinels {
    ports: Vec<u16>,
    sentinels: Vec<Process>,
    servers: Vec<Redis>,
    dirs: Vec<TempDir>,
}

impl Sentinels {
    /// Starts all of them, and waits until the sentinels know each other and the replica.
    ///
    /// # Panics
    /// When that does not come about in time, or the package is missing.
    #[must_use]
    pub fn start() -> Self {
        let servers = vec![Redis::start(), Redis::start()];
        let primary = servers[0].port();
        let _ = servers[1].command(&["REPLICAOF", "127.0.0.1", &primary.to_string()]);
        let mut all = Self { ports: Vec::new(), sentinels: Vec::new(), servers, dirs: Vec::new() };
        for _ in 0..3 {
            let (dir, port) = (TempDir::new().expect("a temporary directory can be made"), free_port());
            // A second is long for a server on loopback, and short for a test.
            let config = format!(
                "bind 127.0.0.1\nport {port}\ndir {dir}\nrequirepass {SENTINEL_PASSWORD}\n\
                 sentinel sentinel-pass {SENTINEL_PASSWORD}\n\
                 sentinel monitor {PRIMARY} 127.0.0.1 {primary} 2\n\
                 sentinel down-after-milliseconds {PRIMARY} 1000\n\
                 sentinel failover-timeout {PRIMARY} 3000\n",
                dir = dir.path().display(),
            );
            let file = dir.path().join("sentinel.conf");
            std::fs::write(&file, config).expect("the directory can be written");
            let mut server = Command::new(program("redis-server", "redis-server"));
            server.arg(file).arg("--sentinel");
            all.sentinels.push(Process::start(&mut server, &dir.path().join("log")));
            all.ports.push(port);
            all.dirs.push(dir);
        }
        for at in 0..3 {
            wait_until(&all.dirs[at].path().join("log"), || {
                let said = all.ask(at, &["SENTINEL", "master", PRIMARY]);
                let has = |key: &str, value: &str| said.contains(&format!("{key}\n{value}\n"));
                has("num-slaves", "1") && has("num-other-sentinels", "2") && has("flags", "master")
            });
        }
        all
    }

    /// What `[connections]` says of them: with the user of the servers, and the password of the sentinels.
    #[must_use]
    pub fn url(&self) -> String {
        let hosts: Vec<String> = self.ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        let hosts = hosts.join(",");
        format!("redis+sentinel://{USER}:{PASSWORD}@{hosts}/{PRIMARY}/0?sentinel-password={SENTINEL_PASSWORD}")
    }

    /// The server at this place: 0 was the primary at the start.
    #[must_use]
    pub fn server(&self, at: usize) -> &Redis {
        &self.servers[at]
    }

    /// Ends a server as `kill -9` does.
    pub fn kill_server(&mut self, at: usize) {
        self.servers[at].kill();
    }

    /// Starts it again.
    pub fn restart_server(&mut self, at: usize) {
        self.servers[at].restart();
    }

    /// Ends a sentinel as `kill -9` does.
    pub fn kill_sentinel(&mut self, at: usize) {
        self.sentinels[at].kill();
    }

    /// Stops a sentinel in its tracks: it accepts, and says nothing.
    pub fn freeze_sentinel(&self, at: usize) {
        self.sentinels[at].signal(rustix::process::Signal::STOP);
    }

    fn ask(&self, at: usize, words: &[&str]) -> String {
        let mut cli = Command::new(program("redis-cli", "redis-tools"));
        cli.args(["-h", "127.0.0.1", "-p", &self.ports[at].to_string(), "--no-auth-warning", "-a", SENTINEL_PASSWORD]);
        let output = cli.args(words).output().expect("redis-cli starts");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}
