//! `probity init`: the folder of a host, with first-party checks to begin with.
//!
//! What a check is configured with is what its page in `docs/checks` shows first; the addresses in it are the operator's to
//! change.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use probity_config::FILE_NAME;

use super::components::{self, FirstParty};
use super::terminal;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  probity init --with disk,memory,http        here: probity.toml, and plugins/ with what is found of the components
  probity init /etc/probity --with all --listen 127.0.0.1:8090
  probity init                                shows the checks and asks which

Nothing is written over. Then change the addresses in probity.toml to yours: probity validate, probity serve.")]
pub(super) struct Args {
    /// The host's folder; made when it is not there
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// First-party checks, or `all`
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    with: Vec<String>,
    /// Where the host will listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let checks = if args.with.is_empty() { ask()? } else { chosen(&args.with)? };
    let file = args.dir.join(FILE_NAME);
    let plugins = args.dir.join("plugins");
    std::fs::create_dir_all(&plugins).with_context(|| format!("make {}", plugins.display()))?;
    let text = configuration(&checks, args.listen);
    let mut new = match std::fs::File::create_new(&file) {
        Ok(new) => new,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            bail!("{} is there already, and nothing is written over; give another folder", file.display())
        }
        Err(error) => return Err(error).with_context(|| format!("write {}", file.display())),
    };
    new.write_all(text.as_bytes()).with_context(|| format!("write {}", file.display()))?;
    terminal::print(&format!("made {}\n", file.display()))?;
    let missing = copy(&needed(&text), &plugins)?;
    let mut next = String::from("next:\n");
    if args.dir != Path::new(".") {
        let _ = writeln!(next, "  cd {}", args.dir.display());
    }
    if !missing.is_empty() {
        let names = missing.iter().map(|name| format!("{name}.wasm")).collect::<Vec<_>>().join(", ");
        let _ = writeln!(next, "  put into plugins/: {names} ({})", components::where_from());
    }
    for variable in variables(&text) {
        let _ = writeln!(next, "  set {variable}, which is \"{UNSET}\" until then");
    }
    next += "  change the addresses and thresholds in probity.toml to yours\n  probity validate\n  probity serve\n";
    terminal::print(&next)?;
    Ok(ExitCode::SUCCESS)
}

/// The checks of these names.
fn chosen(names: &[String]) -> anyhow::Result<Vec<&'static FirstParty>> {
    let mut checks: Vec<&FirstParty> = Vec::new();
    for name in names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
        if name == "all" {
            return Ok(components::ALL.iter().collect());
        }
        let Some(check) = components::named(name) else {
            let known = components::ALL.iter().map(|check| check.name);
            let known: Vec<&str> = known.collect();
            bail!("no first-party check is called `{name}`; there are {}", known.join(", "));
        };
        if !checks.iter().any(|one| one.name == check.name) {
            checks.push(check);
        }
    }
    if checks.is_empty() {
        bail!("no check was chosen; name some: --with disk,memory,http");
    }
    Ok(checks)
}

/// Shows all, and takes numbers or names from a terminal.
fn ask() -> anyhow::Result<Vec<&'static FirstParty>> {
    let list = components::ALL.iter().enumerate();
    let list: String = list.map(|(at, check)| format!("{:>4}  {:<16} {}\n", at + 1, check.name, check.asks)).collect();
    if !std::io::stdin().is_terminal() {
        bail!("name the checks: --with disk,memory,http, or --with all; there are\n{list}");
    }
    terminal::print(&format!("{list}Which? (numbers or names, separated by commas or spaces) "))?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("read the answer")?;
    let words = line.split([',', ' ', '\n', '\r']).filter(|word| !word.is_empty());
    chosen(&words.map(|word| by_number(word).unwrap_or(word).to_owned()).collect::<Vec<_>>())
}

fn by_number(word: &str) -> Option<&'static str> {
    let number: usize = word.parse().ok()?;
    Some(components::ALL.get(number.checked_sub(1)?)?.name)
}

/// What a placeholder without a value stands for, so that the file is valid before all of them are set.
const UNSET: &str = "change-me";

/// The whole `probity.toml`.
fn configuration(checks: &[&FirstParty], listen: SocketAddr) -> String {
    let mut text = format!(
        "# Made by `probity init`. Every key is told by `probity schema --markdown`, every check by its page in docs/checks.\n\n\
         [server]\nlisten = \"{listen}\"\n"
    );
    if listen.ip().is_loopback() {
        text += "details = \"always\"                  # messages and data for everyone: this is loopback\n";
    }
    text += "\n[plugins]\ndir = \"plugins\"\n";
    for check in checks {
        let _ = write!(text, "\n# {}: {}\n{}", check.name, check.asks, example(check.page));
    }
    text
}

