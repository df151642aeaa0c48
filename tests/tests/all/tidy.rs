//! The house is in order: what may depend on what, and what every file says of itself.

use std::fs;
use std::path::{Path, PathBuf};

/// The crates of the host, each depending only on those after it, with what each alone may name.
const CRATES: [(&str, &str, &[&str]); 6] = [
    ("probity", "host", &["clap", "anyhow", "probity-build"]),
    ("probity-server", "host/server", &["axum", "prometheus-client"]),
    ("probity-sandbox", "host/sandbox", &["wasmtime", "wasmtime-wasi", "wasmtime-wasi-http", "wasmparser"]),
    ("probity-drivers", "host/drivers", &["rusqlite", "tokio-postgres", "mysql_async", "hickory-proto"]),
    ("probity-config", "host/config", &["croner"]),
    ("probity-core", "host/core", &[]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The names of what a crate is built of.
fn dependencies(dir: &str) -> Vec<String> {
    let path = root().join(dir).join("Cargo.toml");
    let manifest: toml::Table = fs::read_to_string(&path).unwrap().parse().unwrap();
    let table = manifest["dependencies"].as_table().unwrap();
    table.keys().cloned().collect()
}

/// The sources of a crate of the host, without those of the crates in its folder.
fn sources(dir: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(dir).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty(), "{dir} has no sources");
    found
}

// Arrows go downward only: a crate of the host is built of crates below it.
#[test]
fn crates_depend_downward() {
    for (at, (name, dir, _)) in CRATES.iter().enumerate() {
        for dependency in dependencies(dir) {
            if let Some(other) = CRATES.iter().position(|(other, ..)| *other == dependency) {
                assert!(other > at, "{name} depends on {dependency}, which is above it");
            }
        }
    }
}

// One crate knows the runtime, one the HTTP server, one the databases, one the command line.
#[test]
fn each_has_a_library_of_its_own() {
    for (owner, _, owned) in CRATES {
        for (name, dir, _) in CRATES {
            let also: Vec<String> =
                dependencies(dir).into_iter().filter(|used| owned.contains(&used.as_str())).collect();
            assert!(name == owner || also.is_empty(), "{name} uses {also:?}, which only {owner} may");
        }
    }
}

// The pure crate reads no file, opens no socket, starts no thread and no task.
#[test]
fn the_core_is_pure() {
    for (path, text) in sources("host/core") {
        for word in ["std::fs", "std::net", "std::thread::spawn", "std::process", "tokio::", "std::env"] {
            assert!(!text.contains(word), "{} names {word}", path.display());
        }
    }
}

// Every file says what it is, and every crate has a map and its invariants.
#[test]
fn files_say_what_they_are() {
    for (_, dir, _) in CRATES {
        for (path, text) in sources(dir) {
            assert!(text.starts_with("//!"), "{} does not say what it is", path.display());
            if path.ends_with("src/lib.rs") {
                for part in ["# Codemap", "# Invariants"] {
                    assert!(text.contains(part), "{} has no {part}", path.display());
                }
            }
        }
    }
}

// Whichever command reaches a database or a service, its secrets stay out of the log: services are made in one place.
#[test]
fn secrets_stay_out_of_every_commands_log() {
    for dir in ["host", "host/server"] {
        for (path, text) in sources(dir) {
            let is_there = path.ends_with("src/plan.rs");
            assert!(is_there || !text.contains("Services::new("), "{} makes services of its own", path.display());
        }
    }
}
