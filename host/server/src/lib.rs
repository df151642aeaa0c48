//! The host as a library: plugins loaded and replaced, checks run when they are due, their results held and served.
//!
//! # Codemap
//!
//! - [`plugins`]: the directory, watched; versions compiled, described, taken over.
//! - [`plan`]: configuration × plugins → what runs.
//! - [`schedule`]: when it runs.
//! - [`board`]: what is believed of each check, and snapshots of it.
//! - [`metrics`]: what is counted.
//! - [`http`]: the routes. [`daemon`]: everything together, reloads, the end.
//! - [`trace`]: runs sent to a collector. [`log`]: standard error, redacted, never in the way.
//!
//! # Invariants
//!
//! - Nothing outside `http` and `daemon` names the HTTP server stack.
//! - A plugin's failure is a value ([`probity_core::check::Failure`]), never an `Err`.
//! - A plugin is replaced only after its successor loaded.
//! - A probe is answered from a snapshot: no work on its path, no lock across an await.
//! - Every queue, body, history and message has a bound with a name and a unit.

pub mod board;
pub mod daemon;
pub mod http;
pub mod log;
pub mod metrics;
pub mod plan;
pub mod plugins;
pub mod schedule;
pub mod trace;
