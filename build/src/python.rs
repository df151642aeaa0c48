//! Python: componentize-py, driven by the author kit (`python -m probity_check.build`).
//!
//! The kit reads from the source which capabilities a check imports; the world is made of these, because a Python
//! component keeps every import of its world.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::contract::World;
use crate::sources::hex;
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

/// What `python -m probity_check.build` prints.
#[derive(Deserialize)]
struct Said {
    capabilities: Vec<String>,
    notes: Vec<String>,
    /// The version in the component.
    python: Option<String>,
}

impl Said {
    fn read(text: &str, entry: &Path) -> Result<Self, BuildError> {
        serde_json::from_str(text).map_err(|error| BuildError::source(entry, format!("cannot be read: {error}")))
    }
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
    let scanned = Said::read(&said(kit_command(&python, &kit).arg("scan").arg(&entry), &entry)?, &entry)?;
    let world = World::narrow(scanned.capabilities.iter().map(String::as_str));
    let world = world.map_err(|error| BuildError::source(&entry, error.to_string()))?;
    world.write(&job.wit()).map_err(BuildError::write(&job.wit()))?;
    let out = job.target.join("python").join(job.name).with_extension("wasm");
    let mut command = kit_command(&python, &kit);
    command.arg("component").arg(&entry).arg("--wit").arg(job.wit()).arg("--out").arg(&out).arg("--no-packages");
    for packages in packages(job.folder) {
        command.arg("--packages").arg(packages);
    }
    let made = Said::read(&said(&mut command, &entry)?, &entry)?;
    let code = fs::read(&out).map_err(BuildError::read(&out))?;
    let runtime = made.python.map(|version| format!("Python {version}, of {COMPONENTIZE}"));
    Ok(Made { code: Code::Component(code), inputs: vec![kit.join("probity_check")], notes: scanned.notes, runtime })
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
    let reason =
        "is not there: write the check in it, or name its file as `entry` in [tool.probity-check] of pyproject.toml";
    Err(BuildError::source(&entry, reason))
}

/// Where a check's installed packages are: in the folder's own environment, else in the one that is active. Those of the
/// whole machine are nobody's choice, and no part of a check.
fn packages(folder: &Path) -> Vec<PathBuf> {
    let own = [".venv", "venv"].map(|name| folder.join(name)).into_iter().find(|dir| dir.is_dir());
    let Some(environment) = own.or_else(|| env::var_os("VIRTUAL_ENV").map(PathBuf::from)) else { return Vec::new() };
    let mut libraries = vec![environment.join("Lib")];
    let versions = fs::read_dir(environment.join("lib")).into_iter().flatten().filter_map(Result::ok);
    libraries.extend(versions.map(|entry| entry.path()));
    let mut found: Vec<PathBuf> = libraries.into_iter().map(|dir| dir.join("site-packages")).collect();
    found.retain(|dir| dir.is_dir());
    found.sort();
    found
}

/// One digest over what is installed there: names, versions and, by each package's own list, the digests of its files.
fn installed(folders: &[PathBuf]) -> String {
    let mut digest = Sha256::new();
    for folder in folders {
        let mut entries: Vec<PathBuf> =
            fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
        entries.sort();
        for entry in entries {
            let list = if entry.extension().is_some_and(|is| is == "dist-info") { entry.join("RECORD") } else { entry };
            if list.extension().is_some_and(|is| is == "pth" || is == "py") || list.ends_with("RECORD") {
                digest.update(list.as_os_str().as_encoded_bytes());
                digest.update(fs::read(&list).unwrap_or_default());
            }
        }
    }
    hex(&digest.finalize())
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

/// The versions of the interpreter and of componentize-py, and what is installed for the check.
pub(crate) fn toolchain(folder: &Path) -> Option<String> {
    let script = "import sys, importlib.metadata as m; print(sys.version, m.version('componentize-py'))";
    let python = python(folder).ok()?;
    // Not in the check's folder, whose modules would come before Python's own.
    let versions = tool::told(Command::new(&python).args(["-c", script]).current_dir(python.parent()?))?;
    Some(format!("{versions}packages {}", installed(&packages(folder))))
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

    // Packages are those of the folder's own environment; one that comes, goes or changes is another build.
    #[test]
    fn packages_of_the_folder_are_a_part_of_the_build() {
        let dir = tempfile::tempdir().unwrap();
        let site = dir.path().join(".venv/lib/python3.12/site-packages");
        let info = site.join("humanize-4.0.dist-info");
        fs::create_dir_all(&info).unwrap();
        let now = || installed(&packages(dir.path()));
        assert_eq!(packages(dir.path()), std::slice::from_ref(&site));
        let empty = now();
        fs::write(info.join("RECORD"), "humanize/__init__.py,sha256=abc,1").unwrap();
        let one = now();
        fs::write(info.join("RECORD"), "humanize/__init__.py,sha256=abd,1").unwrap();
        let other = now();
        fs::remove_dir_all(&info).unwrap();
        assert!(empty != one && one != other, "{empty} {one} {other}");
        assert_ne!(now(), other);
        fs::write(site.join("six.py"), "").unwrap();
        assert_ne!(now(), empty);
    }

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
