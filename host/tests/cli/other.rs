//! What the commands have in common.

use std::process::Stdio;

use crate::kit::{CONFIGURED, Folder, command, says};

const COMMANDS: [&str; 15] = [
    "serve",
    "run",
    "inspect",
    "validate",
    "explain",
    "init",
    "doctor",
    "status",
    "new",
    "build",
    "test",
    "dev",
    "schema",
    "completions",
    "man",
];

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

// Each command has a manual page, with its options and examples.
#[test]
fn every_command_has_a_manual_page() {
    let folder = Folder::new();
    assert_eq!(folder.probity(["man", "pages"]).code, Some(0));
    for name in COMMANDS {
        let page = std::fs::read_to_string(folder.path().join(format!("pages/probity-{name}.1"))).unwrap();
        assert!(page.contains("Examples:") && page.contains("\\-\\-quiet"), "{name}: {page}");
    }
    let all = std::fs::read_to_string(folder.path().join("pages/probity.1")).unwrap();
    assert!(COMMANDS.iter().all(|name| all.contains(&format!("probity\\-{name}"))), "{all}");
}

// Help is as wide as the terminal: no narrower, no wider.
#[test]
fn help_wraps_at_the_terminals_width() {
    let folder = Folder::new();
    let widest = |columns: &str| {
        let output = command(folder.path()).args(["run", "-h"]).env("COLUMNS", columns).output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        // Examples are to be copied, and have no words to spare.
        let options = help.split("Examples:").next().unwrap().to_owned();
        options.lines().map(|line| line.chars().count()).max().unwrap()
    };
    let (narrow, wide) = (widest("70"), widest("160"));
    assert!(narrow <= 70 && wide > 100 && wide <= 160, "{narrow}, {wide}");
}

// Colours and words are the same question for every command: the option, then the environment, then the terminal.
#[test]
fn colours_and_notes_are_where_they_are_wanted() {
    let folder = Folder::new().with_guest("good", &says(0));
    let run = |args: &[&str], variables: &[(&str, &str)]| {
        let mut run = command(folder.path());
        run.args(["run", "good"])
            .args(args)
            .env_remove("NO_COLOR")
            .env_remove("CLICOLOR_FORCE")
            .envs(variables.to_vec());
        String::from_utf8(run.output().unwrap().stdout).unwrap().contains('\x1b')
    };
    assert!(!run(&[], &[]) && run(&["--color", "always"], &[]) && run(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!run(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
    assert!(!run(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    let denied = Folder::new().with_guest("fields", CONFIGURED);
    denied.probity(["run", "fields"]).complains("help: the plugin's own example");
    let quiet = denied.probity(["--quiet", "run", "fields"]);
    assert!(quiet.code == Some(3) && !quiet.err.contains("help:"), "{quiet:?}");
}

// `--config` is the host's file for every command that has it, and what was meant otherwise is told.
#[test]
fn config_is_the_hosts_file_everywhere() {
    let folder = Folder::new()
        .with_guest("good", &says(0))
        .with_file("host.toml", "[[check]]\nname = \"a\"\nplugin = \"good\"\n");
    for line in ["validate --config host.toml", "explain a --config host.toml", "run --check a --config host.toml"] {
        let said = folder.probity(line.split(' '));
        assert_eq!(said.code, Some(0), "{line}: {said:?}");
    }
    assert_eq!(folder.probity(["validate", "host.toml"]).code, Some(0));
    folder.probity(["validate", "host.toml", "--config", "other.toml"]).complains("two configurations are named");
    folder.probity(["run", "good", "--config", "{}"]).complains("--check-config");
    folder.probity(["run", "good", "--check-config", "host.toml"]).complains("--config");
}

// A folder that `init` made is valid with every check there is, nothing is written over, and a list is shown to who names none.
#[test]
fn init_makes_a_valid_configuration() {
    let folder = Folder::new();
    let made = folder.probity(["init", "new", "--with", "all", "--listen", "127.0.0.1:8090"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    assert!(made.out.contains("next:\n  cd new\n") && made.out.contains("PROBITY_RABBIT_PASSWORD"), "{made:?}");
    let valid = folder.probity(["validate", "--no-plugins", "new/probity.toml"]);
    assert_eq!(valid.code, Some(0), "{valid:?}");
    let again = folder.probity(["init", "new", "--with", "disk"]);
    assert_eq!(again.code, Some(1));
    again.complains("nothing is written over");
    let none = folder.probity(["init", "other"]);
    assert_eq!(none.code, Some(1));
    none.complains("tls-certificate  when does this certificate expire");
    assert!(!folder.path().join("other").exists());
}

// What the folder's configuration needs and the machine does not have is told, with an exit code; without one nothing is bad.
#[test]
fn doctor_says_what_is_missing() {
    let folder = Folder::new();
    let fine = folder.probity(["doctor"]);
    assert_eq!(fine.code, Some(0), "{fine:?}");
    let folder =
        folder.with_file("probity.toml", "[plugins]\ndir = \"nowhere\"\n[[check]]\nname = \"a\"\nplugin = \"disk\"\n");
    let said = folder.probity(["doctor"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.contains("bad   plugins") && said.out.contains("`disk` comes with Probity"), "{said:?}");
    let levels = folder.probity(["doctor", "--output", "json"]).json();
    assert!(levels.as_array().unwrap().iter().any(|one| one["what"] == "plugins" && one["level"] == "bad"), "{levels}");
}
