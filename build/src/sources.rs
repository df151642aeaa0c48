//! Whether anything that a component was made of has changed.
//!
//! A check's own sources are the files of its language, its manifests, and what one of these names: `schema.json` that is
//! embedded, `queries/` that is read while it builds. Nothing else in the folder counts, whatever writes it there: a log, an
//! output, an editor's copy. Neither does what `.gitignore` names. Rather one file too many than one too few: a check that is
//! not built again although it changed is worse than one that is.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use ignore::WalkBuilder;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Language;

/// Folders that hold no sources of a check, whatever the language: what is generated or installed.
const SKIPPED: [&str; 6] = ["target", "node_modules", "venv", "__pycache__", "zig-out", "zig-cache"];

/// The folder of a check's cases: no sources, but what `probity dev` looks at.
const TESTS: &str = "tests";

/// Files that decide what is built, of any language.
const MANIFESTS: [&str; 16] = [
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain.toml",
    "rust-toolchain",
    "pyproject.toml",
    "requirements.txt",
    "uv.lock",
    "poetry.lock",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "jsconfig.json",
    "go.mod",
    "go.sum",
    "go.work",
    "build.zig.zon",
];

/// Bytes of sources that are searched for the names of other files.
const TEXT_BYTES_MAX: usize = 8 << 20;

/// Files that are looked for by name in the sources; those beyond count without.
const NAMES_MAX: usize = 1_000;

/// What one build left for the next to compare with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    /// Of all inputs and of this program's version.
    pub(crate) digest: String,
    /// What the toolchain called itself; `None` when it did not say.
    pub(crate) toolchain: Option<String>,
    /// Inputs that the toolchain named: outside of the check's folder, or inside.
    pub(crate) inputs: Vec<PathBuf>,
    /// Of the component that came out, in hexadecimal.
    pub(crate) component: String,
    /// What there was to say.
    pub(crate) notes: Vec<String>,
    /// The interpreter in the component.
    pub(crate) runtime: Option<String>,
}

impl Stamp {
    /// The stamp at `path`; `None` when there is none that this program reads.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }
}

/// Files that the tools themselves write while they build.
const LOCKS: [&str; 5] = ["Cargo.lock", "package-lock.json", "go.sum", "uv.lock", "poetry.lock"];

/// Whether a file is written by the tools, not by the author.
fn is_lock(path: &Path) -> bool {
    path.file_name().is_some_and(|name| LOCKS.contains(&&*name.to_string_lossy()))
}

/// The author's own files in a check's folder.
#[derive(Clone, Debug)]
pub struct Sources {
    folder: PathBuf,
    language: Language,
    cases: bool,
    ignored: Gitignore,
    /// What the sources hold, as far as it is searched.
    text: String,
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Sources {
    /// Looks through `folder`; with `cases`, those count too.
    ///
    /// # Errors
    /// Any I/O error: a source that cannot be read cannot be built either.
    pub(crate) fn read(folder: &Path, language: Language, cases: bool) -> io::Result<Self> {
        let mut ignored = GitignoreBuilder::new(folder);
        // What is wrong with one line of it is git's to complain about.
        let _ = ignored.add(folder.join(".gitignore"));
        let ignored = ignored.build().unwrap_or_else(|_| Gitignore::empty());
        let (folder, files, folders) = (folder.to_owned(), Vec::new(), vec![folder.to_owned()]);
        let mut sources = Self { folder, language, cases, ignored, text: String::new(), files, folders };
        let mut others = Vec::new();
        for path in sources.walk()? {
            if sources.is_own(&path) {
                sources.take(&path)?;
                sources.files.push(path);
            } else {
                others.push(path);
            }
        }
        let uncounted = others.split_off(others.len().min(NAMES_MAX));
        let named: Vec<PathBuf> = others.into_iter().filter(|path| sources.names(path)).collect();
        sources.files.extend(named.into_iter().chain(uncounted));
        sources.files.sort();
        Ok(sources)
    }

    /// Every file that may count; the folders are remembered.
    fn walk(&mut self) -> io::Result<Vec<PathBuf>> {
        let (root, language, cases) = (self.folder.clone(), self.language, self.cases);
        let mut walk = WalkBuilder::new(&self.folder);
        // The folder's own words only: what a repository around it ignores may be the check itself.
        walk.hidden(true).parents(false).ignore(false).git_global(false).git_exclude(false).require_git(false);
        walk.follow_links(true).filter_entry(move |entry| {
            entry.path().strip_prefix(&root).is_ok_and(|inner| may_count(inner, language, cases))
        });
        let mut files = Vec::new();
        for entry in walk.build() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => match error.into_io_error() {
                    // A link that leads nowhere, a file that went meanwhile, a folder within itself.
                    Some(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => continue,
                },
            };
            match entry.file_type() {
                Some(kind) if kind.is_dir() && entry.depth() > 0 => self.folders.push(entry.into_path()),
                Some(kind) if kind.is_file() => files.push(entry.into_path()),
                _ => {}
            }
        }
        Ok(files)
    }

