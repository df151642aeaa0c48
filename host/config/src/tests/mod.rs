//! Tests of reading configurations: what a file means, what is wrong with it, and that no secret gets out.

mod bad;
mod documents;
mod good;
mod names;
mod random;

use std::io;
use std::path::{Path, PathBuf};

use super::{Config, Errors, Source, parse};

/// What the placeholders of a test can find.
fn env(name: &str) -> Option<String> {
    match name {
        "PROBITY_TOKEN" => Some("token-of-the-environment".to_owned()),
        "PAYMENTS_URL" => Some("https://probity:pa%24sw0rd@payments.internal/api".to_owned()),
        "DATABASE_URL" => Some("postgres://app:hunter2-hunter2@db/orders".to_owned()),
        "NOT_A_URL" => Some("swordfish:swordfish".to_owned()),
        "NOT_A_TIME" => Some("fifteen-seconds".to_owned()),
        "MAX" => Some("77".to_owned()),
        "EMPTY" => Some(String::new()),
        "NESTED" => Some("${PROBITY_TOKEN}".to_owned()),
        _ => None,
    }
}

fn read_file(path: &Path) -> io::Result<String> {
    match path.to_str() {
        Some("/run/secrets/payments") => Ok("correct-horse\n".to_owned()),
        Some("conf/secret.txt") => Ok("battery-staple\r\n".to_owned()),
        Some("conf/empty.pem") => Ok("no certificate here, only swordfish\n".to_owned()),
        Some("conf/cert.pem") => Ok("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n".to_owned()),
        Some("conf/key.pem") => Ok("-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n".to_owned()),
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}

fn source(name: &str, text: &str) -> Source {
    Source { path: PathBuf::from(name), text: text.to_owned() }
}

/// Reads several files as one configuration in the directory `conf`.
fn read_all(files: &[(&str, &str)]) -> Result<Config, Errors> {
    let sources: Vec<Source> = files.iter().map(|(name, text)| source(name, text)).collect();
    parse(&sources, Path::new("conf"), &env, &read_file)
}

fn read(text: &str) -> Result<Config, Errors> {
    read_all(&[("probity.toml", text)])
}

#[track_caller]
fn good(text: &str) -> Config {
    read(text).unwrap_or_else(|errors| panic!("rejected:\n{errors}"))
}

#[track_caller]
fn bad(text: &str) -> Errors {
    read(text).expect_err("must be rejected")
}
