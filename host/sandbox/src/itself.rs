//! Where this program's own file is, so that it can be started again as a worker.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The link that leads to the running file even after an update replaced it.
const LINK: &str = "/proc/self/exe";

/// Where to start this program from; none when that cannot be told.
pub(super) fn program() -> Option<PathBuf> {
    let link = PathBuf::from(LINK);
    // Asked for now, before the working directory changes or `/proc` goes.
    let path = path();
    if link.exists() { Some(link) } else { path }
}

/// The file's path: as the system knows it, or as whoever started this program called it.
pub(super) fn path() -> Option<PathBuf> {
    static PATH: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = || {
        // Needs `/proc` on Linux.
        let known = std::env::current_exe().ok().filter(|path| path.is_file());
        known.or_else(|| called(&PathBuf::from(std::env::args_os().next()?), std::env::var_os("PATH").as_deref()))
    };
    PATH.get_or_init(found).clone()
}

/// The file that a shell starts for `name`.
fn called(name: &Path, search: Option<&std::ffi::OsStr>) -> Option<PathBuf> {
    let whole = |path: PathBuf| path.canonicalize().ok().filter(|path| path.is_file());
    if name.components().count() > 1 {
        return whole(name.to_owned());
    }
    std::env::split_paths(search?).find_map(|dir| whole(dir.join(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    // A program finds its own file by what it was called, by path or through the search path.
    #[test]
    fn a_program_is_found_by_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("probity-here");
        std::fs::write(&file, "").unwrap();
        let file = file.canonicalize().unwrap();
        assert_eq!(called(&file, None), Some(file.clone()));
        let search = std::env::join_paths(["/nowhere".as_ref(), dir.path()]).unwrap();
        assert_eq!(called(Path::new("probity-here"), Some(&search)), Some(file));
        assert_eq!(called(Path::new("probity-elsewhere"), Some(&search)), None);
        assert_eq!(called(Path::new("./probity-here"), Some(&search)), None);
    }
}
