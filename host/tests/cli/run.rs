//! `probity run`.

use probity_tests::guests;

use crate::kit::{CONFIGURED, Folder, MEASURES, SECOND_TIME, UPTIME, says};

// The exit code is the status, as Nagios reads it.
#[test]
fn exit_code_is_the_status() {
    for (status, code, word) in [(0, 0, "healthy"), (1, 1, "degraded"), (2, 2, "unhealthy")] {
        let said = Folder::new().with_guest("x", &says(status)).probity(["run", "plugins/x.wasm"]);
        assert_eq!(said.code, Some(code), "{said:?}");
        assert!(said.out.starts_with(&format!("{word}  all | is well\n")), "{said:?}");
    }
}

// A check that ends badly is unknown: 3, with the reason, and what it said before it died.
#[test]
fn a_trap_is_unknown() {
    let folder = Folder::new().with_file("plugins/panic.wasm", guests::component("panic"));
    let said = folder.probity(["run", "panic"]);
    assert_eq!(said.code, Some(3));
    assert!(said.out.starts_with("unknown (trap)"), "{said:?}");
    assert!(said.out.contains("index 7 of 3"), "{said:?}");
}

// A limit that is hit is named with its value, and the flags set it.
#[test]
fn limits_are_enforced_and_named() {
    let folder = Folder::new().with_file("plugins/spin.wasm", guests::component("spin"));
    let fuel = folder.probity(["run", "spin", "--fuel", "1_000_000", "--output", "json"]);
    assert_eq!(fuel.code, Some(3));
    assert_eq!(fuel.json()["reason"]["reason"], "fuel");
    assert_eq!(fuel.json()["reason"]["limit"], 1_000_000);
    let args = ["run", "spin", "--fuel", "1_000_000_000_000", "--timeout", "50ms", "--output", "json"];
    let time = folder.probity(args).json();
    assert_eq!((&time["reason"]["reason"], &time["reason"]["limit"]), (&"deadline".into(), &50.into()), "{time}");
}

// A program gets one document on one line, with what was measured and what it cost.
#[test]
fn json_has_measurements_and_usage() {
    let said = Folder::new().with_guest("x", MEASURES).probity(["run", "x", "--output", "json"]);
    assert_eq!(said.out.lines().count(), 1);
    let document = said.json();
    assert_eq!(document["status"], "healthy");
    assert_eq!(document["measurements"]["it's=slow"]["value"], 1.5);
    assert_eq!(document["measurements"]["it's=slow"]["unit"], "ms");
    assert_eq!(document["measurements"]["it's=slow"]["status"], "degraded");
    assert_eq!(document["measurements"]["rows"]["value"], 7);
    assert!(document["usage"]["fuel"].as_u64().unwrap() > 0, "{document}");
    assert_eq!(document["usage"]["memory_peak_bytes"], 65_536);
    assert_eq!(document["limits"]["fuel"], 200_000_000);
    assert_eq!(document["digest"].as_str().unwrap().len(), 64);
}

// Nagios gets its line: no bar in the message, quotes doubled in labels, units it knows.
#[test]
fn nagios_gets_one_line() {
    let folder = Folder::new().with_guest("x", MEASURES).with_guest("bar", &says(1));
    assert_eq!(folder.probity(["run", "x", "-o", "nagios"]).out, "OK -  | 'it''s_slow'=1.5ms 'rows'=7\n");
    assert_eq!(folder.probity(["run", "bar", "-o", "nagios"]).out, "WARNING - all / is well\n");
    let missing = folder.with_file("plugins/bad.wasm", "nonsense").probity(["run", "bad", "-o", "nagios"]);
    assert_eq!(missing.code, Some(3));
    assert!(
        missing.out.starts_with("UNKNOWN - not-loaded: plugins/bad.wasm: not a WebAssembly component"),
        "{missing:?}"
    );
}

// What is not granted is not run, and the flag to add is in the answer; with the flag it runs.
#[test]
fn ungranted_is_answered_with_the_flag() {
    let folder = Folder::new().with_guest("uptime", UPTIME);
    let without = folder.probity(["run", "uptime"]);
    assert_eq!(without.code, Some(3));
    assert!(without.out.contains("(ungranted)") && without.out.contains("--grant system="), "{without:?}");
    let with = folder.probity(["run", "uptime", "--grant", "system=uptime"]);
    assert_eq!(with.code, Some(0), "{with:?}");
    assert!(with.out.contains("system.uptime-ms ok"), "{with:?}");
}

// A grant that does not cover the call denies it, and says which flag would have.
#[test]
fn a_denied_call_names_its_flag() {
    let said = Folder::new().with_guest("uptime", UPTIME).probity(["run", "uptime", "--grant", "system=memory"]);
    assert_eq!(said.code, Some(2), "the guest judged the denial: {said:?}");
    said.complains("--grant 'system=uptime'");
}

// A configuration that the plugin's schema refuses is not handed over; the place and an example are told.
#[test]
fn configuration_is_checked_against_the_schema() {
    let folder = Folder::new().with_guest("x", CONFIGURED);
    let wrong = folder.probity(["run", "x", "--check-config", r#"{"url": 5}"#]);
    assert_eq!(wrong.code, Some(3));
    assert!(wrong.out.contains("(invalid-config)") && wrong.out.contains("config.url"), "{wrong:?}");
    let none = folder.probity(["run", "x"]);
    assert_eq!(none.code, Some(3));
    none.complains(r#"--check-config '{"url":"http://x.test/"}'"#);
    let right = folder.with_file("x.json", r#"{"url": "a"}"#).probity(["run", "x", "--check-config", "@x.json"]);
    assert_eq!(right.code, Some(0), "{right:?}");
}

// State is kept between repeated runs, and each prints its own line.
#[test]
fn repeated_runs_share_state() {
    let said = Folder::new().with_guest("x", SECOND_TIME).probity(["run", "x", "--repeat", "2", "--output", "json"]);
    let statuses: Vec<serde_json::Value> = said
        .out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["status"].clone())
        .collect();
    assert_eq!(statuses, ["unhealthy", "healthy"]);
    assert_eq!(said.code, Some(0));
}

// A check of the configuration file runs as the file has it.
#[test]
fn a_configured_check_runs_as_configured() {
    let toml = "[[check]]\nname = \"up\"\nplugin = \"uptime\"\ngrants = { system = [\"uptime\"] }\n";
    let folder = Folder::new().with_guest("uptime", UPTIME).with_file("probity.toml", toml);
    let said = folder.probity(["run", "--check", "up", "--output", "json"]);
    assert_eq!((said.code, &said.json()["check"]), (Some(0), &"up".into()));
    let missing = folder.probity(["run", "--check", "upp"]);
    assert_eq!(missing.code, Some(3));
    missing.complains("no [[check]] is called `upp`");
}

// Misuse is 3 as well: 2 would tell a monitoring system that the service is down.
#[test]
fn misuse_is_unknown() {
    let folder = Folder::new().with_guest("x", &says(0));
    let cases: [(&[&str], &str); 6] = [
        (&["run"], "required"),
        (&["run", "x", "--grant", "ftp=a"], "no capability is called `ftp`"),
        (&["run", "x", "--check-config", "{"], "is not JSON"),
        (&["run", "x", "--check-config", "[]"], "not a JSON object"),
        (&["run", "x", "--memory", "32MB"], "write `32MiB`"),
        (&["run", "y"], "plugins/y.wasm"),
    ];
    for (args, text) in cases {
        let said = folder.probity(args);
        assert_eq!(said.code, Some(3), "{args:?}: {said:?}");
        said.complains(text);
    }
}
