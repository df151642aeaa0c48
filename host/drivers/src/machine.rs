//! What checks may learn of the machine: one for the whole host, so that samples and caches are shared.
//!
//! Files of the kernel are read on blocking threads, a bounded number at once: a dead network file system can hold a
//! look at a disk for ever, and must hold nothing else (see `looks`). So each kind of look has its own.

mod cgroup;
mod cpu;
mod disk;
mod kernel;
mod newest;
mod process;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;

pub use cpu::Cpu;
pub use disk::{Disk, FileFacts};
pub use kernel::{Pressure, PressureKind};
pub use process::Process;

use probity_config::Grants;
use probity_config::grants::{SystemGrant, SystemTarget};

use self::newest::Pattern;
use super::looks::{HANGS_AFTER, Looks};
use super::request::invalid;
use super::{CallError, ErrorKind};

/// Looks of one kind under way, those that hang aside.
const LOOKS_MAX: usize = 8;

/// Looks of one kind that may hang, each with a thread.
const LOOKS_HANGING_MAX: usize = 128;

/// Looks at the processor and at processes, which share a table: one at a time.
const SHARED_LOOKS_MAX: usize = 1;

static DISKS: Looks<Disk> = Looks::new("looks at disks", LOOKS_MAX, LOOKS_HANGING_MAX);
static MOUNTS: Looks<Vec<disk::Mount>> = Looks::new("looks at the list of disks", LOOKS_MAX, LOOKS_HANGING_MAX);
static FILES: Looks<FileFacts> = Looks::new("looks at files", LOOKS_MAX, LOOKS_HANGING_MAX);
static PROCESSES: Looks<Vec<Process>> = Looks::new("looks at processes", SHARED_LOOKS_MAX, LOOKS_MAX);
static CPU: Looks<Cpu> = Looks::new("looks at the processor", SHARED_LOOKS_MAX, LOOKS_MAX);
static MEMORY: Looks<Memory> = Looks::new("looks at the memory", LOOKS_MAX, LOOKS_MAX);
static LOAD: Looks<Load> = Looks::new("looks at the load", LOOKS_MAX, LOOKS_MAX);
static PRESSURE: Looks<Pressure> = Looks::new("looks at the pressure", LOOKS_MAX, LOOKS_MAX);
static UPTIME: Looks<u64> = Looks::new("looks at the uptime", LOOKS_MAX, LOOKS_MAX);

/// The machine, or the container as far as the kernel tells. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Machine {
    cpu: Arc<Mutex<cpu::Meter>>,
    processes: Arc<Mutex<process::Table>>,
    /// How long whoever asks waits: not at all for what has been hanging for longer.
    patience: Duration,
}

impl Default for Machine {
    fn default() -> Self {
        Self { cpu: Arc::default(), processes: Arc::default(), patience: HANGS_AFTER }
    }
}

/// Memory and swap, bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Of the machine.
    pub total: u64,
    /// What could be used without swapping.
    pub available: u64,
    /// Of the machine.
    pub swap_total: u64,
    /// Of it unused.
    pub swap_free: u64,
    /// The tightest limit on this process's control group; none = unlimited.
    pub cgroup_limit: Option<u64>,
    /// Used under that limit, without the file cache that would be dropped first.
    pub cgroup_used: Option<u64>,
}

/// Load averages.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Over one minute.
    pub one: f64,
    /// Over five.
    pub five: f64,
    /// Over fifteen.
    pub fifteen: f64,
}

impl Machine {
    /// The same for one who waits for `patience`.
    #[must_use]
    pub fn within(&self, patience: Duration) -> Self {
        Self { patience, ..self.clone() }
    }

    /// Memory, swap and the control group's limit.
    ///
    /// # Errors
    /// `denied`, `unsupported`.
    pub async fn memory(&self, grants: &Grants) -> Result<Memory, CallError> {
        check(grants, SystemTarget::Memory)?;
        MEMORY.look(("", "the look at the memory"), self.patience, kernel::memory).await
    }

    /// Processor use since the last look, at least 100 ms ago; at most one sample per second.
    ///
    /// # Errors
    /// `denied`, `unsupported` off Linux.
    pub async fn cpu(&self, grants: &Grants) -> Result<Cpu, CallError> {
        check(grants, SystemTarget::Cpu)?;
        let meter = Arc::clone(&self.cpu);
        let read = move || meter.lock().unwrap_or_else(PoisonError::into_inner).read();
        CPU.look((&shared(&self.cpu), "the look at the processor"), self.patience, read).await
    }

    /// Load averages.
    ///
    /// # Errors
    /// `denied`, `unsupported`.
    pub async fn load(&self, grants: &Grants) -> Result<Load, CallError> {
        check(grants, SystemTarget::Load)?;
        LOAD.look(("", "the look at the load"), self.patience, kernel::load).await
    }

    /// Pressure stall information.
    ///
    /// # Errors
    /// `denied`, `unsupported` where the kernel has none.
    pub async fn pressure(&self, grants: &Grants, kind: PressureKind) -> Result<Pressure, CallError> {
        check(grants, SystemTarget::Pressure)?;
        let name = format!("{kind:?}");
        PRESSURE.look((&name, "the look at the pressure"), self.patience, move || kernel::pressure(kind)).await
    }