    /// Remembers what a source holds.
    fn take(&mut self, path: &Path) -> io::Result<()> {
        let room = TEXT_BYTES_MAX.saturating_sub(self.text.len());
        if room == 0 || is_lock(path) {
            return Ok(());
        }
        let bytes = match fs::read(path) {
            // An editor that replaces it: it is back, or gone, at the next look.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            read => read?,
        };
        self.text.extend(String::from_utf8_lossy(&bytes).chars().take(room));
        self.text.push('\n');
        Ok(())
    }

    /// Whether a change of `path` may change what is built or tested.
    #[must_use]
    pub fn concerns(&self, path: &Path) -> bool {
        let Ok(inner) = path.strip_prefix(&self.folder) else { return false };
        let may = may_count(inner, self.language, self.cases) && !is_lock(inner);
        may && !self.ignored.matched_path_or_any_parents(path, false).is_ignore()
            && (self.is_own(path) || self.names(path))
    }

    /// The files.
    #[must_use]
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// The check's folder and those in it where sources may be.
    #[must_use]
    pub fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// Whether a file is a source by what it is called.
    fn is_own(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let ending = path.extension().unwrap_or_default().to_string_lossy();
        let is_case = path.strip_prefix(&self.folder).is_ok_and(|inner| inner.starts_with(TESTS)) && ending == "toml";
        is_case || MANIFESTS.contains(&&*name) || self.language.endings().contains(&&*ending)
    }

    /// Whether a source names the file, its ending in a pattern, or a folder it lies in.
    fn names(&self, path: &Path) -> bool {
        let Ok(inner) = path.strip_prefix(&self.folder) else { return false };
        let has = |words: &str| self.text.contains(words);
        let name = inner.file_name().unwrap_or_default().to_string_lossy();
        let by_ending = inner.extension().is_some_and(|ending| has(&format!("*.{}", ending.to_string_lossy())));
        let folders = inner.parent().into_iter().flat_map(Path::components);
        by_ending
            || has(&name)
            || folders.map(|part| part.as_os_str().to_string_lossy().into_owned()).any(|part| {
                let ways = [
                    format!("{part}/"),
                    format!("\"{part}\""),
                    format!("'{part}'"),
                    format!("/{part}\""),
                    format!(" {part}\n"),
                ];
                ways.iter().any(|way| has(way))
            })
    }
}

/// Whether what lies there belongs to the author at all: nothing hidden, installed, generated or left by an editor.
/// Components do not: an author tries them in the folder.
fn may_count(inner: &Path, language: Language, cases: bool) -> bool {
    let parts = inner.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_string_lossy()),
        _ => None,
    });
    parts.into_iter().enumerate().all(|(depth, name)| {
        let is_generated = SKIPPED.contains(&&*name) || language.generated().contains(&&*name);
        let is_left =
            name.starts_with('.') || name.ends_with('~') || name.ends_with(".wasm") || name.ends_with(".egg-info");
        !is_generated && !is_left && (cases || depth > 0 || name != TESTS)
    })
}

/// The digest of the author's own files: what changes in it while a build runs is not in what was built.
pub(crate) fn own_digest(folder: &Path, language: Language) -> io::Result<String> {
    let sources = Sources::read(folder, language, false)?;
    digest_of(sources.files.into_iter().filter(|path| !is_lock(path)).collect())
}

/// One digest over names and contents of the sources in `folder` and of all that `inputs` hold.
///
/// # Errors
/// Any I/O error: a source that cannot be read cannot be built either.
pub(crate) fn digest(folder: &Path, language: Language, inputs: &[PathBuf]) -> io::Result<String> {
    let mut files = Sources::read(folder, language, false)?.files;
    for root in inputs {
        collect(root, &mut files)?;
    }
    digest_of(files)
}

