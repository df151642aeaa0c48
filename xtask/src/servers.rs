//! The servers that tests talk to: installed from the distribution's packages, never started by the system.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::setup;

/// A program that tests start, and Debian's package for it.
struct Server {
    program: &'static str,
    package: &'static str,
}

const SERVERS: &[Server] = &[
    Server { program: "postgres", package: "postgresql" },
    Server { program: "pgbouncer", package: "pgbouncer" },
    Server { program: "mariadbd", package: "mariadb-server" },
    Server { program: "redis-server", package: "redis-server" },
    Server { program: "rabbitmq-server", package: "rabbitmq-server" },
    Server { program: "nats-server", package: "nats-server" },
    Server { program: "chronyd", package: "chrony" },
    Server { program: "dovecot", package: "dovecot-imapd" },
    Server { program: "pop3-login", package: "dovecot-pop3d" },
    Server { program: "dropbear", package: "dropbear-bin" },
    Server { program: "nginx", package: "nginx-light" },
    Server { program: "haproxy", package: "haproxy" },
    Server { program: "prometheus", package: "prometheus" },
    Server { program: "sshd", package: "openssh-server" },
    // No server: sets the clock for one process.
    Server { program: "faketime", package: "faketime" },
];

/// Keeps packages from starting their services: tests bring up instances of their own.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Installs what is missing where that is possible, and names what is not. The tests that need a missing server fail.
pub(crate) fn install() -> Result<()> {
    let missing: Vec<&Server> = SERVERS.iter().filter(|server| find(server.program).is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|server| server.package).collect();
    if !setup::can_install() {
        println!("tests need servers that are missing; on Debian: apt-get install {}", packages.join(" "));
        return Ok(());
    }
    let _policy = Policy::deny()?;
    setup::install(&packages)
}

fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path).collect();
    folders.extend(["/usr/sbin", "/usr/lib/rabbitmq/bin", "/usr/lib/dovecot"].map(PathBuf::from));
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    folders.extend(versions.map(|version| version.path().join("bin")));
    folders.into_iter().map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// `policy-rc.d` while packages are installed, unless the machine has one of its own.
struct Policy {
    ours: bool,
}

impl Policy {
    fn deny() -> Result<Self> {
        if Path::new(POLICY).exists() {
            return Ok(Self { ours: false });
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o755).open(POLICY).context(POLICY)?;
        file.write_all(b"#!/bin/sh\nexit 101\n").context(POLICY)?;
        Ok(Self { ours: true })
    }
}

impl Drop for Policy {
    fn drop(&mut self) {
        if self.ours {
            // Left behind it would keep services from starting, which their owner would notice.
            let _ = fs::remove_file(POLICY);
        }
    }
}
