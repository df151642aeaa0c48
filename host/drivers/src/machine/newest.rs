//! The newest file that matches a pattern: `/var/backups/*.dump`.
//!
//! Wildcards stand in the last name only, so one directory is read, and nothing below it. What is found is opened as any
//! file is that is looked at: a link out of what is granted is denied, not left out, since what it leads to may be the
//! newest.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::disk::{self, FileFacts};
use crate::request::invalid;
use crate::{CallError, ErrorKind};

/// Names of a directory that are read.
const ENTRIES_MAX: usize = 100_000;

/// For reading them, whoever still waits: a directory on a slow file system holds its thread no longer.
const TIME_MAX: Duration = Duration::from_secs(10);

/// Files of one directory, by their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    pub(super) dir: PathBuf,
    /// `*` stands for any characters, `?` for one; a dot at the beginning of a name has to be written, as in a shell.
    name: String,
}

impl Pattern {
    /// The pattern that `path` is; none when it names one file.
    ///
    /// # Errors
    /// `invalid-argument` for wildcards in the name of a directory.
    pub(super) fn of(path: &Path) -> Result<Option<Self>, CallError> {
        let is_wild = |name: &Path| name.as_os_str().as_encoded_bytes().iter().any(|byte| matches!(byte, b'*' | b'?'));
        let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else { return Ok(None) };
        if is_wild(dir) {
            let message = format!("{}: wildcards are allowed in the last name of a path only", path.display());
            return Err(invalid(message));
        }
        let name = name.to_string_lossy().into_owned();
        Ok(is_wild(Path::new(&name)).then(|| Self { dir: dir.to_owned(), name }))
    }

    /// Names that are no UTF-8 match as they are shown.
    fn matches(&self, name: &str) -> bool {
        (!name.starts_with('.') || self.name.starts_with('.')) && is_match(&self.name, name)
    }

    /// Size and age of the file that was modified last of those that match. Directories, and what is no file, do not match;
    /// what goes meanwhile was not there.
    pub(super) fn newest(&self, bases: &[PathBuf]) -> Result<FileFacts, CallError> {
        self.newest_of(bases, ENTRIES_MAX)
    }

