//! The sandbox: components under limits, with every capability behind a grant.
//!
//! One owner of the engines and of the ticker that interrupts guests. Enter with [`Sandbox::compile`], then
//! [`Sandbox::describe`] and [`Sandbox::run`]. There is no limitless mode.
//!
//! # Codemap
//!
//! - `run`, `turn`: one run under every limit, and who may compute.
//! - `engine`, `ticker`, `shelf`, `place`: what runs are made in.
//! - [`capabilities`]: the host side of each import, over the drivers; [`capabilities::canned`] is the script of cases.
//! - [`compiler`], [`worker`], `examine`, `inside`, `job`: foreign bytes looked at and compiled in a confined process.
//! - `cache`, `functions`: what was compiled, kept.
//! - `program`, `metadata`, `schema`: what a component offers, says of itself, and wants of a configuration.
//! - `failure`, `backtrace`, `outcome`: how a run ended, in words for people.
//!
//! # Invariants
//!
//! - Nothing else names wasmtime.
//! - Every call has fuel, memory and time; a guest's failure is a value ([`probity_core::check::Failure`]), never an `Err`.
//! - Nothing reaches a network or a machine but through [`capabilities::HostState`], which bounds, times and records it.
//! - Foreign bytes are parsed in a worker, never in the host.
//! - What a guest waits for is done beside it; its stack keeps a few pages.

mod backtrace;
mod cache;
pub mod capabilities;
pub mod compiler;
mod engine;
mod examine;
mod failure;
mod functions;
mod inside;
mod itself;
mod job;
mod metadata;
mod outcome;
mod place;
mod program;
mod run;
mod schema;
mod shelf;
mod ticker;
mod turn;
pub mod worker;

use std::path::Path;
use std::sync::Arc;

pub use cache::Origin;
pub use compiler::Compiler;
#[doc(hidden)]
pub use engine::plain as engine_config;
pub use inside::work;
pub use metadata::Metadata;
pub use program::{CompileError, Program, capability};
pub use schema::Schema;
#[doc(hidden)]
pub use schema::{Problem, Problems, judge_here};
pub use turn::{Bounds, Lane, Turn, Turns};
pub use worker::Worker;

/// Engines, ticker and cache.
pub struct Sandbox {
    // Dropped before the engines it ticks.
    ticker: ticker::Ticker,
    shelf: shelf::Shelf,
    engines: engine::Engines,
    cache: Option<cache::Cache>,
    workshop: Arc<compiler::Workshop>,
    functions: Option<Arc<functions::Functions>>,
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox").field("pooled", &self.is_pooled()).finish_non_exhaustive()
    }
}

/// Why there is no sandbox: the host cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// wasmtime refused the configuration.
    #[error("create the WebAssembly engine")]
    Engine(#[source] wasmtime::Error),
    /// The contract does not link.
    #[error("link the contract")]
    Link(#[source] wasmtime::Error),
    /// No thread for the ticker.
    #[error("start the thread that interrupts guests")]
    Ticker(#[source] std::io::Error),
}

impl Sandbox {
    /// Makes a sandbox for `concurrency` runs at once, those that wait among them. `cache` is a directory for compiled code.
    ///
    /// # Errors
    /// [`SandboxError`] when the machine cannot run one.
    pub fn new(concurrency: usize, cache: Option<&Path>) -> Result<Self, SandboxError> {
        Self::of(concurrency, cache, engine::World::Real, false)
    }

    /// Makes the sandbox of an author, who compiles one version after the other: functions that were compiled before, for
    /// whichever component, are not compiled again. Not for plugins of others.
    ///
    /// # Errors
    /// [`SandboxError`] when the machine cannot run one.
    pub fn for_author(cache: Option<&Path>) -> Result<Self, SandboxError> {
        Self::of(1, cache, engine::World::Real, true)
    }

    /// Makes the sandbox of `probity test`: an author's ([`Self::for_author`]), but that imports lead to the script of each
    /// run ([`crate::capabilities::CheckEnv::script`]) and nowhere else.
    ///
    /// # Errors
    /// [`SandboxError`] when the machine cannot run one.
    pub fn scripted(cache: Option<&Path>) -> Result<Self, SandboxError> {
        Self::of(1, cache, engine::World::Scripted, true)
    }

    /// Runs that can wait at once beside `concurrency` others, for which there are slots.
    #[must_use]
    pub fn waiting_max(concurrency: usize) -> usize {
        usize::try_from(SLOTS_MAX - SLOTS_BESIDE - shelf::KEPT_MAX).unwrap_or(0).saturating_sub(concurrency)
    }

    fn of(concurrency: usize, cache: Option<&Path>, world: engine::World, author: bool) -> Result<Self, SandboxError> {
        let dir = cache;
        let cache = dir.and_then(cache::Cache::open);
        // Only in a directory that was found to be ours alone.
        let functions = dir.filter(|_| author && cache.is_some()).map(|dir| Arc::new(functions::Functions::of(dir)));
        // Loading, `describe` and `POST …/run` need slots beside the scheduled runs.
        let slots = u32::try_from(concurrency)
            .unwrap_or(u32::MAX)
            .saturating_add(SLOTS_BESIDE + shelf::KEPT_MAX)
            .min(SLOTS_MAX);
        let engines = engine::Engines::new(slots, world, functions.as_ref())?;
        let ticker = ticker::Ticker::start(vec![engines.plain.engine.clone(), engines.concurrent.engine.clone()])
            .map_err(SandboxError::Ticker)?;
        let kept = functions.as_ref().and(dir).map(Path::to_owned);
        let workshop = Arc::new(compiler::Workshop::new(Compiler::InProcess, engines.layout, kept));
        Ok(Self { ticker, shelf: shelf::Shelf::default(), engines, cache, workshop, functions })
    }

    /// The same sandbox, compiling elsewhere. To be called before anything is compiled.
    #[must_use]
    pub fn compiling_in(self, compiler: Compiler) -> Self {
        let (layout, functions) = (self.workshop.layout, self.workshop.functions.clone());
        let workshop = Arc::new(compiler::Workshop::new(compiler, layout, functions));
        Self { workshop, ..self }
    }

    /// Ends every compilation that goes on in a process of its own, and begins none any more: each answers
    /// [`CompileError::Stopped`]. Does not wait; whoever compiles hears within milliseconds.
    pub fn stop_compiling(&self) {
        self.workshop.stop();
    }

    /// Whether deadlines are enforced right now.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.ticker.is_alive()
    }

    /// Gives back the memory of kept instances whose check is gone or has changed. To be called when a plan is replaced.
    pub fn sweep(&self) {
        self.shelf.sweep();
    }

    /// Instances that wait for the next run of their check.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.shelf.len()
    }

    /// Whether instances come from a pool.
    #[must_use]
    pub fn is_pooled(&self) -> bool {
        self.engines.layout == engine::Layout::Reserved
    }
}

/// Slots beside those of scheduled runs and of kept instances.
const SLOTS_BESIDE: u32 = 16;

/// Live instances at most: each has up to seven memory mappings, and Linux allows 65,530.
const SLOTS_MAX: u32 = 1_016;
