//! What cargo says about this workspace.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// The workspace, as `cargo metadata` describes it.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// The folder of the root `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Cargo's target directory, wherever the environment or configuration puts it.
    pub(crate) target: PathBuf,
    /// The packages that are built as components, sorted by name.
    pub(crate) guests: Vec<Guest>,
    /// Components that only `cargo xtask bench` needs.
    pub(crate) bench_guests: Vec<Guest>,
}

/// A package that is built as a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Guest {
    /// The component's name: the package's folder.
    pub(crate) name: String,
    /// The package's name.
    pub(crate) package: String,
    /// The package's `Cargo.toml`.
    pub(crate) manifest: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
}

impl Workspace {
    /// Asks cargo.
    pub(crate) fn load() -> Result<Self> {
        let output = Command::new(cargo())
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .stderr(std::process::Stdio::inherit())
            .output()
            .context("run cargo metadata")?;
        ensure!(output.status.success(), "cargo metadata failed ({})", output.status);
        let metadata = serde_json::from_slice(&output.stdout).context("read cargo metadata")?;
        Ok(Self::from_metadata(metadata))
    }

    fn from_metadata(metadata: Metadata) -> Self {
        let mut all: Vec<Guest> = metadata.packages.into_iter().filter_map(guest_of).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        let bench = metadata.workspace_root.join("bench");
        let (bench_guests, guests) = all.into_iter().partition(|guest| guest.manifest.starts_with(&bench));
        Self { root: metadata.workspace_root, target: metadata.target_directory, guests, bench_guests }
    }

    /// Where `cargo xtask guests` puts the components.
    pub(crate) fn components(&self) -> PathBuf {
        self.target.join("components")
    }
}

/// One check in every language.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Suite {
    /// Where the languages have a folder each.
    pub(crate) folder: &'static str,
    /// The check; its components are called `CHECK-LANGUAGE`.
    pub(crate) check: &'static str,
}

/// Both suites.
pub(crate) const SUITES: [Suite; 2] = [
    Suite { folder: "tests/conformance", check: "reference" },
    Suite { folder: "tests/capabilities", check: "capabilities" },
];

/// A guest is a package whose library is a `cdylib`.
fn guest_of(package: Package) -> Option<Guest> {
    let is_guest = package.targets.iter().any(|target| target.kind.iter().any(|kind| kind == "cdylib"));
    let path = package.manifest_path.parent()?;
    let folder = path.file_name()?.to_str()?;
    // The checks of a suite exist in every language, each in a folder of its name.
    let suite = SUITES.iter().find(|suite| path.parent().is_some_and(|parent| parent.ends_with(suite.folder)));
    let name = suite.map_or_else(|| folder.to_owned(), |suite| format!("{}-{folder}", suite.check));
    is_guest.then_some(Guest { name, package: package.name, manifest: package.manifest_path })
}

/// The cargo that runs this task.
pub(crate) fn cargo() -> PathBuf {
    env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}

/// Runs a command to its end, naming it when it fails.
pub(crate) fn run(command: &mut Command, what: &str) -> Result<()> {
    let status = command.status().with_context(|| format!("start {what}"))?;
    ensure!(status.success(), "{what} failed ({status})");
    Ok(())
}

/// `path` relative to the current directory where that is shorter to read.
pub(crate) fn shown(path: &Path) -> String {
    let here = env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Only packages with a cdylib are guests, named after their folder; those of the benchmark are kept apart.
    #[test]
    fn guests_are_the_cdylib_packages() {
        let metadata = r#"{"workspace_root":"/w","target_directory":"/t","packages":[
            {"name":"probity-plugin-tcp","manifest_path":"/w/plugins/tcp/Cargo.toml","targets":[{"kind":["cdylib","rlib"]}]},
            {"name":"probity","manifest_path":"/w/host/Cargo.toml","targets":[{"kind":["lib"]},{"kind":["bin"]}]},
            {"name":"probity-bench-park","manifest_path":"/w/bench/guests/park/Cargo.toml","targets":[{"kind":["cdylib","rlib"]}]},
            {"name":"probity-plugin-disk","manifest_path":"/w/plugins/disk/Cargo.toml","targets":[{"kind":["cdylib","rlib"]}]}]}"#;
        let workspace = Workspace::from_metadata(serde_json::from_str(metadata).unwrap());
        let names: Vec<_> = workspace.guests.iter().map(|g| (g.name.as_str(), g.package.as_str())).collect();
        assert_eq!(names, [("disk", "probity-plugin-disk"), ("tcp", "probity-plugin-tcp")]);
        assert_eq!(workspace.bench_guests[0].package, "probity-bench-park");
    }
}
