//! File systems, and the size and age of files.
//!
//! A path is opened without access to its content, and what was *opened* is compared with the grant: a symbolic link,
//! even one that changes between two system calls, cannot lead out of it.

use std::path::{Path, PathBuf};

use super::unsupported;
use crate::net::io_error;
use crate::{CallError, ErrorKind};

/// File systems listed.
const DISKS_MAX: usize = 256;

/// One file system. Sizes in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Where it is mounted.
    pub mount_point: String,
    /// `ext4`.
    pub file_system: String,
    /// Used and available, as `df` counts: what is kept for root is in neither.
    pub total: u64,
    /// For this user.
    pub available: u64,
    /// Used and free, likewise; none where the file system does not count them.
    pub inodes_total: Option<u64>,
    /// For this user.
    pub inodes_free: Option<u64>,
    /// Mounted read-only.
    pub read_only: bool,
}

/// Size and age of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileFacts {
    /// Bytes.
    pub size: u64,
    /// Milliseconds since the Unix epoch.
    pub modified_unix_ms: u64,
    /// Whether it is a directory.
    pub is_directory: bool,
    /// Whether it is a file, and no directory, pipe, socket or device.
    pub is_file: bool,
}

/// One line of `/proc/self/mountinfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    pub(super) point: PathBuf,
    file_system: String,
}

/// The size and age of `path`, if it is below one of the granted `bases` after all links.
pub(super) fn stat(path: &Path, bases: &[PathBuf]) -> Result<FileFacts, CallError> {
    let (file, _) = open(path, bases)?;
    let facts = file.metadata().map_err(|error| failed(path, &error))?;
    let modified = facts.modified().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    Ok(FileFacts {
        size: facts.len(),
        modified_unix_ms: modified.map_or(0, |at| u64::try_from(at.as_millis()).unwrap_or(u64::MAX)),
        is_directory: facts.is_dir(),
        is_file: facts.is_file(),
    })
}

/// The file system that holds `path`, likewise.
pub(super) fn holding(path: &Path, bases: &[PathBuf]) -> Result<Disk, CallError> {
    let (file, real) = open(path, bases)?;
    let mount = nearest(mounts()?, &real)
        .ok_or_else(|| CallError::new(ErrorKind::NotFound, format!("no file system holds {}", path.display())))?;
    measure(&mount, &file).map_err(|error| failed(path, &error))
}

/// The file system that is mounted there. What this user may not see, or what went away, is `not-found`.
pub(super) fn mounted_at(mount: &Mount) -> Result<Disk, CallError> {
    let disk = open_path(&mount.point).and_then(|file| measure(mount, &file));
    disk.map_err(|error| CallError { kind: ErrorKind::NotFound, ..failed(&mount.point, &error) })
}

