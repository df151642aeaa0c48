//! `probity validate`.

use crate::kit::{CONFIGURED, Folder, UPTIME, says};

// A wrong key is told with its place and the nearest key; a program gets the same as fields.
#[test]
fn a_wrong_key_has_a_place_and_a_neighbour() {
    let toml = "[server]\nlisten = \"127.0.0.1:0\"\n\n[[check]]\nname = \"a\"\nevry = \"5s\"\n";
    let folder = Folder::new().with_file("probity.toml", toml);
    let said = folder.probity(["validate"]);
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{said:?}");
    said.complains("--> probity.toml:6:1");
    said.complains("`every`");
    said.complains("1 error");
    let document = folder.probity(["validate", "--output", "json"]).json();
    assert_eq!(document["valid"], false);
    let error = &document["errors"][0];
    assert_eq!((&error["file"], &error["line"], &error["column"]), (&"probity.toml".into(), &6.into(), &1.into()));
}

// All that would keep a check from running is found before a host is started, each with what to do.
#[test]
fn checks_are_planned_against_their_plugins() {
    let toml = "[[check]]\nname = \"up\"\nplugin = \"uptime\"\n\n[[check]]\nname = \"typed\"\nplugin = \"x\"\n\
                [check.config]\nurl = 5\n\n[[check]]\nname = \"gone\"\n\n[[check]]\nname = \"fine\"\n";
    let folder = Folder::new()
        .with_guest("uptime", UPTIME)
        .with_guest("x", CONFIGURED)
        .with_guest("fine", &says(0))
        .with_file("plugins/broken.wasm", "nonsense")
        .with_file("conf.toml", toml);
    let said = folder.probity(["validate", "conf.toml"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    said.complains("check up would not run (ungranted)");
    said.complains("grants = { system = [");
    said.complains("check typed would not run (invalid-config)");
    said.complains("conf.toml:9: config.url: 5 is not of type \"string\"");
    assert_eq!(said.err.matches("config.url").count(), 1, "it is said once: {said:?}");
    said.complains("check gone would not run (not-loaded)");
    said.complains("gone.wasm");
    said.complains("plugin broken would not load: not a WebAssembly component");
    said.complains("4 errors");
    assert!(!said.err.contains("fine"), "{said:?}");
    let document = folder.probity(["validate", "conf.toml", "--output", "json"]).json();
    let reason = |name: &str| {
        let checks = document["checks"].as_array().unwrap();
        checks.iter().find(|check| check["check"] == name).unwrap()["reason"].clone()
    };
    assert_eq!(
        ["up", "typed", "gone", "fine"].map(reason),
        ["ungranted".into(), "invalid-config".into(), "not-loaded".into(), serde_json::Value::Null]
    );
    assert_eq!(document["plugins"][0]["plugin"], "broken");
    let files_only = folder.probity(["validate", "conf.toml", "--no-plugins"]);
    assert_eq!(files_only.code, Some(0), "{files_only:?}");
}

// A configuration that would run is said to, with how many checks it makes.
#[test]
fn a_good_configuration_is_valid() {
    let toml = "[[check]]\nname = \"up\"\nplugin = \"uptime\"\ngrants = { system = [\"uptime\"] }\n";
    let folder = Folder::new().with_guest("uptime", UPTIME).with_guest("y", &says(0)).with_file("probity.toml", toml);
    let said = folder.probity(["validate"]);
    assert_eq!((said.code, said.out.as_str()), (Some(0), "probity.toml: valid, 2 checks\n"), "{said:?}");
}

// What a host would not run is not valid: a directory of plugins that is not there is an error, unless only the files are to be
// looked at.
#[test]
fn an_absent_plugin_directory_is_an_error() {
    let folder = Folder::new().with_file("probity.toml", "[plugins]\ndir = \"nowhere\"\n");
    let said = folder.probity(["validate"]);
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{said:?}");
    said.complains("the plugin directory nowhere cannot be read");
    said.complains("help: mend `plugins.dir`");
    let document = folder.probity(["validate", "--output", "json"]).json();
    assert_eq!((&document["valid"], &document["errors"][0]["file"]), (&false.into(), &"probity.toml".into()));
    assert_eq!(folder.probity(["validate", "--no-plugins"]).code, Some(0));
}

// A host that would run nothing is valid, and it is said that it has no checks.
#[test]
fn no_checks_are_a_warning() {
    let folder = Folder::new().with_file("probity.toml", "[plugins]\ndir = \".\"\n");
    let said = folder.probity(["validate"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    said.complains("warning: there are no checks");
}
