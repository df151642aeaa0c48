//! Durations, counted by size without a lock.

mod calls;
mod histogram;

pub use calls::CallTimes;
pub use histogram::{Bounds, CALL_SECONDS, Histogram, REQUEST_SECONDS, Snapshot, WORK_SECONDS};
