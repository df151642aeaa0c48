//! Where components are compiled.
//!
//! A small valid component can keep the compiler busy for minutes and fill gigabytes; wasmtime calls that no
//! vulnerability, and a compilation cannot be stopped from within. So the host compiles in a process of its own, which
//! has a memory limit, a time limit, no environment, and a lower priority than guests and answers. What it hands back
//! is compiled code, trusted as the host's own: it is the same program.

use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use wasmtime::Engine;

use super::engine;
use super::program::CompileError;
use super::run::panic_text;
use crate::text::clean_lines;

/// Bytes of compiled code; some twice those of the largest component.
const CODE_BYTES_MAX: u64 = 512 << 20;

/// Bytes of a complaint that are shown.
const COMPLAINT_BYTES_MAX: usize = 2_048;

/// The hidden subcommand that is the other end.
pub const SUBCOMMAND: &str = "compile-worker";

/// Where components are compiled.
#[derive(Clone, Debug, Default)]
pub enum Compiler {
    /// Here. Neither its time nor its memory is bounded: for plugins that one builds oneself.
    #[default]
    InProcess,
    /// In a process of its own.
    Process(Worker),
}

/// A process that compiles one component.
#[derive(Clone, Debug)]
pub struct Worker {
    /// The program, which must know [`SUBCOMMAND`].
    pub program: PathBuf,
    /// When it is killed. Key `plugins.compile-timeout`.
    pub timeout: Duration,
    /// Bytes it may allocate. Key `plugins.compile-memory`.
    pub memory: u64,
}

/// Which engine the code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavor {
    /// Without component-model-async.
    Plain,
    /// With it.
    Concurrent,
}

impl Flavor {
    /// The word on the worker's command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Concurrent => "concurrent",
        }
    }

    /// The flavor of that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Plain, Self::Concurrent].into_iter().find(|flavor| flavor.as_str() == text)
    }
}

impl Compiler {
    /// A process made from the running program.
    #[must_use]
    pub fn this_program(timeout: Duration, memory: u64) -> Self {
        // The link leads to the running file even after an update replaced it.
        let link = PathBuf::from("/proc/self/exe");
        let program = if link.exists() { Ok(link) } else { std::env::current_exe() };
        program.map_or(Self::InProcess, |program| Self::Process(Worker { program, timeout, memory }))
    }

    /// Compiles a component for `engine`, which is of `flavor`.
    pub(super) fn compile(&self, engine: &Engine, flavor: Flavor, bytes: &[u8]) -> Result<Vec<u8>, CompileError> {
        match self {
            Self::InProcess => match catch_unwind(AssertUnwindSafe(|| engine.precompile_component(bytes))) {
                Ok(compiled) => compiled.map_err(|error| CompileError::Invalid(format!("{error:#}"))),
                Err(panic) => Err(CompileError::CompilerPanic(panic_text(&*panic).to_owned())),
            },
            Self::Process(worker) => worker.compile(flavor, bytes),
        }
    }
}

/// The worker's side: reads a component from `input`, writes compiled code to `output`.
///
/// # Errors
/// What is wrong with the component, for people; or that input or output failed.
pub fn work(flavor: Flavor, memory: u64, mut input: impl Read, mut output: impl Write) -> Result<(), String> {
    confine(memory);
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes).map_err(|error| format!("read the component: {error}"))?;
    let config = engine::config(flavor, 1);
    let engine = Engine::new(&config).map_err(|error| format!("{error:#}"))?;
    let code = engine.precompile_component(&bytes).map_err(|error| format!("{error:#}"))?;
    output.write_all(&code).and_then(|()| output.flush()).map_err(|error| format!("hand the code back: {error}"))
}

/// Limits this process: memory and priority.
fn confine(memory: u64) {
    #[cfg(not(unix))]
    let _ = memory;
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, nice, setrlimit};
        let limit = |max| Rlimit { current: Some(max), maximum: Some(max) };
        // Address space that is only reserved does not count as data. Best effort: a limit may be lower already.
        let _ = setrlimit(Resource::Data, limit(memory));
        let _ = setrlimit(Resource::Core, limit(0));
        let _ = nice(10);
    }
}

impl Worker {
    fn compile(&self, flavor: Flavor, bytes: &[u8]) -> Result<Vec<u8>, CompileError> {
        let failed = |what: &str, error: &io::Error| CompileError::Worker(format!("{what}: {error}"));
        let mut child = Command::new(&self.program)
            .args([SUBCOMMAND, flavor.as_str(), &self.memory.to_string()])
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| failed("start the compiler's process", &error))?;
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(CompileError::Worker("its pipes are missing".into()));
        };
        // One thread per pipe, each ended by the end of the process.
        let (code, complaint) = (collect(stdout, CODE_BYTES_MAX), collect(stderr, COMPLAINT_BYTES_MAX as u64));
        let code = self.exchange(&mut child, stdin, bytes, &code);
        let status = child.wait().map_err(|error| failed("wait for the compiler's process", &error))?;
        match code {
            Some(code) if status.success() => Ok(code),
            Some(_) => {
                let said = complaint.recv().map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                Err(self.refusal(status, &clean_lines(&said.unwrap_or_default(), COMPLAINT_BYTES_MAX)))
            }
            None => Err(CompileError::TooLong(self.timeout)),
        }
    }

    /// Hands the bytes over and waits for the code; kills the process when its time is up, and answers none.
    fn exchange(
        &self,
        child: &mut Child,
        mut stdin: ChildStdin,
        bytes: &[u8],
        code: &Receiver<Vec<u8>>,
    ) -> Option<Vec<u8>> {
        // A worker that died early closes the pipe; its exit status says why.
        let _ = stdin.write_all(bytes);
        drop(stdin);
        match code.recv_timeout(self.timeout) {
            Ok(code) => Some(code),
            Err(RecvTimeoutError::Timeout) => {
                // Fails only when it has just ended by itself.
                let _ = child.kill();
                None
            }
            Err(RecvTimeoutError::Disconnected) => Some(Vec::new()),
        }
    }

    /// Exit code 1 is the worker's own verdict about the component; everything else is its death.
    fn refusal(&self, status: ExitStatus, said: &str) -> CompileError {
        if status.code() == Some(1) {
            return CompileError::Invalid(said.trim_end().to_owned());
        }
        CompileError::WorkerDied { status: status.to_string(), memory: self.memory, said: said.trim_end().to_owned() }
    }
}

fn collect(pipe: impl Read + Send + 'static, max: u64) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let mut pipe = pipe.take(max);
        if pipe.read_to_end(&mut bytes).is_ok() {
            // The receiver may have given up on a worker that took too long.
            let _ = sender.send(bytes);
        }
    });
    receiver
}
