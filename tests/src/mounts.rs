//! File systems that never answer, or stop to: in a name space of the host's own, so that nobody else sees them, and gone
//! with it.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Commands that make `hung`, a file system of which every question waits for as long as the host lives.
pub const HUNG: &str = "mkdir hung; exec 9<>/dev/fuse; \
     mount -i -t fuse -o fd=9,rootmode=40000,user_id=0,group_id=0 hung hung";

/// Commands that put the host's state on a disk of its own, which [`freeze`] stops.
pub const OWN_STATE: &str = "mkdir .probity; truncate -s 16M disk; mkfs.ext4 -q disk; mount -o loop disk .probity; \
     chmod 700 .probity";

/// Whether this machine lets a test mount. Says so where it does not.
#[must_use]
#[expect(clippy::print_stdout, reason = "whoever reads what the tests said should know what they did not show")]
pub fn may_be_made() -> bool {
    let made = Command::new("unshare").args(["--mount", "mount", "-t", "tmpfs", "tmpfs", "/tmp"]).output();
    let made = made.is_ok_and(|output| output.status.success()) && Path::new("/dev/fuse").exists();
    if !made {
        println!("nothing hangs in this run: no file system could be mounted");
    }
    made
}

/// For [`crate::host::Host::start_under`]: `commands` in a name space of the host's own, in its directory.
#[must_use]
pub fn of_its_own(commands: &str) -> String {
    format!("exec unshare --mount sh -ec '{commands}; exec \"$0\" \"$@\"' \"$0\" \"$@\"")
}

/// A file system that takes nothing more, as long as this lives.
pub struct Frozen(Child);

/// Stops the file system at `path`, as the process `pid` sees it. It goes on when this process ends, however that does.
///
/// # Panics
/// When it cannot be stopped.
#[must_use]
pub fn freeze(pid: u32, path: &Path) -> Frozen {
    let path = Path::new(&format!("/proc/{pid}/root")).join(path.strip_prefix("/").expect("it is absolute"));
    // From within, so that it is found also when the process is gone.
    let mut shell = Command::new("sh");
    shell
        .args(["-ec", "cd \"$0\"; fsfreeze --freeze .; echo frozen; read end || true; fsfreeze --unfreeze ."])
        .arg(&path);
    let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a shell starts");
    let mut word = [0; 6];
    let said = shell.stdout.as_mut().expect("it is piped").read_exact(&mut word);
    assert!(said.is_ok() && &word == b"frozen", "{} cannot be frozen", path.display());
    Frozen(shell)
}

impl Drop for Frozen {
    fn drop(&mut self) {
        // A process that waits for it cannot even be killed.
        drop(self.0.stdin.take());
        // Said by the shell, if it could not.
        let _ = self.0.wait();
    }
}
