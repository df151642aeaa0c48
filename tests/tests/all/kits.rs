//! What a kit promises beyond the suites. That for C, C++ and Zig: what a check does not call is not imported, what it took
//! goes back when its run ends, and rows and replies can be read as types. That for JavaScript: long texts are cheap.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use probity_tests::host::binary;
use probity_tests::python;
use probity_tests::servers::upstream::Upstream;

/// One capability, and nothing else of the kit but an outcome.
const ASKS_REDIS: [(&str, &str); 3] = [
    (
        "check.c",
        r#"#include <probity.h>

        const probity_metadata probity_check = {.name = "asks"};

        probity_outcome *probity_run(void) {
            probity_error error;
            probity_redis *cache = probity_redis_open("cache", &error);
            const probity_reply *reply = cache == NULL ? NULL : probity_redis_command(cache, "DBSIZE", NULL, 0, &error);
            return reply == NULL ? probity_failure(&error) : probity_healthy("it answers");
        }"#,
    ),
    (
        "check.cpp",
        r#"#include <probity.hpp>

        PROBITY_CHECK({.name = "asks"}) {
            auto cache = probity::redis::open("cache");
            if (!cache) return cache.error().failure();
            auto reply = cache->command("DBSIZE");
            return reply ? probity::healthy("it answers") : reply.error().failure();
        }"#,
    ),
    (
        "check.zig",
        r#"const probity = @import("probity");

        pub const panic = probity.panic;
        comptime { probity.check(.{ .name = "asks", .run = run }); }

        fn run() probity.Error!probity.Outcome {
            const cache = try probity.redis.open("cache");
            _ = try cache.command("DBSIZE", &.{});
            return probity.healthy("it answers", .{});
        }"#,
    ),
];

/// Takes two handles and gives none back.
const TAKES: &str = r#"#include <probity.h>

    const probity_metadata probity_check = {.name = "takes"};
    static int served;

    probity_outcome *probity_run(void) {
        probity_error error;
        if (probity_http_get(probity_config_text("/url"), &error) == NULL) return probity_failure(&error);
        uint16_t port = (uint16_t)probity_config_integer("/port");
        if (probity_tcp_connect("127.0.0.1", port, 0, &error) == NULL) return probity_failure(&error);
        return probity_healthy("served %d", ++served);
    }"#;

/// Puts a long text into bytes and takes it out again, as bodies in JSON are.
const READS: &str = r#"import { Outcome, check } from "probity-check";
    import * as state from "probity-check/state";

    export default check({
        name: "reads",
        run() {
            const kept = "Größe, 10 € ".repeat(3_000);
            for (let time = 0; time < 2; time++) {
                state.set("text", kept);
                if (state.get("text") !== kept) return Outcome.unhealthy("not what was kept");
            }
            return Outcome.healthy("read");
        },
    });
"#;

/// Runs the program with the compilers of Python's environment; what it said.
fn probity(folder: &Path, args: &[&str]) -> String {
    let bin = python::program("python").parent().unwrap().to_owned();
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(std::iter::once(bin).chain(env::split_paths(&path))).unwrap();
    let output = Command::new(binary()).args(args).current_dir(folder).env("PATH", path).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{args:?}: {said}");
    said
}

// A component imports what its check calls, and the operator is asked for no more.
#[test]
fn what_is_not_called_is_not_imported() {
    for (file, source) in ASKS_REDIS {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(file), source).unwrap();
        let said = probity(folder.path(), &["build", "--out", "asks.wasm"]);
        let uses = said.lines().find_map(|line| line.trim().strip_prefix("may use")).unwrap();
        let mut capabilities: Vec<&str> = uses.split(", ").map(str::trim).collect();
        // What the library of C++ has beside.
        capabilities.retain(|name| !name.contains("WASI") && !name.contains("nothing behind"));
        assert_eq!(capabilities, ["redis (needs a grant)", "log"], "{file}");
    }
}

