//! A few bytes that survive between runs, private to one check. Needs no
//! grant; the host caps keys, bytes and their sum ([`ErrorKind::Quota`]).
//!
//! [`ErrorKind::Quota`]: crate::ErrorKind::Quota

use crate::units::Span;
use crate::{Error, ErrorKind, host};

/// The value of `key`; `None` when there is none, or it has expired.
///
/// # Errors
/// An [`Error`] of the host's store.
pub fn get(key: &str) -> Result<Option<Vec<u8>>, Error> {
    host::state_get(key)
}

/// The value of `key`, read as JSON.
///
/// # Errors
/// An [`Error`] of the host's store; [`ErrorKind::Protocol`] when the value is
/// not a `T`, for instance because another version of the check wrote it.
pub fn get_json<T: serde::de::DeserializeOwned>(key: &str) -> Result<Option<T>, Error> {
    let Some(bytes) = get(key)? else {
        return Ok(None);
    };
    let value = serde_json::from_slice(&bytes);
    value.map(Some).map_err(|error| Error::new(ErrorKind::Protocol, format!("state {key:?}: {error}")))
}

/// Sets `key`, for good or until `ttl` has passed.
///
/// # Errors
/// An [`Error`] of the host's store.
pub fn set(key: &str, value: &[u8], ttl: Option<Span>) -> Result<(), Error> {
    host::state_set(key, value, ttl.map(Span::as_ms))
}

/// Sets `key` to a value as JSON.
///
/// # Errors
/// An [`Error`] of the host's store; [`ErrorKind::InvalidArgument`] when the
/// value has no JSON form.
pub fn set_json<T: serde::Serialize>(key: &str, value: &T, ttl: Option<Span>) -> Result<(), Error> {
    let bytes = serde_json::to_vec(value).map_err(|error| Error::new(ErrorKind::InvalidArgument, error.to_string()))?;
    set(key, &bytes, ttl)
}

/// Removes `key`; nothing happens when there is none.
///
/// # Errors
/// An [`Error`] of the host's store.
pub fn delete(key: &str) -> Result<(), Error> {
    host::state_delete(key)
}

/// Adds `delta` to the number at `key`, atomically, and returns the sum. A
/// missing key counts as 0.
///
/// # Errors
/// An [`Error`] of the host's store, also when the value is not a number.
pub fn increment(key: &str, delta: i64) -> Result<i64, Error> {
    host::state_increment(key, delta)
}

/// The keys that start with `prefix`, in order.
///
/// # Errors
/// An [`Error`] of the host's store.
pub fn keys(prefix: &str) -> Result<Vec<String>, Error> {
    host::state_keys(prefix)
}
