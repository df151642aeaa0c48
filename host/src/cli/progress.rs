//! What is going on, for who waits: one line on standard error.
//!
//! On a terminal the line says for how long, again and again. Elsewhere a program reads what is said: a phase of tools says
//! so once, beside what these say, and others nothing. `--quiet` has none of it.

use std::io::{IsTerminal, Write};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::terminal;

/// A phase that is over by then is not worth a line.
const FIRST_AFTER: Duration = Duration::from_secs(1);

/// How often the line is renewed where nobody else writes.
const RENEWED_EVERY: Duration = Duration::from_secs(1);

/// How often there is a new line where tools write theirs.
const AGAIN_EVERY: Duration = Duration::from_secs(15);

/// What such a line begins with.
const MARK: &str = "… ";

/// Who writes to standard error meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beside {
    /// Nobody: the line may be written over.
    Nobody,
    /// Tools: a line stays.
    Tools,
}

/// A phase that goes on until it is dropped.
#[derive(Debug)]
pub(super) struct Phase(Option<(Sender<()>, JoinHandle<()>)>);

/// Begins a phase: `compiling orders.wasm`.
pub(super) fn phase(what: &str, beside: Beside) -> Phase {
    let is_terminal = std::io::stderr().is_terminal();
    if terminal::settings().quiet || (!is_terminal && beside == Beside::Nobody) {
        return Phase(None);
    }
    let (end, ended) = channel();
    let what = probity_core::text::clean(what, WHAT_BYTES_MAX);
    let tell = move || {
        let started = Instant::now();
        let mut wait = FIRST_AFTER;
        let mut said = false;
        while ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
            let line = line(&what, is_terminal.then(|| started.elapsed()));
            match (is_terminal, beside) {
                (false, _) => {
                    terminal::complain(&line);
                    // Once; only the end is waited for.
                    let _ = ended.recv();
                    return;
                }
                (true, Beside::Tools) => terminal::complain(&line),
                (true, Beside::Nobody) => put(&format!("\r{line}\x1b[K")),
            }
            said = true;
            wait = if beside == Beside::Tools { AGAIN_EVERY } else { RENEWED_EVERY };
        }
        if said && beside == Beside::Nobody {
            put("\r\x1b[K");
        }
    };
    // Without a thread there is no line, and all else goes on.
    let thread = std::thread::Builder::new().name("probity-progress".into()).spawn(tell).ok();
    Phase(thread.map(|thread| (end, thread)))
}

/// Bytes of what is said of a phase: a line of a terminal.
const WHAT_BYTES_MAX: usize = 70;

fn line(what: &str, time: Option<Duration>) -> String {
    match time {
        Some(time) => format!("{MARK}{what}, {} s", time.as_secs()),
        None => format!("{MARK}{what}"),
    }
}

fn put(text: &str) {
    let mut out = std::io::stderr().lock();
    // Nobody may be left to read it.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

impl Drop for Phase {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.0.take() {
            drop(end);
            // What it had to say is said before what comes next.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The line says what is done, and on a terminal for how long.
    #[test]
    fn a_line_says_what_and_how_long() {
        assert_eq!(line("compiling a.wasm", None), "… compiling a.wasm");
        assert_eq!(line("compiling a.wasm", Some(Duration::from_millis(2_900))), "… compiling a.wasm, 2 s");
    }

    // A phase that is over is not waited for.
    #[test]
    fn a_short_phase_costs_no_time() {
        let started = Instant::now();
        drop(phase("nothing", Beside::Nobody));
        assert!(started.elapsed() < FIRST_AFTER);
    }
}
