//! Limits of the control group this process is in, version 2 or 1.

use std::fs::read_to_string;
use std::path::{Path, PathBuf};

/// Where the kernel shows control groups.
pub(super) const ROOT: &str = "/sys/fs/cgroup";

/// Version 1 writes "no limit" as a number near the top of the address space.
const UNLIMITED_V1: u64 = 1 << 60;

/// What the kernel gives back before anything is killed: pages of files that nobody used lately, and its own caches of names
/// and inodes. Version 1 counts those caches, and does not tell how large they are.
const RECLAIMABLE_V1: &[&str] = &["total_inactive_file"];
const RECLAIMABLE_V2: &[&str] = &["inactive_file", "slab_reclaimable"];

/// Memory of a control group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Memory {
    pub(super) limit: Option<u64>,
    pub(super) used: Option<u64>,
}

/// Periods of the processor quota: all, and those in which it ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Periods {
    pub(super) all: u64,
    pub(super) throttled: u64,
}

/// The tightest memory limit on the group, and what is used under it. `own` is the text of `/proc/self/cgroup`.
pub(super) fn memory(root: &Path, own: &str) -> Memory {
    let (dirs, limit_file, used_file, caches) = match controller(own, "memory") {
        Some(path) => {
            (ancestry(&root.join("memory"), path), "memory.limit_in_bytes", "memory.usage_in_bytes", RECLAIMABLE_V1)
        }
        None => (ancestry(root, unified(own)), "memory.max", "memory.current", RECLAIMABLE_V2),
    };
    let limited = |dir: &PathBuf| number(&dir.join(limit_file)).filter(|&limit| limit < UNLIMITED_V1);
    let tightest = dirs.iter().filter_map(|dir| Some((limited(dir)?, dir))).min_by_key(|(limit, _)| *limit);
    let dir = tightest.map_or(dirs.first(), |(_, dir)| Some(dir));
    let used = dir.and_then(|dir| {
        // What is not told is not subtracted: then more counts as used than is.
        let stat = read_to_string(dir.join("memory.stat")).unwrap_or_default();
        let cache = caches.iter().filter_map(|key| field(&stat, key)).fold(0, u64::saturating_add);
        Some(number(&dir.join(used_file))?.saturating_sub(cache))
    });
    Memory { limit: tightest.map(|(limit, _)| limit), used }
}

/// The processor quota's periods; none without a quota.
pub(super) fn periods(root: &Path, own: &str) -> Option<Periods> {
    let dirs = match controller(own, "cpu") {
        Some(path) => ancestry(&root.join("cpu"), path),
        None => ancestry(root, unified(own)),
    };
    let text = read_to_string(dirs.first()?.join("cpu.stat")).ok()?;
    Some(Periods { all: field(&text, "nr_periods")?, throttled: field(&text, "nr_throttled")? })
}

/// The group's path under a version 1 controller.
fn controller<'a>(own: &'a str, name: &str) -> Option<&'a str> {
    own.lines().find_map(|line| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        controllers.split(',').any(|controller| controller == name).then_some(path)
    })
}

/// The group's path in version 2.
fn unified(own: &str) -> &str {
    own.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or("/")
}

/// The group's directory and those above it, down to `mount`. In a container the path may be the host's and not be
/// there: then only `mount` is left, which is the group.
fn ancestry(mount: &Path, path: &str) -> Vec<PathBuf> {
    let relative = Path::new(path.trim_start_matches('/'));
    let inside = relative.components().all(|component| matches!(component, std::path::Component::Normal(_)));
    let own = if inside { mount.join(relative) } else { mount.to_owned() };
    own.ancestors().take_while(|dir| dir.starts_with(mount)).filter(|dir| dir.is_dir()).map(Path::to_owned).collect()
}

fn number(path: &Path) -> Option<u64> {
    read_to_string(path).ok()?.trim().parse().ok()
}

/// The value of `key` in lines of `key value`.
fn field(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        root
    }

    // The tightest limit above the group counts, with what is used under it.
    #[test]
    fn version_2_is_hierarchical() {
        let root = tree(&[
            ("app/memory.max", "1000\n"),
            ("app/memory.current", "700\n"),
            ("app/memory.stat", "anon 1\nactive_file 90\ninactive_file 200\nslab_reclaimable 50\nslab 60\n"),
            ("app/web/memory.max", "max\n"),
            ("app/web/memory.current", "300\n"),
        ]);
        assert_eq!(memory(root.path(), "0::/app/web\n"), Memory { limit: Some(1000), used: Some(450) });
    }

    // Inside a container the root is the group; a path of the host that is not there changes nothing.
    #[test]
    fn version_2_in_a_container() {
        let root = tree(&[
            ("memory.max", "1000"),
            ("memory.current", "10"),
            ("cpu.stat", "usage_usec 5\nnr_periods 8\nnr_throttled 2\n"),
        ]);
        for own in ["0::/\n", "0::/docker/abc\n", "0::/../../other\n", ""] {
            assert_eq!(memory(root.path(), own), Memory { limit: Some(1000), used: Some(10) }, "{own:?}");
        }
        assert_eq!(periods(root.path(), "0::/\n"), Some(Periods { all: 8, throttled: 2 }));
    }

    // Version 1, also beside an empty version 2, and its huge number for "none".
    #[test]
    fn version_1() {
        let root = tree(&[
            ("memory/docker/x/memory.limit_in_bytes", "5000\n"),
            ("memory/docker/x/memory.usage_in_bytes", "4000\n"),
            ("memory/docker/x/memory.stat", "inactive_file 1\ntotal_inactive_file 1500\n"),
            ("memory/memory.limit_in_bytes", "9223372036854771712\n"),
        ]);
        assert_eq!(memory(root.path(), "4:memory:/docker/x\n0::/\n"), Memory { limit: Some(5000), used: Some(2500) });
        assert_eq!(memory(root.path(), "4:memory:/\n").limit, None);
    }

    // No control groups: nothing is known, nothing fails.
    #[test]
    fn none() {
        let root = tree(&[]);
        assert_eq!(memory(root.path(), "0::/\n"), Memory::default());
        assert_eq!(periods(root.path(), "0::/\n"), None);
    }
}
