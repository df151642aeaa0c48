//! `probity explain` and `probity validate` over real plugins: what a check is granted, where that leads, and what of it
//! leads nowhere.

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

/// What `probity validate` says of `config`, with the plugin `composite` and one that no `[[check]]` names.
fn validate(config: &str) -> (Option<i32>, Value) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("plugins")).unwrap();
    std::fs::write(dir.path().join("probity.toml"), config).unwrap();
    for name in ["composite", "undeclared"] {
        std::fs::write(dir.path().join(format!("plugins/{name}.wasm")), first_party("composite")).unwrap();
    }
    let mut command = Command::new(binary());
    command.args(["validate", "--output", "json"]).current_dir(dir.path()).env_remove("PROBITY_CONFIG");
    let output = command.output().unwrap();
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap())
}

// What leads nowhere is found before a host starts: file, line, column, what is wrong, what to write instead.
#[test]
fn what_leads_nowhere_is_found() {
    let check = |grants: &str| {
        format!(
            "[connections.db]\nurl = \"postgres://db/x\"\n[queues.jobs]\nconnection = \"bus\"\nstream = \"J\"\n\
             [connections.bus]\nurl = \"nats://bus\"\n[secrets.hook]\nvalue = \"long-enough\"\n[heartbeats.backup]\n\
             token = \"long-enough\"\n[[check]]\nname = \"sum\"\nplugin = \"composite\"\ngroups = [\"all\"]\n\
             config = {{ group = \"all\" }}\ngrants = {{ peers = [\"*\"], {grants} }}\n"
        )
    };
    for (grants, message, help) in [
        ("sql = [\"bd\"]", "no connection is named `bd`", "did you mean `db`?"),
        ("redis = [\"db\"]", "not one for `redis`", "for `sql`"),
        ("queue = [\"job\"]", "`queue` grants `job`, which is not declared", "did you mean `jobs`?"),
        ("secrets = [\"hok\"]", "`secrets` grants `hok`, which is not declared", "did you mean `hook`?"),
        ("heartbeats = [\"bakup\"]", "names no heartbeat", "did you mean `backup`?"),
    ] {
        let (code, verdict) = validate(&check(grants));
        let error = &verdict["errors"][0];
        assert_eq!((code, &error["file"], &error["line"]), (Some(1), &"probity.toml".into(), &17.into()), "{verdict}");
        let column = "grants = { peers = [\"*\"], ".len() + grants.find('"').unwrap() + 1;
        assert_eq!(error["column"], column, "{verdict}");
        assert!(error["message"].as_str().unwrap().contains(message), "{verdict}");
        assert!(error["help"].as_str().unwrap().contains(help), "{verdict}");
    }
    let peers = |peers: &str| check("").replace("\"*\"", peers).replace(",  }", " }");
    for (grant, message, help) in [
        ("\"group:al\"", "no check is in group `al`", "did you mean `all`?"),
        ("\"sun\"", "no check is named `sun`", "did you mean `sum`?"),
    ] {
        let (code, verdict) = validate(&peers(grant));
        let error = &verdict["errors"][0];
        assert_eq!((code, &error["line"], &error["column"]), (Some(1), &17.into(), &21.into()), "{verdict}");
        assert!(error["message"].as_str().unwrap().contains(message), "{verdict}");
        assert!(error["help"].as_str().unwrap().contains(help), "{verdict}");
    }
    let mode = check("").replace("postgres://db/x", "postgres://u:planted-secret@db/x?sslmode=verify");
    let (code, verdict) = validate(&mode);
    assert_eq!((code, &verdict["errors"][0]["line"]), (Some(1), &2.into()), "{verdict}");
    assert!(verdict["errors"][0]["help"].as_str().unwrap().contains("`verify-full`"), "{verdict}");
    assert!(!verdict.to_string().contains("planted-secret"), "{verdict}");
}

// A plugin that no `[[check]]` names runs under its own name, which is a peer like any other.
#[test]
fn plugins_are_peers_by_their_name() {
    let config = "[[check]]\nname = \"sum\"\nplugin = \"composite\"\nconfig = { checks = [\"undeclared\"] }\n\
                  grants = { peers = [\"undeclared\"] }\n";
    let (_, verdict) = validate(config);
    assert_eq!(verdict["errors"].as_array().map(Vec::len), Some(0), "{verdict}");
}
