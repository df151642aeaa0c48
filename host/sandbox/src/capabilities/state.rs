//! `state`: bytes that survive between runs, private to one check.

use probity_core::check::Capability;
use probity_drivers::check_key;
use probity_drivers::{CallError, ErrorKind};

use super::bindings::probity::check::state::Host;
use super::{HostError, HostState};

impl Host for HostState {
    fn get(&mut self, key: String) -> Result<Option<Vec<u8>>, HostError> {
        self.call_now(Capability::State, "get", &key, |host| {
            check_key(&key)?;
            Ok(host.env.state.get(&host.env.name, &key, host.moment()))
        })
    }

    fn set(&mut self, key: String, value: Vec<u8>, ttl_ms: Option<u64>) -> Result<(), HostError> {
        self.call_now(Capability::State, "set", &key, |host| {
            host.env.state.set(&host.env.name, &key, value, ttl_ms, host.moment(), host.env.limits.state_bytes)
        })
    }

    fn delete(&mut self, key: String) -> Result<(), HostError> {
        self.call_now(Capability::State, "delete", &key, |host| {
            check_key(&key)?;
            host.env.state.delete(&host.env.name, &key);
            Ok(())
        })
    }

    /// Atomic because a check has one run at a time. A key that expires still does, at the same time.
    fn increment(&mut self, key: String, delta: i64) -> Result<i64, HostError> {
        self.call_now(Capability::State, "increment", &key, |host| {
            let (name, state, now) = (&host.env.name, &host.env.state, host.moment());
            let before = match state.get(name, &key, now) {
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
            let ttl_ms = state.ttl_ms(name, &key, now);
            state.set(name, &key, after.to_string().into_bytes(), ttl_ms, now, host.env.limits.state_bytes)?;
            Ok(after)
        })
    }

    fn keys(&mut self, prefix: String) -> Result<Vec<String>, HostError> {
        self.call_now(Capability::State, "keys", &prefix, |host| {
            Ok(host.env.state.keys(&host.env.name, &prefix, host.moment()))
        })
    }
}

#[cfg(test)]
mod tests {
    use probity_config::Limits;
    use probity_core::clock::Moment;

    use super::*;
    use crate::capabilities::tests::{answer, state};

    const START: Moment = Moment { unix_ms: 0, monotonic_ms: 0 };

    // A key that is none is told by every function that takes one.
    #[test]
    fn a_key_that_is_none_is_refused_everywhere() {
        let mut host = state(&[], &[], &[], Limits::DEFAULT);
        for key in [String::new(), "k".repeat(257)] {
            let errors = [
                host.get(key.clone()).map(drop).unwrap_err(),
                host.set(key.clone(), Vec::new(), None).unwrap_err(),
                host.delete(key.clone()).unwrap_err(),
                host.increment(key.clone(), 1).map(drop).unwrap_err(),
            ];
            for error in errors {
                assert_eq!(answer(error).kind, ErrorKind::InvalidArgument, "{} bytes", key.len());
            }
        }
    }

    // Counting neither lengthens the life of a key nor makes it live for good.
    #[test]
    fn a_counter_expires_when_it_was_to() {
        let mut host = state(&[], &[], &[], Limits::DEFAULT);
        host.set("count".into(), b"1".to_vec(), Some(60_000)).unwrap();
        let before = host.env.state.ttl_ms("test", "count", START).unwrap();
        assert_eq!(host.increment("count".into(), 1).unwrap(), 2);
        let after = host.env.state.ttl_ms("test", "count", START).unwrap();
        assert!(before.abs_diff(after) < 1_000, "{before} and {after}");
        assert_eq!(host.increment("other".into(), 1).unwrap(), 1);
        assert_eq!(host.env.state.ttl_ms("test", "other", START), None);
    }
}
