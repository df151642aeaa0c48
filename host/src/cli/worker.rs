//! `probity compile-worker`: the process that looks at one plugin for another `probity`.
//!
//! Not a command for people, and on the way of every load: it is told apart before arguments are parsed and before
//! anything is set up that it does not need.

use std::ffi::OsStr;
use std::io;
use std::process::ExitCode;

use probity_sandbox::work;
use probity_sandbox::worker::SUBCOMMAND;

/// Does the work if this process is a worker.
pub(super) fn entered() -> Option<ExitCode> {
    let mut args = std::env::args_os().skip(1);
    if args.next()? != SUBCOMMAND {
        return None;
    }
    let number = |arg: Option<&OsStr>| arg?.to_str()?.parse::<u64>().ok();
    let (memory, cpu) = (args.next(), args.next());
    let (Some(memory), Some(cpu)) = (number(memory.as_deref()), number(cpu.as_deref())) else {
        super::terminal::complain(
            "error: this is started by `probity` itself, with bytes of memory and seconds of CPU time",
        );
        return Some(ExitCode::from(2));
    };
    Some(match work(memory, cpu, io::stdin(), io::stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(said) => {
            super::terminal::complain(&said);
            ExitCode::FAILURE
        }
    })
}
