//! A pgbouncer in front of a PostgreSQL server, which lends each transaction whichever server session is free.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::postgres::{self, Postgres};
use super::{Process, free_port, program, wait_until};

/// A running pooler with one session to the server, so that whoever comes next has what the one before left.
pub struct PgBouncer {
    dir: TempDir,
    port: u16,
    _process: Process,
}

impl PgBouncer {
    /// Starts one in front of `server`, for its database `shop`.
    ///
    /// # Panics
    /// When it does not answer in time, or the package is missing.
    #[must_use]
    pub fn in_front_of(server: &Postgres) -> Self {
        use std::os::unix::process::CommandExt;
        let dir = postgres::data_directory();
        let port = free_port();
        let users = dir.path().join("users.txt");
        let config = dir.path().join("pgbouncer.ini");
        let password = postgres::PASSWORD;
        let lines = format!("\"{}\" \"{password}\"\n\"{}\" \"{password}\"\n", postgres::USER, postgres::ADMIN);
        std::fs::write(&users, lines).expect("the directory can be written");
        let text = format!(
            "[databases]\nshop = host=127.0.0.1 port={} dbname=shop\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {}\n\
             pool_mode = transaction\ndefault_pool_size = 1\n",
            server.port(),
            users.display()
        );
        std::fs::write(&config, text).expect("the directory can be written");
        let mut pooler = Command::new(program("pgbouncer", "pgbouncer"));
        if let Some((user, group)) = postgres::other_user() {
            pooler.uid(user).gid(group);
        }
        let process = Process::start(pooler.arg(&config), &dir.path().join("pooler.log"));
        let pooler = Self { dir, port, _process: process };
        wait_until(&pooler.log(), || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        pooler
    }

    /// What `[connections]` says of it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://{}:{}@127.0.0.1:{}/shop", postgres::USER, postgres::PASSWORD, self.port)
    }

    /// Runs statements through it and gives what they printed, without decoration.
    ///
    /// # Panics
    /// When one fails.
    #[must_use]
    pub fn sql(&self, statements: &str) -> String {
        postgres::psql(self.port, postgres::USER, "shop", statements)
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("pooler.log")
    }
}
