//! Files in the plugin directory become versions; a bad one never replaces a good one.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant, SystemTime};

use probity_sandbox::Compiler;
use probity_server::daemon::Daemon;
use probity_tests::guests;
use probity_tests::host::{Host, PATIENCE, says};
use tempfile::TempDir;

const FAST: &str = "[defaults]\nevery = \"200ms\"\n";

// A component that is copied in answers without a configuration, and its replacement takes over.
#[test]
fn a_copied_component_runs_and_is_replaced() {
    let host = Host::start(FAST);
    host.copy_in("a", &says("one"));
    host.wait_for_message("a", "one");
    host.wait_for("/ready", |answer| answer.status == 200); // a moment later if the first look was still under way
    host.copy_in("a", &says("two"));
    host.wait_for_message("a", "two");
}

// A file that takes seconds to arrive is never loaded by half, nor called broken on the way.
#[test]
fn a_slow_copy_is_loaded_whole() {
    let host = Host::start(FAST);
    host.copy_in("a", &says("old"));
    host.wait_for_message("a", "old");
    let bytes = padded(&says("new"), 12 << 20);
    let mut file = fs::File::create(host.plugin_path("a")).unwrap();
    for chunk in bytes.chunks(bytes.len() / 10 + 1) {
        file.write_all(chunk).unwrap();
        file.flush().unwrap();
        std::thread::sleep(Duration::from_millis(450)); // the writer is slow: that is the subject
        let plugin = host.get("/plugins/a").json();
        assert!(plugin["rejected"].is_null(), "half a file was judged: {plugin}");
    }
    drop(file);
    host.wait_for_message("a", "new");
    assert!(!host.log().contains("plugin rejected"), "{}", host.log());
}

// A file that is moved into place is loaded, also when its time is older than that of the file it replaces.
#[test]
fn an_older_file_moved_into_place_is_loaded() {
    let host = Host::start(FAST);
    host.copy_in("a", &says("new"));
    host.wait_for_message("a", "new");
    let beside = host.dir().join("old.wasm");
    let file = fs::File::create(&beside).unwrap();
    (&file).write_all(&says("old")).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(86_400)).unwrap();
    fs::rename(&beside, host.plugin_path("a")).unwrap();
    host.wait_for_message("a", "old");
}

// An editor's save (write a temporary file beside, rename over) loads once, and the temporary file never.
#[test]
fn an_editors_save_is_one_load() {
    let host = Host::start(FAST);
    host.copy_in("a", &says("one"));
    host.wait_for_message("a", "one");
    let beside = host.dir().join("plugins/.a.wasm.swp");
    fs::write(&beside, says("two")).unwrap();
    fs::rename(&beside, host.plugin_path("a")).unwrap();
    host.wait_for_message("a", "two");
    let plugins = host.get("/plugins").json().to_string();
    assert!(!plugins.contains("swp"), "{plugins}");
}

// The way Kubernetes updates a mounted ConfigMap: `..data` is a link that is swapped.
#[test]
fn a_swapped_data_link_is_seen() {
    let host = Host::start(FAST);
    let plugins = host.dir().join("plugins");
    for (dir, message) in [("..2026_1", "one"), ("..2026_2", "two")] {
        fs::create_dir(plugins.join(dir)).unwrap();
        fs::write(plugins.join(dir).join("a.wasm"), says(message)).unwrap();
    }
    symlink("..2026_1", plugins.join("..data")).unwrap();
    symlink("..data/a.wasm", plugins.join("a.wasm")).unwrap();
    host.wait_for_message("a", "one");
    symlink("..2026_2", plugins.join("..data_tmp")).unwrap();
    fs::rename(plugins.join("..data_tmp"), plugins.join("..data")).unwrap();
    host.wait_for_message("a", "two");
}

// A save that deletes and creates does not make the check go away in between.
#[test]
fn delete_and_create_does_not_flap() {
    let host = Host::start(FAST);
    host.copy_in("a", &says("one"));
    host.wait_for_message("a", "one");
    fs::remove_file(host.plugin_path("a")).unwrap();
    let end = Instant::now() + Duration::from_millis(500);
    while Instant::now() < end {
        assert_eq!(host.get("/checks/a").status, 200);
    }
    host.copy_in("a", &says("two"));
    host.wait_for_message("a", "two");
    assert!(!host.log().contains("plugin removed"), "{}", host.log());
}

// A deleted plugin's check goes away after the grace.
#[test]
fn a_deleted_plugin_goes_away() {
    let host = Host::start("[plugins]\nremoval-grace = \"100ms\"\n[defaults]\nevery = \"200ms\"\n");
    host.copy_in("a", &says("one"));
    host.wait_for_message("a", "one");
    fs::remove_file(host.plugin_path("a")).unwrap();
    host.wait_for("/checks/a", |answer| answer.status == 404);
}

