//! The languages that checks are written in, and how a folder tells its own.

use std::path::Path;

use crate::component::ComponentError;
use crate::{BuildError, Job, Made, c, go, javascript, python, rust};

/// A language that `probity build` builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    /// `Cargo.toml`.
    Rust,
    /// `pyproject.toml`.
    Python,
    /// `package.json` and `check.js`.
    JavaScript,
    /// `package.json` and `check.ts`.
    TypeScript,
    /// `go.mod`.
    Go,
    /// `check.c`.
    C,
    /// `check.cpp`.
    Cpp,
    /// `check.zig`.
    Zig,
}

impl Language {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 8] =
        [Self::Rust, Self::Python, Self::JavaScript, Self::TypeScript, Self::Go, Self::C, Self::Cpp, Self::Zig];

    /// Its name for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Python => "Python",
            Self::JavaScript => "JavaScript",
            Self::TypeScript => "TypeScript",
            Self::Go => "Go",
            Self::C => "C",
            Self::Cpp => "C++",
            Self::Zig => "Zig",
        }
    }

    /// The word for it on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::JavaScript => "javascript",
            Self::TypeScript => "typescript",
            Self::Go => "go",
            Self::C => "c",
            Self::Cpp => "cpp",
            Self::Zig => "zig",
        }
    }

    /// Other words for it that are understood.
    #[must_use]
    pub const fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::Rust => &["rs"],
            Self::Python => &["py"],
            Self::JavaScript => &["js"],
            Self::TypeScript => &["ts"],
            Self::Go => &["golang"],
            Self::C | Self::Zig => &[],
            Self::Cpp => &["c++", "cxx"],
        }
    }

    /// The endings of its sources.
    pub(crate) const fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Rust => &["rs"],
            Self::Python => &["py", "pyi"],
            Self::JavaScript => &["js", "mjs", "cjs"],
            Self::TypeScript => &["ts", "mts", "cts", "tsx", "js", "mjs", "cjs"],
            Self::Go => &["go", "s"],
            Self::C => &["c", "h"],
            Self::Cpp => &["cpp", "hpp", "cc", "hh", "cxx", "hxx", "c", "h"],
            Self::Zig => &["zig", "c", "h"],
        }
    }

    /// Folders that its tools make beside the sources.
    pub(crate) const fn generated(self) -> &'static [&'static str] {
        match self {
            Self::Python => &["build", "dist"],
            Self::JavaScript | Self::TypeScript => &["dist", "coverage"],
            Self::Rust | Self::Go | Self::C | Self::Cpp | Self::Zig => &[],
        }
    }

    /// The language of a [`word`](Self::word) or of one of its [`aliases`](Self::aliases).
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.word() == word || language.aliases().contains(&word))
    }

    /// The folder of its author kit below `sdk/`.
    #[must_use]
    pub const fn sdk(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::JavaScript | Self::TypeScript => "javascript",
            Self::Go => "go",
            Self::C | Self::Cpp | Self::Zig => "c",
        }
    }

    /// The files by which a folder is known to be in this language: all of them are there.
    #[must_use]
    pub const fn marks(self) -> &'static [&'static str] {
        match self {
            Self::Rust => &["Cargo.toml"],
            Self::Python => &["pyproject.toml"],
            Self::JavaScript => &["package.json", "check.js"],
            Self::TypeScript => &["package.json", "check.ts"],
            Self::Go => &["go.mod"],
            Self::C => &["check.c"],
            Self::Cpp => &["check.cpp"],
            Self::Zig => &["check.zig"],
        }
    }

    /// The language of the check in `folder`.
    ///
    /// # Errors
    /// [`BuildError::Folder`] when no language's files are there, or those of two.
    pub fn detect(folder: &Path) -> Result<Self, BuildError> {
        let refuse = |reason| Err(BuildError::Folder { folder: folder.into(), reason });
        let is_there = |language: &Self| language.marks().iter().all(|mark| folder.join(mark).is_file());
        let found: Vec<Self> = Self::ALL.into_iter().filter(is_there).collect();
        match found[..] {
            [language] => Ok(language),
            [first, second, ..] => refuse(format!(
                "{} says {}, {} says {}; a check's folder is in one language",
                first.marks().join(" with "),
                first.as_str(),
                second.marks().join(" with "),
                second.as_str()
            )),
            [] if folder.join("package.json").is_file() => {
                refuse("package.json is there, but neither check.js nor check.ts, where the check begins".into())
            }
            [] if !folder.is_dir() => refuse("there is no such folder".into()),
            [] => {
                let marks: Vec<String> = Self::ALL.iter().map(|language| language.marks().join(" with ")).collect();
                refuse(format!("looked for {}; start one with `probity new NAME --lang LANGUAGE`", marks.join(", ")))
            }
        }
    }

    /// What the folder's manifest calls the check; `None` where the language has no manifest, and the folder's own
    /// name serves.
    pub(crate) fn name(self, folder: &Path) -> Result<Option<String>, BuildError> {
        match self {
            Self::Rust => rust::name(folder),
            Self::Python => python::name(folder),
            Self::JavaScript | Self::TypeScript => javascript::name(folder),
            Self::Go => go::name(folder),
            Self::C | Self::Cpp | Self::Zig => Ok(None),
        }
    }

    /// What the toolchain calls itself; `None` where it is not there, and what it once made still is.
    pub(crate) fn toolchain(self, folder: &Path) -> Option<String> {
        match self {
            Self::Rust => rust::toolchain::versions(folder),
            Self::Python => python::toolchain(folder),
            Self::JavaScript | Self::TypeScript => javascript::toolchain(folder),
            Self::Go => go::toolchain(),
            Self::C | Self::Cpp | Self::Zig => c::toolchain(folder),
        }
    }

    /// Why the code is no component, with what to do where that is known.
    pub(crate) fn explain(self, error: ComponentError, folder: &Path) -> BuildError {
        match self {
            Self::Rust => rust::explain(error, folder),
            _ => BuildError::Component(error),
        }
    }

    /// Makes code of the sources.
    pub(crate) fn build(self, job: &Job<'_>) -> Result<Made, BuildError> {
        match self {
            Self::Rust => rust::build(job),
            Self::Python => python::build(job),
            Self::JavaScript => javascript::build(job, javascript::Dialect::JavaScript),
            Self::TypeScript => javascript::build(job, javascript::Dialect::TypeScript),
            Self::Go => go::build(job),
            Self::C => c::build(job, c::Dialect::C),
            Self::Cpp => c::build(job, c::Dialect::Cpp),
            Self::Zig => c::build(job, c::Dialect::Zig),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            std::fs::write(dir.path().join(file), "").unwrap();
        }
        dir
    }

    // The files of a language, and nothing else, make a folder its own.
    #[test]
    fn a_folder_tells_its_language() {
        for language in Language::ALL {
            assert_eq!(Language::detect(folder(language.marks()).path()).unwrap(), language);
        }
    }

    // Whoever has nothing there, half of it, or two languages, reads what to do.
    #[test]
    fn other_folders_are_refused_with_what_was_looked_for() {
        let said = |files: &[&str]| Language::detect(folder(files).path()).unwrap_err().to_string();
        assert!(said(&[]).contains("check.zig") && said(&[]).contains("probity new"), "{}", said(&[]));
        assert!(said(&["package.json"]).contains("check.ts"));
        let two = said(&["Cargo.toml", "go.mod"]);
        assert!(two.contains("Cargo.toml says Rust, go.mod says Go"), "{two}");
        let none = Language::detect(Path::new("/nowhere/at/all")).unwrap_err().to_string();
        assert!(none.contains("no such folder"), "{none}");
    }
}
