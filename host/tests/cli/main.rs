//! The command, as its users run it: a real process, real components, exit codes and what is on both outputs.

mod author;
mod inspect;
mod kit;
mod other;
mod run;
mod status;
mod validate;
