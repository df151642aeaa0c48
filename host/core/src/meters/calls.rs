//! How long capabilities take, over all checks.

use std::time::Duration;

use super::histogram::{CALL_SECONDS, Histogram};
use crate::check::Capability;

/// A histogram per capability. As many as there are capabilities, whatever the checks are: a call costs two additions.
#[derive(Debug)]
pub struct CallTimes([Histogram; Capability::ALL.len()]);

impl CallTimes {
    /// A call ended after `duration`, well or not.
    pub fn observe(&self, capability: Capability, duration: Duration) {
        // `ALL` is in the order of the declaration; a test holds it.
        self.0[capability as usize].observe(duration);
    }

    /// Each capability with its times.
    pub fn all(&self) -> impl Iterator<Item = (Capability, &Histogram)> {
        Capability::ALL.into_iter().zip(&self.0)
    }
}

impl Default for CallTimes {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Histogram::new(&CALL_SECONDS)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A capability's time is counted as its own, whatever order the list has.
    #[test]
    fn capabilities_are_told_apart() {
        for capability in Capability::ALL {
            let times = CallTimes::default();
            times.observe(capability, Duration::from_millis(1));
            for (other, histogram) in times.all() {
                assert_eq!(histogram.snapshot().count, u64::from(other == capability), "{other:?}");
            }
        }
    }
}
