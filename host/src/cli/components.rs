//! The first-party checks: which there are, and where their components may be on this machine.

use std::path::{Path, PathBuf};

/// Names the folder of components when it is in none of the usual places.
const VARIABLE: &str = "PROBITY_COMPONENTS";

/// A first-party check.
#[derive(Clone, Copy, Debug)]
pub(super) struct FirstParty {
    /// Of the plugin, and so of its file.
    pub(super) name: &'static str,
    /// What it asks.
    pub(super) asks: &'static str,
    /// Its page in `docs/checks`.
    pub(super) page: &'static str,
}

macro_rules! first_party {
    ($($name:literal: $asks:literal),* $(,)?) => {
        /// All of them, as the README has them.
        pub(super) const ALL: &[FirstParty] = &[$(FirstParty {
            name: $name,
            asks: $asks,
            page: include_str!(concat!("../../../docs/checks/", $name, ".md")),
        }),*];
    };
}

first_party! {
    "http": "does this URL answer as it should, in time, with a certificate that lasts?",
    "json-api": "does a whole scenario work: log in, act, verify, clean up?",
    "prometheus": "what do a service's own metrics say, and how fast do they grow?",
    "grpc-health": "does this gRPC server, or one of its services, say that it serves?",
    "tcp": "does this port accept, and say what it should?",
    "banner": "does this SMTP, IMAP, POP3, SSH or FTP server greet as it should?",
    "tls-certificate": "when does this certificate expire, and is it trusted?",
    "dns": "does this name lead where it should, and how fast?",
    "ntp": "is the clock of this machine right, as NTP servers see it?",
    "sql": "does this database answer, is a value right, are migrations applied?",
    "redis": "does this server answer, with memory left, and what do its keys say?",
    "queue-depth": "does work pile up, in RabbitMQ, NATS JetStream or Redis?",
    "heartbeat": "did this job report in time, and was all well?",
    "composite": "are enough of these checks healthy?",
    "domain-expiry": "how long does the registration of this domain last?",
    "disk": "is there room, in bytes and inodes, on these file systems?",
    "file-age": "is this file there, new enough, and of the right size?",
    "memory": "is there memory left, here or in this container?",
    "load": "do the processors keep up?",
    "cpu": "are the processors busy, waiting, stolen or throttled?",
    "pressure": "how long does work wait for processor, memory and I/O?",
    "process": "do these processes run, and do they grow, restart, or run out of files?",
}

/// The first-party check of that name.
pub(super) fn named(name: &str) -> Option<&'static FirstParty> {
    ALL.iter().find(|check| check.name == name)
}

/// The component of the first-party check `name`, where it is on this machine.
pub(super) fn find(name: &str) -> Option<PathBuf> {
    named(name)?;
    places().into_iter().map(|place| place.join(format!("{name}.wasm"))).find(|file| file.is_file())
}

/// Where components are looked for: the folder that is named, what was installed with this program, what was built with it.
fn places() -> Vec<PathBuf> {
    let named = std::env::var_os(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
    let program = std::env::current_exe().and_then(std::fs::canonicalize).ok();
    let beside = program.as_deref().and_then(Path::parent).and_then(Path::parent);
    let installed = beside.map(|prefix| prefix.join("share/probity/components"));
    let built = beside.map(|target| target.join("components"));
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/components");
    named.into_iter().chain(installed).chain(built).chain([repository]).collect()
}

/// What to do about a plugin that is not there, when it is one of ours: a line of help.
pub(super) fn help(name: &str, plugins: &Path) -> Option<String> {
    named(name)?;
    let to = plugins.display();
    Some(match find(name) {
        Some(file) => format!("`{name}` comes with Probity: cp {} {to}/", file.display()),
        None => format!("`{name}` comes with Probity: {}, then copy {name}.wasm to {to}/", where_from()),
    })
}

/// Where components come from when they are not here.
pub(super) fn where_from() -> String {
    format!(
        "in its repository `cargo xtask guests` builds the components to target/components, and `cargo xtask install` puts \
         them beside the program ({VARIABLE} names another folder)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    // Every first-party check is known here, with the question that the README says.
    #[test]
    fn every_plugin_is_known() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins");
        let folders = std::fs::read_dir(folder).unwrap().flatten().filter(|entry| entry.path().is_dir());
        let mut there: Vec<String> = folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        let mut known: Vec<&str> = ALL.iter().map(|check| check.name).collect();
        there.sort();
        known.sort_unstable();
        assert_eq!(known, there);
    }

    // Who misses one of ours reads where it comes from; of another's nothing is known.
    #[test]
    fn a_missing_component_is_told_with_its_place() {
        let said = help("disk", Path::new("plugins")).unwrap();
        assert!(said.contains("disk.wasm") && said.contains("plugins/"), "{said}");
        assert_eq!(help("orders-backlog", Path::new("plugins")), None);
    }
}
