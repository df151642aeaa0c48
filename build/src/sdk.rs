//! Where the author kits are: the folder `sdk/` of Probity's repository.

use std::env;
use std::path::{Path, PathBuf};

use crate::{BuildError, Language};

/// Names the folder `sdk/` when it is not where this program was built.
pub const VARIABLE: &str = "PROBITY_SDK_PATH";

/// The folder of `language`'s author kit, absolute: below [`VARIABLE`], else in the repository this program was built
/// in; `None` when that is not on this machine.
///
/// # Errors
/// [`BuildError::Sdk`] when the variable is set and the kit is not there.
pub fn find(language: Language) -> Result<Option<PathBuf>, BuildError> {
    let usable = |sdk: &Path| {
        let kit = sdk.join(language.sdk());
        kit.is_dir().then(|| std::fs::canonicalize(&kit).unwrap_or(kit))
    };
    match env::var_os(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from) {
        Some(folder) => usable(&folder).map(Some).ok_or(BuildError::Sdk { language: language.as_str(), folder }),
        None => Ok(usable(&repository())),
    }
}

/// The same, for a language whose checks cannot be built without it.
///
/// # Errors
/// [`BuildError::Sdk`] when it is nowhere.
pub fn require(language: Language) -> Result<PathBuf, BuildError> {
    find(language)?.ok_or_else(|| BuildError::Sdk { language: language.as_str(), folder: repository() })
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk")
}