// A plugin directory that is a link is followed when the link is swapped.
#[test]
fn a_linked_directory_is_followed() {
    let dir = TempDir::new().unwrap();
    for (name, message) in [("v1", "one"), ("v2", "two")] {
        fs::create_dir(dir.path().join(name)).unwrap();
        fs::write(dir.path().join(name).join("a.wasm"), says(message)).unwrap();
    }
    symlink("v1", dir.path().join("plugins")).unwrap();
    let host = Host::start_in(dir, FAST);
    host.wait_for_message("a", "one");
    symlink("v2", host.dir().join("next")).unwrap();
    fs::rename(host.dir().join("next"), host.dir().join("plugins")).unwrap();
    host.wait_for_message("a", "two");
}

// A plugin directory that appears after the start is used.
#[test]
fn a_directory_that_appears_later_is_used() {
    let host = Host::start_in(TempDir::new().unwrap(), FAST);
    assert_eq!(host.get("/live").status, 200);
    fs::create_dir(host.dir().join("plugins")).unwrap();
    host.copy_in("a", &says("one"));
    host.wait_for_message("a", "one");
}

// Whatever is wrong with a successor, the last good version goes on and the plugin's page says why.
#[test]
fn a_bad_successor_leaves_the_last_good_one() {
    let host = Host::start("[plugins]\nmax-size = \"16MiB\"\n[defaults]\nevery = \"200ms\"\n");
    host.copy_in("a", &says("good"));
    host.wait_for_message("a", "good");
    let digest = host.get("/plugins/a").json()["current"]["digest"].clone();
    let empty_component = wat::parse_str("(component)").unwrap();
    let bad: Vec<(&str, Vec<u8>, &str)> = vec![
        ("text", b"hello".to_vec(), "not a WebAssembly component"),
        ("a core module", wat::parse_str("(module)").unwrap(), "a core WebAssembly module"),
        ("another world", empty_component, "does not export `probity:check/checker@0.1.0`"),
        ("an interface that is not offered", guests::component("unknown"), "acme:unknown/teapot"),
        ("a trap in describe", guests::component("trap-describe"), "describe() failed: trap"),
        ("a loop in describe", guests::component("spin-describe"), "describe() failed"),
        ("a loop in start", guests::component("spin-start"), "describe() failed"),
        ("zeros", vec![0; 15 << 20], "all zeros"),
        ("too many bytes", vec![0; 17 << 20], "limit 16777216"),
    ];
    for (what, bytes, reason) in bad {
        host.copy_in("a", &bytes);
        let plugin = host.wait_for_rejection("a", reason);
        assert_eq!(plugin["current"]["digest"], digest, "{what}");
        assert!(plugin["rejected"]["at"].is_string(), "{what}: {plugin}");
        let runs = host.get("/checks/a").json()["counters"]["runs"].as_u64().unwrap();
        let goes_on =
            host.wait_for("/checks/a", |answer| answer.json()["counters"]["runs"].as_u64() > Some(runs)).json();
        assert_eq!(goes_on["message"], "good", "{what}");
    }
    host.copy_in("a", &says("better"));
    host.wait_for_message("a", "better");
    assert!(host.get("/plugins/a").json()["rejected"].is_null());
}

// Counters and thresholds belong to the check, not to the version.
#[test]
fn counters_survive_a_reload() {
    let host = Host::start(FAST);
    host.copy_in("a", &says("one"));
    let runs = |answer: &probity_tests::host::Answer| answer.json()["counters"]["runs"].as_u64().unwrap_or(0);
    let before = runs(&host.wait_for("/checks/a", |answer| answer.status == 200 && runs(answer) >= 3));
    host.copy_in("a", &says("two"));
    host.wait_for_message("a", "two");
    assert!(runs(&host.get("/checks/a")) > before);
    assert!(host.get("/checks/a/history").body.contains("one"));
}

// A configuration that is wrong leaves the old one serving and says where the mistake is.
#[test]
fn a_bad_configuration_leaves_the_old_one() {
    let host = Host::start("[[check]]\nname = \"first\"\nplugin = \"a\"\nevery = \"200ms\"\n");
    host.copy_in("a", &says("one"));
    host.wait_for_message("first", "one");
    host.reconfigure("[[check]]\nname = \"second\"\nplugin = \"a\"\nevry = \"200ms\"\n");
    let report = host.wait_for("/checks/first", |_| host.log().contains("the configuration was rejected"));
    assert_eq!(report.status, 200);
    let log = host.log();
    assert!(log.contains("evry") && log.contains("every") && log.contains("probity.toml"), "{log}");
    host.reconfigure("[[check]]\nname = \"second\"\nplugin = \"a\"\nevery = \"200ms\"\n");
    host.wait_for_message("second", "one");
    assert_eq!(host.get("/checks/first").status, 404);
}

