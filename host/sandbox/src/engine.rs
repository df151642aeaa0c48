//! The engines: how guests are compiled and where their memory comes from.
//!
//! Two of them, one owner. Components that need component-model-async run on the second; the others on the first, which
//! refuses that feature and is 10–17 % cheaper per run for it (docs/performance.md).

use std::sync::Arc;

use probity_config::{FIBER_STACK_BYTES, Limits, STACK_BYTES, TABLE_ELEMENTS_MAX};
use serde::{Deserialize, Serialize};
use wasmtime::component::Linker;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use super::SandboxError;
use super::compiler::Flavor;
use super::functions::Functions;
use crate::capabilities::HostState;

/// Memory per instance that stays resident between runs; larger heaps are given back. Saves the page faults that cost
/// more than the run (floors.md A1).
const KEEP_RESIDENT_BYTES: usize = 1 << 20;

/// Bytes of address space per linear memory. With it and its guard pages no access needs a bounds check.
const RESERVATION_BYTES: u64 = 4 << 30;

/// The same where address space is scarce (`ulimit -v`): a memory is as large as the guest made it, moves when it grows,
/// and is checked at each access. A little room to grow into spares most of the moves.
const SCARCE_RESERVATION_BYTES: u64 = 0;
const SCARCE_GROWTH_BYTES: u64 = 1 << 20;
const SCARCE_GUARD_BYTES: u64 = 64 << 10;

/// Core instances, tables and memories that one component may have, and that the pool makes room for in every slot: a
/// greedy plugin cannot take its neighbours' share. Instances are only counted; tables and memories cost address space.
const CORE_INSTANCES_PER_SLOT: u32 = Limits::DEFAULT.instances;
const TABLES_PER_SLOT: u32 = 16;
const MEMORIES_PER_SLOT: u32 = 4;

/// Frames of a guest backtrace.
const FRAMES_MAX: usize = 32;

/// What guests' imports lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum World {
    /// The network and the machine, as far as grants go.
    Real,
    /// The script of each run.
    Scripted,
}

/// How guests' memory is laid out. Code of one layout does not run in an engine of another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Layout {
    /// All the address space that a memory can ever need is reserved.
    #[default]
    Reserved,
    /// Only what it uses.
    Scarce,
}

/// An engine with what the host offers linked to it.
pub(crate) struct Linked {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<HostState>,
}

/// Both engines.
pub(crate) struct Engines {
    /// For components without component-model-async.
    pub(crate) plain: Linked,
    /// For the others.
    pub(crate) concurrent: Linked,
    /// With all address space reserved, `plain` takes its memory from a pool.
    pub(crate) layout: Layout,
}

impl Engines {
    pub(crate) fn of(&self, flavor: Flavor) -> &Linked {
        match flavor {
            Flavor::Plain => &self.plain,
            Flavor::Concurrent => &self.concurrent,
        }
    }

    /// Makes both, with `slots` instances at once; falls back to memory on demand where the pool's address space is
    /// not to be had.
    pub(crate) fn new(slots: u32, world: World, functions: Option<&Arc<Functions>>) -> Result<Self, SandboxError> {
        let mut config = plain(slots);
        know(&mut config, functions).map_err(SandboxError::Engine)?;
        let (plain, layout) = match Engine::new(&config) {
            Ok(engine) => (engine, Layout::Reserved),
            Err(error) => {
                tracing::info!(error = %format!("{error:#}"), slots, "no address space for a memory pool, allocating on demand");
                (compiling(Flavor::Plain, Layout::Scarce, functions).map_err(SandboxError::Engine)?, Layout::Scarce)
            }
        };
        let concurrent = compiling(Flavor::Concurrent, layout, functions).map_err(SandboxError::Engine)?;
        Ok(Self { plain: link(plain, world)?, concurrent: link(concurrent, world)?, layout })
    }
}

/// An engine without a pool: to compile with, for any engine of this flavor and layout, and to run what there is no pool for.
pub(super) fn compiling(
    flavor: Flavor,
    layout: Layout,
    functions: Option<&Arc<Functions>>,
) -> wasmtime::Result<Engine> {
    let mut config = base(layout);
    if flavor == Flavor::Plain {
        config.concurrency_support(false);
    }
    know(&mut config, functions)?;
    Engine::new(&config)
}

