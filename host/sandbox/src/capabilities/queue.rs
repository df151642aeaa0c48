//! `queue`: the contract's looks at queues, as far as the grant goes.

use futures_util::FutureExt as _;
use probity_config::Grants;
use probity_config::grants::NamedGrant;
use probity_core::check::Capability;
use probity_drivers::{CallError, ErrorKind};

use super::bindings::probity::check::queue::{Host, Stats as ContractStats};
use super::{HostError, HostState, small};

/// What follows the colon of a grant that sends probe messages.
const PUBLISH: &str = "publish";

impl Host for HostState {
    async fn inspect(&mut self, name: String) -> Result<ContractStats, HostError> {
        let env = self.env.clone();
        let deadline = self.deadline(None);
        let target = name.clone();
        let work = async move {
            granted(&env.grants, &name)?;
            env.services.queues.inspect(&name, env.limits.response_bytes, deadline).boxed().await
        };
        let stats = self.call(Capability::Queue, "inspect", &target, small(work)).await?;
        Ok(ContractStats {
            depth: stats.depth,
            in_flight: stats.in_flight,
            consumers: stats.consumers,
            oldest_age_ms: stats.oldest_age_ms,
            lag: stats.lag,
        })
    }

    async fn publish(&mut self, name: String, payload: Vec<u8>) -> Result<(), HostError> {
        let env = self.env.clone();
        let deadline = self.deadline(None);
        let target = name.clone();
        let work = async move {
            granted(&env.grants, &name)?;
            if !NamedGrant::any_also(&env.grants.queue, &name, PUBLISH) {
                let line = Grants::line_for(Capability::Queue, &format!("{name}:{PUBLISH}"));
                let message = format!("queue `{name}` is granted for looking only; to allow messages, add: {line}");
                return Err(CallError::new(ErrorKind::Denied, message));
            }
            env.services.queues.publish(&name, &payload, deadline).boxed().await
        };
        self.call(Capability::Queue, PUBLISH, &target, small(work)).await
    }
}

fn granted(grants: &Grants, name: &str) -> Result<(), CallError> {
    if NamedGrant::any(&grants.queue, name) {
        return Ok(());
    }
    let line = Grants::line_for(Capability::Queue, name);
    let message = format!("queue `{name}` is not granted to this check; to allow it, add: {line}");
    Err(CallError::new(ErrorKind::Denied, message))
}
