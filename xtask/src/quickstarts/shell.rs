//! A reader at a terminal, in an empty folder.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::ports::Ports;
use crate::workspace::shown;

/// Variables that would show the reader more than an empty folder has.
const HIDDEN: [&str; 6] =
    ["VIRTUAL_ENV", "CARGO_TARGET_DIR", "PYTHONPATH", "CARGO_MANIFEST_DIR", "PROBITY_CONFIG", "PROBITY_TOKEN"];

/// What a command may take: the first build in Rust compiles the standard library where no target is installed.
const COMMAND_MAX: Duration = Duration::from_secs(900);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Where a command leaves the folder it ended in and what it exported, for the next.
const SCRIPT: &str = r#"
[ -f "$STATE/env" ] && . "$STATE/env"
cd "$(cat "$STATE/folder")" || exit
eval "$COMMAND"
status=$?
pwd > "$STATE/folder"
unset COMMAND
export -p > "$STATE/env"
exit $status
"#;

/// Runs one command after the other as one shell would. What they left running ends with it, and its folder goes.
pub(super) struct Shell {
    home: PathBuf,
    path: std::ffi::OsString,
    variables: Vec<(&'static str, PathBuf)>,
    groups: Vec<u32>,
    ports: Ports,
}

/// What a line begins with that only tells a slow machine's reader what is going on.
const PROGRESS: &str = "… ";

/// Bytes of a file that may hold ports: what `probity new` writes is small, but for the lock file.
const FILE_BYTES_MAX: u64 = 64 << 10;

impl Shell {
    /// An empty folder below `folder`, and `probity` on the path. Tools find what they cached in earlier runs only with
    /// `caches`; downloads, which are the registries' matter, they find always. What is typed, and what `probity new` writes,
    /// has `ports` that are free.
    pub(super) fn new(folder: &Path, probity: &Path, caches: bool, ports: Ports) -> Result<Self> {
        let home = folder.join(format!("quickstart-{}", std::process::id()));
        let _ = fs::remove_dir_all(&home);
        for inner in ["bin", "work", "state", "cache"] {
            fs::create_dir_all(home.join(inner)).with_context(|| format!("make {}", shown(&home)))?;
        }
        let probity = fs::canonicalize(probity).with_context(|| format!("find {}", shown(probity)))?;
        std::os::unix::fs::symlink(probity, home.join("bin/probity")).context("link probity")?;
        fs::write(home.join("state/folder"), home.join("work").display().to_string()).context("keep the folder")?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(home.join("bin")).chain(std::env::split_paths(&path)))?;
        let mut variables = vec![("STATE", home.join("state"))];
        if !caches {
            variables.push(("XDG_CACHE_HOME", home.join("cache")));
            let user = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/pip"));
            let downloads = std::env::var_os("PIP_CACHE_DIR").map(PathBuf::from).or_else(user);
            variables.extend(downloads.map(|folder| ("PIP_CACHE_DIR", folder)));
        }
        Ok(Self { home, path, variables, groups: Vec::new(), ports })
    }

    /// A variable of the machine.
    pub(super) fn set(&mut self, name: &'static str, value: &Path) {
        self.variables.push((name, value.to_owned()));
    }

    /// What the command printed on both streams, and how long it took.
    ///
    /// # Errors
    /// When it fails, with what it printed.
    pub(super) fn run(&mut self, command: &str) -> Result<(String, Duration)> {
        let out = self.home.join("state/out");
        let file = File::create(&out).with_context(|| format!("make {}", shown(&out)))?;
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT]).env("COMMAND", self.ports.to_used(command)).env("PATH", &self.path).process_group(0);
        shell.envs(self.variables.iter().map(|(name, value)| (name, value)));
        for hidden in HIDDEN {
            shell.env_remove(hidden);
        }
        // A file, not a pipe: what goes on in the background would hold that open.
        shell.stdin(Stdio::null()).stderr(file.try_clone().context("share the output")?).stdout(file);
        let start = Instant::now();
        let mut child = shell.spawn().context("start sh")?;
        let status = loop {
            if let Some(status) = child.try_wait().context("wait for sh")? {
                break status;
            }
            if start.elapsed() > COMMAND_MAX {
                self.groups.push(child.id());
                bail!("`{command}` did not end in {COMMAND_MAX:?}");
            }
            std::thread::sleep(LOOK_EVERY);
        };
        let took = start.elapsed();
        if signal(child.id(), "-0") {
            // What it left in the background.
            self.groups.push(child.id());
        }
        let said = fs::read(&out).with_context(|| format!("read {}", shown(&out)))?;
        let said = String::from_utf8_lossy(&said).replace(&*self.home.join("work").to_string_lossy(), "~");
        ensure!(status.success(), "`{command}` failed ({status}):\n{said}");
        if command.starts_with("probity new ") {
            self.use_ports(&self.home.join("work"))?;
        }
        let said = self.ports.to_shown(&said);
        // How long something takes is this machine's matter.
        let lines = said.lines().filter(|line| !line.starts_with(PROGRESS));
        Ok((lines.fold(String::new(), |text, line| text + line + "\n"), took))
    }

    /// Writes the ports that are used into the small files below `folder`.
    fn use_ports(&self, folder: &Path) -> Result<()> {
        for entry in fs::read_dir(folder).with_context(|| format!("read {}", shown(folder)))? {
            let entry = entry.with_context(|| format!("read {}", shown(folder)))?;
            let (path, is_dir) = (entry.path(), entry.file_type().is_ok_and(|kind| kind.is_dir()));
            if is_dir {
                self.use_ports(&path)?;
            } else if entry.metadata().is_ok_and(|metadata| metadata.len() <= FILE_BYTES_MAX) {
                let text = fs::read_to_string(&path).with_context(|| format!("read {}", shown(&path)))?;
                let used = self.ports.to_used(&text);
                if used != text {
                    fs::write(&path, used).with_context(|| format!("write {}", shown(&path)))?;
                }
            }
        }
        Ok(())
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        for group in &self.groups {
            signal(*group, "-9");
        }
        let _ = fs::remove_dir_all(&self.home);
    }
}

/// Whether there was somebody in the group to get the signal.
fn signal(group: u32, signal: &str) -> bool {
    let mut kill = Command::new("kill");
    kill.args([signal, "--", &format!("-{group}")]).stderr(Stdio::null());
    kill.status().is_ok_and(|status| status.success())
}
