//! `probity build`: from a check's folder to its component, in one command.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, bail};
use probity_build::compile::{self, Job, Module};
use probity_build::component;
use probity_build::toolchain::Toolchain;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Output;
use super::terminal::{self, grouped, size};
use crate::sandbox::{capability, hex};

/// Folders above a module in cargo's target directory: profile and target triple.
const MODULE_DEPTH: usize = 3;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  probity build                               the check in this folder, to target/components/NAME.wasm
  probity build checks/queue-depth --out /var/lib/probity/plugins/queue-depth.wasm
  CARGO_NET_OFFLINE=true probity build        without a network

The first build takes a minute where the standard library has to be compiled, later ones seconds.
The component is replaced whole, and only when it changed: a host that serves it reloads exactly then.")]
pub(super) struct Args {
    /// The check's folder
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Where to write the component
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = Output::Human)]
    output: Output,
}

/// A component that was built.
#[derive(Debug, Serialize)]
struct Component {
    name: String,
    file: PathBuf,
    size: u64,
    digest: String,
    imports: Vec<String>,
    changed: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let manifest = rust_manifest(&args.dir)?;
    let toolchain = Toolchain::find(&args.dir)?;
    terminal::complain(&format!("building with the {}", toolchain.summary()));
    let started = Instant::now();
    let job = Job { manifest: &manifest, packages: &[], target_dir: None };
    let modules = compile::compile(&toolchain, &job)?;
    if modules.len() > 1 && args.out.is_some() {
        bail!("{} holds {} checks; --out is for one", args.dir.display(), modules.len());
    }
    let components: Vec<Component> =
        modules.iter().map(|module| componentize(module, args.out.as_deref())).collect::<anyhow::Result<_>>()?;
    match args.output {
        Output::Human => tell(&components, started)?,
        Output::Json => terminal::print_json(&components)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The `Cargo.toml` of `dir`. Other languages are recognised, to say so.
fn rust_manifest(dir: &Path) -> anyhow::Result<PathBuf> {
    let manifest = dir.join("Cargo.toml");
    if manifest.is_file() {
        return Ok(manifest);
    }
    let others = [("package.json", "JavaScript"), ("pyproject.toml", "Python"), ("go.mod", "Go")];
    match others.iter().find(|(file, _)| dir.join(file).is_file()) {
        Some((file, language)) => bail!(
            "{} has {file}: `probity build` of this version builds Rust; make the component with the tools of {language} \
             and check it with `probity inspect`",
            dir.display()
        ),
        None => bail!("no Cargo.toml in {}; start a check with `probity new NAME`", dir.display()),
    }
}

fn componentize(module: &Module, out: Option<&Path>) -> anyhow::Result<Component> {
    let name = package_name(&module.manifest)?;
    let file = match out {
        Some(out) => out.to_owned(),
        None => {
            let target = module.wasm.ancestors().nth(MODULE_DEPTH).context("cargo's target directory has a path")?;
            target.join("components").join(format!("{name}.wasm"))
        }
    };
    let built = component::build(&module.wasm, &file).with_context(|| format!("make {name} a component"))?;
    let bytes = std::fs::read(&file).with_context(|| format!("read {}", file.display()))?;
    let (size, digest) = (bytes.len() as u64, hex(&Sha256::digest(&bytes)));
    Ok(Component { name, file, size, digest, imports: built.imports, changed: built.changed })
}

fn package_name(manifest: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(manifest).with_context(|| format!("read {}", manifest.display()))?;
    let table: toml::Table = text.parse().with_context(|| format!("read {}", manifest.display()))?;
    let name = table.get("package").and_then(|package| package.get("name")).and_then(toml::Value::as_str);
    name.map(str::to_owned).with_context(|| format!("{} names no package", manifest.display()))
}

fn tell(components: &[Component], started: Instant) -> anyhow::Result<()> {
    let here = std::env::current_dir().unwrap_or_default();
    for component in components {
        let file = component.file.strip_prefix(&here).unwrap_or(&component.file).display();
        let note = if component.changed { "" } else { ", unchanged" };
        terminal::print(&format!(
            "{file}\n  size     {} ({} bytes{note})\n  sha256   {}\n  may use  {}\n",
            size(component.size),
            grouped(component.size),
            component.digest,
            uses(&component.imports)
        ))?;
    }
    terminal::complain(&format!("done in {:.1} s", started.elapsed().as_secs_f32()));
    Ok(())
}

/// The imports in the operator's words.
fn uses(imports: &[String]) -> String {
    let words: Vec<String> = imports
        .iter()
        .filter(|import| !import.starts_with("probity:check/types@"))
        .map(|import| match capability(import) {
            Some(capability) if capability.needs_grant() => format!("{} (needs a grant)", capability.as_str()),
            Some(capability) => capability.as_str().to_owned(),
            None => import.clone(),
        })
        .collect();
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
        assert_eq!(uses(&[]), "nothing");
    }
}
