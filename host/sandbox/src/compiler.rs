//! Where plugins are looked at and compiled.
//!
//! A small valid component can keep a validator or the compiler busy for minutes and fill gigabytes; wasmtime calls that
//! no vulnerability, and it cannot be stopped from within. So beyond its first bytes the host looks at a component in a
//! process of its own ([`super::worker`]), and what it takes over is compiled code.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Duration;

use probity_core::text::{clean, clean_lines};
use serde::{Deserialize, Serialize};
use wasmtime::Engine;

use super::engine::Layout;
use super::job::{Answer, Order};
use super::program::CompileError;
use super::run::panic_text;
use super::worker::{Allowance, Jobs, Unanswered, Worker};
use super::{examine, itself};

/// Bytes of a complaint that are kept.
const COMPLAINT_BYTES_MAX: usize = 2_048;

/// Bytes that an author's worker may have more: the file of functions is at most half of it.
const FUNCTIONS_BYTES: u64 = 512 << 20;

/// Where components are compiled.
#[derive(Clone, Debug, Default)]
pub enum Compiler {
    /// Here. Neither its time nor its memory is bounded, so it is for components that one builds oneself: what a
    /// component may unfold to and how deep it may nest is looked at all the same.
    #[default]
    InProcess,
    /// In a process of its own.
    Process(Worker),
    /// Nowhere: this program cannot start itself again. Every component is refused with a text that says so.
    Nowhere,
}

/// Which engine the code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Flavor {
    /// Without component-model-async.
    Plain,
    /// With it.
    Concurrent,
}

impl Compiler {
    /// A process made from the running program. To be called at the start, while the program's file is where it was.
    #[must_use]
    pub fn this_program(timeout: Duration, memory: u64) -> Self {
        let Some(program) = itself::program() else {
            tracing::error!(
                "this program's own file is not to be found (no /proc, and not by the name it was started with): no plugin \
                 can be compiled within limits, so none is"
            );
            return Self::Nowhere;
        };
        Self::Process(Worker { program, timeout, memory })
    }
}

/// The one place that compiles for a sandbox, and the jobs it has right now. Safe to use from several threads at once.
#[derive(Debug, Default)]
pub(super) struct Workshop {
    pub(super) compiler: Compiler,
    pub(super) layout: Layout,
    /// Where compiled functions are kept for their author.
    pub(super) functions: Option<PathBuf>,
    jobs: Jobs,
}

impl Workshop {
    /// One for engines of `layout`.
    pub(super) fn new(compiler: Compiler, layout: Layout, functions: Option<PathBuf>) -> Self {
        Self { compiler, layout, functions, jobs: Jobs::default() }
    }

    /// Ends what workers do right now, and begins nothing any more.
    pub(super) fn stop(&self) {
        self.jobs.stop();
    }

    /// Looks at a component and compiles it. `engine` gives the engine to compile with here.
    pub(super) fn compile(
        &self,
        bytes: &[u8],
        engine: impl Fn(Flavor) -> Engine,
    ) -> Result<(Flavor, Vec<u8>), CompileError> {
        match &self.compiler {
            Compiler::InProcess if self.jobs.are_stopped() => Err(CompileError::Stopped),
            Compiler::InProcess => catch_unwind(AssertUnwindSafe(|| compile(bytes, |flavor| Ok(engine(flavor)))))
                .unwrap_or_else(|panic| Err(panicked(&*panic))),
            Compiler::Process(worker) => self.ask(worker, bytes),
            Compiler::Nowhere => Err(CompileError::Worker(
                "the host's own file is not to be found, and plugins are compiled in a process of its own: mount /proc, or \
                 start the host by the path of its file"
                    .into(),
            )),
        }
    }

    fn ask(&self, worker: &Worker, bytes: &[u8]) -> Result<(Flavor, Vec<u8>), CompileError> {
        let order = Order::Compile { layout: self.layout, functions: self.functions.clone() };
        // Functions from before, and those to be kept, are held beside the compiler's own memory.
        let room = if self.functions.is_some() { FUNCTIONS_BYTES } else { 0 };
        let allowance = Allowance { time: worker.timeout, memory: worker.memory.saturating_add(room) };
        match worker.ask(&self.jobs, allowance, &order, bytes) {
            Ok((Answer::Code(flavor), code)) => Ok((flavor, code)),
            Ok((Answer::Refused(error), _)) => Err(error),
            Ok(_) => Err(CompileError::Worker("it answered something else".into())),
            Err(Unanswered::Stopped) => Err(CompileError::Stopped),
            Err(Unanswered::TooLong) => Err(CompileError::TooLong(worker.timeout)),
            Err(Unanswered::Died { status, said }) => {
                Err(CompileError::WorkerDied { status, memory: worker.memory, said })
            }
            Err(Unanswered::Unusable(said)) => Err(CompileError::Worker(said)),
        }
    }

    /// Holds a configuration to a schema in a process of its own.
    pub(super) fn judge(&self, allowance: Allowance, schema: &str, config: String) -> Result<Answer, Unanswered> {
        match &self.compiler {
            Compiler::Process(worker) => {
                let (answer, _) = worker.ask(&self.jobs, allowance, &Order::Schema { config }, schema.as_bytes())?;
                Ok(answer)
            }
            Compiler::InProcess => Err(Unanswered::Unusable("this host compiles in its own process".into())),
            Compiler::Nowhere => Err(Unanswered::Unusable("the host's own file is not to be found".into())),
        }
    }
}

/// Looks at a component and compiles it, here.
pub(super) fn compile(
    bytes: &[u8],
    engine: impl Fn(Flavor) -> Result<Engine, CompileError>,
) -> Result<(Flavor, Vec<u8>), CompileError> {
    let flavor = examine::examine(bytes)?;
    let code = engine(flavor)?.precompile_component(bytes);
    let code = code.map_err(|error| CompileError::Invalid(clean_lines(&format!("{error:#}"), COMPLAINT_BYTES_MAX)))?;
    Ok((flavor, code))
}

/// The compiler's own fault.
pub(super) fn panicked(panic: &(dyn Any + Send)) -> CompileError {
    CompileError::CompilerPanic(clean(panic_text(panic), COMPLAINT_BYTES_MAX))
}
