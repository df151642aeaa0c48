//! A PostgreSQL server with a user of its own.

use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::certificates::{self, CLIENT, Certificates};
use super::{Process, free_port, program, wait_until};

/// The user that checks log in as: it owns the database, sees who else is there, and can do nothing to the server.
pub const USER: &str = "probe";

/// The superuser, with the same password.
pub const ADMIN: &str = "postgres";

/// Its password: a test looks for it in whatever the host emits.
pub const PASSWORD: &str = "swordfish-of-postgres";

/// A running server, with a database `shop`.
pub struct Postgres {
    dir: TempDir,
    port: u16,
    tls: Option<Certificates>,
    process: Process,
}

impl Postgres {
    /// Starts one.
    ///
    /// # Panics
    /// When it does not answer in time, or the package is missing.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// Starts one that speaks TLS with a certificate for `names` of an authority of its own. The user
    /// [`CLIENT`] is let in by certificate only.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[must_use]
    pub fn start_tls(names: &[&str]) -> Self {
        let dir = data_directory();
        let files = certificates::write(dir.path(), names);
        for path in [&files.ca, &files.certificate, &files.key] {
            own(path);
            rustix::fs::chmod(path, rustix::fs::Mode::RUSR).expect("the file is ours");
        }
        let rules_file = dir.path().join("hba.conf");
        let config = format!(
            "ssl = on\nssl_cert_file = '../server.pem'\nssl_key_file = '../server.key'\nssl_ca_file = '../ca.pem'\n\
             hba_file = '{}'\n",
            rules_file.display()
        );
        let rules = format!("hostssl all {CLIENT} all cert\nhost all all 127.0.0.1/32 scram-sha-256\n");
        std::fs::write(&rules_file, rules).expect("the directory can be written");
        own(&rules_file);
        let server = Self { tls: Some(files), ..Self::start_in(dir, &config) };
        server.admin_sql(&format!("CREATE ROLE {CLIENT} LOGIN"));
        server
    }

    /// Starts a replica of `primary`, which follows it from then on.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[must_use]
    pub fn replica_of(primary: &Self) -> Self {
        let dir = data_directory();
        let data = dir.path().join("data");
        let mut copy = command("pg_basebackup", dir.path());
        copy.env("PGPASSWORD", PASSWORD).args(["-h", "127.0.0.1", "-p", &primary.port.to_string(), "-U", ADMIN]);
        copy.args(["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync", "-D"]).arg(&data);
        let output = copy.output().expect("pg_basebackup starts");
        assert!(output.status.success(), "pg_basebackup: {}", String::from_utf8_lossy(&output.stderr));
        let port = free_port();
        let file = data.join("postgresql.auto.conf");
        let copied = std::fs::read_to_string(&file).expect("it was copied");
        // What comes last holds. The primary hears of a replica that stands still once a second.
        std::fs::write(&file, format!("{copied}port = {port}\nwal_receiver_status_interval = 1s\n"))
            .expect("it is there");
        let process = spawn(dir.path());
        let server = Self { dir, port, tls: None, process };
        server.wait();
        server
    }

    fn start_with(more: &str) -> Self {
        Self::start_in(data_directory(), more)
    }

    fn start_in(dir: TempDir, more: &str) -> Self {
        let data = dir.path().join("data");
        let password = dir.path().join("password");
        std::fs::write(&password, PASSWORD).expect("the directory can be written");
        own(&password);
        let mut init = command("initdb", dir.path());
        init.args(["--no-sync", "--encoding=UTF8", "--locale=C", "--auth=scram-sha-256", "-U", ADMIN, "--pwfile"]);
        let output = init.arg(&password).arg("-D").arg(&data).output().expect("initdb starts");
        assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
        let port = free_port();
        let config = format!(
            "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = ''\nfsync = off\n\
             max_connections = 20\nshared_buffers = 16MB\nautovacuum = off\n{more}"
        );
        std::fs::write(data.join("postgresql.auto.conf"), config).expect("the directory can be written");
        let process = spawn(dir.path());
        let server = Self { dir, port, tls: None, process };
        server.wait();
        let role = format!("CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'; GRANT pg_monitor TO {USER}");
        server.psql_in(ADMIN, "postgres", &role);
        server.psql_in(ADMIN, "postgres", &format!("CREATE DATABASE shop OWNER {USER}"));
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
        format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{}/shop", self.port)
    }

    /// Its certificates.
    ///
    /// # Panics
    /// When it speaks no TLS.
    #[must_use]
    pub const fn certificates(&self) -> &Certificates {
        self.tls.as_ref().expect("it was started with TLS")
    }