    fn newest_of(&self, bases: &[PathBuf], entries_max: usize) -> Result<FileFacts, CallError> {
        let began = Instant::now();
        let mut newest: Option<FileFacts> = None;
        for (at, entry) in disk::entries(&self.dir, bases)?.enumerate() {
            if at >= entries_max {
                let message = format!("{} holds more than {entries_max} names: none is judged", self.dir.display());
                return Err(CallError::new(ErrorKind::TooLarge, message));
            }
            if began.elapsed() > TIME_MAX {
                let message = format!("{} was not read within {} s", self.dir.display(), TIME_MAX.as_secs());
                return Err(CallError::new(ErrorKind::Timeout, message));
            }
            let name = entry.map_err(|error| disk::failed(&self.dir, &error))?.file_name();
            if !self.matches(&name.to_string_lossy()) {
                continue;
            }
            match disk::stat(&self.dir.join(&name), bases) {
                Ok(facts)
                    if facts.is_file
                        && newest.is_none_or(|newest| newest.modified_unix_ms < facts.modified_unix_ms) =>
                {
                    newest = Some(facts);
                }
                Ok(_) => {}
                Err(error) if error.kind == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        newest.ok_or_else(|| {
            let message = format!("no file in {} matches `{}`", self.dir.display(), self.name);
            CallError::new(ErrorKind::NotFound, message)
        })
    }
}

/// Whether `text` is what `pattern` stands for. The latest `*` takes one character more whenever what follows does not fit,
/// so it is at most one look at each pair of characters.
fn is_match(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    let mut retry = None;
    loop {
        let before = text.clone();
        match (pattern.next(), text.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                retry = Some((pattern.clone(), before.clone()));
                text = before;
            }
            (Some('?'), Some(_)) => {}
            (Some(wanted), Some(found)) if wanted == found => {}
            _ => {
                let Some((after_star, mut from)) = retry.take() else { return false };
                if from.next().is_none() {
                    return false;
                }
                (pattern, text) = (after_star.clone(), from.clone());
                retry = Some((after_star, from));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::SystemTime;

    use super::*;

    fn pattern(dir: &Path, name: &str) -> Pattern {
        Pattern::of(&dir.join(name)).unwrap().expect("a pattern")
    }

    /// A file of so many bytes, last modified so many hours ago.
    fn file(path: &Path, bytes: usize, hours: u64) {
        std::fs::write(path, vec![0; bytes]).unwrap();
        let modified = SystemTime::now() - Duration::from_secs(hours * 3_600);
        File::options().write(true).open(path).unwrap().set_modified(modified).unwrap();
    }

    // A star stands for any characters, also none, a question mark for one; all else for itself.
    #[test]
    fn wildcards_match_as_in_a_shell() {
        let names = Pattern { dir: PathBuf::new(), name: String::new() };
        let matches = |pattern: &str, name: &str| Pattern { name: pattern.to_owned(), ..names.clone() }.matches(name);
        for (pattern, name) in [
            ("*", "a"),
            ("a*", "a"),
            ("*.dump", "dump.dump.dump"),
            ("a*b*c", "abbbc"),
            ("a*b*c", "a-b-b-c"),
            ("db-?.sql", "db-é.sql"),
            ("*[1]?", "x[1]y"),
            (".*", ".hidden"),
            ("**a", "a"),
            ("*\u{fffd}*", "odd\u{fffd}name"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("*.dump", "a.dump.tmp"),
            ("*.dump", ".a.dump"),
            ("?hidden", ".hidden"),
            ("a*b*c", "acb"),
            ("db-?.sql", "db-.sql"),
            ("?", ""),
            ("[ab]*", "a"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
        let long = "a".repeat(255);
        assert!(!matches(&("*a".repeat(120) + "b"), &long), "and that takes no time");
    }

    // Wildcards in the last name make a pattern; in a directory's they are refused, since they would match nothing.
    #[test]
    fn wildcards_are_for_files() {
        assert_eq!(Pattern::of(Path::new("/data/a.dump")).unwrap(), None);
        assert_eq!(Pattern::of(Path::new("/")).unwrap(), None);
        let found = Pattern::of(Path::new("/data/*.dump")).unwrap();
        assert_eq!(found, Some(Pattern { dir: "/data".into(), name: "*.dump".to_owned() }));
        assert_eq!(Pattern::of(Path::new("/da?a/a.dump")).unwrap_err().kind, ErrorKind::InvalidArgument);
    }

    // The newest of thousands is found, whatever bytes are in the names; directories and hidden files are none of them, and
    // no match at all is told as such.
    #[cfg(unix)]
    #[test]
    fn the_newest_file_is_found() {
        use std::os::unix::ffi::OsStrExt as _;
        let dir = tempfile::tempdir().unwrap();
        let bases = [dir.path().to_owned()];
        let dumps = pattern(dir.path(), "*.dump");
        let none = dumps.newest(&bases).unwrap_err();
        assert_eq!(none.kind, ErrorKind::NotFound);
        assert!(none.message.ends_with("matches `*.dump`"), "{}", none.message);
        for number in 0..3_000 {
            file(&dir.path().join(format!("{number}.dump")), 1, 100);
        }
        file(&dir.path().join(std::ffi::OsStr::from_bytes(b"\xff\n\xfe.dump")), 7, 3);
        file(&dir.path().join("now.txt"), 9, 0);
        file(&dir.path().join(".partial.dump"), 9, 0);
        std::fs::create_dir(dir.path().join("folder.dump")).unwrap();
        assert_eq!(dumps.newest(&bases).unwrap().size, 7);
        file(&dir.path().join("2999.dump"), 5, 1);
        assert_eq!(dumps.newest(&bases).unwrap().size, 5);
        let missing = pattern(&dir.path().join("gone"), "*.dump").newest(&bases).unwrap_err();
        assert_eq!(missing.kind, ErrorKind::NotFound);
        assert!(missing.message.contains("gone"), "{}", missing.message);
    }

    // A directory with more names than are read is not judged by some of them.
    #[test]
    fn too_many_names_are_no_judgement() {
        let dir = tempfile::tempdir().unwrap();
        for number in 0..3 {
            file(&dir.path().join(number.to_string()), 1, 0);
        }
        let bases = [dir.path().to_owned()];
        assert_eq!(pattern(dir.path(), "*").newest_of(&bases, 3).unwrap().size, 1);
        let error = pattern(dir.path(), "*").newest_of(&bases, 2).unwrap_err();
        assert_eq!(error.kind, ErrorKind::TooLarge);
        assert!(error.message.contains("more than 2 names"), "{}", error.message);
    }

    // A link that leads nowhere is no file, one inside of what is granted is what it leads to, and one that leads out of it is
    // denied: it could be the newest.
    #[cfg(unix)]
    #[test]
    fn links_are_followed_within_the_grant() {
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir().unwrap();
        let inside = dir.path().join("inside");
        std::fs::create_dir(&inside).unwrap();
        let bases = [inside.clone()];
        file(&inside.join("a.dump"), 1, 5);
        file(&inside.join("target"), 2, 1);
        symlink("gone", inside.join("b.dump")).unwrap();
        assert_eq!(pattern(&inside, "*.dump").newest(&bases).unwrap().size, 1);
        symlink("target", inside.join("c.dump")).unwrap();
        assert_eq!(pattern(&inside, "*.dump").newest(&bases).unwrap().size, 2);
        file(&dir.path().join("secret"), 3, 0);
        symlink("../secret", inside.join("d.dump")).unwrap();
        assert_eq!(pattern(&inside, "*.dump").newest(&bases).unwrap_err().kind, ErrorKind::Denied);
        symlink(dir.path(), inside.join("up")).unwrap();
        assert_eq!(pattern(&inside.join("up"), "sec*").newest(&bases).unwrap_err().kind, ErrorKind::Denied);
    }

    // Files that come and go while the directory is read are no error, and the one that stays is found.
    #[test]
    fn what_vanishes_meanwhile_was_not_there() {
        let dir = tempfile::tempdir().unwrap();
        let bases = [dir.path().to_owned()];
        file(&dir.path().join("kept.dump"), 4, 1);
        let over = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|threads| {
            threads.spawn(|| {
                while !over.load(std::sync::atomic::Ordering::Relaxed) {
                    for number in 0..50 {
                        let path = dir.path().join(format!("{number}.dump"));
                        file(&path, 1, 9);
                        std::fs::remove_file(&path).unwrap();
                    }
                }
            });
            let mut looked = (0..500).map(|_| pattern(dir.path(), "*.dump").newest(&bases));
            // One that was just made and not yet aged is newer than what stays.
            let wrong = looked.find(|found| !found.as_ref().is_ok_and(|found| found.size <= 4));
            over.store(true, std::sync::atomic::Ordering::Relaxed);
            assert_eq!(wrong, None);
        });
    }
}
