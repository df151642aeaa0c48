//! Arbitrary bytes are refused, or are a plugin that `describe` gets an answer or a failure from. Never a panic, a hang
//! or more memory than the limits allow.
//!
//! Seeds: the fixtures of the tests and the hostile corpus.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use probity_sandbox::{CompileError, Sandbox};
use tokio::runtime::{Builder, Runtime};

static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| Sandbox::new(1, None).expect("the machine can run a sandbox"));

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().expect("the machine can run a runtime"));

fuzz_target!(|bytes: &[u8]| {
    match SANDBOX.compile(bytes, "fuzz") {
        Ok(program) => drop(RUNTIME.block_on(SANDBOX.describe(&program))),
        Err(CompileError::CompilerPanic(said)) => panic!("the compiler panicked: {said}"),
        Err(_) => {}
    }
});
