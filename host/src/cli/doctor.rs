//! `probity doctor`: whether this machine has what a host, or an author, needs here.
//!
//! Looks and changes nothing. What the folder's configuration or its check cannot do without is an error; the rest is told.

mod machine;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use probity_build::{Language, tools};
use probity_config::{Config, FILE_NAME};
use probity_core::check::Status;
use serde::Serialize;

use super::terminal::{self, Paint};
use super::{Output, components, listener};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  probity doctor                              for the host, or the check, of this folder
  probity doctor --config /etc/probity/probity.toml
  probity doctor --output json | jq '.[] | select(.level == \"bad\")'

Exits 1 when something is missing that the configuration or the check of this folder needs.")]
pub(super) struct Args {
    /// The host's configuration; without it `probity.toml` in the working directory, else the defaults
    #[arg(long, short, value_name = "FILE", env = "PROBITY_CONFIG")]
    config: Option<PathBuf>,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = Output::Human)]
    output: Output,
}

/// How a finding counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    /// As it should be.
    Ok,
    /// Good to know; nothing here needs it.
    Note,
    /// What is here does not work with it.
    Bad,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Finding {
    level: Level,
    /// `python`, `plugins`, `descriptors`.
    what: String,
    /// What was found, and what to do about it.
    said: String,
}