// A check that gives no handle back leaves none, so that one instance serves its next run as well.
#[test]
fn handles_go_back_when_the_run_ends() {
    let upstream = Upstream::start();
    let (url, folder) = (upstream.url(), tempfile::tempdir().unwrap());
    let port = url.trim_end_matches('/').rsplit(':').next().unwrap();
    fs::write(folder.path().join("check.c"), TAKES).unwrap();
    probity(folder.path(), &["build", "--out", "plugins/takes.wasm"]);
    let config = format!(
        r#"[plugins]
dir = "plugins"
[[check]]
name = "takes"
plugin = "takes"
grants = {{ http = ["{url}*"], tcp = ["127.0.0.1:{port}"] }}
[check.limits]
runs-per-instance = 3
[check.config]
url = "{url}"
port = {port}
"#
    );
    fs::write(folder.path().join("probity.toml"), config).unwrap();
    let said = probity(folder.path(), &["run", "--check", "takes", "--repeat", "4", "--output", "nagios"]);
    let served: Vec<&str> = said.lines().collect();
    assert_eq!(served, ["OK - served 1", "OK - served 2", "OK - served 3", "OK - served 1"]);
}

// Fields, whole results and replies are read as the types of the language, and what does not fit is told.
#[test]
fn rows_and_replies_are_read_as_types() {
    let (folder, out) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("kits"), tempfile::tempdir().unwrap());
    for language in ["c", "cpp", "zig"] {
        let component = out.path().join(language).with_extension("wasm");
        let component = component.to_str().unwrap();
        probity(&folder.join(language), &["build", "--out", component]);
        let said = probity(&folder, &["test", "--component", component]);
        assert!(said.contains("2 of 2 cases pass"), "{language}: {said}");
    }
}

// A compiler of another version is a change; one that is gone is not: what it made is still there.
#[cfg(unix)]
#[test]
fn another_compiler_builds_anew() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("check.c"), ASKS_REDIS[0].1).unwrap();
    let tools = tempfile::tempdir().unwrap();
    let (zig, version) = (tools.path().join("zig"), tools.path().join("version"));
    let real = python::program("python");
    let script = format!(
        "#!/bin/sh\nif [ \"$1\" = version ]; then exec cat '{}'; fi\nexec '{}' -m ziglang \"$@\"\n",
        version.display(),
        real.display()
    );
    fs::write(&zig, script).unwrap();
    fs::set_permissions(&zig, fs::Permissions::from_mode(0o755)).unwrap();
    let build = |compiler: &Path| {
        let mut build = Command::new(binary());
        build.arg("build").current_dir(folder.path()).env("PROBITY_ZIG", compiler);
        let output = build.output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{said}");
        !said.contains("nothing to build")
    };
    fs::write(&version, "0.17.0\n").unwrap();
    assert_eq!([build(&zig), build(&zig)], [true, false]);
    fs::write(&version, "0.17.1\n").unwrap();
    assert_eq!([build(&zig), build(&zig)], [true, false]);
    assert!(!build(Path::new("/nowhere/zig")));
}

// Interpreted code looks at no byte of a text on its own: a hundred kilobytes that are not ASCII are written and
// read within the fuel that a check has by default.
#[cfg(unix)]
#[test]
fn long_texts_are_cheap_in_javascript() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("node_modules")).unwrap();
    let kit = python::root().join("sdk/javascript");
    std::os::unix::fs::symlink(kit, folder.path().join("node_modules/probity-check")).unwrap();
    fs::write(folder.path().join("package.json"), r#"{ "name": "reads", "version": "0.1.0", "type": "module" }"#)
        .unwrap();
    fs::write(folder.path().join("check.js"), READS).unwrap();
    probity(folder.path(), &["build", "--out", "reads.wasm"]);
    let said = probity(folder.path(), &["run", "reads.wasm", "--timeout", "30s", "--output", "nagios"]);
    assert_eq!(said.trim(), "OK - read");
}
