//! `secrets`: the host computes with them; the guest gets a value only where the operator wrote `:reveal`.

use hmac::{Hmac, KeyInit, Mac};
use probity_config::grants::NamedGrant;
use probity_config::{Grants, NamedSecret};
use probity_core::check::Capability;
use probity_drivers::{CallError, ErrorKind};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::bindings::probity::check::secrets::Host;
use super::{HostError, HostState};

/// What follows the colon of a grant that hands the value out.
const REVEAL: &str = "reveal";

impl Host for HostState {
    async fn hmac_sha256(&mut self, name: String, data: Vec<u8>) -> Result<Vec<u8>, HostError> {
        self.call_now(Capability::Secrets, "hmac-sha256", &name, |host| {
            let key = host.secret(&name)?.expose().as_bytes();
            let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key may have any length");
            mac.update(&data);
            Ok(mac.finalize().into_bytes().to_vec())
        })
    }

    async fn matches(&mut self, name: String, candidate: Vec<u8>) -> Result<bool, HostError> {
        self.call_now(Capability::Secrets, "matches", &name, |host| {
            Ok(host.secret(&name)?.expose().as_bytes().ct_eq(&candidate).into())
        })
    }

    async fn reveal(&mut self, name: String) -> Result<String, HostError> {
        self.call_now(Capability::Secrets, REVEAL, &name, |host| {
            let secret = host.secret(&name)?;
            if !NamedGrant::any_also(&host.env.grants.secrets, &name, REVEAL) {
                let line = Grants::line_for(Capability::Secrets, &format!("{name}:{REVEAL}"));
                let what =
                    format!("secret `{name}` is granted to this check for use by the host, not to be handed out");
                return Err(CallError::new(ErrorKind::Denied, format!("{what}; to allow it, add: {line}")));
            }
            Ok(secret.expose().to_owned())
        })
    }
}

impl HostState {
    /// The secret `name`, if it is granted.
    fn secret(&self, name: &str) -> Result<&NamedSecret, CallError> {
        if !NamedGrant::any(&self.env.grants.secrets, name) {
            let line = Grants::line_for(Capability::Secrets, name);
            let message = format!("secret `{name}` is not granted to this check; to allow it, add: {line}");
            return Err(CallError::new(ErrorKind::Denied, message));
        }
        self.env.services.secrets.get(name).ok_or_else(|| {
            let message = format!("no secret `{name}`; to declare it, add: [secrets.{name}]");
            CallError::new(ErrorKind::NotFound, message)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use probity_config::Limits;
    use probity_drivers::Services;

    use super::*;
    use crate::capabilities::CheckEnv;
    use crate::capabilities::tests::{answer, state};

    fn host(grants: &[&str]) -> HostState {
        let mut host = state(&[], &[], &[], Limits::DEFAULT);
        let secrets = [("webhook".to_owned(), NamedSecret::new("key-of-the-webhook"))].into();
        host.env = Arc::new(CheckEnv {
            grants: Arc::new(Grants {
                secrets: grants.iter().map(|text| NamedGrant::secret(text).unwrap()).collect(),
                ..Grants::default()
            }),
            limits: Limits::DEFAULT,
            services: Services { secrets: Arc::new(secrets), ..Services::default() },
            ..CheckEnv::for_describe()
        });
        host
    }

    // The signature is the one that `openssl dgst -sha256 -hmac` makes.
    #[tokio::test]
    async fn signatures_are_hmac_sha256() {
        let signature = host(&["webhook"]).hmac_sha256("webhook".into(), b"body".to_vec()).await.unwrap();
        let hex: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "47d5c446ebc58c62ccd0fad3a012ed66465bab577f8605a0bb8ac0ee220073ed");
    }

    // A candidate matches only as a whole.
    #[tokio::test]
    async fn candidates_match_whole() {
        let mut host = host(&["webhook"]);
        for (candidate, same) in [("key-of-the-webhook", true), ("key-of-the-webhoo", false), ("", false)] {
            assert_eq!(host.matches("webhook".into(), candidate.into()).await.unwrap(), same, "{candidate}");
        }
    }

    // The value itself takes a grant of its own, and the denial names it.
    #[tokio::test]
    async fn revealing_takes_its_own_grant() {
        let denied = answer(host(&["webhook"]).reveal("webhook".into()).await.unwrap_err());
        assert_eq!(denied.kind, ErrorKind::Denied);
        assert!(denied.message.ends_with("grants = { secrets = [\"webhook:reveal\"] }"), "{}", denied.message);
        assert_eq!(host(&["webhook:reveal"]).reveal("webhook".into()).await.unwrap(), "key-of-the-webhook");
    }

    // Neither another secret nor one that does not exist is told apart from outside the grants.
    #[tokio::test]
    async fn names_are_granted_one_by_one() {
        let denied = answer(host(&["other"]).hmac_sha256("webhook".into(), vec![]).await.unwrap_err());
        assert_eq!(denied.kind, ErrorKind::Denied);
        let missing = answer(host(&["other"]).matches("other".into(), vec![]).await.unwrap_err());
        assert_eq!(missing.kind, ErrorKind::NotFound);
        assert!(missing.message.contains("[secrets.other]"), "{}", missing.message);
    }
}
