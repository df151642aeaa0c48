//! `heartbeats`: what jobs reported on `POST /heartbeats/{name}`.

use probity_config::Grants;
use probity_config::grants::NamedGrant;
use probity_core::check::Capability;
use probity_core::clock::unix_ms;
use probity_drivers::{Beat, CallError, ErrorKind, Pulse};

use super::bindings::probity::check::heartbeats::{Beat as Given, Host, OpenRun};
use super::{HostError, HostState};

impl Host for HostState {
    fn last(&mut self, name: String) -> Result<Option<Given>, HostError> {
        self.call_now(Capability::Heartbeats, "last", &name, |host| {
            let now = unix_ms();
            Ok(host.pulse(&name)?.last().map(|beat| given(beat, now)))
        })
    }

    fn recent(&mut self, name: String, max: u32) -> Result<Vec<Given>, HostError> {
        self.call_now(Capability::Heartbeats, "recent", &name, |host| {
            let now = unix_ms();
            Ok(host.pulse(&name)?.recent().take(max as usize).map(|beat| given(beat, now)).collect())
        })
    }

    fn open(&mut self, name: String) -> Result<Vec<OpenRun>, HostError> {
        self.call_now(Capability::Heartbeats, "open", &name, |host| {
            let now = unix_ms();
            let given = |open: &probity_drivers::OpenRun| OpenRun {
                id: open.id.clone(),
                started_unix_ms: open.at_unix_ms,
                age_ms: open.age_ms(now),
            };
            Ok(host.pulse(&name)?.open().iter().map(given).collect())
        })
    }
}

impl HostState {
    fn pulse(&self, name: &str) -> Result<Pulse, CallError> {
        if !NamedGrant::any(&self.env.grants.heartbeats, name) {
            let line = Grants::line_for(Capability::Heartbeats, name);
            let message = format!("heartbeat {name} is not granted to this check; to allow it, add: {line}");
            return Err(CallError::new(ErrorKind::Denied, message));
        }
        if !self.env.services.heartbeats.contains(name) {
            let message = format!("no heartbeat is called {name}; to declare it, add: [heartbeats.{name}]");
            return Err(CallError::new(ErrorKind::NotFound, message));
        }
        Ok(self.env.state.heartbeats().pulse(name))
    }
}

fn given(beat: &Beat, now_unix_ms: u64) -> Given {
    Given {
        at_unix_ms: beat.at_unix_ms,
        age_ms: beat.age_ms(now_unix_ms),
        ok: beat.ok,
        message: beat.message.clone(),
        duration_ms: beat.duration_ms,
    }
}
