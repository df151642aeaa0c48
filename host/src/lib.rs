//! Probity: a directory of WebAssembly checks becomes a health endpoint.
//!
//! # Codemap
//!
//! - [`check`]: what a check is and what results mean; pure.
//! - [`config`]: files → a valid [`config::Config`].
//! - `files`: files that others wrote, read within bounds.
//! - [`testing`]: an author's cases, run in the sandbox with [`capabilities::canned`] behind the imports.
//!
//! # Invariants
//!
//! - Nothing outside `sandbox` and `capabilities` names wasmtime.
//! - Nothing outside `http` and `daemon` names the HTTP server stack.
//! - A plugin's failure is a value ([`check::Failure`]), never an `Err`.
//! - A plugin is replaced only after its successor loaded.
//! - No lock is held across `.await`.
//! - Every queue, body, history and message has a bound with a name and a unit.

pub mod board;
pub mod capabilities;
pub mod check;
pub mod cli;
pub mod config;
pub mod daemon;
mod files;
pub mod http;
mod log;
pub mod metrics;
pub mod plan;
pub mod plugins;
pub mod sandbox;
pub mod schedule;
pub mod testing;
mod text;
pub mod trace;
