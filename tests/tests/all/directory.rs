//! Whatever lies in the plugin directory, and whatever becomes of it: what is loaded goes on, and it is said.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use probity_tests::guests;
use probity_tests::host::{Answer, Host, says};

use crate::reload::compile_bomb;

/// Removals and rescans that a test need not wait for.
const QUICK: &str = "[plugins]\nremoval-grace = \"0ms\"\nrescan = \"100ms\"\n[defaults]\nevery = \"200ms\"\n";

/// A critical check that fails.
fn failing() -> Vec<u8> {
    guests::encode(
        "(func (export \"probity:check/checker@0.1.0#run\") (param i32 i32) (result i32)
           (call $say (i32.const 2) (i32.const 0) (i32.const 0)))",
    )
    .expect("the text is a guest")
}

fn is(answer: &Answer, status: u16, word: &str) -> bool {
    answer.status == status && answer.body == word
}

fn runs(host: &Host, check: &str) -> u64 {
    host.get(&format!("/checks/{check}")).json()["counters"]["runs"].as_u64().unwrap_or(0)
}

/// Waits for two more runs of a check, which take longer than rescans and graces here.
fn goes_on(host: &Host, check: &str) {
    let before = runs(host, check);
    host.wait_for(&format!("/checks/{check}"), |answer| {
        answer.status == 200 && answer.json()["counters"]["runs"].as_u64() >= Some(before + 2)
    });
}

// A directory that cannot be read takes no check away, and so never turns `/ready` from 503 to 200; it is said once, and is
// over when the directory can be read again.
#[test]
fn an_unreadable_directory_changes_nothing() {
    let host = Host::start(QUICK);
    host.copy_in("database", &failing());
    host.wait_for("/ready", |answer| is(answer, 503, "unhealthy"));
    let (plugins, away) = (host.dir().join("plugins"), host.dir().join("away"));
    fs::rename(&plugins, &away).unwrap();
    let readable = |is: bool| move |answer: &Answer| answer.json()["directory"]["readable"] == is;
    // Missing, another kind of thing, a link to itself.
    let put: [&dyn Fn(&Path); 3] =
        [&|_| (), &|path| fs::write(path, b"a file").unwrap(), &|path| symlink(path, path).unwrap()];
    for put in put {
        put(&plugins);
        host.wait_for("/plugins", readable(false));
        goes_on(&host, "database");
        assert!(is(&host.get("/ready"), 503, "unhealthy"));
        let report = host.post("/-/reload");
        assert_eq!(report.status, 409, "{}", report.body);
        assert!(report.json()["directory"].is_string(), "{}", report.body);
        let _ = fs::remove_file(&plugins);
    }
    assert!(host.get("/metrics").body.contains("probity_plugin_directory_readable 0"));
    fs::rename(&away, &plugins).unwrap();
    host.wait_for("/plugins", readable(true));
    let said = host.log().matches("cannot be read, waiting for it").count();
    assert!((1..=6).contains(&said), "said {said} times:\n{}", host.log());
    assert!(!host.log().contains("plugin removed"), "{}", host.log());
    host.copy_in("database", &says("fine"));
    host.wait_for("/ready", |answer| answer.status == 200);
}

// A host whose directory was never read is starting, not ready without any check.
#[test]
fn a_missing_directory_is_no_start() {
    let host = Host::start_in(tempfile::tempdir().unwrap(), QUICK);
    host.wait_for("/plugins", |answer| answer.json()["directory"]["readable"] == false);
    assert!(is(&host.get("/ready"), 503, "starting"));
    fs::create_dir(host.dir().join("plugins")).unwrap();
    host.wait_for("/ready", |answer| answer.status == 200);
}

// A pipe or a device in the place of a plugin is refused at once, and what it replaced goes on.
#[test]
fn what_is_no_file_is_refused() {
    let host = Host::start(QUICK);
    host.copy_in("a", &says("good"));
    host.wait_for_message("a", "good");
    let path = host.plugin_path("a");
    let fifo = |path: &Path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    let put: [&dyn Fn(&Path); 3] =
        [&fifo, &|path| symlink("/dev/zero", path).unwrap(), &|path| fs::create_dir(path).unwrap()];
    for put in put {
        fs::remove_file(&path).unwrap();
        put(&path);
        host.wait_for_rejection("a", "not a regular file");
        goes_on(&host, "a");
        fs::remove_file(&path).or_else(|_| fs::remove_dir(&path)).unwrap();
        host.copy_in("a", &says("good"));
        host.wait_for("/plugins/a", |answer| {
            answer.json()["current"]["digest"].is_string() && answer.json()["rejected"].is_null()
        });
        host.wait_for_message("a", "good");
    }
}

