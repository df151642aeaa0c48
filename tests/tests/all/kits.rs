//! What a kit promises beyond the suites. That for C, C++ and Zig: what a check does not call is not imported, what it took
//! goes back when its run ends, and rows and replies can be read as types. That for JavaScript: long texts are cheap. That for
//! Go: the standard library's network says what to use instead. Of all that are compiled: a build can be repeated, and a run
//! that ends by a limit or a panic names the author's line.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use probity_tests::host::binary;
use probity_tests::python;
use probity_tests::reference::{LIMITS, Reference};
use probity_tests::servers::upstream::Upstream;
use serde_json::json;

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

/// Loops in a function of its own, on line 5 of each, or panics there.
const SPINS: [(&str, &str); 3] = [
    (
        "check.c",
        "#include <probity.h>

const probity_metadata probity_check = {.name = \"spins\"};

__attribute__((noinline)) static void spin(bool forever) {
    for (volatile bool on = forever; on;) {
    }
    probity_panic(\"boom\");
}

probity_outcome *probity_run(void) {
    spin(probity_config_bool_or(\"/forever\", false));
    return probity_healthy(\"never\");
}
",
    ),
    (
        "check.cpp",
        "#include <probity.hpp>



__attribute__((noinline)) static void spin(bool forever) {
    for (volatile bool on = forever; on;) {
    }
    probity_panic(\"boom\");
}

PROBITY_CHECK({.name = \"spins\"}) {
    spin(probity::config::boolean(\"/forever\", false));
    return probity::healthy(\"never\");
}
",
    ),
    (
        "check.zig",
        "const probity = @import(\"probity\");
const std = @import(\"std\");
pub const panic = probity.panic;

noinline fn spin(forever: bool) void {
    var turns: u64 = 0;
    while (forever) : (turns +%= 1) std.mem.doNotOptimizeAway(turns);
    @panic(\"boom\");
}

comptime {
    probity.check(.{ .name = \"spins\", .run = run });
}

fn run() probity.Error!probity.Outcome {
    spin(probity.config.boolean(\"/forever\", false));
    return probity.healthy(\"never\", .{});
}
",
    ),
];

/// Asks the network as a program that is none of ours does.
const DIALS: &str = r#"package main

import (
	"net/http"

	"probity.dev/sdk"
)

type dials struct{}

func (dials) Describe() probity.Metadata { return probity.Metadata{Name: "dials"} }

func (dials) Run(struct{}) (*probity.Outcome, error) {
	_, err := http.Get("http://127.0.0.1:1/")
	if err != nil {
		return probity.NewUnhealthy("%v", err), nil
	}
	return probity.NewHealthy("it answers"), nil
}

func init() { probity.Export(dials{}) }

func main() {}
"#;

/// Runs the program with the compilers of Python's environment; what it said.
fn probity(folder: &Path, args: &[&str]) -> String {
    let (is_well, said) = tried(folder, args);
    assert!(is_well, "{args:?}: {said}");
    said
}

/// The same, whether it is well or not.
fn tried(folder: &Path, args: &[&str]) -> (bool, String) {
    let bin = python::program("python").parent().unwrap().to_owned();
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(std::iter::once(bin).chain(env::split_paths(&path))).unwrap();
    let output = Command::new(binary()).args(args).current_dir(folder).env("PATH", path).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), said)
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

// A run that ends by a limit, or by a panic whose stack nobody has, names the author's function and where it begins.
#[test]
fn ends_name_the_authors_line() {
    for (file, source) in SPINS {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(file), source).unwrap();
        probity(folder.path(), &["build", "--out", "spins.wasm"]);
        let ends = [("true", "used up its fuel of 1 million (key `fuel`), in "), ("false", "panic: boom, in ")];
        for (forever, wanted) in ends {
            let config = format!(r#"{{"forever": {forever}}}"#);
            let args = ["run", "spins.wasm", "--fuel", "1000000", "--check-config", &config, "--output", "nagios"];
            let (_, said) = tried(folder.path(), &args);
            assert!(said.contains(wanted) && said.contains(&format!(" ({file}:5)")), "{file}: {said}");
        }
    }
}

// The same of Rust, whose panics have a place of their own.
#[tokio::test]
async fn ends_in_rust_name_the_authors_line() {
    for act in ["loop", "allocate"] {
        let run = Reference::new(LIMITS).run("rust", &json!({"act": act})).await;
        let said = run.end.unwrap_err().message;
        assert!(said.contains(", in ") && said.contains(" (src/lib.rs:"), "{act}: {said}");
    }
}

// The standard library of Go plays at being a network where there is none: a check that asks it is not told that its target
// refused, but what to use instead.
#[test]
fn a_connection_of_net_http_says_what_to_use_instead() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("check.go"), DIALS).unwrap();
    let module = "module acme.test/dials\n\ngo 1.27.1\n\nrequire probity.dev/sdk v0.1.0\n";
    fs::write(folder.path().join("go.mod"), module).unwrap();
    let built = probity(folder.path(), &["build", "--out", "dials.wasm"]);
    assert!(built.contains("imports net/http, which wants sockets"), "{built}");
    fs::create_dir(folder.path().join("tests")).unwrap();
    let case = "[[case]]\nname = \"dials\"\n[case.expect]\nfailure = \"trap\"\n\
                message = \"*net: a component has no sockets: use probity.dev/sdk/http*\"\n";
    fs::write(folder.path().join("tests/dials.toml"), case).unwrap();
    let said = probity(folder.path(), &["test", "--component", "dials.wasm"]);
    assert!(said.contains("1 of 1 cases pass"), "{said}");
}

// The same sources make the same component, wherever their folder is and whatever it is called.
#[test]
fn a_build_can_be_repeated() {
    for language in ["c", "cpp", "zig", "go", "rust"] {
        let made = ["one", "quite/another"].map(|place| {
            let above = tempfile::tempdir().unwrap();
            let folder = above.path().join(place);
            fs::create_dir_all(folder.parent().unwrap()).unwrap();
            probity(above.path(), &["new", "same", "--lang", language, "--dir", folder.to_str().unwrap()]);
            probity(&folder, &["build", "--out", "same.wasm"]);
            fs::read(folder.join("same.wasm")).unwrap()
        });
        assert!(made[0] == made[1], "{language}: {} and {} bytes", made[0].len(), made[1].len());
    }
}
