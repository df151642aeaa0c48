//! Which compiler builds for [`TARGET`] on this machine.
//!
//! [`Facts::gather`] looks, [`choose`] decides (pure), [`Toolchain::find`] does
//! both and takes the one step that may be needed in between. rustup is asked
//! to fetch only when `RUSTUP_AUTO_INSTALL` is not `0`: that variable is its
//! owner's word that nothing may be fetched.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::TARGET;
use crate::tool;

/// Debian's packages for the route without rustup.
pub const DEBIAN_PACKAGES: [&str; 3] = ["rustc-web", "rust-web-src", "lld-22"];

/// Debian's compiler; never rustup's, which lives in the user's home.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

/// What this machine has, as far as the choice depends on it.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The active rustc has a standard library for [`TARGET`].
    pub target_installed: bool,
    /// rustup is there and its owner lets it fetch.
    pub rustup_may_install: bool,
    /// This is a Debian-like system: `apt-get` exists.
    pub apt: bool,
    /// `/usr/bin/rustc` exists.
    pub debian_rustc: bool,
    /// The library sources of `/usr/bin/rustc` are installed.
    pub debian_sources: bool,
    /// A linker for WebAssembly: `wasm-ld-22`, `wasm-ld` or rustup's `rust-lld`.
    pub linker: Option<PathBuf>,
}

/// How to get to a toolchain from the [`Facts`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The active toolchain builds for [`TARGET`] as it is.
    Active,
    /// The active toolchain does after `rustup target add`.
    AddTarget,
    /// Debian's compiler, building the standard library from its sources.
    Debian {
        /// Passed to cargo as the target's linker.
        linker: PathBuf,
    },
}

/// A toolchain that is ready to build for [`TARGET`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Toolchain {
    /// The one cargo would use anyway.
    Active,
    /// `/usr/bin/rustc` with `-Zbuild-std`.
    Debian {
        /// Passed to cargo as the target's linker.
        linker: PathBuf,
    },
}

/// Why there is no toolchain.
#[derive(Debug, thiserror::Error)]
pub enum ToolchainError {
    /// Tools are missing; the text names them and the command that installs them.
    #[error("cannot build for {TARGET}: {missing} not found; install with `{command}`")]
    Missing {
        /// What was looked for and not found.
        missing: String,
        /// The command that installs it.
        command: String,
    },
    /// `rustup target add` was tried and failed.
    #[error("`rustup target add {TARGET}` failed: {reason}; run it by hand to see why")]
    AddTarget {
        /// Exit status or I/O error.
        reason: String,
    },
}

impl Facts {
    /// Looks at this machine, for a build in `directory` (whose
    /// `rust-toolchain.toml`, if any, decides which rustc is active).
    pub fn gather(directory: &Path) -> Self {
        let sysroot = sysroot_of(&active_rustc(), directory);
        let target_installed =
            sysroot.as_deref().is_some_and(|s| s.join("lib/rustlib").join(TARGET).join("lib").is_dir());
        let debian_sysroot = Path::new(DEBIAN_RUSTC).exists().then(|| PathBuf::from("/usr"));
        Self {
            target_installed,
            rustup_may_install: on_path("rustup").is_some()
                && env::var_os("RUSTUP_AUTO_INSTALL").is_none_or(|v| v != "0"),
            apt: on_path("apt-get").is_some(),
            debian_rustc: debian_sysroot.is_some(),
            debian_sources: debian_sysroot
                .is_some_and(|s| s.join("lib/rustlib/src/rust/library/std/Cargo.toml").exists()),
            linker: on_path("wasm-ld-22").or_else(|| on_path("wasm-ld")).or_else(|| rust_lld(sysroot.as_deref()?)),
        }
    }

    /// The Debian packages that are missing for Debian's route.
    pub fn missing_packages(&self) -> Vec<&'static str> {
        let have = [self.debian_rustc, self.debian_sources, self.linker.is_some()];
        DEBIAN_PACKAGES.iter().zip(have).filter(|(_, have)| !have).map(|(name, _)| *name).collect()
    }
}

/// Decides: the active toolchain if it can, else rustup if it may, else Debian's.
///
/// # Errors
/// [`ToolchainError::Missing`] with the one command that would mend it.
pub fn choose(facts: &Facts) -> Result<Choice, ToolchainError> {
    if facts.target_installed {
        return Ok(Choice::Active);
    }
    if facts.rustup_may_install {
        return Ok(Choice::AddTarget);
    }
    let missing = facts.missing_packages();
    match &facts.linker {
        Some(linker) if missing.is_empty() => Ok(Choice::Debian { linker: linker.clone() }),
        _ if facts.apt => Err(ToolchainError::Missing {
            missing: missing.join(", "),
            command: format!("apt-get install -y --no-install-recommends {}", DEBIAN_PACKAGES.join(" ")),
        }),
        _ => Err(ToolchainError::Missing {
            missing: format!("the {TARGET} standard library"),
            command: format!("rustup target add {TARGET}"),
        }),
    }
}

