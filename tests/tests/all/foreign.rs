//! What a plugin's file and a plugin's words cannot do to the host: fill its memory, hold it up, write its lines.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use probity_sandbox::{CompileError, Compiler, Sandbox, Worker};
use probity_tests::bench::{self, digest, roomy};
use probity_tests::guests;
use probity_tests::host::{Host, PATIENCE, binary, says};

/// Memory that no hostile plugin may make a host use.
const MEMORY_MAX_KIB: u64 = 300 << 10;

const FAST: &str = "[defaults]\nevery = \"200ms\"\n";

/// The most memory that a process ever had, KiB.
fn peak(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn text(component: &str) -> Vec<u8> {
    wat::parse_str(component).expect("the test's component is well-formed")
}

/// A sandbox that compiles as a server does.
fn confined() -> Sandbox {
    let worker = Worker { program: binary(), timeout: PATIENCE, memory: 1 << 30 };
    Sandbox::new(1, None).unwrap().compiling_in(Compiler::Process(worker))
}

/// The workers that a process has now.
fn workers_of(pid: u32) -> Vec<u32> {
    let children = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let path = entry.unwrap().path();
        let pid_there = path.file_name()?.to_str()?.parse().ok()?;
        let stat = fs::read_to_string(path.join("stat")).ok()?;
        let mut after = stat.rsplit_once(')')?.1.split_ascii_whitespace();
        let (state, parent) = (after.next()?, after.next()?);
        (state != "Z" && parent == pid.to_string()).then_some(pid_there)
    });
    children.collect()
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "{what} never came");
        std::thread::sleep(Duration::from_millis(10)); // the distance of two looks
    }
}

