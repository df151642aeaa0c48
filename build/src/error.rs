//! Why a check could not be built, in words for its author.

use std::io;
use std::path::{Path, PathBuf};

use crate::component::ComponentError;
use crate::rust::compile::CompileError;
use crate::rust::toolchain::ToolchainError;

/// Why there is no component. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The folder is no check's.
    #[error("{} holds no check: {reason}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What was looked for, and what to do.
        reason: String,
    },
    /// The author kit is not where it should be.
    #[error("no author kit for {language} in {}; set PROBITY_SDK_PATH to the folder sdk of Probity's repository", folder.display())]
    Sdk {
        /// The language's name.
        language: &'static str,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// A program of the toolchain is missing.
    #[error("{what} not found; get it with `{command}`")]
    Missing {
        /// What was looked for.
        what: String,
        /// The one command that installs it.
        command: String,
    },
    /// A program of the toolchain reported errors, already on standard error.
    #[error("{program} failed ({status}); what it said is above")]
    Tool {
        /// Its name, without a path.
        program: String,
        /// Its exit status.
        status: String,
    },
    /// A program could not be started, or its output could not be read.
    #[error("run {program}")]
    Run {
        /// Its name, without a path.
        program: String,
        /// The cause.
        source: io::Error,
    },
    /// The author's files are not as they have to be.
    #[error("{}: {reason}", file.display())]
    Source {
        /// The file.
        file: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("{action} {}", path.display())]
    Io {
        /// "read" or "write".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// What the toolchain made is no component for this contract.
    #[error(transparent)]
    Component(ComponentError),
    /// Rust: no toolchain.
    #[error(transparent)]
    RustToolchain(ToolchainError),
    /// Rust: cargo said no.
    #[error(transparent)]
    RustCompile(CompileError),
}

impl BuildError {
    /// For `map_err` on reading `path`.
    pub(crate) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action: "read", path: path.into(), source }
    }

    /// For `map_err` on writing `path`.
    pub(crate) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action: "write", path: path.into(), source }
    }

    /// The author's file and what is wrong with it.
    pub(crate) fn source(file: &Path, reason: impl Into<String>) -> Self {
        Self::Source { file: file.into(), reason: reason.into() }
    }
}
