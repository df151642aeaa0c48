//! `dns`: name resolution as a subject of checks.

use std::net::SocketAddr;

use probity_config::Grants;
use probity_config::grants::canonical_name;
use probity_core::check::Capability;
use probity_drivers::resolve::{Question, system_servers};
use probity_drivers::{CallError, ErrorKind};

use super::bindings::probity::check::dns::{Answer as Given, Host};
use super::{HostError, HostState, small};

impl Host for HostState {
    async fn resolve(
        &mut self,
        name: String,
        record_type: String,
        server: Option<String>,
    ) -> Result<Vec<Given>, HostError> {
        let env = self.env.clone();
        let deadline = self.deadline(None);
        let place = self.quota.socket();
        let target = name.clone();
        let work = async move {
            let invalid = || CallError::new(ErrorKind::InvalidArgument, format!("{} is no name", name.escape_debug()));
            let canonical = canonical_name(&name).ok_or_else(invalid)?;
            if !env.grants.dns.iter().any(|grant| grant.allows_name(&canonical)) {
                return Err(denied(&canonical, &canonical));
            }
            let question = Question::new(&canonical, &record_type)?;
            let servers = match &server {
                None => system_servers(deadline).await?,
                Some(server) => vec![declared(&env, server)?],
            };
            let _place = place?;
            question.ask(&servers, deadline).await
        };
        let answers = self.call(Capability::Dns, "resolve", &target, small(work)).await?;
        Ok(answers.into_iter().map(|answer| Given { data: answer.data, ttl: answer.ttl }).collect())
    }
}

fn declared(env: &super::CheckEnv, server: &str) -> Result<SocketAddr, CallError> {
    if !env.grants.dns.iter().any(|grant| grant.allows_resolver(server)) {
        return Err(denied(&format!("resolver {server}"), &format!("resolver:{server}")));
    }
    env.services.resolvers.get(server).copied().ok_or_else(|| {
        let message = format!("no resolver is called {server}; to declare it, add: [resolvers.{server}]");
        CallError::new(ErrorKind::NotFound, message)
    })
}

fn denied(what: &str, grant: &str) -> CallError {
    let line = Grants::line_for(Capability::Dns, grant);
    CallError::new(ErrorKind::Denied, format!("{what} is not granted to this check; to allow it, add: {line}"))
}
