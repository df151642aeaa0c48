//! An OpenSSH server that nobody can log in to.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::process::Command;

use tempfile::TempDir;

use super::{Process, free_port, program, wait_until};

/// Whom the server runs as where the test is root: as root it wants a directory of the system's.
const NOBODY: u32 = 65_534;

/// A running server.
pub struct Ssh {
    port: u16,
    process: Process,
    _dir: TempDir,
}

impl Ssh {
    /// Starts one.
    ///
    /// # Panics
    /// When it does not listen in time, or the package is missing.
    #[must_use]
    pub fn start() -> Self {
        let dir = TempDir::new().expect("a temporary directory can be made");
        let port = free_port();
        let key = dir.path().join("key");
        let mut keygen = Command::new(program("ssh-keygen", "openssh-client"));
        let made = keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status();
        assert!(made.expect("ssh-keygen starts").success());
        let log = dir.path().join("log");
        let mut server = Command::new(program("sshd", "openssh-server"));
        server.args(["-D", "-e", "-f", "/dev/null", "-p", &port.to_string()]);
        server.args(["-o", "ListenAddress=127.0.0.1", "-o", "PidFile=none", "-h"]).arg(&key);
        if rustix::process::geteuid().is_root() {
            for path in [dir.path(), &key] {
                chown(path, Some(NOBODY), Some(NOBODY)).expect("root may");
            }
            server.uid(NOBODY).gid(NOBODY);
        }
        let process = Process::start(&mut server, &log);
        wait_until(&log, || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { port, process, _dir: dir }
    }

    /// Its port on loopback.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        self.process.kill();
    }
}
