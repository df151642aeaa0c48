//! Redis: commands on a kept connection, one round trip each.
//!
//! The client is ours because a run must bound what a reply may take of memory, and none of those there are does; and
//! because what a command is (its name, whether it reads) decides what a grant allows.

mod client;
mod commands;
pub(crate) mod resp;
mod sentinel;

pub use client::{Lease, RedisClient};
pub use commands::{check, full_name};
pub use resp::{Caps, Token};
