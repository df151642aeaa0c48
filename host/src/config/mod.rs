//! From files as typed to a [`Config`] that nothing can be wrong with.

pub mod grants;
mod limits;
mod secrets;
mod valid;

pub use grants::Grants;
pub use limits::{EPOCH_TICK, FIBER_STACK_BYTES, Limits, STACK_BYTES, TABLE_ELEMENTS_MAX};
pub use secrets::Secrets;
pub use valid::{
    Check, Config, Connection, Cron, Defaults, Details, Egress, Group, Plugins, Schedule, Server, StateDir, Timing,
    Token,
};
