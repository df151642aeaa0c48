//! A NATS server with JetStream and two users.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::Command;

use tempfile::TempDir;

use super::certificates::{self, Certificates};
use super::{Process, free_port, program, wait_until};

/// The user that checks log in as.
pub const USER: &str = "probe";

/// A user with the same password who may not read messages.
pub const BLIND: &str = "blind";

/// Their password.
pub const PASSWORD: &str = "swordfish-of-nats";

/// A running server.
pub struct Nats {
    dir: TempDir,
    port: u16,
    tls: Option<Certificates>,
    process: Process,
}

impl Nats {
    /// Starts one.
    ///
    /// # Panics
    /// When it does not answer in time, or the package is missing.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(None, false)
    }

    /// Starts one that insists on TLS, with a certificate for `names` of an authority of its own, and with `mutual` on a
    /// certificate of the client.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[must_use]
    pub fn start_tls(names: &[&str], mutual: bool) -> Self {
        Self::start_with(Some(names), mutual)
    }

    fn start_with(names: Option<&[&str]>, mutual: bool) -> Self {
        let dir = TempDir::new().expect("a temporary directory can be made");
        let port = free_port();
        let files = names.map(|names| certificates::write(dir.path(), names));
        let tls = files.as_ref().map_or_else(String::new, |files| {
            let [certificate, key, ca] = [&files.certificate, &files.key, &files.ca].map(|path| path.display());
            format!(
                "tls {{ cert_file: \"{certificate}\", key_file: \"{key}\", ca_file: \"{ca}\", verify: {mutual} }}\n"
            )
        });
        let config = format!(
            "listen: \"127.0.0.1:{port}\"\njetstream {{ store_dir: \"{}\" }}\nauthorization {{ users = [\n\
             {{ user: {USER}, password: \"{PASSWORD}\" }}\n{{ user: {BLIND}, password: \"{PASSWORD}\", \
             permissions: {{ publish: {{ deny: [\"$JS.API.STREAM.MSG.GET.>\"] }} }} }}\n] }}\n{tls}",
            dir.path().join("store").display(),
        );
        std::fs::write(dir.path().join("nats.conf"), config).expect("the directory can be written");
        let process = spawn(&dir);
        let nats = Self { dir, port, tls: files, process };
        nats.wait();
        nats
    }

    /// Its certificates.
    ///
    /// # Panics
    /// When it speaks no TLS.
    #[must_use]
    pub const fn certificates(&self) -> &Certificates {
        self.tls.as_ref().expect("it was started with TLS")
    }

    /// What `[connections]` says of it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://{USER}:{PASSWORD}@127.0.0.1:{}", self.port)
    }

    /// The same over TLS, to a name or address.
    #[must_use]
    pub fn tls_url(&self, host: &str) -> String {
        format!("tls://{USER}:{PASSWORD}@{host}:{}", self.port)
    }

    /// Sends one request and gives the reply, which is JSON in one line.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn request(&self, subject: &str, payload: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        let hello = format!("{{\"verbose\":false,\"user\":\"{USER}\",\"pass\":\"{PASSWORD}\"}}");
        let size = payload.len();
        write!(stream, "CONNECT {hello}\r\nSUB in 1\r\nPUB {subject} in {size}\r\n{payload}\r\n").expect("it reads");
        let mut lines = BufReader::new(stream).lines().map(|line| line.expect("it answers"));
        lines.find(|line| line.starts_with("MSG ")).expect("it answers before it closes");
        lines.next().expect("a message follows its head")
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

    fn wait(&self) {
        let info = "$JS.API.INFO";
        let log = self.dir.path().join("log");
        wait_until(&log, || TcpStream::connect(("127.0.0.1", self.port)).is_ok());
        // Over TLS the tests' own few words of the protocol do not get through.
        wait_until(&log, || self.tls.is_some() || self.request(info, "").contains("streams"));
    }
}

fn spawn(dir: &TempDir) -> Process {
    let mut command = Command::new(program("nats-server", "nats-server"));
    Process::start(command.arg("-c").arg(dir.path().join("nats.conf")), &dir.path().join("log"))
}
