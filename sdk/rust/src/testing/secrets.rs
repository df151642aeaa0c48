//! The fake of `secrets`.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{TestHost, host};
use crate::{Error, ErrorKind};

impl TestHost {
    /// Declares a secret, which the check may use and reveal; others are `not-found`.
    #[must_use]
    pub fn secret(self, name: &str, value: &str) -> Self {
        self.with(|fake| {
            fake.secrets.insert(name.to_owned(), Ok(value.to_owned()));
        })
    }

    /// Fails every use of a secret with `error`.
    #[must_use]
    pub fn secret_error(self, name: &str, error: Error) -> Self {
        self.with(|fake| {
            fake.secrets.insert(name.to_owned(), Err(error));
        })
    }
}

pub(crate) fn hmac_sha256(name: &str, data: &[u8]) -> Result<Vec<u8>, Error> {
    let mut mac = Hmac::<Sha256>::new_from_slice(reveal(name)?.as_bytes()).expect("a key may have any length");
    mac.update(data);
    Ok(mac.finalize().into_bytes().to_vec())
}

pub(crate) fn matches(name: &str, candidate: &[u8]) -> Result<bool, Error> {
    Ok(reveal(name)?.as_bytes() == candidate)
}

pub(crate) fn reveal(name: &str) -> Result<String, Error> {
    let missing = || Err(Error::new(ErrorKind::NotFound, format!("the test host has no secret {name:?}")));
    host::fake(|fake| fake.secrets.get(name).cloned()).unwrap_or_else(missing)
}
