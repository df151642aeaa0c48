//! `cargo xtask install`: `probity` onto the `PATH`, and the first-party components where it finds them.
//!
//! Below a prefix, as programs are anywhere: `bin/probity`, `share/probity/components/*.wasm`, manual pages, completions.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use probity_build::component::write_if_changed;

use crate::workspace::{self, Workspace, cargo};
use crate::{guests, setup};

/// Builds what is not built and installs it below `prefix`.
pub(crate) fn run(prefix: Option<PathBuf>) -> Result<()> {
    let prefix = match prefix {
        Some(prefix) => std::path::absolute(&prefix).with_context(|| format!("find {}", prefix.display()))?,
        None => default_prefix()?,
    };
    let workspace = Workspace::load()?;
    setup::toolchain()?;
    let components = guests::run()?;
    println!("building the host (the first time takes some minutes)");
    let mut build = Command::new(cargo());
    build.args(["build", "--release", "--locked", "--package", "probity"]).current_dir(&workspace.root);
    workspace::run(&mut build, "cargo build --release --package probity")?;
    let name = format!("probity{}", std::env::consts::EXE_SUFFIX);
    let program = prefix.join("bin").join(&name);
    put(&workspace.target.join("release").join(&name), &program)?;
    make_executable(&program)?;
    for component in &components {
        let file = format!("{}.wasm", component.name);
        put(&component.path, &prefix.join("share/probity/components").join(file))?;
    }
    let man = prefix.join("share/man/man1");
    workspace::run(Command::new(&program).args(["--quiet", "man"]).arg(&man), "probity man")?;
    complete(&program, &prefix.join("share/bash-completion/completions/probity"))?;
    println!(
        "\ninstalled {}\n  components  {}\n  manual      {}",
        program.display(),
        prefix.join("share/probity/components").display(),
        man.display()
    );
    if let Some(line) = path_line(&prefix.join("bin"), std::env::var_os("PATH").as_deref()) {
        println!("  {} is not on the PATH yet: {line}", prefix.join("bin").display());
    }
    println!("\nnext: probity doctor, then probity init or probity new");
    Ok(())
}

/// `/usr/local` for root, `~/.local` for everybody else.
fn default_prefix() -> Result<PathBuf> {
    if setup::is_root() {
        return Ok(PathBuf::from("/usr/local"));
    }
    let home = std::env::home_dir().context("there is no home directory: say where with --prefix")?;
    Ok(home.join(".local"))
}

/// Replaces a file whole: a running program goes on with its own.
fn put(from: &Path, to: &Path) -> Result<()> {
    let bytes = fs::read(from).with_context(|| format!("read {}", from.display()))?;
    write_if_changed(to, &bytes).map(drop).with_context(|| format!("write {}", to.display()))
}

#[cfg(unix)]
fn make_executable(program: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(program, executable).with_context(|| format!("make {} executable", program.display()))
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> Result<()> {
    Ok(())
}

fn complete(program: &Path, to: &Path) -> Result<()> {
    let output = Command::new(program).args(["completions", "bash"]).output().context("run probity completions")?;
    ensure!(output.status.success(), "probity completions failed ({})", output.status);
    write_if_changed(to, &output.stdout).map(drop).with_context(|| format!("write {}", to.display()))
}

/// The line that puts `bin` on the path, when it is not.
fn path_line(bin: &Path, path: Option<&OsStr>) -> Option<String> {
    let is_there = path.is_some_and(|path| std::env::split_paths(path).any(|folder| folder == bin));
    (!is_there).then(|| format!("export PATH=\"{}:$PATH\"", bin.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Who cannot call it afterwards reads the line that changes that.
    #[test]
    fn a_missing_path_is_told() {
        let bin = Path::new("/home/me/.local/bin");
        assert_eq!(path_line(bin, Some("/usr/bin:/home/me/.local/bin".as_ref())), None);
        let line = path_line(bin, Some("/usr/bin".as_ref())).unwrap();
        assert_eq!(line, "export PATH=\"/home/me/.local/bin:$PATH\"");
        assert_eq!(path_line(bin, None), Some(line));
    }
}
