//! `cargo xtask test`: everything, in the order that makes it work, installing what it needs first.

use std::process::Command;
use std::time::Instant;

use anyhow::Result;

use crate::workspace::{self, Workspace, cargo};
use crate::{guests, languages, python, services, setup};

/// Builds the guests and the host, then runs the tests of every member.
///
/// `args` go to `cargo test`.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let start = Instant::now();
    let phase = |name: &str| println!("\n-- {name} (at {} s)", start.elapsed().as_secs());
    let workspace = Workspace::load()?;
    phase("tools and servers");
    setup::run()?;
    #[cfg(unix)]
    crate::servers::install()?;
    phase("first-party components");
    guests::run()?;
    phase("the host");
    workspace::run(
        // The whole workspace's features, as below: else its dependencies are built twice.
        Command::new(cargo()).args(["build", "--workspace", "--bin", "probity"]).current_dir(&workspace.root),
        "cargo build",
    )?;
    let host = workspace.target.join("debug/probity");
    phase("components in every language");
    python::build(&workspace, &host)?;
    languages::build(&workspace, &host)?;
    services::build(&workspace, &host)?;
    phase("tests of the kits and examples");
    python::test(&workspace)?;
    languages::test(&workspace)?;
    services::test(&workspace, &host)?;
    phase("tests of the workspace");
    let mut test = Command::new(cargo());
    // `--workspace` is the default members and the guests' native tests.
    test.args(["test", "--workspace", "--no-fail-fast"]).args(args).current_dir(&workspace.root);
    workspace::run(&mut test, "cargo test")?;
    #[cfg(unix)]
    if args.is_empty() {
        phase("the quickstarts, followed");
        crate::quickstarts::check(&workspace, &host)?;
    }
    phase("done");
    Ok(())
}
