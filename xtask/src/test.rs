//! `cargo xtask test`: everything, in the order that makes it work, installing what it needs first.

use std::process::Command;

use anyhow::Result;

use crate::workspace::{self, Workspace, cargo};
use crate::{guests, languages, python, services, setup};

/// Builds the guests and the host, then runs the tests of every member.
///
/// `args` go to `cargo test`.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let workspace = Workspace::load()?;
    setup::run()?;
    #[cfg(unix)]
    crate::servers::install()?;
    guests::run()?;
    println!("building the host");
    workspace::run(
        // The whole workspace's features, as below: else its dependencies are built twice.
        Command::new(cargo()).args(["build", "--workspace", "--bin", "probity"]).current_dir(&workspace.root),
        "cargo build",
    )?;
    let host = workspace.target.join("debug/probity");
    python::build(&workspace, &host)?;
    languages::build(&workspace, &host)?;
    services::build(&workspace, &host)?;
    python::test(&workspace)?;
    languages::test(&workspace)?;
    services::test(&workspace, &host)?;
    println!("testing");
    let mut test = Command::new(cargo());
    // `--workspace` is the default members and the guests' native tests.
    test.args(["test", "--workspace", "--no-fail-fast"]).args(args).current_dir(&workspace.root);
    workspace::run(&mut test, "cargo test")?;
    #[cfg(unix)]
    if args.is_empty() {
        println!("following the quickstarts");
        crate::quickstarts::check(&workspace, &host)?;
    }
    Ok(())
}
