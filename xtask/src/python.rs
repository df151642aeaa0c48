//! The Python that tests run servers with: a virtual environment in the target directory, with what
//! `tests/requirements.txt` pins.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::setup;
use crate::workspace::{self, Workspace};

/// Installs it where it is missing or pinned otherwise. Where that is not possible, says so: the tests that need it
/// fail.
pub(crate) fn install(workspace: &Workspace) -> Result<()> {
    let pins = workspace.root.join("tests/requirements.txt");
    let folder = workspace.target.join("python");
    // Copied last: a half-made environment is made again.
    let stamp = folder.join("requirements.txt");
    let wanted = fs::read(&pins).with_context(|| format!("read {}", pins.display()))?;
    if fs::read(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    println!("installing Python packages into {}", workspace::shown(&folder));
    if let Err(error) = make(&folder, &pins) {
        println!("tests need Python packages that are missing: {error:#}");
        return Ok(());
    }
    fs::write(&stamp, wanted).with_context(|| format!("write {}", stamp.display()))
}

fn make(folder: &Path, pins: &Path) -> Result<()> {
    let venv =
        || workspace::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder), "python3 -m venv");
    // Debian has it in a package of its own.
    if venv().is_err() && setup::can_install() {
        setup::install(&["python3-venv"])?;
        venv()?;
    }
    let mut pip = Command::new(folder.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(pins);
    workspace::run(&mut pip, "pip install")
}
