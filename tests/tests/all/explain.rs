//! `probity explain` over a real plugin: what it imports, what it is granted, and where that leads.

use std::process::Command;

use probity_tests::host::{binary, first_party};
use serde_json::Value;

const CONFIG: &str = "
[connections.payments]
url = \"https://probity:planted-secret@payments.internal/v1\"
[heartbeats.backup]
token = \"planted-secret-too\"
[[check]]
name = \"backup\"
plugin = \"heartbeat\"
config = { name = \"backup\", period = \"1h\" }
grants = { heartbeats = [\"backup\"], http = [\"payments\"] }
[[check]]
name = \"bare\"
plugin = \"heartbeat\"
config = { name = \"backup\", period = \"1h\" }
";

// A granted check would run; what it does not use is said; one without a grant gets the line, and exit code 1. No secret
// is in any of it.
#[test]
fn checks_are_explained() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("plugins")).unwrap();
    std::fs::write(dir.path().join("probity.toml"), CONFIG).unwrap();
    std::fs::write(dir.path().join("plugins/heartbeat.wasm"), first_party("heartbeat")).unwrap();
    let explain = |args: &[&str]| {
        let mut command = Command::new(binary());
        command.arg("explain").args(args).current_dir(dir.path()).env_remove("PROBITY_CONFIG");
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        assert!(!text.contains("planted-secret"), "{text}");
        (output.status.code(), text)
    };
    let (code, text) = explain(&["backup", "--output", "json"]);
    let backup: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &backup["runs"]), (Some(0), &Value::Bool(true)), "{text}");
    assert_eq!(backup["unused"][0]["leads_to"], "https://payments.internal:443");
    let (code, text) = explain(&["backup"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("backup -> POST /heartbeats/backup with a token of its own"), "{text}");
    let (code, text) = explain(&["bare"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("add to the check: grants = { heartbeats = [\"backup\"] }"), "{text}");
    assert_eq!(explain(&["nobody"]).0, Some(1));
}
