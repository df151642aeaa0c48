//! Servers that speak first, as others wrote them: Dovecot, aiosmtpd, pyftpdlib, Dropbear. Those with TLS have a
//! certificate for `localhost` of an authority of their own.

use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::certificates::{self, Certificates};
use super::grpc::python;
use super::{Process, free_port, program, wait_until};

/// A running server.
pub struct Greeter {
    ports: Vec<u16>,
    tls: Certificates,
    _process: Process,
    _dir: TempDir,
}

impl Greeter {
    /// Mailboxes: ports of IMAP, POP3, and IMAP inside TLS.
    ///
    /// # Panics
    /// When it does not listen in time, or the packages are missing.
    #[must_use]
    pub fn dovecot() -> Self {
        Self::start(3, |dir, tls, ports| {
            let file = dir.join("dovecot.conf");
            std::fs::write(&file, dovecot_config(dir, tls, ports)).expect("the directory can be written");
            let mut command = Command::new(program("dovecot", "dovecot-imapd dovecot-pop3d"));
            command.arg("-F").arg("-c").arg(file);
            command
        })
    }

    /// Mail transfer.
    ///
    /// # Panics
    /// As [`Self::dovecot`].
    #[must_use]
    pub fn smtp() -> Self {
        Self::start(1, |_, tls, ports| {
            let mut command = Command::new(python());
            command.args(["-m", "aiosmtpd", "-n", "-c", "aiosmtpd.handlers.Sink", "--no-requiretls", "-l"]);
            command.arg(format!("127.0.0.1:{}", ports[0]));
            command.arg("--tlscert").arg(&tls.certificate).arg("--tlskey").arg(&tls.key);
            command
        })
    }

    /// File transfer.
    ///
    /// # Panics
    /// As [`Self::dovecot`].
    #[must_use]
    pub fn ftp() -> Self {
        Self::start(1, |_, tls, ports| {
            let mut command = Command::new(python());
            command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/servers/ftp_server.py"));
            command.arg(ports[0].to_string()).arg(&tls.certificate).arg(&tls.key);
            command
        })
    }

    /// Secure shell that lets nobody in.
    ///
    /// # Panics
    /// As [`Self::dovecot`].
    #[must_use]
    pub fn ssh() -> Self {
        Self::start(1, |dir, _, ports| {
            let key = dir.join("hostkey");
            let mut make = Command::new(program("dropbearkey", "dropbear-bin"));
            let made = make.args(["-t", "ed25519", "-f"]).arg(&key).output().expect("dropbearkey starts");
            assert!(made.status.success(), "{made:?}");
            let mut command = Command::new(program("dropbear", "dropbear-bin"));
            command.args(["-F", "-E", "-s", "-w", "-p"]).arg(format!("127.0.0.1:{}", ports[0]));
            command.arg("-r").arg(key).arg("-P").arg(dir.join("pid"));
            command
        })
    }

    fn start(count: usize, command: impl FnOnce(&Path, &Certificates, &[u16]) -> Command) -> Self {
        let dir = TempDir::new().expect("a temporary directory can be made");
        let tls = certificates::write(dir.path(), &["localhost"]);
        let ports: Vec<u16> = (0..count).map(|_| free_port()).collect();
        let log = dir.path().join("log");
        let process = Process::start(&mut command(dir.path(), &tls, &ports), &log);
        wait_until(&log, || ports.iter().all(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok()));
        Self { ports, tls, _process: process, _dir: dir }
    }

    /// Its `index`-th port on 127.0.0.1.
    #[must_use]
    pub fn port(&self, index: usize) -> u16 {
        self.ports[index]
    }

    /// The file of its authority.
    #[must_use]
    pub fn ca(&self) -> &Path {
        &self.tls.ca
    }
}

/// Rootless, unless root runs it: then it wants the users that its package made.
fn dovecot_config(dir: &Path, tls: &Certificates, ports: &[u16]) -> String {
    let (run, certificate, key) = (dir.join("run"), tls.certificate.display(), tls.key.display());
    let [imap, pop3, imaps] = ports else { panic!("three ports") };
    let users = if rustix::process::getuid().is_root() {
        String::new()
    } else {
        let user = std::env::var("USER").expect("a user has a name");
        format!("default_internal_user = {user}\ndefault_login_user = {user}\n")
    };
    format!(
        "base_dir = {run}\nstate_dir = {run}\nprotocols = imap pop3\nlisten = 127.0.0.1\n{users}\
         ssl = yes\nssl_cert = <{certificate}\nssl_key = <{key}\nssl_dh =\nlog_path = /dev/stderr\n\
         passdb {{\n  driver = static\n  args = password=nobody-gets-in\n}}\n\
         service imap-login {{\n  chroot =\n  inet_listener imap {{\n    port = {imap}\n  }}\n  \
         inet_listener imaps {{\n    port = {imaps}\n    ssl = yes\n  }}\n}}\n\
         service pop3-login {{\n  chroot =\n  inet_listener pop3 {{\n    port = {pop3}\n  }}\n  \
         inet_listener pop3s {{\n    port = 0\n  }}\n}}\nservice anvil {{\n  chroot =\n}}\n",
        run = run.display(),
    )
}
