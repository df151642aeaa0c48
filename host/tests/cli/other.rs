//! What the commands have in common.

use std::process::Stdio;

use crate::kit::{Folder, command};

const COMMANDS: [&str; 9] = ["serve", "run", "inspect", "validate", "status", "new", "build", "schema", "completions"];

// Every command explains itself, with an example to copy.
#[test]
fn every_help_shows_an_example() {
    let folder = Folder::new();
    for name in COMMANDS {
        let said = folder.probity([name, "--help"]);
        assert_eq!(said.code, Some(0));
        assert!(said.out.contains("Examples:") && said.out.contains(&format!("  probity {name}")), "{said:?}");
    }
    let all = folder.probity(["--help"]).out;
    assert!(COMMANDS.iter().all(|name| all.contains(&format!("\n  {name} "))), "{all}");
}

// A reader that has enough is no error: `probity schema | head -1`.
#[test]
fn a_closed_pipe_is_no_error() {
    let folder = Folder::new();
    let mut child = command(folder.path()).arg("schema").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

// Shells get a script for themselves, editors a schema.
#[test]
fn completions_and_schema_are_printed() {
    let folder = Folder::new();
    assert!(folder.probity(["completions", "bash"]).out.contains("complete -F _probity"));
    assert!(folder.probity(["completions", "fish"]).out.contains("complete -c probity"));
    assert!(folder.probity(["schema"]).json()["properties"]["check"].is_object());
    assert!(folder.probity(["schema", "--markdown"]).out.contains("# Configuration"));
}

// A configuration that cannot be used ends the host at once, with the place and EX_CONFIG.
#[test]
fn serve_refuses_a_wrong_configuration() {
    let folder = Folder::new().with_file("probity.toml", "[serve]\nlisten = \"x\"\n");
    let said = folder.probity(["serve"]);
    assert_eq!(said.code, Some(78));
    said.complains("probity.toml:1:2");
    said.complains("`server`");
    let filter = folder.probity(["serve", "--log", "probity=loud"]);
    assert_eq!(filter.code, Some(2), "{filter:?}");
}
