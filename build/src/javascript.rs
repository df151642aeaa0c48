//! Javascript: not built yet.

use std::path::Path;

use crate::{BuildError, Job, Made};

/// Which of the languages of this toolchain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    JavaScript,
    TypeScript,
}

/// What the manifest calls the check.
pub(crate) fn name(_folder: &Path) -> Result<Option<String>, BuildError> {
    Ok(None)
}

/// Makes code of the sources.
pub(crate) fn build(job: &Job<'_>, _dialect: Dialect) -> Result<Made, BuildError> {
    Err(BuildError::source(job.folder, "this language is not built yet"))
}
