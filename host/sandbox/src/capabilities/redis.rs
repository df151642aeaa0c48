//! `redis`: commands on a kept connection, as far as the grant's list of them goes.

use futures_util::FutureExt as _;
use probity_config::Grants;
use probity_config::grants::NamedGrant;
use probity_core::check::Capability;
use probity_drivers::redis::{self, Caps, Lease, Token};
use probity_drivers::{CallError, ErrorKind};
use tokio::sync::OwnedSemaphorePermit;
use wasmtime::component::Resource;

use super::bindings::probity::check::redis::{self as contract, Host, HostConnection};
use super::{HostError, HostState, small};

/// Parts of one reply that a guest gets.
const TOKENS_MAX: usize = 20_000;

/// A guest's connection.
#[derive(Debug)]
pub struct RedisConnection {
    name: String,
    /// Away while a call uses it; lost with a call that the run's end cut off.
    lease: Option<Lease>,
    _place: OwnedSemaphorePermit,
}

impl Host for HostState {}

impl HostConnection for HostState {
    async fn open(&mut self, name: String) -> Result<Resource<RedisConnection>, HostError> {
        let env = self.env.clone();
        let deadline = self.deadline(None);
        let place = self.quota.socket();
        let target = name.clone();
        let work = async move {
            if !NamedGrant::any(&env.grants.redis, &name) {
                let line = Grants::line_for(Capability::Redis, &name);
                let message = format!("connection `{name}` is not granted to this check; to allow it, add: {line}");
                return Err(CallError::new(ErrorKind::Denied, message));
            }
            let place = place?;
            let lease = env.services.redis.lease(&name, deadline).boxed().await?;
            Ok(RedisConnection { name, lease: Some(lease), _place: place })
        };
        let connection = self.call(Capability::Redis, "open", &target, small(work)).await?;
        Ok(self.table.push(connection)?)
    }

    async fn ping(&mut self, connection: Resource<RedisConnection>) -> Result<f64, HostError> {
        let deadline = self.deadline(None);
        let (lease, name) = self.take_lease(&connection)?;
        let (lease, answer) =
            self.call_with(Capability::Redis, "ping", &name, lease, move |lease| lease.ping(deadline).boxed()).await;
        self.table.get_mut(&connection)?.lease = lease;
        Ok(answer?.as_secs_f64() * 1e3)
    }

    async fn command(
        &mut self,
        connection: Resource<RedisConnection>,
        name: String,
        args: Vec<Vec<u8>>,
    ) -> Result<Vec<contract::Token>, HostError> {
        let deadline = self.deadline(None);
        let caps = Caps { bytes: self.env.limits.response_bytes, tokens: TOKENS_MAX };
        let (lease, server) = self.take_lease(&connection)?;
        let full = redis::full_name(&name, &args);
        // As a grant writes it, so that a denial shows what to add.
        let target = full.as_ref().map_or_else(|_| server.clone(), |full| format!("{server}:{full}"));
        let grants = self.env.clone();
        let run = self.call_with(Capability::Redis, "command", &target, lease, move |lease| {
            async move {
                let allowed = redis::check(&grants.grants, &server, &full?)?;
                let words: Vec<&[u8]> =
                    std::iter::once(name.as_bytes()).chain(args.iter().map(Vec::as_slice)).collect();
                lease.run(&words, allowed.reads, caps, deadline).await
            }
            .boxed()
        });
        let (lease, answer) = run.await;
        self.table.get_mut(&connection)?.lease = lease;
        Ok(answer?.into_iter().map(Into::into).collect())
    }

    async fn drop(&mut self, connection: Resource<RedisConnection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

impl HostState {
    /// The connection for the time of one call, since the call borrows this state as well.
    fn take_lease(&mut self, connection: &Resource<RedisConnection>) -> Result<(Lease, String), HostError> {
        let entry = self.table.get_mut(connection)?;
        let lost = || CallError::new(ErrorKind::Other, "the connection was lost with an earlier call");
        Ok((entry.lease.take().ok_or_else(lost)?, entry.name.clone()))
    }
}

impl From<Token> for contract::Token {
    fn from(token: Token) -> Self {
        match token {
            Token::Nil => Self::Nil,
            Token::Integer(value) => Self::Integer(value),
            Token::Double(value) => Self::Double(value),
            Token::Boolean(value) => Self::Boolean(value),
            Token::Simple(text) => Self::Simple(text),
            Token::Bulk(bytes) => Self::Bulk(bytes),
            Token::Error(text) => Self::Error(text),
            Token::Array(count) => Self::Array(count),
            Token::Map(count) => Self::Map(count),
        }
    }
}
