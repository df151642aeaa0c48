//! Bytes that are no plugin, and plugins that are stranger than most.

use std::error::Error;

use probity_core::check::{Capability, Status};
use probity_sandbox::{CompileError, Program};
use probity_tests::bench::{self, roomy};
use probity_tests::guests;

/// A component that uses a built-in of component-model-async.
pub(crate) const WAITABLE_SET: &str = r#"(component
    (core func $new (canon waitable-set.new))
    (core module $m
        (import "" "new" (func $new (result i32)))
        (func $start (drop (call $new)))
        (start $start))
    (core instance (instantiate $m (with "" (instance (export "new" (func $new)))))))"#;

/// Why `bytes` are refused, with all causes.
fn refusal(bytes: &[u8]) -> String {
    let error = bench::compile(bytes).expect_err("these bytes are no plugin");
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn text(component: &str) -> Vec<u8> {
    wat::parse_str(component).expect("the test's component is well-formed")
}

async fn status(program: &Program) -> Status {
    bench::run_on(bench::sandbox(), program, &bench::env("loaded", roomy())).await.status()
}

// Bytes that are no component are told by what they are.
#[tokio::test]
async fn other_files_are_recognised() {
    let component = guests::component("healthy");
    let native = wasmtime::Engine::default().precompile_component(&component).unwrap();
    for (bytes, word) in [
        (&b""[..], "empty"),
        (&vec![0; 64 << 20], "zeros"),
        (b"(component)", "text"),
        (b"#!/bin/sh\nexit 0\n", "magic number"),
        (&wat::parse_str("(module)").unwrap(), "core WebAssembly module"),
        (&native, "precompiled"),
        (&component[..7], "magic number"),
    ] {
        let said = refusal(bytes);
        assert!(said.contains(word), "wanted `{word}`: {said}");
    }
    bench::neighbour().await;
}

// A file cut anywhere is refused, and never runs.
#[tokio::test]
async fn truncated_component_is_refused() {
    let component = guests::component("healthy");
    for len in (8..component.len()).step_by(37) {
        refusal(&component[..len]);
    }
    bench::neighbour().await;
}

// One flipped byte anywhere is refused or runs as something else, but nothing breaks.
#[tokio::test]
async fn damaged_component_does_no_harm() {
    let component = guests::component("healthy");
    for at in (0..component.len()).step_by(23) {
        let mut damaged = component.clone();
        damaged[at] ^= 0x55;
        match bench::compile(&damaged) {
            Ok(program) => drop(status(&program).await),
            Err(CompileError::CompilerPanic(said)) => panic!("byte {at}: {said}"),
            Err(_) => {}
        }
    }
    bench::neighbour().await;
}

// What a host does not offer is named: a later capability, a later contract, something unknown.
#[test]
fn foreign_imports_are_named() {
    let said = refusal(&text(
        r#"(component (import "probity:check/blobs@0.1.0" (instance (export "get" (func (param "key" string))))))"#,
    ));
    assert!(said.contains("probity:check/blobs@0.1.0") && said.contains("no such interface"), "{said}");
    let said = refusal(&guests::component("unknown"));
    assert!(said.contains("acme:unknown/teapot@1.2.3"), "{said}");
    let said = refusal(&text(
        r#"(component (import "probity:check/state@0.2.0" (instance (export "get" (func (param "key" string))))))"#,
    ));
    assert!(said.contains("probity:check/state@0.2.0") && said.contains("offers 0.1.0"), "{said}");
}

// A component that is no check says what is missing.
#[test]
fn missing_exports_are_named() {
    for (component, word) in [
        ("(component)", "exports nothing"),
        (r#"(component (instance $i) (export "acme:other/thing@1.0.0" (instance $i)))"#, "acme:other/thing@1.0.0"),
        (r#"(component (instance $i) (export "probity:check/checker@0.2.0" (instance $i)))"#, "0.2.0"),
        (r#"(component (instance $i) (export "probity:check/checker@0.1.0" (instance $i)))"#, "describe"),
    ] {
        let said = refusal(&text(component));
        assert!(said.contains("probity:check@0.1.0") && said.contains(word), "wanted `{word}`: {said}");
    }
}

// Functions of the right names with other types are refused before a check runs: at the latest by `describe`.
#[tokio::test]
async fn wrong_signatures_are_refused() {
    let component = text(
        r#"(component
            (core module $m
                (func (export "describe") (result i32) (i32.const 0))
                (func (export "run") (param i32) (result i32) (i32.const 0)))
            (core instance $i (instantiate $m))
            (func $describe (result u32) (canon lift (core func $i "describe")))
            (func $run (param "config" u32) (result u32) (canon lift (core func $i "run")))
            (instance $checker (export "describe" (func $describe)) (export "run" (func $run)))
            (export "probity:check/checker@0.1.0" (instance $checker)))"#,
    );
    let said = match bench::compile(&component) {
        Err(_) => refusal(&component),
        Ok(program) => bench::sandbox().describe(&program).await.unwrap_err().message,
    };
    assert!(said.contains("describe") || said.contains("type"), "{said}");
}

// Exports and types that nobody asked for do not hurt.
#[tokio::test]
async fn extra_exports_and_types_are_tolerated() {
    let program = bench::program("extra");
    assert!(program.imports.iter().any(|import| import == "acme:unknown/shapes@1.2.3"), "{:?}", program.imports);
    assert_eq!(status(&program).await, Status::Healthy);
}

// The imports of a component amount to its capabilities.
#[test]
fn imports_amount_to_capabilities() {
    let of = |name| bench::program(name).capabilities.iter().copied().collect::<Vec<_>>();
    assert_eq!(of("state-flood"), [Capability::State]);
    assert_eq!(of("healthy"), []);
    assert_eq!(of("files"), []);
}

// A component that uses component-model-async runs as well, next to those that do not.
#[tokio::test]
async fn component_model_async_runs() {
    let bytes = guests::with_inner(&guests::component("healthy"), WAITABLE_SET);
    assert_eq!(status(&bench::compile(&bytes).unwrap()).await, Status::Healthy);
    bench::neighbour().await;
}

// A small file that unfolds to millions of instances is refused before the compiler unfolds it.
#[test]
fn nested_instances_are_counted() {
    let nested = |depth| {
        let leaf = "(component $c (core module $m) (core instance (instantiate $m)))".to_owned();
        let level =
            |inner, _| format!("(component $c {inner} (instance (instantiate $c)) (instance (instantiate $c)))");
        (0..depth).fold(leaf, level)
    };
    let shallow = guests::with_inner(&guests::component("healthy"), &nested(4));
    bench::compile(&shallow).unwrap();
    for depth in [14, 40, 90] {
        let deep = guests::with_inner(&guests::component("healthy"), &nested(depth));
        assert!(matches!(bench::compile(&deep), Err(CompileError::TooLarge(_))), "depth {depth}");
    }
}

// A component that is handed to another one to be instantiated cannot be counted, and is refused as well.
#[test]
fn uncountable_instances_are_refused() {
    let inner = r#"(component
        (component $user (import "c" (component $c)) (instance (instantiate $c)) (instance (instantiate $c)))
        (component $leaf (core module $m) (core instance (instantiate $m)))
        (instance (instantiate $user (with "c" (component $leaf)))))"#;
    let bytes = guests::with_inner(&guests::component("healthy"), inner);
    assert!(matches!(bench::compile(&bytes), Err(CompileError::TooLarge(_))));
}

// Memory that threads could share, and tables or memories beyond what the pool gives one plugin, are refused at once.
#[test]
fn unlimitable_resources_are_refused() {
    assert!(refusal(&guests::component("shared-memory")).contains("shared"));
    assert!(refusal(&guests::component("table-minimum")).contains("table"));
    let memories = format!("(component (core module $m (memory 1)) {})", "(core instance (instantiate $m))".repeat(40));
    let said = refusal(&guests::with_inner(&guests::component("healthy"), &memories));
    assert!(said.contains("memories"), "{said}");
}

// Every fixture is used by a test: a forgotten one tests nothing.
#[test]
fn no_fixture_is_forgotten() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all");
    let files = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let tests: String = files.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    for name in guests::all().keys() {
        assert!(tests.contains(&format!("\"{name}\"")), "no test runs tests/guests/{name}.wat");
    }
}