/// A guest that traps in a function of this name.
fn traps_in(name: &str) -> Vec<u8> {
    guests::encode(&format!(
        "(func $\"{name}\" unreachable)
         (func (export \"probity:check/checker@0.1.0#run\") (param i32 i32) (result i32)
           (call $\"{name}\") (call $healthy))"
    ))
    .unwrap()
}

/// A C++ name of some hundred bytes that stands for one of a hundred megabytes.
fn unfolding_name() -> String {
    let levels = (0..6).map(|level| {
        let part = if level == 0 { "S0_".to_owned() } else { format!("S{level}_") };
        format!("ES_I{}", part.repeat(10))
    });
    format!("_Z1f1PIiii{}E", levels.collect::<String>())
}

// A guest that traps in a function whose name unfolds to a hundred megabytes costs the host nothing, and the trace names
// the function as it is written.
#[test]
fn names_of_functions_are_not_unfolded() {
    let host = Host::start(FAST);
    host.copy_in("a", &traps_in(&unfolding_name()));
    let check = host.wait_for("/checks/a", |answer| {
        answer.json()["reason"]["reason"] == "trap" || answer.json()["reason"] == "trap"
    });
    assert!(check.body.contains("_Z1f1PIiii"), "{}", check.body);
    assert!(peak(host.pid()) < MEMORY_MAX_KIB, "{} KiB", peak(host.pid()));
}

// A name of Rust is readable in a trace.
#[tokio::test]
async fn names_of_rust_are_readable() {
    let program = bench::compile(&traps_in("_ZN6orders7backlog17h0123456789abcdefE")).unwrap();
    let run = bench::run_on(bench::sandbox(), &program, &bench::env("a", roomy())).await;
    let trace = run.end.unwrap_err().trace.unwrap();
    assert!(trace.contains("orders::backlog") && !trace.contains("_ZN"), "{trace}");
}

fn imports(names: impl Iterator<Item = String>) -> Vec<u8> {
    let import = |name| format!("(import \"{name}\" (func))");
    text(&format!("(component {})", names.map(import).collect::<String>()))
}

// A refusal names a few of what is missing and counts the rest.
#[test]
fn a_thousand_missing_imports_are_a_short_text() {
    let bytes = imports((0..1_000).map(|at| format!("acme:{}/i{at}", "a".repeat(200))));
    let error = confined().compile(&bytes, &digest(&bytes)).unwrap_err();
    let said = error.to_string();
    assert!(matches!(error, CompileError::Imports(_)) && said.contains("and 992 more") && said.len() < 4_096, "{said}");
    let host = Host::start("");
    host.copy_in("a", &bytes);
    let rejected = host.wait_for_rejection("a", "does not offer");
    assert!(rejected["rejected"]["message"].as_str().unwrap().len() <= 2_048, "{rejected}");
}

// More names than a check can need, or a longer one, are refused before anything is made of them.
#[test]
fn names_are_counted_and_measured() {
    for bytes in [
        imports((0..1_001).map(|at| format!("acme:a/i{at}"))),
        imports([format!("acme:a/{}", "a".repeat(250))].into_iter()),
    ] {
        for sandbox in [&confined(), bench::sandbox()] {
            let error = sandbox.compile(&bytes, &digest(&bytes)).unwrap_err();
            assert!(matches!(error, CompileError::Names), "{error}");
        }
    }
}

// A line break in a name of an import does not begin a line of the host's.
#[test]
fn names_write_no_lines() {
    let bytes = text("(component (import \"url=<https://a/\\0a[+]database ok>\" (func)))");
    let error = confined().compile(&bytes, &digest(&bytes)).unwrap_err().to_string();
    assert!(!error.contains('\n'), "{error}");
}

/// Components within components, each empty but for the next one.
fn nested(levels: usize) -> Vec<u8> {
    let head = b"\0asm\x0d\0\x01\0";
    let mut lengths = Vec::with_capacity(levels);
    let mut length = head.len();
    for _ in 0..levels {
        lengths.push(length);
        length += head.len() + 1 + leb128(length).len();
    }
    let mut bytes = head.to_vec();
    for length in lengths.into_iter().rev() {
        bytes.push(4);
        bytes.extend(leb128(length));
        bytes.extend(head);
    }
    bytes
}

fn leb128(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(value & 0x7f).unwrap();
        value >>= 7;
        bytes.push(if value == 0 { low } else { low | 0x80 });
        if value == 0 {
            return bytes;
        }
    }
}

// Components nested deeper than any toolchain nests them are refused in a moment, by a host and by a command.
#[test]
fn depth_is_looked_at_first() {
    let deep = nested(100_000);
    for (sandbox, levels) in [(&confined(), 100_000), (bench::sandbox(), 100_000), (bench::sandbox(), 101)] {
        let (bytes, start) = (nested(levels), Instant::now());
        let error = sandbox.compile(&bytes, &digest(&bytes)).unwrap_err();
        assert!(matches!(error, CompileError::TooDeep), "{error}");
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    }
    let shallow = nested(99);
    let error = bench::sandbox().compile(&shallow, &digest(&shallow)).unwrap_err();
    assert!(matches!(error, CompileError::World(_)), "{error}");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("deep.wasm");
    fs::write(&file, &deep).unwrap();
    let (code, said) = command(&["inspect", file.to_str().unwrap()], dir.path());
    assert!(code == Some(1) && said.contains("levels deep"), "{said}");
}

/// Runs a command with at most 1 GiB of memory. Its exit code and all it said.
fn command(args: &[&str], dir: &Path) -> (Option<i32>, String) {
    let output = Command::new("sh")
        .args(["-c", "ulimit -d 1048576; exec \"$0\" \"$@\""])
        .arg(binary())
        .args(args)
        .current_dir(dir)
        .env_remove("PROBITY_CONFIG")
        .env("XDG_CACHE_HOME", dir)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

// A component that the validator or the compiler breaks on hurts no command: the worker's limits hold for it, too.
#[test]
fn commands_look_from_a_distance() {
    let dir = tempfile::tempdir().unwrap();
    let plugins = dir.path().join("plugins");
    fs::create_dir(&plugins).unwrap();
    fs::write(plugins.join("bomb.wasm"), guests::encode(&hungry()).unwrap()).unwrap();
    let config = "[plugins]\ncompile-memory = \"64MiB\"\n[[check]]\nname = \"bomb\"\n";
    fs::write(dir.path().join("probity.toml"), config).unwrap();
    for args in [&["validate"][..], &["explain", "bomb"], &["run", "--check", "bomb"]] {
        let (code, said) = command(args, dir.path());
        assert!(code.is_some_and(|code| code != 0) && said.contains("67108864 bytes"), "{args:?}: {said}");
    }
}

/// A guest that is slow and hungry to compile: every loop of a deep nest keeps every local alive.
fn hungry() -> String {
    let (loops, locals) = (200, 1_000);
    let mut run = "(func (export \"probity:check/checker@0.1.0#run\") (param i32 i32) (result i32)\n".to_owned();
    run += &"(local i32)".repeat(locals);
    run += &"(loop ".repeat(loops);
    for local in 2..locals + 2 {
        run += &format!("(local.set {local} (i32.add (local.get {local}) (local.get 0)))");
    }
    run += &"(br_if 0 (local.get 1)))".repeat(loops);
    run + "(call $healthy))"
}

// A schema that never comes to an end rejects its version within seconds; the host loads the next plugin, reloads, and
// ends when it is told to.
#[test]
fn endless_schemas_reject_their_version() {
    let mut host = Host::start(FAST);
    host.copy_in("a", &says("fine"));
    host.wait_for_message("a", "fine");
    for (name, schema) in [("chain", chain(30)), ("nest", unevaluated(40)), ("patterns", patterns(1_500))] {
        host.copy_in(name, &guests::with_schema(&schema));
        host.wait_for_rejection(name, "config-schema");
        assert!(peak(host.pid()) < MEMORY_MAX_KIB, "{name}: {} KiB", peak(host.pid()));
    }
    host.copy_in("backwards", &guests::with_schema(r#"{"properties": {"a": {"pattern": "^(a*)*\\1$"}}}"#));
    host.wait_for_rejection("backwards", "no back-references");
    host.copy_in("b", &says("next"));
    host.wait_for_message("b", "next");
    // Those that were refused are looked at again.
    let _ = host.post("/-/reload");
    host.copy_in("again", &guests::with_schema(&chain(31)));
    host.terminate();
    assert!(host.ended().success());
}

/// Definitions of which each refers to the next one twice.
fn chain(levels: usize) -> String {
    let definition = |level| {
        let next = format!(r##"{{"$ref": "#/$defs/d{}"}}"##, level + 1);
        format!(r#""d{level}": {{"allOf": [{next}, {next}]}}"#)
    };
    let definitions: Vec<String> = (0..levels).map(definition).collect();
    format!(r##"{{"$ref": "#/$defs/d0", "$defs": {{{}, "d{levels}": {{"type": "object"}}}}}}"##, definitions.join(", "))
}

/// Each level looks again at all that the level below it looked at.
fn unevaluated(levels: usize) -> String {
    let level = |inner: String, _| format!(r#"{{"anyOf": [{inner}], "unevaluatedProperties": false}}"#);
    (0..levels).fold(r#"{"type": "object"}"#.to_owned(), level)
}

fn patterns(count: usize) -> String {
    let pattern = |at| format!(r#""(a|b|{at}){{9}}(\\p{{L}}|\\p{{N}}){{9}}": true"#);
    let patterns: Vec<String> = (0..count).map(pattern).collect();
    format!(r#"{{"patternProperties": {{{}}}}}"#, patterns.join(","))
}

// A schema that is no small work but comes to an end judges configurations all the same, and a configuration that it has
// been held against is not held against it again.
#[test]
fn large_schemas_judge_from_a_distance() {
    let schema = r##"{"type": "object", "properties": {"next": {"$ref": "#"}}, "unevaluatedProperties": false}"##;
    let host = Host::start(
        "[defaults]\nevery = \"200ms\"\n[[check]]\nname = \"good\"\nplugin = \"a\"\n[check.config.next.next]\n\
         [[check]]\nname = \"bad\"\nplugin = \"a\"\n[check.config.next]\nlast = 1\n",
    );
    host.copy_in("a", &guests::with_schema(schema));
    host.wait_until("good", "healthy");
    let bad = host.wait_until("bad", "unknown");
    assert!(bad.to_string().contains("invalid-config") && bad.to_string().contains("'last'"), "{bad}");
}

// A schema that is too long is not taken for none.
#[test]
fn a_schema_that_is_too_long_is_refused() {
    let host = Host::start("");
    let schema = format!("{{\"description\": \"{}\"}}", "x".repeat(64 << 10));
    host.copy_in("a", &guests::with_schema(&schema));
    host.wait_for_rejection("a", "may have 65536");
}

// What a broken schema is told about is short, whatever it says.
#[test]
fn complaints_about_schemas_are_short() {
    let host = Host::start("");
    host.copy_in("a", &guests::with_schema(&format!("{{\"type\": \"{}\\n\"}}", "x".repeat(60_000))));
    let rejected = host.wait_for_rejection("a", "config-schema");
    let said = rejected["rejected"]["message"].as_str().unwrap();
    assert!(said.len() < 1_024 && !said.contains('\n'), "{said}");
}

// A worker ends with its host, however that ends, also in the middle of a compilation.
#[test]
fn no_worker_outlives_its_host() {
    let mut host = Host::start("[plugins]\ncompile-timeout = \"10m\"\n");
    host.copy_in("bomb", &guests::encode(&hungry()).unwrap());
    let mut workers = Vec::new();
    wait_until("a worker", || {
        workers = workers_of(host.pid());
        !workers.is_empty()
    });
    host.kill_and_restart();
    let name = |pid: &u32| fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    wait_until("the end of the worker", || !workers.iter().any(|pid| name(pid).contains("compile-worker")));
}

// Whoever ends a host ends its compilations: at once, and none is begun after.
#[test]
fn compilations_are_stopped() {
    let sandbox = confined();
    let bytes = guests::encode(&hungry()).unwrap();
    let me = std::process::id();
    std::thread::scope(|scope| {
        let compiling: Vec<_> =
            (0..2).map(|_| scope.spawn(|| sandbox.compile(&bytes, &digest(&bytes)).unwrap_err())).collect();
        wait_until("two workers", || workers_of(me).len() >= 2);
        let start = Instant::now();
        sandbox.stop_compiling();
        for compiling in compiling {
            let error = compiling.join().unwrap();
            assert!(matches!(error, CompileError::Stopped), "{error}");
        }
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    });
    let bytes = guests::component("healthy");
    assert!(matches!(sandbox.compile(&bytes, &digest(&bytes)), Err(CompileError::Stopped)));
}

/// A directory with a plugin, and the command line that serves it.
fn served(dir: &Path) -> PathBuf {
    fs::create_dir_all(dir.join("plugins")).unwrap();
    fs::write(dir.join("plugins/a.wasm"), guests::component("healthy")).unwrap();
    fs::write(dir.join("probity.toml"), "[[check]]\nname = \"a\"\n").unwrap();
    binary()
}

/// Runs a check once in a shell that has done `before`. What was said.
fn run_after(before: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let program = served(dir.path());
    let output = Command::new("sh")
        .args(["-c", &format!("{before}; exec \"$0\" run --no-cache plugins/a.wasm")])
        .arg(program)
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    format!("{} {}{}", output.status, String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

// Where address space is scarce, plugins are compiled and run as anywhere.
#[test]
fn plugins_run_without_much_address_space() {
    let said = run_after("ulimit -v 2048000");
    assert!(said.starts_with("exit status: 0") && said.contains("healthy"), "{said}");
}

// A small stack and a small limit for files do not keep plugins from being compiled and run.
#[test]
fn plugins_run_within_small_limits() {
    for limits in ["ulimit -s 256", "ulimit -f 65536", "ulimit -c 0; ulimit -n 64"] {
        let said = run_after(limits);
        assert!(said.starts_with("exit status: 0") && said.contains("healthy"), "{limits}: {said}");
    }
}
