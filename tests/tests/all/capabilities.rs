//! One check that calls every capability, written in every language, against the same cases. A language is a folder in
//! `tests/capabilities`; nothing here names one.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use probity_tests::host::binary;
use probity_tests::reference;

fn suite() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("capabilities")
}

/// All folders but that of the cases.
fn languages() -> Vec<String> {
    let folders = fs::read_dir(suite()).unwrap().map(|entry| entry.unwrap()).filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.retain(|name| name != "tests");
    names.sort();
    names
}

/// What `probity test` says of a language's component, when not all cases pass.
fn complaint(language: &str) -> Option<String> {
    let target = binary().ancestors().nth(2).unwrap().to_owned();
    let component = target.join(format!("components/capabilities-{language}.wasm"));
    assert!(component.is_file(), "{} is not there: run `cargo xtask languages`", component.display());
    let mut test = Command::new(binary());
    test.arg("test").arg(suite()).arg("--component").arg(component);
    // Compiled code is kept between test runs: that of an interpreter takes seconds in a debug build.
    let output = test.env("XDG_CACHE_HOME", target.join("compiled")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let failed: Vec<&str> = said.lines().filter(|line| !line.starts_with("ok ")).collect();
    let failed = format!("{language}:\n{}\n{}", failed.join("\n"), String::from_utf8_lossy(&output.stderr));
    (!output.status.success()).then_some(failed)
}

// What a call returned arrives whole and unchanged, and so do errors, whatever the check is written in.
#[test]
fn capabilities_arrive_alike() {
    let languages = languages();
    let complaints: Vec<String> = languages.iter().filter_map(|language| complaint(language)).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

// A language that the conformance suite has is here as well.
#[test]
fn every_language_is_here() {
    let languages = languages();
    let missing: Vec<String> =
        reference::languages().into_iter().filter(|language| !languages.contains(language)).collect();
    assert!(missing.is_empty(), "tests/capabilities has no folder for {}", missing.join(", "));
}

// Every act of the table has cases, and every case an act of the table.
#[test]
fn every_act_has_cases() {
    let table = fs::read_to_string(suite().join("README.md")).unwrap();
    let (_, acts) = table.split_once("## Acts").unwrap();
    let acts: BTreeSet<String> =
        acts.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).map(str::to_owned).collect();
    let mut asked = BTreeSet::new();
    for file in fs::read_dir(suite().join("tests")).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        asked.extend(text.split("act = \"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()));
    }
    assert!(asked.remove("dance"), "no case asks for what is no act");
    assert_eq!(asked, acts);
}
