//! `cargo xtask setup`: installs what building components needs.

use std::process::Command;

use anyhow::Result;
use probity_build::toolchain::{Choice, Facts, choose};

use crate::toolchain;
use crate::workspace::{self, Workspace};

/// Installs Debian's packages when they are the way and missing; else adds
/// rustup's target when that is the way; does nothing when all is there.
pub(crate) fn run() -> Result<()> {
    let workspace = Workspace::load()?;
    let facts = Facts::gather(&workspace.root);
    let usable = matches!(choose(&facts), Ok(Choice::Active | Choice::AddTarget | Choice::Debian { .. }));
    if !usable && facts.apt {
        install(&facts.missing_packages())?;
    }
    toolchain::find(&workspace).map(drop)
}

fn install(packages: &[&str]) -> Result<()> {
    println!("installing {} (needs root)", packages.join(", "));
    workspace::run(Command::new("apt-get").arg("update"), "apt-get update")?;
    let mut command = Command::new("apt-get");
    command.args(["install", "-y", "--no-install-recommends"]).args(packages).env("DEBIAN_FRONTEND", "noninteractive");
    workspace::run(&mut command, "apt-get install")
}
