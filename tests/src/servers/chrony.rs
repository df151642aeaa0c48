//! An NTP server that serves this machine's own clock and sets nothing.

use std::net::UdpSocket;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::{Process, free_port, program, wait_until};

/// A running server.
pub struct Chrony {
    port: u16,
    _process: Process,
    _dir: TempDir,
}

impl Chrony {
    /// Starts one that claims to be of stratum 3.
    ///
    /// # Panics
    /// When it does not answer in time, or the package is missing.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with("local stratum 3\n")
    }

    /// Starts one that has no reference, and says so.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[must_use]
    pub fn start_unsynchronised() -> Self {
        Self::start_with("")
    }

    fn start_with(more: &str) -> Self {
        let dir = TempDir::new().expect("a temporary directory can be made");
        let (port, log, file) = (free_port(), dir.path().join("log"), dir.path().join("chrony.conf"));
        // No socket for commands, neither on a port nor in the system's directory.
        let config = format!(
            "port {port}\nbindaddress 127.0.0.1\nallow 127.0.0.0/8\ncmdport 0\nbindcmdaddress /\npidfile {}\n{more}",
            dir.path().join("pid").display()
        );
        std::fs::write(&file, config).expect("the directory can be written");
        let mut command = Command::new(program("chronyd", "chrony"));
        // In the foreground, as whoever runs the tests, and without touching the clock.
        let process = Process::start(command.args(["-d", "-U", "-x", "-f"]).arg(&file), &log);
        wait_until(&log, || answers(port));
        Self { port, _process: process, _dir: dir }
    }

    /// Where it listens on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

fn answers(port: u16) -> bool {
    let Ok(socket) = UdpSocket::bind("127.0.0.1:0") else { return false };
    let mut question = [0; 48];
    question[0] = 0x23; // a client's question in version 4
    socket.connect(("127.0.0.1", port)).is_ok()
        && socket.set_read_timeout(Some(Duration::from_millis(200))).is_ok()
        && socket.send(&question).is_ok()
        && socket.recv(&mut [0; 48]).is_ok()
}
