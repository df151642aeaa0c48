//! What everything of Probity shares: what a check is, what results mean, and the small pure things around that.
//!
//! # Codemap
//!
//! - [`check`]: runs, outcomes, failures, hysteresis, the sum of many checks.
//! - [`clock`]: the machine's clock and the process's own.
//! - [`meters`]: histograms without a lock.
//! - [`panics`]: panics of libraries as values.
//! - [`text`]: text from outside, made safe to show.
//! - [`SpanId`]: runs as spans of a trace.
//!
//! # Invariants
//!
//! - No file, no socket, no thread, no task; the only thing read from the system is the time.
//! - Nothing of Probity's is below this crate.

pub mod check;
pub mod clock;
pub mod meters;
pub mod panics;
mod span;
pub mod text;

pub use span::SpanId;

/// The contract this host offers.
pub const CONTRACT: &str = "probity:check@0.1.0";
