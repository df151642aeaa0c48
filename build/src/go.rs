//! Go: not built yet.

use std::path::Path;

use crate::{BuildError, Job, Made};

/// What the manifest calls the check.
pub(crate) fn name(_folder: &Path) -> Result<Option<String>, BuildError> {
    Ok(None)
}

/// Makes code of the sources.
pub(crate) fn build(job: &Job<'_>) -> Result<Made, BuildError> {
    Err(BuildError::source(job.folder, "this language is not built yet"))
}