/// The first configuration on a check's page. Secrets are not there yet, so that each gets a stand-in; a token has none: its
/// line goes, and only those of `server.auth.tokens` count.
fn example(page: &str) -> String {
    let block = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap_or_default();
    let lines = block.lines().filter(|line| !(line.starts_with("token = ") && line.contains("${")));
    lines.map(|line| format!("{}\n", stand_in(line))).collect()
}

/// `${NAME}` → `${NAME:-change-me}`.
fn stand_in(line: &str) -> String {
    let Some((head, rest)) = line.split_once("${") else { return line.to_owned() };
    match rest.split_once('}') {
        Some((name, tail)) if !name.contains(':') => format!("{head}${{{name}:-{UNSET}}}{}", stand_in(tail)),
        _ => line.to_owned(),
    }
}

/// The variables that have a stand-in.
fn variables(text: &str) -> BTreeSet<&str> {
    let end = format!(":-{UNSET}}}");
    text.match_indices(&end).filter_map(|(at, _)| text[..at].rsplit_once("${").map(|(_, name)| name)).collect()
}

/// The plugins that the checks of a configuration run.
fn needed(text: &str) -> BTreeSet<&str> {
    text.lines().filter_map(|line| line.strip_prefix("plugin = \"")?.split('"').next()).collect()
}

/// Copies the components that are on this machine; the others.
fn copy<'a>(names: &BTreeSet<&'a str>, plugins: &Path) -> anyhow::Result<Vec<&'a str>> {
    let mut missing = Vec::new();
    for name in names {
        let to = plugins.join(format!("{name}.wasm"));
        match components::find(name) {
            Some(_) if to.exists() => terminal::print(&format!("kept {}, which was there\n", to.display()))?,
            Some(from) => {
                let bytes = std::fs::read(&from).with_context(|| format!("read {}", from.display()))?;
                probity_build::component::write_if_changed(&to, &bytes)
                    .with_context(|| format!("write {}", to.display()))?;
                terminal::print(&format!("made {} of {}\n", to.display(), from.display()))?;
            }
            None if to.exists() => {}
            None => missing.push(*name),
        }
    }
    Ok(missing)
}

#[cfg(test)]
mod tests {
    use probity_config::Source;

    use super::*;

    fn parsed(checks: &[&FirstParty], listen: &str) -> probity_config::Config {
        let text = configuration(checks, listen.parse().unwrap());
        let source = Source { path: FILE_NAME.into(), text: text.clone() };
        let none = |_: &Path| Err(std::io::ErrorKind::NotFound.into());
        probity_config::parse(&[source], Path::new(""), &|_| None, &none)
            .unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    // Whatever is chosen is a configuration that is accepted, without anything in the environment: each alone, and all.
    #[test]
    fn every_choice_is_a_configuration() {
        for check in components::ALL {
            let config = parsed(&[check], "127.0.0.1:8080");
            assert!(config.checks.values().any(|one| one.plugin == check.name), "{}", check.name);
        }
        let all = parsed(&components::ALL.iter().collect::<Vec<_>>(), "0.0.0.0:8090");
        assert!(all.checks.len() >= components::ALL.len());
        assert_eq!((all.server.listen.port(), all.server.details), (8090, probity_config::Details::Authorized));
    }

    // What is not there is told with what is; `all` is all; none twice.
    #[test]
    fn checks_are_chosen_by_name() {
        let chosen = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            super::chosen(&names).map(|checks| checks.iter().map(|check| check.name).collect::<Vec<_>>())
        };
        assert_eq!(chosen(&["disk", " http", "disk"]).unwrap(), ["disk", "http"]);
        assert_eq!(chosen(&["all"]).unwrap().len(), components::ALL.len());
        assert!(chosen(&["disc"]).unwrap_err().to_string().contains("disk, "));
        assert!(chosen(&[""]).is_err());
        assert_eq!(
            (by_number("1"), by_number("0"), by_number("999"), by_number("x")),
            (Some("http"), None, None, None)
        );
    }

    // A secret that is not set is named to the operator, and a token is never one that everybody knows.
    #[test]
    fn secrets_have_stand_ins_and_tokens_have_none() {
        let page = "```toml\nurl = \"a://x:${P_A}@h/${P_B}\"\ntoken = \"${P_C}\"\n```\n";
        assert_eq!(example(page), "url = \"a://x:${P_A:-change-me}@h/${P_B:-change-me}\"\n");
        assert_eq!(variables(&example(page)), BTreeSet::from(["P_A", "P_B"]));
    }
}