fn digest_of(mut files: Vec<PathBuf>) -> io::Result<String> {
    files.sort();
    files.dedup();
    let mut digest = Sha256::new();
    digest.update(env!("CARGO_PKG_VERSION"));
    for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "GOFLAGS", "CFLAGS", "CXXFLAGS"] {
        digest.update(std::env::var_os(variable).unwrap_or_default().as_encoded_bytes());
        digest.update([0]);
    }
    for file in files {
        let bytes = fs::read(&file)?;
        digest.update(file.as_os_str().as_encoded_bytes());
        digest.update([0]);
        digest.update((bytes.len() as u64).to_le_bytes());
        digest.update(bytes);
    }
    Ok(hex(&digest.finalize()))
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The files below `root`, or `root` itself. Hidden ones are no inputs; what is gone is none any more.
fn collect(root: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if root.is_file() {
        files.push(root.to_owned());
        return Ok(());
    }
    let entries = match fs::read_dir(root) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_left = name.starts_with('.') || name.ends_with('~') || name.ends_with(".wasm");
        if !is_left && name != TESTS && !SKIPPED.contains(&&*name) {
            collect(&entry.path(), files)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    // Sources change the digest, wherever they lie; what is generated or hidden does not.
    #[test]
    fn only_sources_count() {
        let (dir, kit) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let now = || digest(dir.path(), Language::Go, &[kit.path().to_owned()]).unwrap();
        write(&dir.path().join("src/check.go"), "a");
        let first = now();
        for ignored in [
            "target/x.go",
            "node_modules/y.go",
            ".git/z.go",
            "tests/case.toml",
            "src/check.go~",
            "plugins/check.wasm",
            "host.log",
            "src/host.log",
            "nohup.out",
            "sedikewp3",
            "out.json",
        ] {
            write(&dir.path().join(ignored), "b");
        }
        assert_eq!(now(), first);
        write(&kit.path().join("kit.go"), "c");
        let second = now();
        assert_ne!(second, first);
        write(&dir.path().join("src/check.go"), "d");
        let third = now();
        assert_ne!(third, second);
        write(&dir.path().join("src/helper.go"), "e");
        assert_ne!(now(), third);
    }

    // A file of another kind counts from when a source names it, its folder or its ending.
    #[test]
    fn what_a_source_names_counts() {
        let dir = tempfile::tempdir().unwrap();
        let now = || digest(dir.path(), Language::Rust, &[]).unwrap();
        let change = |file: &str| {
            let before = now();
            let text = fs::read_to_string(dir.path().join(file)).unwrap_or_default();
            write(&dir.path().join(file), &format!("{text}x"));
            now() != before
        };
        let source = |text: &str| write(&dir.path().join("src/lib.rs"), text);
        source("fn a() {}");
        assert!(!change("schema.json") && !change("queries/a.sql") && !change("words.txt") && !change("host.log"));
        source("include_str!(\"../schema.json\")");
        assert!(change("schema.json") && !change("queries/a.sql") && !change("host.log"));
        source("//go:embed queries\ninclude_dir!(\"queries\")");
        assert!(change("queries/a.sql") && !change("words.txt") && !change("host.log"));
        source("//go:embed *.txt");
        assert!(change("words.txt") && !change("host.log"));
    }

    // What `.gitignore` names is no source, whatever it is called; what a folder around it ignores does not matter.
    #[test]
    fn ignored_files_do_not_count() {
        let around = tempfile::tempdir().unwrap();
        write(&around.path().join(".gitignore"), "*\n");
        let dir = around.path().join("check");
        write(&dir.join("check.py"), "a");
        write(&dir.join(".gitignore"), "generated/\n/scratch.py\n");
        let now = || digest(&dir, Language::Python, &[]).unwrap();
        let first = now();
        write(&dir.join("generated/x.py"), "b");
        write(&dir.join("scratch.py"), "b");
        write(&dir.join("build/lib/check.py"), "b");
        assert_eq!(now(), first);
        write(&dir.join("check.py"), "c");
        assert_ne!(now(), first);
        let sources = Sources::read(&dir, Language::Python, true).unwrap();
        for (file, concerns) in [
            ("check.py", true),
            ("new_helper.py", true),
            ("tests/new.toml", true),
            ("scratch.py", false),
            ("generated/y.py", false),
            ("host.log", false),
            ("tests/out.xml", false),
            ("uv.lock", false),
            ("4913", false),
        ] {
            assert_eq!(sources.concerns(&dir.join(file)), concerns, "{file}");
        }
        assert!(!sources.concerns(&around.path().join("other.py")));
    }

    // A link that leads nowhere, or to the folder itself, is no reason not to build.
    #[cfg(unix)]
    #[test]
    fn odd_links_do_not_hinder() {
        let dir = tempfile::tempdir().unwrap();
        write(&dir.path().join("check.c"), "a");
        std::os::unix::fs::symlink("nowhere.c", dir.path().join("gone.c")).unwrap();
        std::os::unix::fs::symlink(dir.path(), dir.path().join("itself")).unwrap();
        assert_eq!(Sources::read(dir.path(), Language::C, false).unwrap().files().len(), 1);
    }
}
