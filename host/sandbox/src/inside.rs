//! The worker's side: limits itself, does one job, answers, ends.

use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use super::compiler::{self, Flavor};
use super::functions::Functions;
use super::job::{self, Answer, Order};
use super::program::CompileError;
use super::run::panic_text;
use super::{engine, schema};

/// Bytes of a job: more than any `plugins.max-size` that a machine has memory for.
const JOB_BYTES_MAX: u64 = 4 << 30;

/// Bytes of stack for the job, whatever the limit of the main thread's is.
const STACK_BYTES: usize = 8 << 20;

/// Bytes of stack for the thread that waits for the host's end.
const LIFELINE_STACK_BYTES: usize = 64 << 10;

/// Reads a job from `input` and writes the answer to `output`, with at most `memory` bytes and `cpu` seconds of processor
/// time. Ends the process when `input` closes.
///
/// # Errors
/// That input or output failed. What is wrong with a plugin is an answer.
pub fn work(
    memory: u64,
    cpu: u64,
    mut input: impl Read + Send + 'static,
    mut output: impl Write + Send,
) -> Result<(), String> {
    confine(memory, cpu);
    let (order, body) =
        job::read::<Order>(&mut input, JOB_BYTES_MAX).map_err(|error| format!("read the job: {error}"))?;
    hold_on(input).map_err(|error| format!("start a thread: {error}"))?;
    let job = || {
        let (answer, code) = answer(&order, &body);
        job::write(&mut output, &answer, &code)
    };
    let done = thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, job)?;
        thread.join().unwrap_or_else(|panic| Err(io::Error::other(panic_text(&*panic).to_owned())))
    });
    done.map_err(|error| format!("hand the answer over: {error}"))
}

fn answer(order: &Order, body: &[u8]) -> (Answer, Vec<u8>) {
    match order {
        Order::Compile { layout, functions } => {
            let functions = functions.as_deref().map(|dir| std::sync::Arc::new(Functions::of(dir)));
            let engine = |flavor: Flavor| {
                engine::compiling(flavor, *layout, functions.as_ref())
                    .map_err(|error| CompileError::Worker(format!("{error:#}")))
            };
            let compiled = catch_unwind(AssertUnwindSafe(|| compiler::compile(body, engine)));
            let compiled = compiled.unwrap_or_else(|panic| Err(compiler::panicked(&*panic)));
            if let Some(functions) = &functions {
                functions.keep();
            }
            match compiled {
                Ok((flavor, code)) => (Answer::Code(flavor), code),
                Err(refused) => (Answer::Refused(refused), Vec::new()),
            }
        }
        Order::Schema { config } => (schema::judge(body, config), Vec::new()),
    }
}

/// Ends this process when the host's end of the pipe closes: the host is gone, or wants no answer any more.
fn hold_on(mut input: impl Read + Send + 'static) -> io::Result<()> {
    let wait = move || {
        // One job was read; there is nothing else to come.
        let _ = input.read(&mut [0]);
        std::process::exit(1);
    };
    thread::Builder::new().name("lifeline".into()).stack_size(LIFELINE_STACK_BYTES).spawn(wait).map(drop)
}

/// Limits this process: memory, time and priority.
fn confine(memory: u64, cpu: u64) {
    #[cfg(not(unix))]
    let _ = (memory, cpu);
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, nice, setrlimit};
        let limit = |max| Rlimit { current: Some(max), maximum: Some(max) };
        // Address space that is only reserved does not count as data. Best effort: a limit may be lower already.
        let _ = setrlimit(Resource::Data, limit(memory));
        let _ = setrlimit(Resource::Cpu, limit(cpu));
        let _ = setrlimit(Resource::Core, limit(0));
        // A system that hands cores to a program does so whatever the limit is.
        #[cfg(target_os = "linux")]
        let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
        let _ = nice(10);
    }
}
