//! `state`: bytes that survive between runs, private to one check.

use super::bindings::probity::check::state::Host;
use super::{CallError, ErrorKind, HostError, HostState};
use crate::check::Capability;

impl Host for HostState {
    fn get(&mut self, key: String) -> Result<Option<Vec<u8>>, HostError> {
        self.call_now(Capability::State, "get", &key, |host| {
            Ok(host.env.state.get(&host.env.name, &key, host.unix_ms()))
        })
    }

    fn set(&mut self, key: String, value: Vec<u8>, ttl_ms: Option<u64>) -> Result<(), HostError> {
        self.call_now(Capability::State, "set", &key, |host| {
            host.env.state.set(&host.env.name, &key, value, ttl_ms, host.unix_ms(), host.env.limits.state_bytes)
        })
    }

    fn delete(&mut self, key: String) -> Result<(), HostError> {
        self.call_now(Capability::State, "delete", &key, |host| {
            host.env.state.delete(&host.env.name, &key);
            Ok(())
        })
    }

    /// Atomic because a check has one run at a time.
    fn increment(&mut self, key: String, delta: i64) -> Result<i64, HostError> {
        self.call_now(Capability::State, "increment", &key, |host| {
            let (name, state) = (&host.env.name, &host.env.state);
            let before = match state.get(name, &key, host.unix_ms()) {
                None => 0,
                Some(bytes) => {
                    std::str::from_utf8(&bytes).ok().and_then(|text| text.parse::<i64>().ok()).ok_or_else(|| {
                        CallError::new(
                            ErrorKind::InvalidArgument,
                            format!("state `{key}` does not hold a decimal integer"),
                        )
                    })?
                }
            };
            let after = before.saturating_add(delta);
            state.set(name, &key, after.to_string().into_bytes(), None, host.unix_ms(), host.env.limits.state_bytes)?;
            Ok(after)
        })
    }

    fn keys(&mut self, prefix: String) -> Result<Vec<String>, HostError> {
        self.call_now(Capability::State, "keys", &prefix, |host| {
            Ok(host.env.state.keys(&host.env.name, &prefix, host.unix_ms()))
        })
    }
}