    /// The same for another user that has the same password.
    #[must_use]
    pub fn url_of(&self, user: &str) -> String {
        self.url().replacen(USER, user, 1)
    }

    /// Runs statements in `shop` as [`USER`] and gives what they printed, without decoration.
    ///
    /// # Panics
    /// When one fails.
    pub fn sql(&self, statements: &str) -> String {
        self.psql_in(USER, "shop", statements)
    }

    /// The same as [`ADMIN`].
    ///
    /// # Panics
    /// When one fails.
    pub fn admin_sql(&self, statements: &str) -> String {
        self.psql_in(ADMIN, "shop", statements)
    }

    /// Sessions of checks, in whatever state.
    #[must_use]
    pub fn sessions(&self, more: &str) -> usize {
        let count =
            self.sql(&format!("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'probity' {more}"));
        count.parse().expect("a count is a number")
    }

    /// Looks until `ready`.
    pub fn wait_for(&self, ready: impl FnMut() -> bool) {
        wait_until(&self.log(), ready);
    }

    /// Ends the server and its sessions as a crash does.
    pub fn kill(&mut self) {
        // The sessions are processes of their own, which notice the end of the first one.
        self.process.signal(rustix::process::Signal::QUIT);
        self.process.wait();
    }

    /// Starts it again on the same port and data.
    pub fn restart(&mut self) {
        self.process = spawn(self.dir.path());
        self.wait();
    }

    /// The server's process.
    #[must_use]
    pub const fn process(&self) -> &Process {
        &self.process
    }

    fn wait(&self) {
        let ready = || {
            let mut look = Command::new(tool("pg_isready"));
            look.args(["-q", "-h", "127.0.0.1", "-p"]).arg(self.port.to_string());
            look.status().is_ok_and(|status| status.success())
        };
        wait_until(&self.log(), ready);
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("server.log")
    }

    /// Keeps `count` sessions of [`ADMIN`] open.
    #[must_use]
    pub fn hold(&self, count: usize) -> Vec<Process> {
        let hold = |at| {
            let mut psql = client(self.port, ADMIN, "shop", "SELECT pg_sleep(600)");
            Process::start(&mut psql, &self.dir.path().join(format!("held{at}.log")))
        };
        (0..count).map(hold).collect()
    }

    fn psql_in(&self, user: &str, database: &str, statements: &str) -> String {
        psql(self.port, user, database, statements)
    }
}

fn client(port: u16, user: &str, database: &str, statements: &str) -> Command {
    let mut psql = Command::new(tool("psql"));
    psql.env("PGPASSWORD", PASSWORD).args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1"]);
    psql.args(["-p", &port.to_string(), "-U", user, "-d", database, "-c", statements]);
    psql
}

/// Runs statements at whatever listens on `port` and gives what they printed, without decoration.
pub(super) fn psql(port: u16, user: &str, database: &str, statements: &str) -> String {
    let output = client(port, user, database, statements).output().expect("psql starts");
    assert!(output.status.success(), "{statements}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A directory that the user `postgres` owns where the test runs as root, which the server refuses to.
pub(super) fn data_directory() -> TempDir {
    let dir = TempDir::new().expect("a temporary directory can be made");
    own(dir.path());
    dir
}

fn own(path: &Path) {
    if let Some((user, group)) = other_user() {
        chown(path, Some(user), Some(group)).expect("root may");
    }
}

/// Whom the server runs as; none when the test is no root.
pub(super) fn other_user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").expect("every system has one");
    let line = users.lines().find(|line| line.starts_with("postgres:"));
    let line = line.expect("this test needs the user postgres: apt-get install postgresql");
    let mut ids = line.split(':').skip(2).filter_map(|id| id.parse().ok());
    Some((ids.next().expect("a user has an id"), ids.next().expect("and a group")))
}

fn spawn(dir: &Path) -> Process {
    let mut server = command("postgres", dir);
    server.arg("-D").arg(dir.join("data"));
    Process::start(&mut server, &dir.join("server.log"))
}

fn command(name: &str, dir: &Path) -> Command {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new(tool(name));
    command.current_dir(dir);
    if let Some((user, group)) = other_user() {
        command.uid(user).gid(group);
    }
    command
}

/// A program of the newest version that is installed.
fn tool(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = versions.map(|version| version.path().join("bin").join(name)).filter(|file| file.is_file()).max();
    found.unwrap_or_else(|| program(name, "postgresql"))
}
