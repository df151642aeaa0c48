//! Secrets that the host keeps: it signs and compares with them, and hands one
//! out only where the grant says `NAME:reveal`.

use crate::{Error, host};

/// The HMAC-SHA256 of `data` with the secret `name`: 32 bytes.
///
/// # Errors
/// `denied` without a grant, `not-found` for a name that is not declared.
pub fn hmac_sha256(name: &str, data: &[u8]) -> Result<Vec<u8>, Error> {
    host::secret_hmac_sha256(name, data)
}

/// Whether `candidate` is the secret `name`, compared in constant time.
///
/// # Errors
/// As [`hmac_sha256`].
pub fn matches(name: &str, candidate: &[u8]) -> Result<bool, Error> {
    host::secret_matches(name, candidate)
}

/// The value of the secret `name`. Whatever the check emits, the host takes it
/// out again.
///
/// # Errors
/// As [`hmac_sha256`]; `denied` also when the grant does not say `NAME:reveal`.
pub fn reveal(name: &str) -> Result<String, Error> {
    host::secret_reveal(name)
}