impl Toolchain {
    /// Finds the toolchain for a build in `directory`, adding rustup's target
    /// when that is the way and allowed.
    ///
    /// # Errors
    /// [`ToolchainError`] when nothing on this machine builds for [`TARGET`].
    pub fn find(directory: &Path) -> Result<Self, ToolchainError> {
        match choose(&Facts::gather(directory))? {
            Choice::Active => Ok(Self::Active),
            Choice::AddTarget => add_target(directory).map(|()| Self::Active),
            Choice::Debian { linker } => Ok(Self::Debian { linker }),
        }
    }

    /// One line for a person: which toolchain this is.
    pub fn summary(&self) -> String {
        match self {
            Self::Active => format!("active toolchain, {TARGET} installed"),
            Self::Debian { linker } => format!("{DEBIAN_RUSTC} with -Zbuild-std, linker {}", linker.display()),
        }
    }

    /// Adds what this toolchain needs to a `cargo build --target` command.
    pub(crate) fn apply(&self, cargo: &mut Command) {
        if let Self::Debian { linker } = self {
            // RUSTC_BOOTSTRAP: Debian ships no standard library for this target, only its
            // sources, and building them is a nightly option.
            cargo
                .env("RUSTC", DEBIAN_RUSTC)
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)
                .arg("-Zbuild-std=std,panic_abort");
        }
    }
}

fn add_target(directory: &Path) -> Result<(), ToolchainError> {
    let status = Command::new("rustup").args(["target", "add", TARGET]).current_dir(directory).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(ToolchainError::AddTarget { reason: status.to_string() }),
        Err(error) => Err(ToolchainError::AddTarget { reason: error.to_string() }),
    }
}

/// The versions of the compiler that is active in a directory and of the distribution's.
pub(crate) fn versions(directory: &Path) -> Option<String> {
    let active = tool::told(Command::new(active_rustc()).arg("-vV").current_dir(directory));
    let debian = tool::told(Command::new(DEBIAN_RUSTC).arg("-vV"));
    (active.is_some() || debian.is_some()).then(|| active.unwrap_or_default() + &debian.unwrap_or_default())
}

fn active_rustc() -> PathBuf {
    env::var_os("RUSTC").map_or_else(|| PathBuf::from("rustc"), PathBuf::from)
}

fn sysroot_of(rustc: &Path, directory: &Path) -> Option<PathBuf> {
    let output = Command::new(rustc).args(["--print", "sysroot"]).current_dir(directory).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| PathBuf::from(text.trim()))
}

/// rustup ships LLVM's linker with every toolchain, under the host's triple.
fn rust_lld(sysroot: &Path) -> Option<PathBuf> {
    let hosts = std::fs::read_dir(sysroot.join("lib/rustlib")).ok()?;
    hosts.filter_map(Result::ok).map(|host| host.path().join("bin/rust-lld")).find(|path| path.is_file())
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let file = format!("{program}{}", env::consts::EXE_SUFFIX);
    env::split_paths(&path).map(|dir| dir.join(&file)).find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn debian() -> Facts {
        Facts {
            apt: true,
            debian_rustc: true,
            debian_sources: true,
            linker: Some("wasm-ld-22".into()),
            ..Facts::default()
        }
    }

    // An installed target is used as it is, whatever else the machine offers.
    #[test]
    fn installed_target_wins() {
        let facts = Facts { target_installed: true, rustup_may_install: true, ..debian() };
        assert_eq!(choose(&facts).unwrap(), Choice::Active);
    }

    // rustup is asked to fetch only when its owner allows it.
    #[test]
    fn rustup_is_asked_only_when_allowed() {
        let allowed = Facts { rustup_may_install: true, ..debian() };
        assert_eq!(choose(&allowed).unwrap(), Choice::AddTarget);
        assert_eq!(choose(&debian()).unwrap(), Choice::Debian { linker: "wasm-ld-22".into() });
    }

    // What is missing is named in one line, with the command that installs it.
    #[test]
    fn missing_tools_are_named_with_their_command() {
        let facts = Facts { debian_sources: false, linker: None, ..debian() };
        let text = choose(&facts).unwrap_err().to_string();
        assert!(text.contains("rust-web-src, lld-22 not found"), "{text}");
        assert!(text.contains("apt-get install -y --no-install-recommends rustc-web rust-web-src lld-22"), "{text}");
        assert_eq!(text.lines().count(), 1);
    }

    // Where there is no apt, the advice is rustup's command.
    #[test]
    fn without_apt_the_advice_is_rustup() {
        let text = choose(&Facts::default()).unwrap_err().to_string();
        assert!(text.contains("`rustup target add wasm32-unknown-unknown`"), "{text}");
    }
}
