//! C: not built yet.

use crate::{BuildError, Job, Made};

/// Which of the languages of this toolchain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    C,
    Cpp,
    Zig,
}

/// Makes code of the sources.
pub(crate) fn build(job: &Job<'_>, _dialect: Dialect) -> Result<Made, BuildError> {
    Err(BuildError::source(job.folder, "this language is not built yet"))
}
