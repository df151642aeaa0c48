//! `cargo xtask guests`: every first-party component, in one cargo invocation.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use probity_build::component;
use probity_build::rust::compile::{self, Job, Module};
use probity_build::rust::toolchain::Toolchain;

use crate::toolchain;
use crate::workspace::{Guest, Workspace, shown};

/// One component on disk.
#[derive(Clone, Debug)]
pub(crate) struct Component {
    /// Its name, without `.wasm`.
    pub(crate) name: String,
    /// The file.
    pub(crate) path: PathBuf,
}

/// Builds all guests and says what became of each.
pub(crate) fn run() -> Result<Vec<Component>> {
    let workspace = Workspace::load()?;
    let toolchain = toolchain::find(&workspace)?;
    build(&workspace, &toolchain, &workspace.guests, &workspace.components())
}

/// Builds `guests` in one cargo invocation (features are then united over them) and puts the components into `to`.
pub(crate) fn build(
    workspace: &Workspace,
    toolchain: &Toolchain,
    guests: &[Guest],
    to: &Path,
) -> Result<Vec<Component>> {
    let started = Instant::now();
    println!("compiling {} guests (the first time takes a minute or two)", guests.len());
    let packages: Vec<String> = guests.iter().map(|guest| guest.package.clone()).collect();
    // A directory of their own: the standard library and the guests' dependencies are then
    // built once, whatever profile or feature the host is built with.
    let target_dir = workspace.target.join("guests");
    let manifest = workspace.root.join("Cargo.toml");
    let job = Job { manifest: &manifest, packages: &packages, target_dir: Some(&target_dir), shared: None };
    let modules = compile::compile(toolchain, &job)?;
    let built: Result<Vec<_>> = guests.iter().map(|guest| componentize(guest, &modules, to)).collect();
    let built = built?;
    println!("{} components in {} ({:.1} s)", built.len(), shown(to), started.elapsed().as_secs_f32());
    Ok(built)
}

fn componentize(guest: &Guest, modules: &[Module], to: &Path) -> Result<Component> {
    let module = modules.iter().find(|module| module.manifest == guest.manifest);
    let module = module.with_context(|| format!("cargo made no module of {}", guest.package))?;
    let path = to.join(format!("{}.wasm", guest.name));
    let own = guest.manifest.parent().unwrap_or(&guest.manifest);
    let built =
        component::build(&module.wasm, own, &path).with_context(|| format!("make {} a component", guest.package))?;
    // A first-party check asks for our capabilities by name, never for an operating system.
    let wasi = built.imports.iter().find(|import| import.starts_with("wasi:"));
    ensure!(wasi.is_none(), "{} imports {}: a dependency pulled in WASI", guest.name, wasi.map_or("", |w| w));
    let note = if built.changed { "" } else { " (unchanged)" };
    let imports: Vec<&str> = built.imports.iter().map(|import| short(import)).collect();
    println!("  {:<16} {:>4} KB  {}{note}", guest.name, built.bytes.div_ceil(1000), imports.join(" "));
    Ok(Component { name: guest.name.clone(), path })
}

/// `probity:check/http@0.1.0` → `http`.
fn short(import: &str) -> &str {
    let name = import.strip_prefix("probity:check/").unwrap_or(import);
    name.split('@').next().unwrap_or(name)
}