/// Lets compilations find `functions`.
fn know(config: &mut Config, functions: Option<&Arc<Functions>>) -> wasmtime::Result<()> {
    match functions {
        Some(functions) => {
            let store: Arc<dyn wasmtime::CacheStore> = Arc::clone(functions) as _;
            config.enable_incremental_compilation(store).map(drop)
        }
        None => Ok(()),
    }
}

/// The settings of the cheaper engine, with `slots` instances at once. Benchmarks measure what wasmtime alone costs under
/// the very same ones.
#[must_use]
pub fn plain(slots: u32) -> Config {
    let mut config = base(Layout::Reserved);
    config.concurrency_support(false);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(slots)));
    config
}

fn base(layout: Layout) -> Config {
    let mut config = Config::new();
    config
        .strategy(wasmtime::Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        .consume_fuel(true)
        .epoch_interruption(true)
        .max_wasm_stack(STACK_BYTES)
        .async_stack_size(FIBER_STACK_BYTES)
        .relaxed_simd_deterministic(true)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(FRAMES_MAX));
    match layout {
        Layout::Reserved => config.memory_reservation(RESERVATION_BYTES),
        Layout::Scarce => config
            .memory_reservation(SCARCE_RESERVATION_BYTES)
            .memory_reservation_for_growth(SCARCE_GROWTH_BYTES)
            .memory_guard_size(SCARCE_GUARD_BYTES),
    };
    config
}

fn pool(slots: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(slots)
        .total_stacks(slots)
        .total_memories(slots * MEMORIES_PER_SLOT)
        .total_tables(slots * TABLES_PER_SLOT)
        .total_core_instances(slots * CORE_INSTANCES_PER_SLOT)
        .max_memories_per_component(MEMORIES_PER_SLOT)
        .max_memories_per_module(MEMORIES_PER_SLOT)
        .max_tables_per_component(TABLES_PER_SLOT)
        .max_tables_per_module(TABLES_PER_SLOT)
        .table_elements(TABLE_ELEMENTS_MAX)
        .max_memory_size(usize::try_from(RESERVATION_BYTES).unwrap_or(usize::MAX))
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .table_keep_resident(64 << 10)
        .async_stack_keep_resident(64 << 10)
        .max_unused_warm_slots(slots * MEMORIES_PER_SLOT)
        .max_component_instance_size(4 << 20)
        .max_core_instance_size(4 << 20);
    // Asks the kernel which pages were touched instead of clearing them all (Linux 6.7 and later).
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        pool.pagemap_scan(Enabled::Yes);
    }
    pool
}

fn link(engine: Engine, world: World) -> Result<Linked, SandboxError> {
    let mut linker = Linker::new(&engine);
    match world {
        World::Real => crate::capabilities::add_to_linker(&mut linker),
        World::Scripted => crate::capabilities::canned::add_to_linker(&mut linker),
    }
    .map_err(SandboxError::Link)?;
    Ok(Linked { engine, linker })
}

#[cfg(test)]
mod tests {
    use std::hash::{DefaultHasher, Hash, Hasher};

    use super::*;

    // What a worker compiles without a pool runs in the host's engine, which has one: the settings that code depends on
    // are the same. Code for another layout is told apart.
    #[test]
    fn a_worker_compiles_for_the_host() {
        let key = |engine: &Engine| {
            let mut hasher = DefaultHasher::new();
            engine.precompile_compatibility_hash().hash(&mut hasher);
            hasher.finish()
        };
        let worker = |flavor, layout| key(&compiling(flavor, layout, None).unwrap());
        let host = Engines::new(1, World::Real, None).unwrap();
        assert_eq!(host.layout, Layout::Reserved);
        assert_eq!(key(&host.plain.engine), worker(Flavor::Plain, Layout::Reserved));
        assert_eq!(key(&host.concurrent.engine), worker(Flavor::Concurrent, Layout::Reserved));
        assert_ne!(worker(Flavor::Plain, Layout::Reserved), worker(Flavor::Plain, Layout::Scarce));
        assert_ne!(worker(Flavor::Plain, Layout::Reserved), worker(Flavor::Concurrent, Layout::Reserved));
    }
}
