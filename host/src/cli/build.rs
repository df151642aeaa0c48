//! `probity build`: from a check's folder to its component, in one command.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use probity_build::component::write_if_changed;
use probity_build::{Built, Project};
use probity_sandbox::capability;
use serde::Serialize;

use super::Output;
use super::progress::{self, Beside};
use super::terminal::{self, grouped, size};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  probity build                               the check in this folder, to target/components/NAME.wasm
  probity build checks/queue-depth --out /var/lib/probity/plugins/queue-depth.wasm
  probity build --output json | jq -r .digest

The folder tells the language. The first build takes a minute for some of them, later ones seconds; when nothing changed,
nothing is built. Everything generated is in target/. The component is replaced whole, and only when it changed: a host
that serves it reloads exactly then.")]
pub(super) struct Args {
    /// The check's folder
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Where to put a copy of the component
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Build even when nothing changed, as after a new toolchain
    #[arg(long)]
    fresh: bool,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = Output::Human)]
    output: Output,
}

/// A component that was built, for programs.
#[derive(Debug, Serialize)]
struct Component<'a> {
    name: &'a str,
    language: &'a str,
    file: &'a Path,
    size: u64,
    digest: &'a str,
    imports: &'a [String],
    /// The interpreter that it holds.
    runtime: Option<&'a str>,
    /// What a component cannot serve, with what to use instead.
    notes: &'a [String],
    changed: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let project = Project::open(&args.dir)?;
    let started = Instant::now();
    let mut built = made(&project, args.fresh)?;
    if let Some(out) = &args.out {
        let bytes = std::fs::read(&built.file).with_context(|| format!("read {}", built.file.display()))?;
        built.changed = write_if_changed(out, &bytes).with_context(|| format!("write {}", out.display()))?;
        built.file.clone_from(out);
    }
    tell_notes(&built);
    match args.output {
        Output::Human => {
            terminal::print(&describe(&built))?;
            let how = if built.compiled { project.language.as_str() } else { "nothing to build" };
            terminal::note(&format!("done in {:.1} s ({how})", started.elapsed().as_secs_f32()));
        }
        Output::Json => terminal::print_json(&Component {
            name: &project.name,
            language: project.language.word(),
            file: &built.file,
            size: built.size,
            digest: &built.digest,
            imports: &built.imports,
            runtime: built.runtime.as_deref(),
            notes: &built.notes,
            changed: built.changed,
        })?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What the author should know, on standard error.
pub(super) fn tell_notes(built: &Built) {
    for note in &built.notes {
        terminal::complain(&format!("note: {note}"));
    }
}

/// Builds, and says so to who waits.
pub(super) fn made(project: &Project, fresh: bool) -> anyhow::Result<Built> {
    let what = format!("building {} ({})", project.name, project.language.as_str());
    let _phase = progress::phase(&what, Beside::Tools);
    project.build(fresh).with_context(|| format!("build {}", project.name))
}

/// What came out, for a person.
pub(super) fn describe(built: &Built) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let file = built.file.strip_prefix(&here).unwrap_or(&built.file).display();
    let note = if built.changed { "" } else { ", unchanged" };
    let runtime = built.runtime.as_ref().map(|runtime| format!("  runs on  {runtime}\n")).unwrap_or_default();
    format!(
        "{file}\n  size     {} ({} bytes{note})\n  sha256   {}\n  may use  {}\n{runtime}",
        size(built.size),
        grouped(built.size),
        built.digest,
        uses(&built.imports)
    )
}

/// The imports in the operator's words.
fn uses(imports: &[String]) -> String {
    // Of WASI only what is a capability counts: the rest leads nowhere.
    let (wasi, own): (Vec<&String>, Vec<&String>) = imports
        .iter()
        .filter(|import| !import.starts_with("probity:check/types@"))
        .partition(|import| import.starts_with("wasi:") && capability(import).is_none());
    let mut words: Vec<String> = own
        .into_iter()
        .map(|import| match capability(import) {
            Some(capability) if capability.needs_grant() => format!("{} (needs a grant)", capability.as_str()),
            Some(capability) => capability.as_str().to_owned(),
            None => import.clone(),
        })
        .collect();
    if !wasi.is_empty() {
        words.push(format!("{} interfaces of WASI 0.2, with nothing behind them", wasi.len()));
    }
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    // An author reads what the operator will have to grant.
    #[test]
    fn imports_are_told_in_the_operators_words() {
        let imports =
            ["probity:check/types@0.1.0", "probity:check/http@0.1.0", "probity:check/log@0.1.0", "a:b/c@1.0.0"];
        assert_eq!(uses(&imports.map(str::to_owned)), "http (needs a grant), log, a:b/c@1.0.0");
        let imports = ["wasi:io/poll@0.2.9", "wasi:cli/exit@0.2.9", "wasi:http/outgoing-handler@0.2.9"];
        let said = uses(&imports.map(str::to_owned));
        assert_eq!(said, "http (needs a grant), 2 interfaces of WASI 0.2, with nothing behind them");
        assert_eq!(uses(&[]), "nothing");
    }
}
