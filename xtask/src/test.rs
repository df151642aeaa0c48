//! `cargo xtask test`: everything, in the order that makes it work, installing what it needs first.

use std::process::Command;
use std::time::Instant;

use anyhow::Result;

use crate::workspace::{self, Workspace, cargo};
use crate::{guests, languages, python, services, setup};

/// What is done, part by part, and how long each part took.
struct Phases {
    start: Instant,
    /// Names with the seconds at which each began.
    begun: Vec<(&'static str, u64)>,
}

impl Phases {
    fn new() -> Self {
        Self { start: Instant::now(), begun: Vec::new() }
    }

    fn begin(&mut self, name: &'static str) {
        let at = self.start.elapsed().as_secs();
        println!("\n-- {name} (at {at} s)");
        self.begun.push((name, at));
    }

    /// Tells how long each took.
    fn table(&self) {
        let end = self.start.elapsed().as_secs();
        let ends = self.begun.iter().skip(1).map(|(_, at)| *at).chain([end]);
        println!();
        for ((name, at), until) in self.begun.iter().zip(ends) {
            println!("{:>6} s  {name}", until - at);
        }
        println!("{end:>6} s  in all");
    }
}

/// Runs the tests that need no server and no other language: of every function, and of the command.
///
/// `args` go to `cargo test`.
pub(crate) fn quick(args: &[String]) -> Result<()> {
    let mut phases = Phases::new();
    let workspace = Workspace::load()?;
    phases.begin("first-party components");
    guests::run()?;
    phases.begin("tests of the workspace, without servers and other languages");
    let mut test = Command::new(cargo());
    test.args(["test", "--workspace", "--no-fail-fast", "--lib", "--bin", "xtask", "--test", "cli"]);
    workspace::run(test.args(args).current_dir(&workspace.root), "cargo test")?;
    phases.table();
    Ok(())
}

/// Builds the guests and the host, then runs the tests of every member.
///
/// `args` go to `cargo test`.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let mut phases = Phases::new();
    let workspace = Workspace::load()?;
    phases.begin("tools and servers");
    setup::run()?;
    #[cfg(unix)]
    crate::servers::install()?;
    phases.begin("first-party components");
    guests::run()?;
    phases.begin("the host");
    workspace::run(
        // The whole workspace's features, as below: else its dependencies are built twice.
        Command::new(cargo()).args(["build", "--workspace", "--bin", "probity"]).current_dir(&workspace.root),
        "cargo build",
    )?;
    let host = workspace.target.join("debug/probity");
    phases.begin("components in every language");
    python::build(&workspace, &host)?;
    languages::build(&workspace, &host)?;
    services::build(&workspace, &host)?;
    phases.begin("tests of the kits and examples");
    python::test(&workspace)?;
    languages::test(&workspace)?;
    services::test(&workspace, &host)?;
    phases.begin("tests of the workspace");
    let mut test = Command::new(cargo());
    // `--workspace` is the default members and the guests' native tests.
    test.args(["test", "--workspace", "--no-fail-fast"]).args(args).current_dir(&workspace.root);
    workspace::run(&mut test, "cargo test")?;
    #[cfg(unix)]
    if args.is_empty() {
        phases.begin("the quickstarts, followed");
        crate::quickstarts::check(&workspace, &host)?;
    }
    phases.table();
    Ok(())
}
