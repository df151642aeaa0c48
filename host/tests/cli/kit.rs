//! A folder to work in, and the command run in it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// A check that says `status` (0 healthy, 1 degraded, 2 unhealthy) and 13 bytes: `all | is well`.
pub(crate) fn says(status: u8) -> String {
    format!(
        r#"(data (i32.const 1024) "all | is well")
        (func (export "probity:check/checker@0.1.0#run") (param i32 i32) (result i32)
          (call $say (i32.const {status}) (i32.const 1024) (i32.const 13)))"#
    )
}

/// A check that measures two things: `it's=slow` is 1.5 ms and `rows` is 7.
pub(crate) const MEASURES: &str = r#"
    (data (i32.const 1024) "it's=slow" "ms" "rows")
    (data (i32.const 1104) "\00\04\00\00\09\00\00\00" "\00\00\00\00\00\00\00\00" "\00\00\00\00\00\00\f8\3f"
      "\01\00\00\00\09\04\00\00\02\00\00\00" "\01\01\00\00")
    (data (i32.const 1144) "\0b\04\00\00\04\00\00\00" "\01\00\00\00\00\00\00\00" "\07\00\00\00\00\00\00\00")
    (data (i32.const 208) "\50\04\00\00\02\00\00\00")
    (func (export "probity:check/checker@0.1.0#run") (param i32 i32) (result i32) (call $healthy))"#;

/// A check whose schema wants an object with a string `url`, and which gives an example.
pub(crate) const CONFIGURED: &str = r#"
    (data (i32.const 1024) "{\"type\":\"object\",\"properties\":{\"url\":{\"type\":\"string\"}},\"required\":[\"url\"]}")
    (data (i32.const 1280) "{\"url\":\"http://x.test/\"}")
    (data (i32.const 108) "\01\00\00\00\00\04\00\00\4b\00\00\00" "\01\00\00\00\00\05\00\00\18\00\00\00")
    (func (export "probity:check/checker@0.1.0#run") (param i32 i32) (result i32) (call $healthy))"#;

/// A check that asks for the uptime of the machine, and is unhealthy when it does not get it.
pub(crate) const UPTIME: &str = r#"
    (import "probity:check/system@0.1.0" "uptime-ms" (func $uptime (param i32)))
    (func (export "probity:check/checker@0.1.0#run") (param i32 i32) (result i32)
      (call $uptime (i32.const 2048))
      (call $expect_zero (i32.load8_u (i32.const 2048))))"#;

/// A check that counts its runs in its state and is healthy from the second on.
pub(crate) const SECOND_TIME: &str = r#"
    (import "probity:check/state@0.1.0" "increment" (func $increment (param i32 i32 i64 i32)))
    (data (i32.const 1024) "runs")
    (func (export "probity:check/checker@0.1.0#run") (param i32 i32) (result i32)
      (call $increment (i32.const 1024) (i32.const 4) (i64.const 1) (i32.const 2048))
      (call $expect_zero (i64.lt_s (i64.load (i32.const 2056)) (i64.const 2))))"#;

/// A folder with `plugins/`.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("plugins")).unwrap();
        Self(dir)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Adds `plugins/NAME.wasm` made of the fields of a core module.
    pub(crate) fn with_guest(self, name: &str, fields: &str) -> Self {
        let bytes = probity_tests::guests::encode(fields).unwrap();
        self.with_file(&format!("plugins/{name}.wasm"), bytes)
    }

    pub(crate) fn with_file(self, name: &str, contents: impl AsRef<[u8]>) -> Self {
        std::fs::write(self.path().join(name), contents).unwrap();
        self
    }

    /// Runs `probity` in the folder.
    pub(crate) fn probity<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Said {
        let output = command(self.path()).args(args).output().unwrap();
        Said {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// `probity`, in `dir`, with nothing of the tester's environment that it would listen to.
pub(crate) fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_probity"));
    command.current_dir(dir);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PROBITY_") {
            command.env_remove(name);
        }
    }
    // Compiled code is shared by the tests, and not with the tester.
    let cache = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("cache");
    std::fs::create_dir_all(&cache).unwrap();
    command.env("XDG_CACHE_HOME", cache);
    command
}

/// What the command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// The one JSON document on standard output.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Fails unless standard error holds `text`.
    #[track_caller]
    pub(crate) fn complains(&self, text: &str) {
        assert!(self.err.contains(text), "no {text:?} in {self:?}");
    }
}
