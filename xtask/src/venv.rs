//! Virtual environments of Python, made from files of requirements.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::workspace::{self, shown};

/// What was installed, so that nothing happens when it is there already.
const STAMP: &str = "requirements.installed";

/// Makes `dir` an environment that holds what the files ask for, unless it is one; the folder of its programs.
///
/// Fails with the line that installs Python where there is none.
pub(crate) fn make(dir: &Path, requirements: &[PathBuf]) -> Result<PathBuf> {
    let bin = dir.join(if cfg!(windows) { "Scripts" } else { "bin" });
    let wanted = text(requirements)?;
    if fs::read_to_string(dir.join(STAMP)).is_ok_and(|installed| installed == wanted) {
        return Ok(bin);
    }
    println!("installing Python packages to {}", shown(dir));
    let mut python = Command::new(if cfg!(windows) { "python" } else { "python3" });
    if !bin.is_dir() && !python.args(["-m", "venv"]).arg(dir).status().is_ok_and(|status| status.success()) {
        bail!("Python cannot make an environment; on Debian: apt-get install python3-venv");
    }
    let mut pip = Command::new(bin.join("python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    for file in requirements {
        pip.arg("-r").arg(file);
    }
    workspace::run(&mut pip, "pip install")?;
    fs::write(dir.join(STAMP), wanted).with_context(|| format!("write {}", shown(dir)))?;
    Ok(bin)
}

/// The files, and those that they name with `-r`, in one text.
fn text(files: &[PathBuf]) -> Result<String> {
    let mut whole = String::new();
    for file in files {
        let text = fs::read_to_string(file).with_context(|| format!("read {}", shown(file)))?;
        let folder = file.parent().unwrap_or(Path::new("."));
        let named: Vec<PathBuf> =
            text.lines().filter_map(|line| line.strip_prefix("-r ")).map(|name| folder.join(name.trim())).collect();
        whole.push_str(&text);
        whole.push_str(&self::text(&named)?);
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    // A change of a file that another one names is a change.
    #[test]
    fn named_files_count() {
        let dir = std::env::temp_dir().join(format!("probity-venv-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("a.txt"), "x==1\n-r b.txt\n").unwrap();
        fs::write(dir.join("b.txt"), "y==2\n").unwrap();
        let found = text(&[dir.join("a.txt")]).unwrap();
        fs::remove_dir_all(&dir).unwrap();
        assert_eq!(found, "x==1\n-r b.txt\ny==2\n");
    }
}
