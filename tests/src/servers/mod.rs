//! Real servers for tests: private instances on free loopback ports in temporary directories, killed when dropped.

pub mod certificates;
pub mod chrony;
pub mod faulty;
pub mod greeters;
pub mod grpc;
pub mod mariadb;
pub mod nats;
pub mod pgbouncer;
pub mod postgres;
pub mod rabbitmq;
pub mod redis;
pub mod sentinel;
pub mod shop;
pub mod ssh;
pub mod upstream;
pub mod web;

use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use crate::host::PATIENCE;

/// Ports that the system gives to nobody who asks for any: until its server binds one, no other test can have it.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A port that was free a moment ago, and that no other call in this process gets.
///
/// # Panics
/// When loopback has none.
#[must_use]
pub fn free_port() -> u16 {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let count = PORTS.len() as u16;
    // Processes that test at the same time begin apart.
    let start = (std::process::id() as u16).wrapping_mul(97) % count;
    for _ in 0..count {
        let turn = TAKEN.fetch_add(1, Ordering::Relaxed) % count;
        let port = PORTS.start + (start + turn) % count;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("loopback has no free port in {PORTS:?}");
}

/// The path of an installed program.
///
/// # Panics
/// When it is missing, with the package that brings it.
#[must_use]
pub fn program(name: &str, package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(["/usr/sbin", "/usr/lib/rabbitmq"].map(PathBuf::from));
    let found = folders.into_iter().map(|folder| folder.join(name)).find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("this test needs {name}: apt-get install {package}"))
}

/// A process with its children, killed when this is dropped, whatever became of the test.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts it with its output in `log`.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(command: &mut Command, log: &Path) -> Self {
        let file = std::fs::File::create(log).expect("the directory can be written");
        let again = file.try_clone().expect("a file has more than one handle");
        // A group of its own: what is a script on the outside dies with all that it started.
        let child = command.process_group(0).stdin(Stdio::null()).stdout(file).stderr(again).spawn();
        Self(child.unwrap_or_else(|error| panic!("start {command:?}: {error}")))
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// When it is gone.
    pub fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.0), signal).expect("it runs");
    }

    /// Ends it as `kill -9` does.
    ///
    /// # Panics
    /// When it is not ours.
    pub fn kill(&mut self) {
        self.kill_group();
        self.0.wait().expect("it was killed");
    }

    /// Waits for its end, for how it ended.
    ///
    /// # Panics
    /// When it does not end in time.
    pub fn wait(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.0.try_wait().expect("it was started here") {
                return status;
            }
            assert!(Instant::now() < end, "process {} did not end", self.0.id());
            std::thread::sleep(Duration::from_millis(20)); // the distance of two looks
        }
    }

    fn kill_group(&self) {
        // It may have ended by itself. A stopped process dies of it, too.
        let group = rustix::process::Pid::from_child(&self.0);
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }

    /// The process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill_group();
        let _ = self.0.wait();
    }
}

/// Looks until `ready`.
///
/// # Panics
/// When that does not happen within `patience`, with what `log` holds.
pub fn wait_ready(log: &Path, patience: Duration, mut ready: impl FnMut() -> bool) {
    let end = Instant::now() + patience;
    while !ready() {
        let said = || std::fs::read_to_string(log).unwrap_or_default();
        assert!(Instant::now() < end, "the server is not ready; it said:\n{}", said());
        std::thread::sleep(Duration::from_millis(20)); // the distance of two looks
    }
}

/// The same with the patience of every test.
pub fn wait_until(log: &Path, ready: impl FnMut() -> bool) {
    wait_ready(log, PATIENCE, ready);
}
