//! JavaScript and TypeScript: the author kit's own build, run by Node.
//!
//! esbuild bundles `check.js` or `check.ts` with the kit; the capabilities that are left in the bundle make the world;
//! componentize-qjs puts it into QuickJS. All of that is `sdk/javascript/bin/build.js`, installed by npm as a dependency of
//! the check, so that a check also builds without this program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::contract::World;
use crate::{BuildError, Code, Job, Made, tool};

/// Which of the languages of this toolchain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    JavaScript,
    TypeScript,
}

/// The kit, where npm puts it.
const KIT: &str = "node_modules/probity-check";

#[derive(Deserialize)]
struct Manifest {
    name: Option<String>,
    version: Option<String>,
}

/// The package's name, without a scope.
pub(crate) fn name(folder: &Path) -> Result<Option<String>, BuildError> {
    let file = folder.join("package.json");
    let text = fs::read_to_string(&file).map_err(BuildError::read(&file))?;
    let manifest: Manifest =
        serde_json::from_str(&text).map_err(|error| BuildError::source(&file, error.to_string()))?;
    Ok(manifest.name.map(|name| name.rsplit('/').next().unwrap_or_default().to_owned()))
}

/// Bundles the sources and puts them into an interpreter.
pub(crate) fn build(job: &Job<'_>, dialect: Dialect) -> Result<Made, BuildError> {
    let node = tool::require("node", "apt-get install -y nodejs npm")?;
    let kit = job.folder.join(KIT);
    // npm links a kit that is a folder: what it needs itself is then beside it, not beside the check.
    let real = fs::canonicalize(&kit).unwrap_or_else(|_| kit.clone());
    let script = real.join("bin/build.js");
    let install = |folder: &Path| BuildError::Missing {
        what: format!("probity-check for the check in {}", job.folder.display()),
        command: format!("npm install --prefix {}", folder.display()),
    };
    if !script.is_file() {
        return Err(install(job.folder));
    }
    let is_complete = [job.folder, &real].iter().any(|at| at.join("node_modules/componentize-qjs").is_dir());
    if !is_complete {
        return Err(install(&real));
    }
    let entry = job.folder.join(if dialect == Dialect::TypeScript { "check.ts" } else { "check.js" });
    let out = job.target.join("javascript");
    // The contract of this program, whatever copy the kit may have.
    World::full().write(&job.wit()).map_err(BuildError::write(&job.wit()))?;
    let component = out.join("check.wasm");
    let mut command = Command::new(node);
    command.arg(&script).arg("--wit").arg(job.wit().join("deps/probity-check")).arg("--target").arg(&out);
    command.arg("--entry").arg(entry).arg("--out").arg(&component).arg(job.folder);
    tool::run(&mut command)?;
    let code = fs::read(&component).map_err(BuildError::read(&component))?;
    let mut inputs = vec![real.join("src"), real.join("bin"), real.join("package.json")];
    inputs.extend(bundled(&out)?);
    let runtime =
        package(job.folder, "componentize-qjs").map(|version| format!("QuickJS, of componentize-qjs {version}"));
    Ok(Made { code: Code::Component(code), inputs, notes: Vec::new(), runtime })
}

/// The versions of the packages that bundle the check and put it into its interpreter.
pub(crate) fn toolchain(folder: &Path) -> Option<String> {
    let versions =
        ["esbuild", "componentize-qjs", "typescript"].map(|name| Some(format!("{name} {}", package(folder, name)?)));
    Some(versions.into_iter().collect::<Option<Vec<String>>>()?.join(", "))
}

/// The version of a package that the kit builds with.
fn package(folder: &Path, name: &str) -> Option<String> {
    let kit = fs::canonicalize(folder.join(KIT)).ok()?;
    let manifest = |at: &Path| fs::read_to_string(at.join("node_modules").join(name).join("package.json")).ok();
    let manifest: Manifest = serde_json::from_str(&manifest(folder).or_else(|| manifest(&kit))?).ok()?;
    manifest.version
}

/// What the bundle was made of: a check may share modules with its neighbours.
fn bundled(out: &Path) -> Result<Vec<PathBuf>, BuildError> {
    let list = out.join("inputs");
    let text = fs::read_to_string(&list).map_err(BuildError::read(&list))?;
    Ok(text.lines().map(PathBuf::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    // The component is called after the package, whose scope says whose it is and not what.
    #[test]
    fn the_package_names_the_check() {
        let dir = tempfile::tempdir().unwrap();
        let named = |text: &str| {
            fs::write(dir.path().join("package.json"), text).unwrap();
            name(dir.path())
        };
        assert_eq!(named(r#"{"name":"@acme/orders"}"#).unwrap().as_deref(), Some("orders"));
        assert_eq!(named("{}").unwrap(), None);
        assert!(named("{").unwrap_err().to_string().contains("package.json: EOF"));
    }

    // Before npm has run, the author reads what to run.
    #[test]
    fn a_missing_kit_is_told_with_its_command() {
        let dir = tempfile::tempdir().unwrap();
        let job = Job { folder: dir.path(), name: "x", target: &dir.path().join("target") };
        let said = build(&job, Dialect::JavaScript).unwrap_err().to_string();
        assert!(said.contains("npm install --prefix") || said.contains("node not found"), "{said}");
    }
}
