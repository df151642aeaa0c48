//! The toolchain for guests, with a word about it.

use anyhow::Result;
use probity_build::rust::toolchain::Toolchain;

use crate::workspace::Workspace;

/// Finds the toolchain that builds components here.
///
/// Fails with one line that names what is missing and the command that installs it.
pub(crate) fn find(workspace: &Workspace) -> Result<Toolchain> {
    let toolchain = Toolchain::find(&workspace.root)?;
    println!("toolchain: {}", toolchain.summary());
    Ok(toolchain)
}
