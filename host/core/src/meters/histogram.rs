//! A histogram of durations without a lock: one addition to a bucket, one to the sum.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of a histogram's buckets, in seconds.
pub type Bounds = [f64; BUCKETS];

/// Buckets of every histogram, the one without a bound not counted. Few, as each check has a histogram.
const BUCKETS: usize = 11;

/// For runs, lag and compiling: a small check takes 0.1 ms, the default timeout is 2 s, the longest compile takes seconds.
pub static WORK_SECONDS: Bounds = [0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0];

/// For calls into capabilities: a look at the machine takes microseconds, a server next door a millisecond, and what
/// takes longer than a run may is cut off.
pub static CALL_SECONDS: Bounds = [0.000_05, 0.0002, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0];

/// For requests: answers take microseconds, and a probe that takes a second has failed.
pub static REQUEST_SECONDS: Bounds = [0.000_05, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

/// Durations by size.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static Bounds,
    counts: [AtomicU64; BUCKETS],
    over: AtomicU64,
    sum_ns: AtomicU64,
}

/// A histogram at one moment.
#[derive(Debug)]
pub struct Snapshot {
    /// Seconds.
    pub sum: f64,
    /// Observations.
    pub count: u64,
    /// Upper bound and observations in the bucket alone.
    pub buckets: [(f64, u64); BUCKETS + 1],
}

impl Histogram {
    /// One without observations.
    #[must_use]
    pub fn new(bounds: &'static Bounds) -> Self {
        Self { bounds, counts: Default::default(), over: AtomicU64::new(0), sum_ns: AtomicU64::new(0) }
    }

    /// Counts `duration`.
    pub fn observe(&self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let bucket = self.bounds.iter().position(|bound| seconds <= *bound).map_or(&self.over, |at| &self.counts[at]);
        bucket.fetch_add(1, Ordering::Relaxed);
        self.sum_ns.fetch_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// What was counted so far.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        const NS_PER_SECOND: f64 = 1e9;
        let mut buckets = [(f64::INFINITY, self.over.load(Ordering::Relaxed)); BUCKETS + 1];
        for ((bucket, bound), count) in buckets.iter_mut().zip(self.bounds).zip(&self.counts) {
            *bucket = (*bound, count.load(Ordering::Relaxed));
        }
        let count = buckets.iter().map(|(_, count)| count).sum();
        #[allow(clippy::cast_precision_loss, reason = "a sum of seconds needs no nanosecond")]
        let sum = self.sum_ns.load(Ordering::Relaxed) as f64 / NS_PER_SECOND;
        Snapshot { sum, count, buckets }
    }
}