    /// Milliseconds since boot.
    ///
    /// # Errors
    /// `denied`, `unsupported`.
    pub async fn uptime_ms(&self, grants: &Grants) -> Result<u64, CallError> {
        check(grants, SystemTarget::Uptime)?;
        UPTIME.look(("", "the look at the uptime"), self.patience, kernel::uptime_ms).await
    }

    /// The file system that holds `path`.
    ///
    /// # Errors
    /// `invalid-argument`, `denied` (also when symbolic links lead out of the grant), `not-found`.
    pub async fn disk(&self, grants: &Grants, path: &str) -> Result<Disk, CallError> {
        let (path, bases) = granted_paths(grants, SystemTarget::Disk(absolute(path)?))?;
        let (target, name) = (target_of(&path, &bases), name_of(&path));
        DISKS.look((&target, &name), self.patience, move || disk::holding(&path, &bases)).await
    }

    /// All file systems that hold data, at most 256.
    ///
    /// # Errors
    /// `denied`, `unsupported`.
    pub async fn disks(&self, grants: &Grants) -> Result<Vec<Disk>, CallError> {
        check(grants, SystemTarget::Disks)?;
        let mounts = MOUNTS.look(("", "the look at the list of file systems"), self.patience, disk::mounts).await?;
        // One that hangs is told of by its name, and holds no look at another.
        let looks = mounts.into_iter().map(|mount| {
            let (target, name) = (target_of(&mount.point, &[]), name_of(&mount.point));
            async move { DISKS.look((&target, &name), self.patience, move || disk::mounted_at(&mount)).await }
        });
        disk::of_all(futures_util::stream::iter(looks).buffered(LOOKS_MAX).collect().await)
    }

    /// Processes called `name`; or those that match, when `name` is a granted pattern letter for letter. At most 256.
    ///
    /// # Errors
    /// `denied`, `unsupported`.
    pub async fn processes(&self, grants: &Grants, name: &str) -> Result<Vec<Process>, CallError> {
        let target = SystemTarget::Process(name);
        check(grants, target)?;
        let pattern = grants.allows_system(target).find_map(|grant| match grant {
            SystemGrant::Process(pattern) if pattern.as_str() == name => Some(pattern.clone()),
            _ => None,
        });
        let wanted = pattern.map_or_else(|| process::Wanted::Named(name.to_owned()), process::Wanted::Matching);
        let table = Arc::clone(&self.processes);
        let target = format!("{} {wanted:?}", shared(&self.processes));
        let find = move || table.lock().unwrap_or_else(PoisonError::into_inner).find(&wanted);
        PROCESSES.look((&target, "the look at processes"), self.patience, find).await
    }

    /// Size and age of `path`, or of the newest file that matches it where its last name holds `*` or `?`.
    ///
    /// # Errors
    /// `invalid-argument`, `denied` (also when symbolic links lead out of the grant), `not-found`, `too-large` for a directory
    /// of too many names.
    pub async fn stat(&self, grants: &Grants, path: &str) -> Result<FileFacts, CallError> {
        let path = absolute(path)?;
        let (target, name) = (path.display().to_string(), name_of(path));
        let Some(pattern) = Pattern::of(path)? else {
            let (path, bases) = granted_paths(grants, SystemTarget::File(path))?;
            let target = target_of(&path, &bases);
            return FILES.look((&target, &name), self.patience, move || disk::stat(&path, &bases)).await;
        };
        // What is looked at is the directory.
        let (_, bases) = granted_paths(grants, SystemTarget::File(&pattern.dir))?;
        let target = format!("{target} {bases:?}");
        FILES.look((&target, &name), self.patience, move || pattern.newest(&bases)).await
    }
}

/// What is looked at: a path, as far as it is granted. Two checks with different grants may not hear the same.
fn target_of(path: &Path, bases: &[PathBuf]) -> String {
    format!("{} {bases:?}", path.display())
}

fn name_of(path: &Path) -> String {
    format!("the look at {}", path.display())
}

/// What is the same for all who share `what`.
fn shared<T>(what: &Arc<T>) -> String {
    format!("{:p}", Arc::as_ptr(what))
}

fn check(grants: &Grants, target: SystemTarget<'_>) -> Result<(), CallError> {
    if grants.allows_system(target).next().is_some() {
        return Ok(());
    }
    let line = Grants::line_for_system(target);
    let message = format!("system `{target}` is not granted to this check; to allow it, add: {line}");
    Err(CallError::new(ErrorKind::Denied, message))
}

fn absolute(path: &str) -> Result<&Path, CallError> {
    let path = Path::new(path);
    if path.is_absolute() && !path.components().any(|component| component == std::path::Component::ParentDir) {
        return Ok(path);
    }
    Err(invalid(format!("`{}` is not an absolute path without `..`", path.display().to_string().escape_debug())))
}

