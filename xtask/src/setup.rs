//! `cargo xtask setup`: installs what building components needs.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use probity_build::rust::toolchain::{Choice, Facts, choose};

use crate::toolchain;
use crate::workspace::{self, Workspace};

/// Installs Debian's packages when they are the way, missing, and this is root;
/// else adds rustup's target when that is the way; does nothing when all is
/// there. Makes the environment of Python for the tests. Fails with the line that installs what is missing.
pub(crate) fn run() -> Result<()> {
    let workspace = Workspace::load()?;
    compiler(&workspace)?;
    crate::python::setup(&workspace)?;
    crate::languages::setup(&workspace)?;
    crate::services::setup(&workspace)?;
    toolchain::find(&workspace).map(drop)
}

/// The part of it that first-party components need.
pub(crate) fn toolchain() -> Result<()> {
    let workspace = Workspace::load()?;
    compiler(&workspace)?;
    toolchain::find(&workspace).map(drop)
}

/// Installs what building components in Rust needs, if it is missing and can be installed.
pub(crate) fn compiler(workspace: &Workspace) -> Result<()> {
    let facts = Facts::gather(&workspace.root);
    let usable = matches!(choose(&facts), Ok(Choice::Active | Choice::AddTarget | Choice::Debian { .. }));
    if !usable && can_install() {
        install(&facts.missing_packages())?;
    }
    Ok(())
}

/// Installs Debian's packages.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    println!("installing {}", packages.join(", "));
    workspace::run(Command::new("apt-get").arg("update"), "apt-get update")?;
    let mut command = Command::new("apt-get");
    command.args(["install", "-y", "--no-install-recommends"]).args(packages).env("DEBIAN_FRONTEND", "noninteractive");
    workspace::run(&mut command, "apt-get install")
}

/// Whether Debian's packages can be installed by this process.
pub(crate) fn can_install() -> bool {
    Path::new("/usr/bin/apt-get").exists() && is_root()
}

pub(crate) fn is_root() -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        // The owner of a process's own entry is its effective user.
        std::fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
    }
    #[cfg(not(unix))]
    {
        false
    }
}