// `POST /-/reload` answers what it found, and 409 exactly when it refused something.
#[test]
fn a_requested_reload_says_what_it_refused() {
    let host = Host::start(FAST);
    host.copy_in("a", &says("one"));
    host.wait_for_message("a", "one");
    host.copy_in("b", b"hello");
    let report = host.post("/-/reload");
    // The watcher may have been faster; then there is nothing left to refuse.
    let refused = report.json()["rejected"] == serde_json::json!(["b"]);
    assert_eq!(report.status, if refused { 409 } else { 200 }, "{}", report.body);
    host.wait_for_rejection("b", "not a WebAssembly component");
    let report = host.post("/-/reload");
    assert_eq!(report.status, 200, "{}", report.body);
    assert_eq!(report.json()["checks"], 1, "{}", report.body);
}

// A component that keeps the compiler busy is stopped at the operator's limit, and the next plugin loads.
#[test]
fn a_compilation_without_end_is_stopped() {
    let host = Host::start("[plugins]\ncompile-timeout = \"2s\"\n[defaults]\nevery = \"200ms\"\n");
    host.copy_in("bomb", &compile_bomb(200, 1_000));
    host.wait_for_rejection("bomb", "compiling took more than 2000 ms");
    host.copy_in("a", &says("fine"));
    host.wait_for_message("a", "fine");
}

// A component that makes the compiler hungry costs no more than the operator's limit, in a process that is not the host.
#[test]
fn a_compilation_without_measure_is_stopped() {
    let host = Host::start("[plugins]\ncompile-memory = \"64MiB\"\n[defaults]\nevery = \"200ms\"\n");
    host.copy_in("a", &says("fine"));
    host.wait_for_message("a", "fine");
    host.copy_in("bomb", &compile_bomb(200, 1_000));
    host.wait_for_rejection("bomb", "it may use 67108864 bytes of memory");
    host.wait_for("/ready", |answer| answer.status == 200);
}

/// A small valid guest that is slow to compile: every loop of a deep nest keeps every local alive.
pub(crate) fn compile_bomb(loops: usize, locals: usize) -> Vec<u8> {
    let mut run = "(func (export \"probity:check/checker@0.1.0#run\") (param i32 i32) (result i32)\n".to_owned();
    run += &"(local i32)".repeat(locals);
    run += &"(loop ".repeat(loops);
    for local in 2..locals + 2 {
        run += &format!("(local.set {local} (i32.add (local.get {local}) (local.get 0)))");
    }
    run += &"(br_if 0 (local.get 1)))".repeat(loops);
    run += "(call $healthy))";
    guests::encode(&run).expect("the text is a guest")
}

/// The same component with a custom section of `len` bytes at its end.
fn padded(component: &[u8], len: usize) -> Vec<u8> {
    let mut bytes = component.to_vec();
    let name = b"padding";
    bytes.push(0);
    leb128(&mut bytes, name.len() + 1 + len);
    bytes.push(u8::try_from(name.len()).unwrap());
    bytes.extend_from_slice(name);
    bytes.extend((0..len).map(|i| u8::try_from(i % 251).unwrap()));
    bytes
}

fn leb128(bytes: &mut Vec<u8>, mut value: usize) {
    loop {
        let low = u8::try_from(value & 0x7f).unwrap();
        value >>= 7;
        bytes.push(if value == 0 { low } else { low | 0x80 });
        if value == 0 {
            return;
        }
    }
}

// A configuration that changes between the first reading and the first look is not taken for the one that was read.
#[test]
fn a_change_during_the_start_is_seen() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("probity.toml");
    let server = "[server]\nlisten = \"127.0.0.1:0\"\n[plugins]\nrescan = \"1h\"\n";
    fs::create_dir(dir.path().join("plugins")).unwrap();
    fs::write(&file, server).unwrap();
    let config = probity_config::load(Some(&file)).unwrap();
    fs::write(&file, format!("{server}[[check]]\nname = \"late\"\n")).unwrap();
    let daemon = Daemon::build(config, Some(file), Compiler::InProcess).unwrap();
    let host = daemon.host();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let thread = std::thread::spawn(move || daemon.run(async { drop(stopped.await) }));
    let end = Instant::now() + PATIENCE;
    while host.board.slot("late").is_none() {
        assert!(Instant::now() < end, "the configuration that came during the start was never loaded");
        std::thread::sleep(Duration::from_millis(10)); // the distance of two looks
    }
    drop(stop);
    thread.join().unwrap().unwrap();
}
