//! Bytes of requests and responses that one run may hold at once, by whichever interface.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use super::{CallError, ErrorKind};

/// Bodies that a run may hold at their full size; guests with garbage collection let go of them late.
const BODIES_MAX: u64 = 16;

/// Bytes of heads, trailers and certificates that a run may hold.
const HEADS_BYTES_MAX: u64 = 4 << 20;

/// The bytes that a run may hold. What it holds is given back when the last who holds it lets go.
#[derive(Clone, Debug, Default)]
pub struct Budgets {
    /// Of bodies.
    pub bodies: Budget,
    /// Of heads, trailers and certificates.
    pub heads: Budget,
}

impl Budgets {
    /// Those of a run whose responses may have `response_bytes` each.
    #[must_use]
    pub fn of_run(response_bytes: u64) -> Self {
        let bodies = Budget::new(response_bytes.saturating_mul(BODIES_MAX));
        Self { bodies, heads: Budget::new(HEADS_BYTES_MAX) }
    }
}

/// A number of bytes, of which [`Charge`]s take. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Budget(Arc<AtomicU64>);

impl Default for Budget {
    /// That of the host's own requests, which bound themselves.
    fn default() -> Self {
        Self::new(u64::MAX)
    }
}

/// Bytes taken from a budget, given back on drop.
#[derive(Debug)]
pub struct Charge {
    budget: Budget,
    bytes: u64,
}

/// Bytes that grow within a budget.
#[derive(Debug)]
pub struct Held {
    bytes: Vec<u8>,
    charge: Charge,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The run holds as much as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl From<Full> for CallError {
    fn from(_: Full) -> Self {
        let message = format!(
            "the run holds as many bytes of requests and responses as it may (key `response-bytes`, times \
             {BODIES_MAX}): let go of what is no longer needed"
        );
        Self::new(ErrorKind::TooLarge, message)
    }
}

impl Budget {
    pub(super) fn new(bytes: u64) -> Self {
        Self(Arc::new(AtomicU64::new(bytes)))
    }

    /// Takes `bytes` at once.
    pub(super) fn charge(&self, bytes: usize) -> Result<Charge, Full> {
        let mut charge = Charge { budget: self.clone(), bytes: 0 };
        charge.set(bytes as u64)?;
        Ok(charge)
    }

    /// Takes for `bytes`, which stay charged for as long as anyone has a part of them.
    ///
    /// # Errors
    /// [`Full`].
    pub fn hold(&self, mut bytes: Vec<u8>) -> Result<Bytes, Full> {
        bytes.shrink_to_fit();
        let charge = self.charge(bytes.capacity())?;
        Ok(Held { bytes, charge }.freeze())
    }

    /// An empty buffer that charges this for what it grows to.
    pub fn buffer(&self) -> Held {
        Held { bytes: Vec::new(), charge: Charge { budget: self.clone(), bytes: 0 } }
    }
}

impl Charge {
    /// Takes more, or gives some back.
    fn set(&mut self, bytes: u64) -> Result<(), Full> {
        let left = &self.budget.0;
        match bytes.checked_sub(self.bytes) {
            Some(more) => {
                let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(more));
                taken.map_err(|_| Full)?;
            }
            None => {
                left.fetch_add(self.bytes - bytes, Ordering::Relaxed);
            }
        }
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.0.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

impl Held {
    /// Bytes so far.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "nobody asks")]
    pub const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Appends `more`. What is reserved counts, not what is used; nothing is reserved beyond `max` bytes, which the
    /// caller does not exceed.
    ///
    /// # Errors
    /// [`Full`], and nothing was appended.
    pub fn extend(&mut self, more: &[u8], max: u64) -> Result<(), Full> {
        let needed = self.bytes.len() + more.len();
        if needed > self.bytes.capacity() {
            let most = usize::try_from(max).unwrap_or(usize::MAX).max(needed);
            // Twice as much, so that many small pieces are not copied each time.
            let wanted = needed.max(self.bytes.capacity().saturating_mul(2)).min(most);
            let wanted = if self.charge.set(wanted as u64).is_ok() { wanted } else { needed };
            self.charge.set(wanted as u64)?;
            self.bytes.reserve_exact(wanted - self.bytes.len());
        }
        self.bytes.extend_from_slice(more);
        Ok(())
    }

    /// The bytes, which stay charged for as long as anyone has a part of them.
    pub fn freeze(mut self) -> Bytes {
        if self.bytes.is_empty() {
            return Bytes::new();
        }
        self.bytes.shrink_to_fit();
        // Less than before.
        let _ = self.charge.set(self.bytes.capacity() as u64);
        Bytes::from_owner(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(budget: &Budget) -> u64 {
        budget.0.load(Ordering::Relaxed)
    }

    // What grows is charged for what is reserved, never beyond its maximum, and comes free with its last part.
    #[test]
    fn bytes_are_charged_while_anyone_holds_them() {
        let budget = Budget::new(100);
        let mut held = budget.buffer();
        for _ in 0..5 {
            held.extend(&[0; 12], 64).unwrap();
            assert_eq!(100 - left(&budget), held.bytes.capacity() as u64);
        }
        assert!(left(&budget) >= 36, "more than the maximum is reserved");
        let mut whole = held.freeze();
        assert_eq!(left(&budget), 40);
        let part = whole.split_to(10);
        drop(whole);
        assert_eq!(left(&budget), 40);
        drop(part);
        assert_eq!(left(&budget), 100);
    }

    // What does not fit is refused and takes nothing; doubling gives way to what is needed.
    #[test]
    fn a_full_budget_refuses() {
        let budget = Budget::new(10);
        let first = budget.charge(8).unwrap();
        assert!(budget.charge(3).is_err());
        let mut held = budget.buffer();
        held.extend(&[0; 2], 64).unwrap();
        assert_eq!(held.extend(&[0; 1], 64), Err(Full));
        drop((first, held));
        assert_eq!(left(&budget), 10);
        let mut held = budget.buffer();
        held.extend(&[0; 6], 64).unwrap();
        held.extend(&[0; 2], 64).unwrap();
        assert_eq!((held.len(), left(&budget)), (8, 2));
    }
}
