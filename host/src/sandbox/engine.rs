//! The engines: how guests are compiled and where their memory comes from.
//!
//! Two of them, one owner. Components that need component-model-async run on the second; the others on the first, which
//! refuses that feature and is 10–17 % cheaper per run for it (docs/performance.md).

use std::sync::Arc;

use wasmtime::component::Linker;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use super::SandboxError;
use super::compiler::Flavor;
use super::functions::Functions;
use crate::capabilities::HostState;
use crate::config::{FIBER_STACK_BYTES, Limits, STACK_BYTES, TABLE_ELEMENTS_MAX};

/// Memory per instance that stays resident between runs; larger heaps are given back. Saves the page faults that cost
/// more than the run (floors.md A1).
const KEEP_RESIDENT_BYTES: usize = 1 << 20;

/// Bytes of address space per linear memory. With it and its guard pages no access needs a bounds check.
const RESERVATION_BYTES: u64 = 4 << 30;

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
    /// Whether `plain` takes its memory from a pool.
    pub(crate) pooled: bool,
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
        let known = |config: &mut Config| match functions {
            Some(functions) => {
                let store: Arc<dyn wasmtime::CacheStore> = Arc::clone(functions) as _;
                config.enable_incremental_compilation(store).map(drop).map_err(SandboxError::Engine)
            }
            None => Ok(()),
        };
        let mut config = plain(slots);
        known(&mut config)?;
        let (plain, pooled) = match Engine::new(&config) {
            Ok(engine) => (engine, true),
            Err(error) => {
                tracing::info!(error = %format!("{error:#}"), slots, "no address space for a memory pool, allocating on demand");
                config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
                (Engine::new(&config).map_err(SandboxError::Engine)?, false)
            }
        };
        let mut other = base();
        known(&mut other)?;
        let concurrent = Engine::new(&other).map_err(SandboxError::Engine)?;
        Ok(Self { plain: link(plain, world)?, concurrent: link(concurrent, world)?, pooled })
    }
}

/// The settings of the cheaper engine, with `slots` instances at once. Benchmarks measure what wasmtime alone costs under
/// the very same ones.
#[must_use]
pub fn plain(slots: u32) -> Config {
    let mut config = base();
    config.concurrency_support(false);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(slots)));
    config
}

/// The settings of either engine.
pub(super) fn config(flavor: Flavor, slots: u32) -> Config {
    match flavor {
        Flavor::Plain => plain(slots),
        Flavor::Concurrent => base(),
    }
}

fn base() -> Config {
    let mut config = Config::new();
    config
        .strategy(wasmtime::Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        .consume_fuel(true)
        .epoch_interruption(true)
        .max_wasm_stack(STACK_BYTES)
        .async_stack_size(FIBER_STACK_BYTES)
        .memory_reservation(RESERVATION_BYTES)
        .relaxed_simd_deterministic(true)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(FRAMES_MAX));
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
