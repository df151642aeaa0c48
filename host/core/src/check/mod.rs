//! What a check is and what its results mean. Pure: no I/O, no clock, nothing of ours.
//!
//! A [`Run`] ends in an [`Outcome`] (the guest judged) or a [`Failure`] (it could not). [`Hysteresis`] turns a
//! sequence of runs into the status that counts, [`aggregate`] turns many checks into one answer.

mod aggregate;
mod capability;
mod hysteresis;
pub mod nagios;
mod peer;
mod run;
mod status;

pub use aggregate::{Aggregate, Counts, OnUnknown, aggregate};
pub use capability::Capability;
pub use hysteresis::{Hysteresis, Window};
pub use peer::{Peer, PeerSource};
pub use run::{
    CallTally, Failure, HostCall, Internals, Level, LogLine, Measurement, Observed, Outcome, Reason, Run, Usage,
};
pub use status::{Probe, Severity, Status};
