//! `probity inspect`.

use crate::kit::{CONFIGURED, Folder, UPTIME, says};

// A person sees what the plugin is and what it may ask for.
#[test]
fn says_what_a_plugin_is() {
    let folder = Folder::new().with_guest("uptime", UPTIME);
    let said = folder.probity(["inspect", "plugins/uptime.wasm"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    for text in ["hostile 1.0.0\n", "probity:check@0.1.0", "system   needs a grant", "KiB"] {
        assert!(said.out.contains(text), "no {text:?} in {said:?}");
    }
    let bytes = std::fs::read(folder.path().join("plugins/uptime.wasm")).unwrap();
    let document = folder.probity(["inspect", "uptime", "--output", "json"]).json();
    assert_eq!(document["size"], bytes.len());
    assert_eq!(document["metadata"]["version"], "1.0.0");
    let import = document["imports"].as_array().unwrap().iter().find(|import| import["capability"] == "system");
    assert_eq!(import.unwrap()["needs_grant"], true);
    assert_eq!(import.unwrap()["name"], "probity:check/system@0.1.0");
}

// Schema and example are printed as JSON; a plugin without them says so.
#[test]
fn prints_schema_and_example() {
    let folder = Folder::new().with_guest("x", CONFIGURED).with_guest("bare", &says(0));
    assert_eq!(folder.probity(["inspect", "x", "--schema"]).json()["required"][0], "url");
    assert_eq!(folder.probity(["inspect", "x", "--example"]).json()["url"], "http://x.test/");
    let bare = folder.probity(["inspect", "bare", "--schema"]);
    assert_eq!(bare.code, Some(1));
    bare.complains("gives no `config-schema`");
}

// A plugin that a host would refuse is told apart from one that is not there, each with its cause.
#[test]
fn says_why_a_plugin_is_refused() {
    let folder = Folder::new()
        .with_file("plugins/text.wasm", "hello")
        .with_file("plugins/core.wasm", b"\0asm\x01\0\0\0")
        .with_file("plugins/loops.wasm", probity_tests::guests::component("spin-describe"));
    for (plugin, text) in [
        ("text", "does not start with the WebAssembly magic number"),
        ("core", "a core WebAssembly module, not a component"),
        ("loops", "describe() failed: "),
        ("absent", "neither a file of that name nor plugins/absent.wasm exists"),
        ("plugins/absent.wasm", "No such file"),
    ] {
        let said = folder.probity(["inspect", plugin]);
        assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{plugin}");
        said.complains(text);
    }
    let document = folder.probity(["inspect", "loops", "--output", "json"]).json();
    assert_eq!(document["rejected"]["stage"], "describe");
}
