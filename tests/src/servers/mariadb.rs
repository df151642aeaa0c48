//! A MariaDB server with a user of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::certificates::{self, CLIENT, Certificates};
use super::{Process, free_port, program, wait_until};

/// The user that checks log in as.
pub const USER: &str = "probe";

/// Its password: a test looks for it in whatever the host emits.
pub const PASSWORD: &str = "swordfish-of-mariadb";

/// A running server, with a database `shop`.
pub struct MariaDb {
    dir: TempDir,
    port: u16,
    more: Vec<String>,
    tls: Option<Certificates>,
    process: Process,
}

impl MariaDb {
    /// Starts one.
    ///
    /// # Panics
    /// When it does not answer in time, or the package is missing.
    #[must_use]
    pub fn start() -> Self {
        Self::start_in(TempDir::new().expect("a temporary directory can be made"), None, vec![])
    }

    /// Starts one that offers TLS with a certificate for `names` of an authority of its own. The user
    /// [`CLIENT`] needs a certificate instead of a password.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[must_use]
    pub fn start_tls(names: &[&str]) -> Self {
        let dir = TempDir::new().expect("a temporary directory can be made");
        let files = certificates::write(dir.path(), names);
        let option = |key: &str, path: &Path| format!("--{key}={}", path.display());
        let more = [("ssl-ca", &files.ca), ("ssl-cert", &files.certificate), ("ssl-key", &files.key)];
        let more = more.map(|(key, path)| option(key, path)).to_vec();
        let server = Self::start_in(dir, Some(files), more);
        server.sql(&format!(
            "CREATE USER {CLIENT}@'127.0.0.1' REQUIRE X509; GRANT ALL ON shop.* TO {CLIENT}@'127.0.0.1'"
        ));
        server
    }

    /// Starts one that others can follow.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[must_use]
    pub fn start_primary() -> Self {
        let dir = TempDir::new().expect("a temporary directory can be made");
        let server = Self::start_in(dir, None, vec!["--server-id=1".to_owned(), "--log-bin=log".to_owned()]);
        server.sql(&format!(
            "CREATE USER follower@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'; GRANT REPLICATION SLAVE ON *.* TO \
             follower@'127.0.0.1'; RESET MASTER"
        ));
        server
    }

    /// Starts a replica of `primary`, to which nothing has been written yet.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[must_use]
    pub fn replica_of(primary: &Self) -> Self {
        let dir = TempDir::new().expect("a temporary directory can be made");
        let server = Self::start_in(dir, None, vec!["--server-id=2".to_owned()]);
        server.sql(&format!(
            "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={}, MASTER_USER='follower', \
             MASTER_PASSWORD='{PASSWORD}', MASTER_CONNECT_RETRY=1; START SLAVE",
            primary.port
        ));
        server
    }

    fn start_in(dir: TempDir, tls: Option<Certificates>, more: Vec<String>) -> Self {
        let data = dir.path().join("data");
        let mut install = Command::new(program("mariadb-install-db", "mariadb-server"));
        install.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
        // Two at once would delete each other's temporary tables.
        let output = install
            .env("TMPDIR", dir.path())
            .args(who())
            .arg(format!("--datadir={}", data.display()))
            .output()
            .expect("it starts");
        assert!(output.status.success(), "mariadb-install-db: {}", String::from_utf8_lossy(&output.stderr));
        let port = free_port();
        let process = spawn(dir.path(), port, &more);
        let server = Self { dir, port, more, tls, process };
        server.wait();
        server.sql(&format!(
            "CREATE DATABASE shop; CREATE USER {USER}@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'; \
             GRANT ALL ON shop.* TO {USER}@'127.0.0.1'; \
             GRANT PROCESS, REPLICATION CLIENT, REPLICA MONITOR ON *.* TO {USER}@'127.0.0.1'"
        ));
        server
    }

    /// Its port on loopback.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What `[connections]` says of it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("mysql://{USER}:{PASSWORD}@127.0.0.1:{}/shop", self.port)
    }

    /// Its certificates.
    ///
    /// # Panics
    /// When it speaks no TLS.
    #[must_use]
    pub const fn certificates(&self) -> &Certificates {
        self.tls.as_ref().expect("it was started with TLS")
    }

    /// Runs statements as root and gives what they printed, without decoration.
    ///
    /// # Panics
    /// When one fails.
    pub fn sql(&self, statements: &str) -> String {
        let output = self.client(statements).output().expect("mariadb starts");
        assert!(output.status.success(), "{statements}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Sessions of checks.
    #[must_use]
    pub fn sessions(&self, more: &str) -> usize {
        let statement = format!("SELECT count(*) FROM information_schema.processlist WHERE user = '{USER}' {more}");
        self.sql(&statement).parse().expect("a count is a number")
    }

    /// Looks until `ready`.
    pub fn wait_for(&self, ready: impl FnMut() -> bool) {
        wait_until(&self.log(), ready);
    }

    /// Ends the server as `kill -9` does.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again on the same port and data.
    pub fn restart(&mut self) {
        self.process = spawn(self.dir.path(), self.port, &self.more);
        self.wait();
    }

    fn wait(&self) {
        wait_until(&self.log(), || self.client("SELECT 1").output().is_ok_and(|output| output.status.success()));
    }

    fn client(&self, statements: &str) -> Command {
        let mut client = Command::new(program("mariadb", "mariadb-server"));
        client.args(["--no-defaults", "--protocol=socket", "-uroot", "-N", "-B", "-e", statements]);
        client.arg(format!("--socket={}", self.dir.path().join("data/socket").display()));
        client
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("server.log")
    }
}

/// The server does not run as root unless it is told to.
fn who() -> Option<&'static str> {
    rustix::process::geteuid().is_root().then_some("--user=root")
}

fn spawn(dir: &Path, port: u16, more: &[String]) -> Process {
    let mut server = Command::new(program("mariadbd", "mariadb-server"));
    server.args(["--no-defaults", "--bind-address=127.0.0.1", "--innodb-flush-log-at-trx-commit=0"]);
    server.args([
        "--innodb-buffer-pool-size=16M",
        "--innodb-log-file-size=8M",
        "--max-connections=20",
        "--skip-name-resolve",
    ]);
    server.args(who()).args(more);
    server.env("TMPDIR", dir).arg(format!("--port={port}"));
    server.arg(format!("--datadir={}", dir.join("data").display()));
    server.arg(format!("--socket={}", dir.join("data/socket").display()));
    Process::start(&mut server, &dir.join("server.log"))
}