/// The path of `target` and the granted paths above it.
fn granted_paths(grants: &Grants, target: SystemTarget<'_>) -> Result<(PathBuf, Vec<PathBuf>), CallError> {
    check(grants, target)?;
    let (SystemTarget::Disk(path) | SystemTarget::File(path)) = target else {
        return Err(invalid("no path".to_owned()));
    };
    let bases = grants.allows_system(target).filter_map(SystemGrant::path).map(Path::to_owned).collect();
    Ok((path.to_owned(), bases))
}

fn unsupported(what: &str) -> CallError {
    CallError::new(ErrorKind::Unsupported, format!("{what} is not available on this host"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(texts: &[&str]) -> Grants {
        Grants { system: texts.iter().map(|text| SystemGrant::parse(text).unwrap()).collect(), ..Grants::default() }
    }

    // Nothing of the machine is told without a grant, and the message is the line to add.
    #[tokio::test]
    async fn denial_names_the_grant() {
        let machine = Machine::default();
        let none = Grants::default();
        for (error, grant) in [
            (machine.memory(&none).await.unwrap_err(), "memory"),
            (machine.cpu(&none).await.unwrap_err(), "cpu"),
            (machine.disks(&none).await.unwrap_err(), "disks"),
            (machine.disk(&none, "/data").await.unwrap_err(), "disk:/data"),
            (machine.stat(&none, "/etc/passwd").await.unwrap_err(), "file:/etc/passwd"),
            (machine.stat(&none, "/backups/*.dump").await.unwrap_err(), "file:/backups"),
            (machine.processes(&none, "init").await.unwrap_err(), "process:init"),
        ] {
            assert_eq!(error.kind, ErrorKind::Denied);
            assert!(error.message.ends_with(&format!("grants = {{ system = [\"{grant}\"] }}")), "{}", error.message);
        }
    }

    // A symbolic link below a granted path does not lead out of it; one inside does its work.
    #[cfg(unix)]
    #[tokio::test]
    async fn links_do_not_escape() {
        let dir = tempfile::tempdir().unwrap();
        let inside = dir.path().join("inside");
        std::fs::create_dir(&inside).unwrap();
        std::fs::write(dir.path().join("secret"), "12345").unwrap();
        std::fs::write(inside.join("data"), "123").unwrap();
        std::os::unix::fs::symlink("../secret", inside.join("escape")).unwrap();
        std::os::unix::fs::symlink(dir.path(), inside.join("up")).unwrap();
        std::os::unix::fs::symlink("data", inside.join("alias")).unwrap();
        let grants = grants(&[&format!("file:{}", inside.display()), &format!("disk:{}", inside.display())]);
        let machine = Machine::default();
        let ask = |name: &str| inside.join(name).display().to_string();
        assert_eq!(machine.stat(&grants, &ask("data")).await.unwrap().size, 3);
        assert_eq!(machine.stat(&grants, &ask("alias")).await.unwrap().size, 3);
        assert!(machine.stat(&grants, &ask("")).await.unwrap().is_directory);
        for escape in ["escape", "up", "up/secret"] {
            assert_eq!(machine.stat(&grants, &ask(escape)).await.unwrap_err().kind, ErrorKind::Denied, "{escape}");
            assert_eq!(machine.disk(&grants, &ask(escape)).await.unwrap_err().kind, ErrorKind::Denied, "{escape}");
        }
        assert_eq!(machine.stat(&grants, &ask("../secret")).await.unwrap_err().kind, ErrorKind::InvalidArgument);
        assert_eq!(machine.stat(&grants, &ask("missing")).await.unwrap_err().kind, ErrorKind::NotFound);
    }

    // What the kernel tells of this machine makes sense.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn this_machine() {
        let grants = grants(&["memory", "cpu", "load", "uptime", "disks", "disk:/", "process:*"]);
        let machine = Machine::default();
        let memory = machine.memory(&grants).await.unwrap();
        assert!(memory.total > 0 && memory.available <= memory.total && memory.swap_free <= memory.swap_total);
        let cpu = machine.cpu(&grants).await.unwrap();
        assert!(cpu.logical > 0 && (0.0..=100.0).contains(&cpu.busy_percent), "{cpu:?}");
        assert_eq!(machine.cpu(&grants).await.unwrap(), cpu, "two looks within a second are one sample");
        assert!(machine.load(&grants).await.unwrap().fifteen >= 0.0);
        assert!(machine.uptime_ms(&grants).await.unwrap() > 0);
        let root = machine.disk(&grants, "/").await.unwrap();
        assert_eq!(root.mount_point, "/");
        assert!(root.available <= root.total, "{root:?}");
        assert!(machine.disks(&grants).await.unwrap().iter().all(|disk| disk.total > 0));
        let own = std::env::current_exe().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
        let found = machine.processes(&grants, &own).await.unwrap();
        let this = found.iter().find(|process| process.pid == std::process::id()).expect("this process is listed");
        assert!(
            this.rss > 0 && this.started_unix_ms > 0 && this.threads.is_some_and(|threads| threads > 0),
            "{this:?}"
        );
    }
}
