//! The command, as its users run it: a real process, real components, exit codes and what is on both outputs.

#![allow(clippy::unwrap_used, reason = "helpers of tests panic like the tests themselves")]

mod author;
mod inspect;
mod kit;
mod other;
mod run;
mod status;
mod validate;
