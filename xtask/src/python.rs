//! Checks in Python: their environment, their components, and the tests of the kit.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::venv;
use crate::workspace::{self, Workspace};

/// Folders of checks whose components tests need.
const CHECKS: [&str; 3] =
    ["examples/flask/checks/orders", "examples/fastapi/checks/pulse", "examples/django/checks/checkout"];

/// The environment in `target/venv`, with servers and frameworks for the tests and componentize-py.
pub(crate) fn setup(workspace: &Workspace) -> Result<PathBuf> {
    venv::make(&workspace.target.join("venv"), &[workspace.root.join("tests/requirements.txt")])
}

/// Builds the checks with `probity build`, each to `target/components/NAME.wasm`; those that did not change cost nothing.
pub(crate) fn build(workspace: &Workspace, host: &Path) -> Result<()> {
    setup(workspace)?;
    for folder in CHECKS {
        let name = folder.rsplit('/').next().unwrap_or(folder);
        let mut build = Command::new(host);
        build.arg("build").arg(workspace.root.join(folder));
        build.arg("--out").arg(workspace.components().join(name).with_extension("wasm"));
        build.env("VIRTUAL_ENV", workspace.target.join("venv"));
        workspace::run(&mut build, "probity build")?;
    }
    Ok(())
}

/// The kit's own tests, and those of the checks.
pub(crate) fn test(workspace: &Workspace) -> Result<()> {
    let python = setup(workspace)?.join("python");
    for folder in ["sdk/python"].iter().chain(&CHECKS) {
        println!("testing {folder}");
        let mut pytest = Command::new(&python);
        pytest.args(["-m", "pytest", "-q", "-p", "no:cacheprovider"]).current_dir(workspace.root.join(folder));
        pytest.env("PYTHONPATH", workspace.root.join("sdk/python/src")).env("PYTHONDONTWRITEBYTECODE", "1");
        workspace::run(&mut pytest, "pytest")?;
    }
    Ok(())
}
