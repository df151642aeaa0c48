//! Turns a Rust check into a WebAssembly component.
//!
//! Three steps, each usable alone: [`toolchain`] decides which compiler builds
//! for `wasm32-unknown-unknown` on this machine, [`compile`] runs cargo once
//! for any number of packages, [`component`] wraps the core modules.
//!
//! Prints nothing itself (cargo's own output goes to standard error), knows
//! nothing of the host and does not pull in the runtime: `cargo xtask guests`
//! and `probity build` share it.

pub mod compile;
pub mod component;
mod names;
pub mod toolchain;

/// The target of every Rust check. No WASI: what a component imports is then
/// exactly what it may ask the operator for.
pub const TARGET: &str = "wasm32-unknown-unknown";
