//! Counts what wasmtime allocates for a guest: memory and table elements summed over the whole store.

use probity_config::{Limits, TABLE_ELEMENTS_MAX};
use wasmtime::ResourceLimiter;

use super::Leash;

/// wasmtime's own `StoreLimits` caps every memory separately; this sums them, remembers the peak, and remembers a
/// refusal, because a guest that dies of one says only `unreachable`.
#[derive(Debug)]
pub(crate) struct MemoryLimiter {
    memory_max: u64,
    memory: u64,
    /// Highest sum so far, bytes.
    pub(crate) memory_peak: u64,
    /// The sum that was refused, bytes.
    pub(crate) memory_refused: Option<u64>,
    tables_max: u64,
    table_elements: u64,
    /// The number of elements that was refused, and how many were allowed.
    pub(crate) tables_refused: Option<(u64, u64)>,
    instances: usize,
    /// Is told how much memory there is.
    leash: Leash,
}

/// Tables and memories in one store; a component made of many core modules has one or two each.
const TABLES_MAX: usize = 256;
const MEMORIES_MAX: usize = 64;

impl MemoryLimiter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            memory_max: limits.memory,
            memory: 0,
            memory_peak: 0,
            memory_refused: None,
            tables_max: limits.table_elements,
            table_elements: 0,
            tables_refused: None,
            instances: limits.instances as usize,
            leash: Leash::default(),
        }
    }

    /// What is told how much memory there is.
    pub(super) const fn leash(&self) -> &Leash {
        &self.leash
    }

    /// Starts the next run of a kept instance: what it holds already is where its peak begins.
    pub(super) fn begin(&mut self) {
        self.memory_peak = self.memory;
        self.memory_refused = None;
        self.tables_refused = None;
    }

    /// Whether an eighth of the memory is still free: a kept instance that leaks is replaced before its leak is what
    /// ends a run.
    pub(super) fn has_room(&self) -> bool {
        self.memory_max.saturating_sub(self.memory) >= self.memory_max / 8
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(&mut self, current: usize, desired: usize, max: Option<usize>) -> wasmtime::Result<bool> {
        if max.is_some_and(|max| desired > max) {
            return Ok(true); // wasmtime refuses it next: beyond what the guest itself declared, so nothing to count
        }
        let sum = self.memory.saturating_sub(current as u64).saturating_add(desired as u64);
        if sum > self.memory_max {
            self.memory_refused = Some(sum);
            return Ok(false);
        }
        self.memory = sum;
        self.leash.grown(sum);
        self.memory_peak = self.memory_peak.max(sum);
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, max: Option<usize>) -> wasmtime::Result<bool> {
        if max.is_some_and(|max| desired > max && max < TABLE_ELEMENTS_MAX) {
            return Ok(true); // as above
        }
        if desired > TABLE_ELEMENTS_MAX {
            self.tables_refused = Some((desired as u64, TABLE_ELEMENTS_MAX as u64));
            return Ok(false);
        }
        let sum = self.table_elements.saturating_sub(current as u64).saturating_add(desired as u64);
        if sum > self.tables_max {
            self.tables_refused = Some((sum, self.tables_max));
            return Ok(false);
        }
        self.table_elements = sum;
        Ok(true)
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        TABLES_MAX
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Two memories share one limit.
    #[test]
    fn memories_are_summed() {
        let mut limiter = MemoryLimiter::new(&Limits { memory: 100, ..Limits::DEFAULT });
        assert!(limiter.memory_growing(0, 60, None).unwrap());
        assert!(!limiter.memory_growing(0, 60, None).unwrap());
        assert_eq!(limiter.memory_refused, Some(120));
        assert!(limiter.memory_growing(0, 40, None).unwrap());
        assert_eq!(limiter.memory_peak, 100);
    }

    // What wasmtime refuses for the guest's own declared maximum counts against nothing.
    #[test]
    fn growth_beyond_the_declared_maximum_is_not_counted() {
        let mut limiter = MemoryLimiter::new(&Limits { memory: 100, ..Limits::DEFAULT });
        assert!(limiter.memory_growing(10, 90, Some(20)).unwrap());
        assert!(limiter.table_growing(1, 9, Some(8)).unwrap());
        assert_eq!((limiter.memory_peak, limiter.memory, limiter.table_elements), (0, 0, 0));
        assert!(limiter.memory_growing(0, 100, None).unwrap());
    }

    // One table may not be larger than the pool's, whatever all tables together may hold.
    #[test]
    fn single_table_is_bounded_by_the_pool() {
        let mut limiter = MemoryLimiter::new(&Limits { table_elements: 1_000_000, ..Limits::DEFAULT });
        assert!(!limiter.table_growing(0, TABLE_ELEMENTS_MAX + 1, Some(TABLE_ELEMENTS_MAX)).unwrap());
        assert_eq!(limiter.tables_refused, Some((TABLE_ELEMENTS_MAX as u64 + 1, TABLE_ELEMENTS_MAX as u64)));
    }
}
