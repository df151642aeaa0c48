//! Python: componentize-py, driven by the author kit (`python -m probity_check.build`).
//!
//! The kit reads from the source which capabilities a check imports; the world is made of these, because a Python
//! component keeps every import of its world.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::contract::World;
use crate::{BuildError, Code, Job, Language, Made, sdk, tool};

/// What turns Python into a component; the version that the kit is tested with.
const COMPONENTIZE: &str = "componentize-py==0.25.1";

/// The module that holds the check, unless `[tool.probity-check] entry` says another.
const ENTRY: &str = "check.py";

#[derive(Deserialize)]
struct Manifest {
    project: Option<Named>,
    tool: Option<Tools>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Tools {
    #[serde(rename = "probity-check")]
    kit: Option<Settings>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    entry: Option<String>,
}

/// What `python -m probity_check.build scan` prints.
#[derive(Deserialize)]
struct Scanned {
    capabilities: Vec<String>,
}

/// `[project] name` of `pyproject.toml`.
pub(crate) fn name(folder: &Path) -> Result<Option<String>, BuildError> {
    Ok(manifest(folder)?.project.map(|project| project.name))
}

/// Makes a component of the folder's module.
pub(crate) fn build(job: &Job<'_>) -> Result<Made, BuildError> {
    let entry = entry(job.folder)?;
    let kit = sdk::require(Language::Python)?.join("src");
    let python = python(job.folder)?;
    let scanned: Scanned = {
        let said = said(kit_command(&python, &kit).arg("scan").arg(&entry), &entry)?;
        serde_json::from_str(&said).map_err(|error| BuildError::source(&entry, format!("cannot be read: {error}")))?
    };
    let world = World::narrow(scanned.capabilities.iter().map(String::as_str));
    let world = world.map_err(|error| BuildError::source(&entry, error.to_string()))?;
    world.write(&job.wit()).map_err(BuildError::write(&job.wit()))?;
    let out = job.target.join("python").join(job.name).with_extension("wasm");
    let mut command = kit_command(&python, &kit);
    said(command.arg("component").arg(&entry).arg("--wit").arg(job.wit()).arg("--out").arg(&out), &entry)?;
    let code = fs::read(&out).map_err(BuildError::read(&out))?;
    Ok(Made { code: Code::Component(code), inputs: vec![kit.join("probity_check")] })
}

fn manifest(folder: &Path) -> Result<Manifest, BuildError> {
    let file = folder.join("pyproject.toml");
    let text = fs::read_to_string(&file).map_err(BuildError::read(&file))?;
    toml::from_str(&text).map_err(|error| BuildError::source(&file, error.to_string()))
}

fn entry(folder: &Path) -> Result<PathBuf, BuildError> {
    let settings = manifest(folder)?.tool.and_then(|tool| tool.kit);
    let named = settings.and_then(|settings| settings.entry);
    let entry = folder.join(named.as_deref().unwrap_or(ENTRY));
    if entry.is_file() {
        return Ok(entry);
    }
    let reason = "is not there: write the check in it, or name its file as `entry` in [tool.probity-check] of pyproject.toml";
    Err(BuildError::source(&entry, reason))
}

/// The interpreter: of the folder's own environment, of the one that is active, or the first on `PATH`; the first that
/// has componentize-py beside it.
fn python(folder: &Path) -> Result<PathBuf, BuildError> {
    let bin = if cfg!(windows) { "Scripts" } else { "bin" };
    let active = env::var_os("VIRTUAL_ENV").map(|active| PathBuf::from(active).join(bin));
    let own = [".venv", "venv"].map(|name| folder.join(name).join(bin));
    let on_path = ["python3", "python"].into_iter().find_map(tool::on_path);
    let interpreters = own.into_iter().chain(active).filter_map(|dir| tool::in_dir(&dir, "python"));
    let interpreters: Vec<PathBuf> = interpreters.chain(on_path.clone()).collect();
    let complete =
        |python: &&PathBuf| python.parent().is_some_and(|dir| tool::in_dir(dir, "componentize-py").is_some());
    if let Some(found) = interpreters.iter().find(complete) {
        return Ok(found.clone());
    }
    // The tool may be where a script of another interpreter is: ask for it by its own place on the path.
    if let Some(found) = tool::on_path("componentize-py").and(on_path.clone()) {
        return Ok(found);
    }
    let Some(python) = interpreters.first() else {
        return Err(BuildError::Missing {
            what: "python3".to_owned(),
            command: "apt-get install python3-venv".to_owned(),
        });
    };
    let command = if python.starts_with(folder) || env::var_os("VIRTUAL_ENV").is_some() {
        format!("{} -m pip install {COMPONENTIZE}", python.display())
    } else {
        // Distributions keep pip out of their own interpreter.
        format!("{} -m venv .venv && .venv/{bin}/pip install {COMPONENTIZE}", python.display())
    };
    Err(BuildError::Missing { what: "componentize-py".to_owned(), command })
}

/// The versions of the interpreter and of componentize-py.
pub(crate) fn toolchain(folder: &Path) -> Option<String> {
    let script = "import sys, importlib.metadata as m; print(sys.version, m.version('componentize-py'))";
    let python = python(folder).ok()?;
    // Not in the check's folder, whose modules would come before Python's own.
    tool::told(Command::new(&python).args(["-c", script]).current_dir(python.parent()?))
}

fn kit_command(python: &Path, kit: &Path) -> Command {
    let mut command = Command::new(python);
    // Nothing of the machine's own settings changes what is built.
    command.env("PYTHONPATH", kit).env("PYTHONDONTWRITEBYTECODE", "1").args(["-m", "probity_check.build"]);
    command
}

/// What the kit printed; when it failed, what it said about the author's file.
fn said(command: &mut Command, entry: &Path) -> Result<String, BuildError> {
    let output = tool::capture(command)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(BuildError::source(entry, said.trim().trim_start_matches("error: ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    // The manifest names the check; the file it is in may be another than usual, and has to be there.
    #[test]
    fn the_manifest_says_name_and_entry() {
        let dir = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| fs::write(dir.path().join(file), text).unwrap();
        write("pyproject.toml", "[project]\nname = \"orders\"\n");
        assert_eq!(name(dir.path()).unwrap().as_deref(), Some("orders"));
        let missing = entry(dir.path()).unwrap_err().to_string();
        assert!(missing.contains("check.py") && missing.contains("[tool.probity-check]"), "{missing}");
        write("pyproject.toml", "[tool.probity-check]\nentry = \"orders.py\"\n");
        write("orders.py", "");
        assert_eq!(entry(dir.path()).unwrap(), dir.path().join("orders.py"));
        write("pyproject.toml", "[tool.probity-check]\nentri = \"orders.py\"\n");
        assert!(entry(dir.path()).unwrap_err().to_string().contains("entri"));
    }
}