/// Every file system with space of its own, of what was found of each; of several on one point the last.
///
/// # Errors
/// That of one that does not answer: a list without it would look as if all were well.
pub(super) fn of_all(found: Vec<Result<Disk, CallError>>) -> Result<Vec<Disk>, CallError> {
    let mut disks: Vec<Disk> = Vec::new();
    for disk in found {
        match disk {
            Ok(disk) if disk.total > 0 && !is_image(&disk) => {
                disks.retain(|seen| seen.mount_point != disk.mount_point);
                disks.push(disk);
            }
            Ok(_) => {}
            Err(error) if error.kind == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    disks.truncate(DISKS_MAX);
    Ok(disks)
}

/// File systems that are written once, full from then on, and mounted as a part of a system: packages, installers, firmware.
const IMAGES: [&str; 7] = ["squashfs", "fuse.squashfuse", "iso9660", "erofs", "cramfs", "romfs", "udf"];

fn is_image(disk: &Disk) -> bool {
    disk.read_only && IMAGES.contains(&disk.file_system.as_str())
}

/// Of blocks or inodes: those that are used or available to this user, out of `all` of which `free` are not used.
#[cfg(target_os = "linux")]
const fn usable(all: u64, free: u64, available: u64) -> u64 {
    all.saturating_sub(free).saturating_add(available)
}

/// The mount point nearest above `path`; of several on one point the last, which hides the others.
fn nearest(mounts: Vec<Mount>, path: &Path) -> Option<Mount> {
    mounts
        .into_iter()
        .filter(|mount| path.starts_with(&mount.point))
        .max_by_key(|mount| mount.point.components().count())
}

/// With the right that is missing: nobody else can tell which it is.
pub(super) fn failed(path: &Path, error: &std::io::Error) -> CallError {
    let mut failed = io_error(error, &path.display().to_string());
    if error.kind() == std::io::ErrorKind::PermissionDenied {
        failed.message +=
            "; the user that the host runs as needs `x` on each directory above it, and `r` on one that is listed";
    }
    failed
}

/// What is in the directory `path`, likewise. It is read as it was opened: no link can take its place meanwhile.
pub(super) fn entries(path: &Path, bases: &[PathBuf]) -> Result<std::fs::ReadDir, CallError> {
    let (dir, real) = open(path, bases)?;
    read_dir(&dir, &real).map_err(|error| failed(path, &error))
}

#[cfg(target_os = "linux")]
fn read_dir(dir: &std::fs::File, _real: &Path) -> std::io::Result<std::fs::ReadDir> {
    use std::os::fd::AsRawFd as _;
    std::fs::read_dir(format!("/proc/self/fd/{}", dir.as_raw_fd()))
}

#[cfg(not(target_os = "linux"))]
fn read_dir(_dir: &std::fs::File, real: &Path) -> std::io::Result<std::fs::ReadDir> {
    std::fs::read_dir(real)
}

/// Opens `path` for its facts only, and says where it really is.
fn open(path: &Path, bases: &[PathBuf]) -> Result<(std::fs::File, PathBuf), CallError> {
    let file = open_path(path).map_err(|error| failed(path, &error))?;
    let real = real_path(&file, path).map_err(|error| failed(path, &error))?;
    // A base may be a link itself: the operator named it, so where it leads is granted.
    let is_inside = bases.iter().any(|base| base.canonicalize().is_ok_and(|base| real.starts_with(base)));
    if !is_inside {
        let message =
            format!("{} is a link that leads out of what is granted; grant the place it leads to", path.display());
        return Err(CallError::new(ErrorKind::Denied, message));
    }
    Ok((file, real))
}

#[cfg(target_os = "linux")]
fn open_path(path: &Path) -> std::io::Result<std::fs::File> {
    use rustix::fs::{Mode, OFlags};
    Ok(rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?.into())
}

#[cfg(target_os = "linux")]
fn real_path(file: &std::fs::File, _path: &Path) -> std::io::Result<PathBuf> {
    use std::os::fd::AsRawFd as _;
    std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

#[cfg(not(target_os = "linux"))]
fn open_path(path: &Path) -> std::io::Result<std::fs::File> {
    std::fs::File::open(path)
}

#[cfg(not(target_os = "linux"))]
fn real_path(_file: &std::fs::File, path: &Path) -> std::io::Result<PathBuf> {
    path.canonicalize()
}

#[cfg(target_os = "linux")]
fn measure(mount: &Mount, file: &std::fs::File) -> std::io::Result<Disk> {
    let facts = rustix::fs::fstatvfs(file)?;
    // File systems without a fixed number of inodes (btrfs) say 0.
    let inodes = |number: u64| (facts.f_files > 0).then_some(number);
    Ok(Disk {
        mount_point: mount.point.display().to_string(),
        file_system: mount.file_system.clone(),
        total: usable(facts.f_blocks, facts.f_bfree, facts.f_bavail).saturating_mul(facts.f_frsize),
        available: facts.f_bavail.saturating_mul(facts.f_frsize),
        inodes_total: inodes(usable(facts.f_files, facts.f_ffree, facts.f_favail)),
        inodes_free: inodes(facts.f_favail),
        read_only: facts.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY),
    })
}

#[cfg(not(target_os = "linux"))]
fn measure(mount: &Mount, _file: &std::fs::File) -> std::io::Result<Disk> {
    let disks = sysinfo::Disks::new_with_refreshed_list().map_err(|_| std::io::ErrorKind::Unsupported)?;
    let disk = disks.iter().find(|disk| disk.mount_point() == mount.point).ok_or(std::io::ErrorKind::NotFound)?;
    Ok(Disk {
        mount_point: mount.point.display().to_string(),
        file_system: mount.file_system.clone(),
        total: disk.total_space(),
        available: disk.available_space(),
        inodes_total: None,
        inodes_free: None,
        read_only: disk.is_read_only(),
    })
}

#[cfg(target_os = "linux")]
pub(super) fn mounts() -> Result<Vec<Mount>, CallError> {
    let text = std::fs::read_to_string("/proc/self/mountinfo").map_err(|_| unsupported("the list of file systems"))?;
    Ok(text.lines().filter_map(parse_mount).collect())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn mounts() -> Result<Vec<Mount>, CallError> {
    let disks = sysinfo::Disks::new_with_refreshed_list().map_err(|_| unsupported("the list of file systems"))?;
    let mount = |disk: &sysinfo::Disk| Mount {
        point: disk.mount_point().to_owned(),
        file_system: disk.file_system().to_string_lossy().into_owned(),
    };
    Ok(disks.iter().map(mount).collect())
}

/// `36 35 98:0 /root /mnt/point rw,noatime master:1 - ext4 /dev/sda1 rw`.
#[cfg(any(target_os = "linux", test))]
fn parse_mount(line: &str) -> Option<Mount> {
    let (before, after) = line.split_once(" - ")?;
    let point = before.split(' ').nth(4)?;
    let file_system = after.split(' ').next()?.to_owned();
    Some(Mount { point: PathBuf::from(unescape(point)), file_system })
}

/// Space, tab, newline and backslash are written as three octal digits.
#[cfg(any(target_os = "linux", test))]
fn unescape(text: &str) -> String {
    let codes = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    codes.iter().fold(text.to_owned(), |text, (code, plain)| text.replace(code, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    // The share in use is the one that `df` tells, of blocks and of inodes.
    #[cfg(target_os = "linux")]
    #[test]
    fn share_is_that_of_df() {
        // ext4: 1000 blocks, of which 150 are free, 50 of them for root. `df` says 850 / (850 + 100).
        assert_eq!(usable(1000, 150, 100), 950);
        assert_eq!(usable(10, 20, 5), 5, "odd numbers are no panic");
        let temporary = tempfile::tempdir().unwrap();
        let shown = |field: &str| {
            let df = std::process::Command::new("df").arg(format!("--output={field}")).arg(temporary.path()).output();
            let text = String::from_utf8(df.unwrap().stdout).unwrap();
            text.lines().nth(1).unwrap().trim().trim_end_matches('%').parse::<u64>().ok()
        };
        // Others write meanwhile: a look before and one after.
        let (before, inodes_before) = (shown("pcent"), shown("ipcent"));
        let disk = holding(temporary.path(), &[temporary.path().to_owned()]).unwrap();
        let (after, inodes_after) = (shown("pcent"), shown("ipcent"));
        let share = |total: u64, free: u64| (100 * (total - free)).div_ceil(total.max(1));
        let between = |before: Option<u64>, share: u64, after: Option<u64>| {
            let (before, after) = (before.unwrap(), after.unwrap());
            assert!((before.min(after)..=before.max(after)).contains(&share), "{before} {share} {after}: {disk:?}");
        };
        between(before, share(disk.total, disk.available), after);
        if let (Some(total), Some(free)) = (disk.inodes_total, disk.inodes_free) {
            between(inodes_before, share(total, free), inodes_after);
        }
    }

    // An image that nobody can write is no disk that could fill up; the same kind of file system, writable, is.
    #[test]
    fn images_are_told_apart() {
        let disk = |file_system: &str, read_only: bool| Disk {
            mount_point: "/snap/core/1".into(),
            file_system: file_system.into(),
            total: 100,
            available: 0,
            inodes_total: None,
            inodes_free: None,
            read_only,
        };
        assert!(["squashfs", "iso9660", "fuse.squashfuse", "erofs"].iter().all(|image| is_image(&disk(image, true))));
        assert!(!is_image(&disk("ext4", true)) && !is_image(&disk("udf", false)));
    }

    // A path belongs to the nearest mount point above it, by whole components, the last mount on it winning.
    #[test]
    fn nearest_mount() {
        let text = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
                    23 22 8:2 / /data rw,noatime shared:2 - xfs /dev/sdb1 rw\n\
                    24 23 0:40 / /data rw - tmpfs tmpfs rw\n\
                    25 22 0:41 / /my\\040disk rw - btrfs /dev/sdc rw\nbroken\n";
        let mounts: Vec<Mount> = text.lines().filter_map(parse_mount).collect();
        let holding = |path: &str| nearest(mounts.clone(), Path::new(path)).unwrap().file_system;
        assert_eq!(holding("/data/x"), "tmpfs");
        assert_eq!(holding("/database"), "ext4");
        assert_eq!(holding("/my disk/x"), "btrfs");
    }
}
