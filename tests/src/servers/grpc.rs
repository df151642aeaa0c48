//! A gRPC server of the reference implementation, in Python, with its health service.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::certificates::{self, Certificates};
use super::{Process, free_port, wait_until};

/// A running server. Serves `orders.v1.Orders`, not `billing.v1.Billing`, and does not know about `limbo.v1.Limbo`.
pub struct Grpc {
    port: u16,
    tls: Option<Certificates>,
    process: Process,
    _dir: TempDir,
}

impl Grpc {
    /// Starts one without TLS.
    ///
    /// # Panics
    /// When it does not listen in time, or its packages are missing.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(None, &[])
    }

    /// Starts one with a certificate for `names`.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[must_use]
    pub fn start_tls(names: &[&str]) -> Self {
        Self::start_with(Some(names), &[])
    }

    /// Starts one without the health service.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[must_use]
    pub fn start_bare() -> Self {
        Self::start_with(None, &["bare"])
    }

    fn start_with(names: Option<&[&str]>, more: &[&str]) -> Self {
        let dir = TempDir::new().expect("a temporary directory can be made");
        let (port, log) = (free_port(), dir.path().join("log"));
        let tls = names.map(|names| certificates::write(dir.path(), names));
        let mut command = Command::new(python());
        command.arg(script()).arg(port.to_string()).args(more);
        command.args(tls.iter().flat_map(|files| [&files.certificate, &files.key]));
        let process = Process::start(&mut command, &log);
        wait_until(&log, || std::fs::read_to_string(&log).is_ok_and(|said| said.contains("listening")));
        Self { port, tls, process, _dir: dir }
    }

    /// Where it listens on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The file of its authority.
    ///
    /// # Panics
    /// When it has none.
    #[must_use]
    pub fn ca(&self) -> &Path {
        &self.tls.as_ref().expect("it was started with TLS").ca
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        self.process.kill();
    }
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/servers/grpc_server.py")
}

/// The Python with the packages that tests need.
///
/// # Panics
/// When it is missing.
#[must_use]
pub fn python() -> PathBuf {
    let test = std::env::current_exe().expect("the test knows its own path");
    let target = test.ancestors().nth(3).expect("tests are built in target/<profile>/deps");
    let python = target.join("python/bin/python");
    let hint = "`cargo xtask test` installs it from tests/requirements.txt";
    assert!(python.is_file(), "{} is missing: {hint}", python.display());
    python
}
