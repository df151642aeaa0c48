//! An author's way: `probity new`, `cargo test`, `probity build`, `probity run`.
//!
//! The first time this compiles Rust's standard library where no target is installed: a minute or two.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::kit::{Folder, command};

// What `probity new` makes passes its own tests, builds, and judges a real service, without a word of it changed.
#[test]
fn new_then_build_then_run() {
    // The same place each time: cargo then has the standard library and the dependencies from the last time.
    let base = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("author");
    let dir = base.join("queue-depth");
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&base).unwrap();
    let run = |command: &mut Command| {
        let output = command.env("CARGO_TARGET_DIR", base.join("target")).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{command:?}: {}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    };
    run(command(&base).args(["new", "queue-depth"]));
    let tests = run(Command::new(env!("CARGO")).args(["test", "--quiet"]).current_dir(&dir));
    assert!(tests.contains("3 passed"), "{tests}");
    let built = run(command(&dir).args(["build", "--output", "json"]));
    let built: serde_json::Value = serde_json::from_str(&built).unwrap();
    assert_eq!(built[0]["name"], "queue-depth");
    let imports: Vec<&str> = built[0]["imports"].as_array().unwrap().iter().filter_map(|i| i.as_str()).collect();
    assert!(
        imports.contains(&"probity:check/http@0.1.0") && !imports.iter().any(|i| i.starts_with("wasi:")),
        "{imports:?}"
    );
    judges_a_service(&dir, built[0]["file"].as_str().unwrap());
    let again = run(command(&dir).arg("build"));
    assert!(again.contains("unchanged"), "{again}");
}

fn judges_a_service(dir: &Path, component: &str) {
    let service = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = service.local_addr().unwrap();
    std::thread::spawn(move || {
        for connection in service.incoming() {
            let mut connection = connection.unwrap();
            let _ = connection.read(&mut [0; 4096]);
            let body = r#"{"value": 50}"#;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = connection.write_all((head + body).as_bytes());
        }
    });
    let config = format!(r#"{{"url": "http://{address}/stats", "value": {{"warn": 10, "crit": 100}}}}"#);
    let grant = format!("http=http://{address}/*");
    let output = command(dir)
        .args(["run", component, "--config", &config, "--grant", &grant, "--output", "nagios"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "WARNING - value 50, more than 10 | 'value'=50\n");
}

// Nothing is written over, and a name that would not do is refused with what would.
#[test]
fn new_refuses_what_it_cannot_make() {
    let folder = Folder::new().with_file("plugins/precious", "mine");
    let taken = folder.probity(["new", "a", "--dir", "plugins"]);
    assert_eq!(taken.code, Some(1));
    taken.complains("plugins is not empty");
    let named = folder.probity(["new", "Queue Depth"]);
    assert_eq!(named.code, Some(1));
    named.complains("use lower-case letters");
}

// Where there is nothing to build, or something else, the answer says so.
#[test]
fn build_says_what_it_wants() {
    let folder = Folder::new();
    folder.probity(["build"]).complains("start a check with `probity new NAME`");
    let javascript = folder.with_file("package.json", "{}").probity(["build"]);
    assert_eq!(javascript.code, Some(1));
    javascript.complains("JavaScript");
}
