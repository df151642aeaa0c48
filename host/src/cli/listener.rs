//! Which process listens on an address of this machine, as far as that can be known: Linux tells it below `/proc`.
//!
//! A look, never a search without end: so many processes, so many descriptors, so long. `cargo xtask` has this file too.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long the look may take.
const LOOK_MAX: Duration = Duration::from_millis(500);

/// Processes that are looked at.
const PROCESSES_MAX: usize = 20_000;

/// Descriptors of one process that are looked at; a listener is among the first.
const DESCRIPTORS_MAX: usize = 1_024;

/// Characters of a command's words.
const WORD_MAX: usize = 60;

/// A process that listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listener {
    /// Its number.
    pub(super) pid: u32,
    /// Its program and what that is to do: `probity serve`. Never more of its arguments: they may hold secrets.
    pub(super) command: String,
    /// The folder it works in, where this user may see that.
    pub(super) folder: Option<PathBuf>,
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`, process {}", self.command, self.pid)?;
        match &self.folder {
            Some(folder) => write!(f, " in {}", clean(&folder.display().to_string(), 4 * WORD_MAX)),
            None => Ok(()),
        }
    }
}

/// The process that listens on `address`; `None` where the system does not say, or does not let this user see it.
pub(super) fn of(address: SocketAddr) -> Option<Listener> {
    let end = Instant::now() + LOOK_MAX;
    let sockets: Vec<String> = ["/proc/self/net/tcp", "/proc/self/net/tcp6"]
        .iter()
        .filter_map(|table| std::fs::read_to_string(table).ok())
        .flat_map(|table| sockets(&table, address))
        .collect();
    if sockets.is_empty() {
        return None;
    }
    let processes = std::fs::read_dir("/proc").ok()?.flatten().take(PROCESSES_MAX);
    for process in processes.take_while(|_| Instant::now() < end) {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let descriptors = std::fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten();
        let holds = descriptors.take(DESCRIPTORS_MAX).any(|descriptor| {
            std::fs::read_link(descriptor.path()).is_ok_and(|to| sockets.iter().any(|socket| to == Path::new(socket)))
        });
        if holds {
            let command = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
            let folder = std::fs::read_link(process.path().join("cwd")).ok();
            return Some(Listener { pid, command: command_of(&command), folder });
        }
    }
    None
}

/// The listening sockets of a table of `/proc/net` that stand in the way of `address`, as descriptors show them.
fn sockets(table: &str, address: SocketAddr) -> Vec<String> {
    let mut found: Vec<(bool, String)> = Vec::new();
    for line in table.lines().skip(1) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (Some(local), Some(&"0A"), Some(inode)) = (words.get(1), words.get(3), words.get(9)) else { continue };
        let Some(local) = local_address(local).filter(|local| local.port() == address.port()) else { continue };
        let (ip, wanted) = (local.ip().to_canonical(), address.ip().to_canonical());
        if ip == wanted || ip.is_unspecified() || wanted.is_unspecified() {
            found.push((ip != wanted, format!("socket:[{inode}]")));
        }
    }
    // The very address before those that cover it.
    found.sort();
    found.into_iter().map(|(_, socket)| socket).collect()
}

/// `0100007F:1F90` → 127.0.0.1:8080. Each word of the address is as this machine's memory has it.
fn local_address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let words: Option<Vec<u8>> = (0..ip.len() / 8)
        .map(|at| u32::from_str_radix(ip.get(at * 8..at * 8 + 8)?, 16).ok())
        .map(|word| word.map(u32::to_ne_bytes))
        .collect::<Option<Vec<[u8; 4]>>>()
        .map(|words| words.concat());
    let words = words?;
    let ip = match words.len() {
        4 => IpAddr::from(Ipv4Addr::from(<[u8; 4]>::try_from(words).ok()?)),
        16 => IpAddr::from(Ipv6Addr::from(<[u8; 16]>::try_from(words).ok()?)),
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

/// The program's name, and its first argument when that is a plain word or file.
fn command_of(line: &[u8]) -> String {
    let words: Vec<String> = line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into()).collect();
    let program = words.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word));
    let program = if program.is_empty() { "?" } else { program };
    let is_plain = |word: &&String| {
        !word.is_empty()
            && !word.starts_with('-')
            && word.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c))
    };
    let first = words.get(1).filter(is_plain).map(|word| format!(" {}", clean(word, WORD_MAX))).unwrap_or_default();
    format!("{}{first}", clean(program, WORD_MAX))
}

/// Another process's words on this terminal: no controls, no end of the quotes, not more than `max` characters.
fn clean(text: &str, max: usize) -> String {
    text.chars().map(|c| if c.is_control() || c == '`' { '?' } else { c }).take(max).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:A2C4 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0
   2: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100 0 0 10 0
   3: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4714 1 0 100 0 0 10 0
   4: short
";

    // Only who listens is in the way, on this port, on this address or on all; the very address comes first.
    #[cfg(target_endian = "little")]
    #[test]
    fn listeners_are_found_by_their_address() {
        let at = |text: &str| sockets(TABLE, text.parse().unwrap());
        assert_eq!(at("127.0.0.1:8080"), ["socket:[4711]", "socket:[4713]"]);
        assert_eq!(at("127.0.0.2:8080"), ["socket:[4713]"]);
        assert_eq!(at("0.0.0.0:8081"), ["socket:[4714]"]);
        assert!(at("127.0.0.1:9000").is_empty());
        let six = local_address("00000000000000000000000001000000:0050").unwrap();
        assert_eq!(six, "[::1]:80".parse().unwrap());
        assert_eq!(
            local_address("0000000000000000FFFF00000100007F:0050").unwrap().ip().to_canonical(),
            Ipv4Addr::LOCALHOST
        );
        assert!(["", ":", "xyz:1", "0100007F:", "0100007:1F90"].iter().all(|text| local_address(text).is_none()));
    }

    // What is shown of a command says what it is, and none of its secrets.
    #[test]
    fn commands_are_shown_without_their_secrets() {
        assert_eq!(command_of(b"/usr/bin/probity\0serve\0--config\0/x.toml\0"), "probity serve");
        assert_eq!(command_of(b"psql\0postgres://me:secret@db/x\0"), "psql");
        assert_eq!(command_of(b"x\x1b[2J`y\0--token=abc\0"), "x?[2J?y");
        assert_eq!(command_of(b""), "?");
    }

    // A listener of this very process is found, by number and folder.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_listener_is_named() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let found = of(socket.local_addr().unwrap()).unwrap();
        assert_eq!(found.pid, std::process::id());
        assert_eq!(found.folder, std::env::current_dir().ok());
        let (port, _) = (socket.local_addr().unwrap(), drop(socket));
        assert_eq!(of(port), None);
    }
}
