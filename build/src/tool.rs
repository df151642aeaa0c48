//! Programs of toolchains: where they are, and running them.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::BuildError;

/// The program `name` on `PATH`.
#[must_use]
pub fn on_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).find_map(|dir| in_dir(&dir, name))
}

/// The program `name` in `dir`, for environments of a project's own (`.venv/bin`, `node_modules/.bin`).
#[must_use]
pub fn in_dir(dir: &Path, name: &str) -> Option<PathBuf> {
    let endings: &[&str] = if cfg!(windows) { &["exe", "cmd", "bat"] } else { &[""] };
    endings.iter().map(|ending| dir.join(name).with_extension(ending)).find(|path| path.is_file())
}

/// The program `name` on `PATH`, or the one line that gets it.
///
/// # Errors
/// [`BuildError::Missing`].
pub fn require(name: &str, command: &str) -> Result<PathBuf, BuildError> {
    on_path(name).ok_or_else(|| BuildError::Missing { what: name.to_owned(), command: command.to_owned() })
}

/// Runs a program to its end. Whatever it prints goes to standard error: standard output is for results.
///
/// # Errors
/// [`BuildError::Run`] when it does not start, [`BuildError::Tool`] when it fails.
pub fn run(command: &mut Command) -> Result<(), BuildError> {
    let status = command.stdin(Stdio::null()).stdout(io::stderr()).status().map_err(run_error(command))?;
    if status.success() {
        return Ok(());
    }
    Err(BuildError::Tool { program: name_of(command), status: status.to_string() })
}

/// Runs a program to its end and takes what it prints, on both streams, for the caller to read or to translate.
///
/// # Errors
/// [`BuildError::Run`] when it does not start. Its exit status is the caller's to look at.
pub fn capture(command: &mut Command) -> Result<Output, BuildError> {
    command.stdin(Stdio::null()).output().map_err(run_error(command))
}

/// What a program prints when it ends well.
pub(crate) fn told(command: &mut Command) -> Option<String> {
    let output = capture(command).ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn run_error(command: &Command) -> impl FnOnce(io::Error) -> BuildError + use<> {
    let program = name_of(command);
    move |source| BuildError::Run { program, source }
}

fn name_of(command: &Command) -> String {
    let program = Path::new(command.get_program());
    program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    // What is missing is told with the line that gets it.
    #[test]
    fn missing_programs_are_told_with_their_command() {
        let said = require("no-such-program-here", "apt-get install it").unwrap_err().to_string();
        assert_eq!(said, "no-such-program-here not found; get it with `apt-get install it`");
    }
}
