//! The program `probity`: commands over the host, and an author's tools.
//!
//! # Codemap
//!
//! - [`cli`]: the commands.
//! - [`testing`]: an author's cases, run in the sandbox with a script behind the imports.
//!
//! Below it, each crate depending only on those after it: `probity-server` (plugins, plan, board, schedule, HTTP),
//! `probity-sandbox` (components under limits), `probity-drivers` (network, databases, the machine), `probity-config`,
//! `probity-core`.
//!
//! # Invariants
//!
//! - Only this crate knows the command line, and ends the process.
//! - A command says what was wrong, where, what was allowed and what to do; its exit code is documented.

pub mod cli;
pub mod testing;