impl Finding {
    fn new(level: Level, what: impl Into<String>, said: impl Into<String>) -> Self {
        Self { level, what: what.into(), said: said.into() }
    }
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let here = std::env::current_dir().unwrap_or_default();
    let own = Language::detect(&here).ok();
    let mut findings: Vec<Finding> =
        Language::ALL.into_iter().map(|language| language_of(language, own, &here)).collect();
    let is_host = args.config.is_some() || Path::new(FILE_NAME).exists();
    match probity_config::load(args.config.as_deref()) {
        Ok(config) => {
            findings.extend(of_host(&config, is_host, own.is_some()));
            findings.extend(machine::look(&config));
        }
        Err(errors) => findings.push(Finding::new(Level::Bad, "configuration", errors.to_string())),
    }
    match args.output {
        Output::Human => terminal::print(&render(&findings, Paint::for_stdout()))?,
        Output::Json => terminal::print_json(&findings)?,
    }
    let is_bad = findings.iter().any(|finding| finding.level == Level::Bad);
    Ok(if is_bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The tools of a language: needed where the folder's check is written in it.
fn language_of(language: Language, own: Option<Language>, here: &Path) -> Finding {
    let missing = if own == Some(language) { Level::Bad } else { Level::Note };
    match tools(language, here) {
        Ok(said) => Finding::new(Level::Ok, language.word(), said),
        Err(error) => Finding::new(missing, language.word(), error.to_string()),
    }
}

/// What the configuration names. Without a file all of it is the defaults', and nothing has to be there.
fn of_host(config: &Config, is_host: bool, is_author: bool) -> Vec<Finding> {
    let missing = if is_host { Level::Bad } else { Level::Note };
    let files: Vec<String> = config.files.iter().map(|file| file.display().to_string()).collect();
    let files = if files.is_empty() { "none; the defaults hold".to_owned() } else { files.join(", ") };
    let mut findings = vec![Finding::new(Level::Ok, "configuration", files)];
    findings.extend(config.warnings.iter().map(|warning| Finding::new(Level::Note, "configuration", warning.clone())));
    findings.push(port(config.server.listen, missing));
    let dir = &config.plugins.dir;
    findings.push(match count(dir) {
        Ok(number) => Finding::new(Level::Ok, "plugins", format!("{}: {number} components", dir.display())),
        // What `probity build` makes.
        Err(_) if is_author && dir.ends_with("target/components") => {
            Finding::new(Level::Note, "plugins", format!("{} is made by `probity build`", dir.display()))
        }
        Err(error) => Finding::new(missing, "plugins", format!("{} (key `plugins.dir`): {error}", dir.display())),
    });
    let mut plugins: Vec<&str> = config.checks.values().map(|check| check.plugin.as_str()).collect();
    plugins.sort_unstable();
    plugins.dedup();
    for plugin in plugins.into_iter().filter(|plugin| !dir.join(format!("{plugin}.wasm")).is_file()) {
        let help = components::help(plugin, dir).map(|help| format!("; {help}")).unwrap_or_default();
        let level = if is_author && help.is_empty() { Level::Note } else { missing };
        findings.push(Finding::new(level, "plugin", format!("{plugin}.wasm is not in {}{help}", dir.display())));
    }
    findings.push(writable("state", &config.state.dir, missing));
    findings
}

fn count(dir: &Path) -> std::io::Result<usize> {
    let names = std::fs::read_dir(dir)?.flatten().map(|entry| entry.path());
    Ok(names.filter(|path| path.extension().is_some_and(|ending| ending == "wasm")).count())
}

/// Whether the address is free, or who has it. One that a host of ours has is as it should be.
fn port(listen: std::net::SocketAddr, missing: Level) -> Finding {
    let holder = listener::of(listen);
    match (std::net::TcpListener::bind(listen), holder) {
        (Ok(_), _) => Finding::new(Level::Ok, "address", format!("{listen} is free")),
        (Err(_), Some(holder)) if holder.command == "probity serve" => {
            Finding::new(Level::Ok, "address", format!("{listen}: {holder} listens"))
        }
        (Err(error), Some(holder)) if error.kind() == std::io::ErrorKind::AddrInUse => {
            Finding::new(missing, "address", format!("{listen} (key `server.listen`) is in use by {holder}"))
        }
        (Err(error), _) => Finding::new(missing, "address", format!("{listen} (key `server.listen`): {error}")),
    }
}

/// Whether a folder can be written, or made: nothing is written to find out.
fn writable(what: &str, dir: &Path, missing: Level) -> Finding {
    let whole = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let there = whole.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
    let shown = dir.display();
    match may_write(there) {
        Ok(()) if there == whole => Finding::new(Level::Ok, what, format!("{shown} can be written")),
        Ok(()) => Finding::new(Level::Ok, what, format!("{shown} will be made")),
        Err(error) => Finding::new(
            missing,
            what,
            format!("{shown} cannot be written by this user, because of {}: {error}", there.display()),
        ),
    }
}

#[cfg(unix)]
fn may_write(folder: &Path) -> std::io::Result<()> {
    use rustix::fs::{Access, access};
    if !folder.is_dir() {
        return Err(std::io::ErrorKind::NotADirectory.into());
    }
    Ok(access(folder, Access::WRITE_OK | Access::EXEC_OK)?)
}

#[cfg(not(unix))]
fn may_write(folder: &Path) -> std::io::Result<()> {
    let is_read_only = std::fs::metadata(folder)?.permissions().readonly();
    if is_read_only { Err(std::io::ErrorKind::PermissionDenied.into()) } else { Ok(()) }
}

fn render(findings: &[Finding], paint: Paint) -> String {
    let width = findings.iter().map(|finding| finding.what.len()).max().unwrap_or(0);
    let line = |finding: &Finding| {
        let (word, status) = match finding.level {
            Level::Ok => ("ok", Status::Healthy),
            Level::Note => ("note", Status::Degraded),
            Level::Bad => ("bad", Status::Unhealthy),
        };
        let said = probity_core::text::clean_lines(&finding.said, usize::MAX)
            .replace('\n', &format!("\n{:1$}", "", width + 8));
        format!("{}  {:<width$}  {said}\n", paint.word(status, &format!("{word:<4}")), finding.what)
    };
    findings.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // A folder's own language must have its tools; any other may lack them.
    #[test]
    fn only_what_is_needed_is_bad() {
        let dir = tempfile::tempdir().unwrap();
        for language in Language::ALL {
            let other = language_of(language, None, dir.path());
            assert_ne!(other.level, Level::Bad, "{other:?}");
            let own = language_of(language, Some(language), dir.path());
            assert_eq!(own.level == Level::Bad, other.level == Level::Note, "{own:?}");
        }
    }

    // A check whose component is missing is bad, with the way to it when it is one of ours.
    #[test]
    fn missing_plugins_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(FILE_NAME);
        std::fs::write(&file, "[server]\nlisten = \"127.0.0.1:0\"\n[[check]]\nname = \"a\"\nplugin = \"disk\"\n")
            .unwrap();
        let of = || of_host(&probity_config::load(Some(&file)).unwrap(), true, false);
        let bad = |findings: &[Finding], what: &str| {
            findings
                .iter()
                .filter(|one| one.what == what && one.level == Level::Bad)
                .map(|one| one.said.clone())
                .collect::<Vec<_>>()
        };
        let findings = of();
        assert_eq!((bad(&findings, "plugins").len(), bad(&findings, "state").len()), (1, 0), "{findings:?}");
        assert!(bad(&findings, "plugin")[0].contains("`disk` comes with Probity"), "{findings:?}");
        std::fs::create_dir(dir.path().join("plugins")).unwrap();
        std::fs::write(dir.path().join("plugins/disk.wasm"), "").unwrap();
        assert!(of().iter().all(|finding| finding.level != Level::Bad), "{:?}", of());
    }

    // An address that another process has is bad; a free one is not.
    #[test]
    fn a_taken_address_is_told() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let taken = port(address, Level::Bad);
        assert!(taken.level == Level::Bad && taken.said.contains("server.listen"), "{taken:?}");
        drop(socket);
        assert_eq!(port(address, Level::Bad).level, Level::Ok);
    }

    // A folder below a file cannot be made, and nothing is left of the look.
    #[test]
    fn a_folder_that_cannot_be_made_is_told() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("file"), "").unwrap();
        assert_eq!(writable("state", &dir.path().join("a/b"), Level::Bad).level, Level::Ok);
        assert_eq!(writable("state", &dir.path().join("file/b"), Level::Bad).level, Level::Bad);
        assert!(!dir.path().join("a").exists());
    }
}
