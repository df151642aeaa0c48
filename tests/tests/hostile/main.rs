//! The hostile corpus and the soak: each gives one real host what hurts, and looks whether it hurt.
//!
//! A binary of its own, so that nothing else runs beside it; its tests take turns.

#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout, reason = "what was measured is shown to whoever asks for it with --nocapture")]
#![allow(clippy::unwrap_used, reason = "all of this binary is tests; clippy exempts only the functions marked as such")]

mod commands; // plugins of the corpus, given to the command line
mod corpus; // the corpus, given to one host
mod soak; // everything at once, for a while

use std::sync::{Mutex, MutexGuard, PoisonError};

/// One test at a time: their times count. With as many descriptors as there may be, since clients are many.
fn alone() -> MutexGuard<'static, ()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    static TURN: Mutex<()> = Mutex::new(());
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).expect("the soft limit may be raised");
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}
