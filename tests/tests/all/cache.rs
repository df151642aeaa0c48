//! Compiled code on disk: found again by the next host, and ignored as soon as anything about it is not as it was left.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use probity_core::check::Status;
use probity_sandbox::capabilities::CheckEnv;
use probity_sandbox::{Origin, Program, Sandbox};
use probity_tests::bench::{self, roomy};
use probity_tests::guests;
use probity_tests::reference::{self, LIMITS};

/// A host's life: starts with the cache in `dir`, compiles, runs once. Where the code came from.
async fn host(dir: &Path) -> Origin {
    let bytes = guests::component("healthy");
    let sandbox = Sandbox::new(1, Some(dir)).unwrap();
    let program: Program = sandbox.compile(&bytes, &bench::digest(&bytes)).unwrap();
    let run = bench::run_on(&sandbox, &program, &bench::env("cached", roomy())).await;
    assert_eq!(run.status(), Status::Healthy, "{:?}", run.end);
    program.origin
}

/// What the second host makes of the cache that the first one left, after `tamper` was let loose on the file.
async fn second_host(tamper: impl FnOnce(&Path)) -> Origin {
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join("cache");
    assert_eq!(host(&cache).await, Origin::Compiled, "the first host has nothing to find");
    tamper(&code(&cache));
    host(&cache).await
}

/// The file of compiled code, the only one there is.
fn code(cache: &Path) -> PathBuf {
    let engine = fs::read_dir(cache).unwrap().next().unwrap().unwrap().path();
    let mut files = fs::read_dir(engine).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| path.extension().is_some_and(|extension| extension == "cwasm")).unwrap()
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

// The second start loads instead of compiling.
#[tokio::test]
async fn untouched_code_is_loaded() {
    assert_eq!(second_host(|_| {}).await, Origin::Cache);
}

// Code that was changed, cut or separated from its checksum is compiled anew.
#[tokio::test]
async fn altered_code_is_compiled_anew() {
    let changed = second_host(|code| {
        let mut bytes = fs::read(code).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(code, bytes).unwrap();
    });
    assert_eq!(changed.await, Origin::Compiled);
    let cut = second_host(|code| fs::write(code, &fs::read(code).unwrap()[..1_000]).unwrap());
    assert_eq!(cut.await, Origin::Compiled);
    let emptied = second_host(|code| fs::write(code, b"").unwrap());
    assert_eq!(emptied.await, Origin::Compiled);
    let unsummed = second_host(|code| fs::remove_file(code.with_extension("sha256")).unwrap());
    assert_eq!(unsummed.await, Origin::Compiled);
    let gone = second_host(|code| fs::remove_file(code).unwrap());
    assert_eq!(gone.await, Origin::Compiled);
}

// Bytes that match their checksum and still are no code of ours are compiled anew.
#[tokio::test]
async fn foreign_bytes_with_a_checksum_are_compiled_anew() {
    let foreign = second_host(|code| {
        fs::write(code, b"not native code").unwrap();
        fs::write(code.with_extension("sha256"), bench::digest(b"not native code")).unwrap();
    });
    assert_eq!(foreign.await, Origin::Compiled);
}

// After tampering, the cache is whole again: the third host loads.
#[tokio::test]
async fn cache_heals() {
    let dir = tempfile::tempdir().unwrap();
    host(dir.path().join("cache").as_path()).await;
    let cache = dir.path().join("cache");
    fs::write(code(&cache), b"rubbish").unwrap();
    assert_eq!(host(&cache).await, Origin::Compiled);
    assert_eq!(host(&cache).await, Origin::Cache);
}

// Code that another user could have written is not executed.
#[tokio::test]
async fn code_open_to_others_is_compiled_anew() {
    assert_eq!(second_host(|code| chmod(code, 0o666)).await, Origin::Compiled);
    let open_dir = second_host(|code| chmod(code.ancestors().nth(2).unwrap(), 0o777));
    assert_eq!(open_dir.await, Origin::Compiled);
    let linked = second_host(|code| {
        let elsewhere = code.with_extension("elsewhere");
        fs::rename(code, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, code).unwrap();
    });
    assert_eq!(linked.await, Origin::Compiled);
}

// The same for code that belongs to another user. Only root can give a file away; others have nothing to test.
#[tokio::test]
async fn code_of_another_user_is_compiled_anew() {
    const NOBODY: u32 = 65_534;
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let file = second_host(|code| std::os::unix::fs::chown(code, Some(NOBODY), None).unwrap());
    assert_eq!(file.await, Origin::Compiled);
    let dir =
        second_host(|code| std::os::unix::fs::chown(code.ancestors().nth(2).unwrap(), Some(NOBODY), None).unwrap());
    assert_eq!(dir.await, Origin::Compiled);
}

// Without a usable directory the host works as if it had no cache.
#[tokio::test]
async fn unusable_directory_is_done_without() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, b"").unwrap();
    for _ in 0..2 {
        assert_eq!(host(&file).await, Origin::Compiled);
        assert_eq!(host(&file.join("below")).await, Origin::Compiled);
    }
    // Root writes there all the same.
    let read_only = dir.path().join("read-only");
    fs::create_dir(&read_only).unwrap();
    chmod(&read_only, 0o500);
    assert_eq!(host(&read_only).await, Origin::Compiled);
    host(&read_only).await;
}

/// An author's next command: compiles the check in `language`, runs it, and says how many bytes of functions are kept then.
async fn author(dir: &Path, language: &str) -> u64 {
    let bytes = reference::component(language);
    let sandbox = Sandbox::for_author(Some(dir)).unwrap();
    let program = sandbox.compile(&bytes, &bench::digest(&bytes)).unwrap();
    assert_eq!(program.origin, Origin::Compiled);
    let config = serde_json::json!({"act": "judge", "value": 7, "warn": 5, "crit": 10});
    let env = Arc::into_inner(bench::env("reference", LIMITS)).unwrap();
    let env = Arc::new(CheckEnv { config_text: config.to_string(), config, ..env });
    let run = bench::run_on(&sandbox, &program, &env).await;
    assert_eq!(run.end.as_ref().map(|outcome| outcome.message.as_str()), Ok("value 7, more than 5"));
    fs::metadata(dir.join(concat!("functions-", env!("CARGO_PKG_VERSION"))).join("functions")).unwrap().len()
}

// Two checks in one language share their interpreter: for an author, its functions are compiled once.
#[tokio::test]
async fn an_author_compiles_an_interpreter_once() {
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join("cache");
    let first = author(&cache, "javascript").await;
    let second = author(&cache, "typescript").await;
    assert!(first > 1_000_000, "{first} bytes are no interpreter");
    assert!((second - first) * 5 < first, "{first} bytes of functions, then {second}");
}

// A server compiles each plugin by itself: what one leaves behind is nothing that another's compilation finds.
#[tokio::test]
async fn a_server_shares_no_functions() {
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join("cache");
    host(&cache).await;
    let left = fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(!left.into_iter().any(|name| name.starts_with("functions")));
}
