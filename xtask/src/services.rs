//! The services of `examples/` that are not in Python: what they run on, and their checks.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace::{self, Workspace, shown};
use crate::{languages, python};

const NODE: &str = "examples/express";
const GO: &str = "examples/go";

/// Folders of checks whose components tests need.
const CHECKS: [&str; 4] = [
    "examples/express/checks/event-loop",
    "examples/express/checks/order-flow",
    "examples/go/checks/capacity",
    "examples/go/checks/fulfilment",
];

/// Installs what npm has; the kit that it links has to be installed before.
pub(crate) fn setup(workspace: &Workspace) -> Result<()> {
    let folders = std::iter::once(NODE).chain(CHECKS).map(|folder| workspace.root.join(folder));
    for folder in folders.filter(|folder| folder.join("package.json").is_file()) {
        languages::npm_install(&folder)?;
    }
    Ok(())
}

/// Builds the service in Go to `target/services/shop`, and each check with `probity build` to
/// `target/components/NAME.wasm`.
pub(crate) fn build(workspace: &Workspace, host: &Path) -> Result<()> {
    setup(workspace)?;
    let folder = workspace.root.join(GO);
    println!("building {}", shown(&folder));
    let out = workspace.target.join("services");
    std::fs::create_dir_all(&out).with_context(|| format!("make {}", shown(&out)))?;
    let mut go = Command::new(python::setup(workspace)?.join("go"));
    // Its own choice of a toolchain would be one that it fetches.
    go.args(["build", "-trimpath", "-o"])
        .arg(out.join("shop"))
        .arg(".")
        .current_dir(folder)
        .env("GOTOOLCHAIN", "local");
    workspace::run(&mut go, "go build")?;
    for folder in CHECKS {
        let name = folder.rsplit('/').next().unwrap_or(folder);
        let out = workspace.components().join(name).with_extension("wasm");
        languages::probity_build(workspace, host, &workspace.root.join(folder), &out)?;
    }
    Ok(())
}

/// The cases of the checks.
pub(crate) fn test(workspace: &Workspace, host: &Path) -> Result<()> {
    for folder in CHECKS {
        println!("testing {folder}");
        let mut test = Command::new(host);
        test.arg("test").arg(workspace.root.join(folder));
        languages::tools(workspace, &mut test)?;
        workspace::run(&mut test, "probity test")?;
    }
    Ok(())
}
