//! What one route counts.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use probity_core::meters::{Histogram, REQUEST_SECONDS};

/// Pairs of method and status that one route counts apart. A route has few; further ones share `_other`.
const PAIRS_MAX: usize = 12;

/// The series of one route.
#[derive(Debug)]
pub struct RouteMetrics {
    pub(super) duration: Histogram,
    pairs: [Pair; PAIRS_MAX],
    over: AtomicU64,
}

/// A count that belongs to the pair that claimed it first.
#[derive(Debug, Default)]
struct Pair {
    /// Zero while unclaimed.
    key: AtomicU32,
    count: AtomicU64,
}

/// Request methods with a label of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Head,
    Post,
    Other,
}

impl Default for RouteMetrics {
    fn default() -> Self {
        Self { duration: Histogram::new(&REQUEST_SECONDS), pairs: Default::default(), over: AtomicU64::new(0) }
    }
}

impl RouteMetrics {
    /// Counts one answered request.
    pub fn observe(&self, method: &str, status: u16, took: Duration) {
        self.duration.observe(took);
        self.count(key(Method::of(method), status)).fetch_add(1, Ordering::Relaxed);
    }

    /// Requests by method and status; neither when there were too many kinds.
    pub(super) fn counts(&self) -> Vec<(Option<(Method, u16)>, u64)> {
        let known = self.pairs.iter().filter_map(|pair| {
            let key = pair.key.load(Ordering::Acquire);
            (key != 0).then(|| (Some(unkey(key)), pair.count.load(Ordering::Relaxed)))
        });
        let over = self.over.load(Ordering::Relaxed);
        known.chain((over > 0).then_some((None, over))).collect()
    }

    fn count(&self, key: u32) -> &AtomicU64 {
        for pair in &self.pairs {
            let seen = match pair.key.load(Ordering::Acquire) {
                0 => match pair.key.compare_exchange(0, key, Ordering::AcqRel, Ordering::Acquire) {
                    Ok(_) => key,
                    Err(theirs) => theirs,
                },
                seen => seen,
            };
            if seen == key {
                return &pair.count;
            }
        }
        &self.over
    }
}

impl Method {
    fn of(method: &str) -> Self {
        match method {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "POST" => Self::Post,
            _ => Self::Other,
        }
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Other => super::OTHER,
        }
    }
}

/// Never zero, as no status is.
const fn key(method: Method, status: u16) -> u32 {
    (method as u32) << 16 | status as u32
}

fn unkey(key: u32) -> (Method, u16) {
    let method = match key >> 16 {
        0 => Method::Get,
        1 => Method::Head,
        2 => Method::Post,
        _ => Method::Other,
    };
    (method, u16::try_from(key & 0xffff).unwrap_or(u16::MAX))
}