// The name of a file forges nothing: one that no check may have is refused under a name that is none.
#[test]
fn a_files_name_forges_nothing() {
    let host = Host::start("[server]\nlisten = \"127.0.0.1:0\"\ndetails = \"always\"\n[defaults]\nevery = \"200ms\"\n");
    host.copy_in("a", &says("fine"));
    let forged = ["a\n[+]database ok", "b\u{1b}[31mred", "_other", "Orders", "\u{202e}a"];
    for name in forged {
        host.copy_in(name, &says("forged"));
    }
    host.wait_for_message("a", "fine");
    let refused = |answer: &Answer| {
        let plugins = answer.json()["plugins"].as_array().cloned().unwrap_or_default();
        plugins.iter().filter(|plugin| plugin["rejected"]["stage"] == "name").count() == forged.len()
    };
    let plugins = host.wait_for("/plugins", refused).json();
    for plugin in plugins["plugins"].as_array().unwrap() {
        let name = plugin["name"].as_str().unwrap();
        assert!(!name.contains(char::is_control) && !name.contains('\u{202e}'), "{name:?}");
        assert_eq!(plugin["checks"].as_array().unwrap().len(), usize::from(name == "a"), "{plugin}");
    }
    for path in ["/ready?verbose", "/health?format=text", "/health?format=nagios", "/metrics"] {
        let body = host.get(path).body;
        let forged = body.lines().any(|line| line.starts_with("[+]database") || line.contains("forged"));
        assert!(!forged && !body.contains(['\u{1b}', '\u{202e}']), "{path}: {body}");
    }
    assert!(!host.get("/metrics").body.contains("plugin=\"Orders\""));
    assert_eq!(host.get("/checks").json()["checks"].as_array().unwrap().len(), 1);
}

// What a plugin suggests for itself is held to the bounds that an operator has.
#[test]
fn suggestions_are_bounded() {
    let eager = |interval: &str, timeout: &str| {
        guests::encode(&format!("(data (i32.const 92) \"\\01\\00\\00\\00{interval}\\01\\00\\00\\00{timeout}\")"))
            .expect("the text is a guest")
    };
    let host = Host::start("");
    host.copy_in("eager", &eager("\\01\\00\\00\\00", "\\ff\\ff\\ff\\ff"));
    let check = host.wait_until("eager", "healthy");
    assert_eq!(check["every_ms"], 100, "{check}");
    let metadata = &host.get("/plugins/eager").json()["current"]["metadata"];
    assert_eq!(metadata["default_interval_ms"], 1, "{metadata}");
}

// While one plugin is compiled, others load, the configuration is reloaded and a reload answers what it waits for; the end
// does not wait for it.
#[test]
fn a_long_compilation_holds_nobody_up() {
    let grace = "[server]\nlisten = \"127.0.0.1:0\"\nshutdown-grace = \"1s\"\n";
    let config = |check: &str| format!("{grace}[defaults]\nevery = \"200ms\"\n{check}");
    let mut host = Host::start(&config(""));
    host.copy_in("bomb", &compile_bomb(400, 1_000));
    host.wait_for("/live", |_| worker_of(host.pid()).is_some());
    host.copy_in("a", &says("fine"));
    host.wait_for_message("a", "fine");
    host.reconfigure(&config("[[check]]\nname = \"late\"\nplugin = \"a\"\nevery = \"200ms\"\n"));
    host.wait_for_message("late", "fine");
    let report = host.post("/-/reload");
    assert_eq!(report.json()["pending"], serde_json::json!(["bomb"]), "{}", report.body);
    assert!(is(&host.get("/ready"), 200, "ok"));
    let began = Instant::now();
    host.terminate();
    host.ended();
    assert!(began.elapsed() < Duration::from_secs(5), "the end took {:?}", began.elapsed());
    assert!(!host.log().contains("plugin rejected"), "{}", host.log());
}

/// A child of the process: here, only a compiler.
fn worker_of(pid: u32) -> Option<String> {
    let children = fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten();
    children
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
        .find(|children| !children.trim().is_empty())
}
