//! Entries of `system`.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use globset::Glob;

use super::is_below;

/// One entry of `system`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SystemGrant {
    /// `memory`.
    Memory,
    /// `cpu`.
    Cpu,
    /// `load`.
    Load,
    /// `pressure`.
    Pressure,
    /// `uptime`.
    Uptime,
    /// `disks`: the list of all file systems.
    Disks,
    /// `disk:/path`: the file systems that hold this path and those below it.
    Disk(PathBuf),
    /// `process:pattern`: processes whose name matches, `*` and `?` being wildcards.
    Process(ProcessPattern),
    /// `file:/path`: size and age of this path and those below it.
    File(PathBuf),
}

/// A pattern for process names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessPattern(Glob);

impl ProcessPattern {
    /// Whether the process called `name` is covered.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.0.compile_matcher().is_match(name)
    }

    /// The pattern as typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.glob()
    }
}

/// What a check asks of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemTarget<'a> {
    /// Memory and swap.
    Memory,
    /// Processor use.
    Cpu,
    /// Load average.
    Load,
    /// Pressure stall information.
    Pressure,
    /// Time since boot.
    Uptime,
    /// All file systems.
    Disks,
    /// The file system that holds a path.
    Disk(&'a Path),
    /// Processes of a name; or a granted pattern, letter for letter.
    Process(&'a str),
    /// Size and age of a path.
    File(&'a Path),
}

impl SystemGrant {
    const ALLOWED: &'static str =
        "`memory`, `cpu`, `load`, `pressure`, `uptime`, `disks`, `disk:/path`, `process:pattern`, `file:/path`";

    /// Parses one entry.
    ///
    /// # Errors
    /// What was wrong and what is allowed.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (kind, argument) = text.split_once(':').map_or((text, None), |(kind, argument)| (kind, Some(argument)));
        match (kind, argument) {
            ("memory", None) => Ok(Self::Memory),
            ("cpu", None) => Ok(Self::Cpu),
            ("load", None) => Ok(Self::Load),
            ("pressure", None) => Ok(Self::Pressure),
            ("uptime", None) => Ok(Self::Uptime),
            ("disks", None) => Ok(Self::Disks),
            ("disk", Some(path)) => parse_path(text, path).map(Self::Disk),
            ("file", Some(path)) => parse_path(text, path).map(Self::File),
            ("process", Some(pattern)) if !pattern.is_empty() => Glob::new(pattern)
                .map(|glob| Self::Process(ProcessPattern(glob)))
                .map_err(|error| format!("system grant `{text}`: {error}")),
            _ => Err(format!("system grant `{text}`: allowed are {}", Self::ALLOWED)),
        }
    }

    /// Whether `target` is covered. Paths are compared as written; symbolic links are followed, and the result compared
    /// again, when the path is opened.
    #[must_use]
    pub fn matches(&self, target: SystemTarget<'_>) -> bool {
        match (self, target) {
            (Self::Memory, SystemTarget::Memory)
            | (Self::Cpu, SystemTarget::Cpu)
            | (Self::Load, SystemTarget::Load)
            | (Self::Pressure, SystemTarget::Pressure)
            | (Self::Uptime, SystemTarget::Uptime)
            | (Self::Disks, SystemTarget::Disks) => true,
            (Self::Disk(base), SystemTarget::Disk(path)) | (Self::File(base), SystemTarget::File(path)) => {
                is_plain(path) && is_below(path, base)
            }
            (Self::Process(pattern), SystemTarget::Process(name)) => pattern.as_str() == name || pattern.matches(name),
            _ => false,
        }
    }

    /// The granted path of `disk:` and `file:`.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Disk(path) | Self::File(path) => Some(path),
            _ => None,
        }
    }
}

fn parse_path(text: &str, path: &str) -> Result<PathBuf, String> {
    let path = Path::new(path);
    if !path.is_absolute() || !is_plain(path) {
        return Err(format!("system grant `{text}`: write an absolute path without `..`, as in `disk:/var/lib`"));
    }
    Ok(path.components().collect())
}

/// Whether no component leads upwards.
fn is_plain(path: &Path) -> bool {
    path.is_absolute() && !path.components().any(|component| component == Component::ParentDir)
}

impl fmt::Display for SystemGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = match self {
            Self::Memory => SystemTarget::Memory,
            Self::Cpu => SystemTarget::Cpu,
            Self::Load => SystemTarget::Load,
            Self::Pressure => SystemTarget::Pressure,
            Self::Uptime => SystemTarget::Uptime,
            Self::Disks => SystemTarget::Disks,
            Self::Disk(path) => SystemTarget::Disk(path),
            Self::Process(pattern) => SystemTarget::Process(pattern.as_str()),
            Self::File(path) => SystemTarget::File(path),
        };
        target.fmt(f)
    }
}

impl fmt::Display for SystemTarget<'_> {
    /// As a grant for exactly this is written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory"),
            Self::Cpu => f.write_str("cpu"),
            Self::Load => f.write_str("load"),
            Self::Pressure => f.write_str("pressure"),
            Self::Uptime => f.write_str("uptime"),
            Self::Disks => f.write_str("disks"),
            Self::Disk(path) => write!(f, "disk:{}", path.display()),
            Self::Process(name) => write!(f, "process:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(grant: &str, target: SystemTarget<'_>) -> bool {
        SystemGrant::parse(grant).unwrap().matches(target)
    }

    // A granted path covers what is below it by whole names, and nothing reached by `..`.
    #[test]
    fn paths_by_component() {
        assert!(allows("disk:/data", SystemTarget::Disk(Path::new("/data"))));
        assert!(allows("disk:/data", SystemTarget::Disk(Path::new("/data/a/b"))));
        assert!(!allows("disk:/data", SystemTarget::Disk(Path::new("/database"))));
        assert!(!allows("disk:/data", SystemTarget::Disk(Path::new("/data/../etc"))));
        assert!(!allows("disk:/data", SystemTarget::Disk(Path::new("data"))));
        assert!(!allows("disk:/data", SystemTarget::File(Path::new("/data"))));
        assert!(allows("file:/", SystemTarget::File(Path::new("/etc/passwd"))));
    }

    // A process is asked for by a name that a pattern covers, or by the pattern itself.
    #[test]
    fn processes_by_pattern() {
        assert!(allows("process:postgres*", SystemTarget::Process("postgres-main")));
        assert!(allows("process:postgres*", SystemTarget::Process("postgres*")));
        assert!(!allows("process:postgres*", SystemTarget::Process("*")));
        assert!(!allows("process:postgres", SystemTarget::Process("postgresql")));
    }

    // A grant prints in a form that parses to itself; anything else is refused with the list.
    #[test]
    fn display_parses_back() {
        for text in ["memory", "cpu", "load", "pressure", "uptime", "disks", "disk:/a", "process:x*", "file:/a/b"] {
            assert_eq!(SystemGrant::parse(text).unwrap().to_string(), text);
        }
        for text in ["ram", "memory:x", "disk", "process:", "process:[", "file:a", "file:/a/../b", "disk:"] {
            assert!(SystemGrant::parse(text).unwrap_err().contains(text), "{text}");
        }
    }
}
