//! A Redis server with one user of its own.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::certificates::{self, Certificates};
use super::{Process, free_port, program, wait_until};

/// The user that checks log in as.
pub const USER: &str = "probe";

/// Its password: a test looks for it in whatever the host emits.
pub const PASSWORD: &str = "swordfish-of-redis";

/// A running server.
pub struct Redis {
    dir: TempDir,
    port: u16,
    tls: Option<Certificates>,
    process: Process,
}

impl Redis {
    /// Starts one.
    ///
    /// # Panics
    /// When it does not answer in time, or the package is missing.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(None)
    }

    /// Starts one that speaks TLS only, with a certificate for `names` of an authority of its own.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[must_use]
    pub fn start_tls(names: &[&str]) -> Self {
        Self::start_with(Some(names))
    }

    fn start_with(names: Option<&[&str]>) -> Self {
        let dir = TempDir::new().expect("a temporary directory can be made");
        let port = free_port();
        let tls = names.map(|names| certificates::write(dir.path(), names));
        let listens = match &tls {
            None => format!("port {port}"),
            Some(files) => format!(
                "port 0\ntls-port {port}\ntls-cert-file {}\ntls-key-file {}\ntls-ca-cert-file {}\ntls-auth-clients \
                 optional",
                files.certificate.display(),
                files.key.display(),
                files.ca.display()
            ),
        };
        let config = format!(
            "bind 127.0.0.1\n{listens}\ndir {dir}\nsave \"\"\nappendonly yes\nappendfsync always\nmaxmemory 64mb\n\
             maxmemory-policy noeviction\nuser default on nopass ~* &* +@all\nuser {USER} on >{PASSWORD} ~* &* +@all\n",
            dir = dir.path().display(),
        );
        std::fs::write(dir.path().join("redis.conf"), config).expect("the directory can be written");
        let process = spawn(&dir);
        let redis = Self { dir, port, tls, process };
        redis.wait();
        redis
    }

    /// Its port on loopback.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What `[connections]` says of it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://{USER}:{PASSWORD}@127.0.0.1:{}", self.port)
    }

    /// The same over TLS, to a name or address.
    #[must_use]
    pub fn tls_url(&self, host: &str) -> String {
        format!("rediss://{USER}:{PASSWORD}@{host}:{}", self.port)
    }

    /// Its certificates.
    ///
    /// # Panics
    /// When it speaks no TLS.
    #[must_use]
    pub const fn certificates(&self) -> &Certificates {
        self.tls.as_ref().expect("it was started with TLS")
    }

    /// Runs one command as the default user and gives what it printed.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    pub fn command(&self, words: &[&str]) -> String {
        let output = self.cli(words).output().expect("redis-cli starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{words:?}: {said}");
        said.trim().to_owned()
    }

    /// The connections that checks have open.
    #[must_use]
    pub fn clients(&self) -> usize {
        let list = self.command(&["CLIENT", "LIST", "TYPE", "normal"]);
        list.lines().filter(|line| line.contains(&format!(" user={USER} "))).count()
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again in the same place.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub fn restart(&mut self) {
        self.process = spawn(&self.dir);
        self.wait();
    }

    /// Stops it in its tracks: the kernel goes on accepting connections, and nobody answers.
    pub fn freeze(&self) {
        self.process.signal(rustix::process::Signal::STOP);
    }

    /// Looks until something was sent to it that it has not read, as when it is frozen.
    ///
    /// # Panics
    /// When that does not happen in time.
    pub fn wait_for_bytes(&self) {
        // Local address and bytes to read are the second and the fifth column, the latter after a colon.
        let local = format!("0100007F:{:04X}", self.port);
        let waits = |line: &str| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            columns.get(1) == Some(&local.as_str())
                && columns.get(4).is_some_and(|queues| !queues.ends_with(":00000000"))
        };
        wait_until(&log(&self.dir), || {
            let sockets = std::fs::read_to_string("/proc/net/tcp").expect("the kernel tells its sockets");
            // One that listens counts connections instead; its state is 0A.
            sockets.lines().any(|line| waits(line) && line.split_whitespace().nth(3) != Some("0A"))
        });
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.process.signal(rustix::process::Signal::CONT);
    }

    fn wait(&self) {
        let ready = || self.cli(&["PING"]).output().is_ok_and(|output| output.stdout.starts_with(b"PONG"));
        wait_until(&log(&self.dir), ready);
    }

    fn cli(&self, words: &[&str]) -> Command {
        let mut command = Command::new(program("redis-cli", "redis-tools"));
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string()]);
        if let Some(files) = &self.tls {
            // Whatever its certificate is at the moment.
            command.args(["--tls", "--insecure"]);
            command.arg("--cert").arg(&files.client_certificate).arg("--key").arg(&files.client_key);
        }
        command.args(words);
        command
    }
}

fn log(dir: &TempDir) -> PathBuf {
    dir.path().join("log")
}

fn spawn(dir: &TempDir) -> Process {
    let config = dir.path().join("redis.conf");
    Process::start(Command::new(program("redis-server", "redis-server")).arg(config), &log(dir))
}
