//! `tls`: handshakes and stored certificates, for expiry checks.

use std::path::PathBuf;

use futures_util::FutureExt as _;
use probity_config::Grants;
use probity_core::check::Capability;
use probity_drivers::authorities::Authorities;
use probity_drivers::tls_inspect::Target;
use probity_drivers::{CallError, ErrorKind, certificates};

use super::bindings::probity::check::tls::Host;
use super::bindings::probity::check::types;
use super::{CheckEnv, HostError, HostState, small};

impl Host for HostState {
    async fn inspect(
        &mut self,
        host: String,
        port: u16,
        server_name: Option<String>,
    ) -> Result<types::TlsInfo, HostError> {
        self.look("inspect", host, port, server_name, None).await
    }

    async fn inspect_trusting(
        &mut self,
        host: String,
        port: u16,
        server_name: Option<String>,
        authority: String,
    ) -> Result<types::TlsInfo, HostError> {
        self.look("inspect-trusting", host, port, server_name, Some(authority)).await
    }

    async fn inspect_named(&mut self, name: String) -> Result<Vec<types::Certificate>, HostError> {
        let env = self.env.clone();
        let target = name.clone();
        let work = async move { certificates::read(&name, env.certificates(&name)?).await };
        let found = self.call(Capability::Tls, "inspect-named", &target, small(work)).await?;
        Ok(found.into_iter().map(Into::into).collect())
    }
}

impl HostState {
    async fn look(
        &mut self,
        operation: &'static str,
        host: String,
        port: u16,
        server_name: Option<String>,
        authority: Option<String>,
    ) -> Result<types::TlsInfo, HostError> {
        let env = self.env.clone();
        let deadline = self.deadline(None);
        let place = self.quota.socket();
        let target = format!("{host}:{port}");
        let work = async move {
            let _place = place?;
            let authorities = env.authorities(authority.as_deref()).await?;
            let target = Target { host: &host, port, server_name: server_name.as_deref() };
            let inspector = &env.services.inspector;
            inspector.inspect(&env.services.net, &env.grants, target, authorities, deadline).boxed().await
        };
        let info = self.call(Capability::Tls, operation, &target, small(work)).await?;
        self.note(&info.notes);
        Ok(info.into())
    }
}

impl CheckEnv {
    /// The authorities in the declared file `name`; none without a name.
    ///
    /// # Errors
    /// `denied`, `not-found`, `protocol` when it holds none, and what reading it may fail with.
    pub(super) async fn authorities(&self, name: Option<&str>) -> Result<Option<Authorities>, CallError> {
        let Some(name) = name else { return Ok(None) };
        certificates::authorities(name, self.certificates(name)?).await.map(Some)
    }

    /// Where the declared certificates `name` are.
    fn certificates(&self, name: &str) -> Result<PathBuf, CallError> {
        if !self.grants.tls.iter().any(|grant| grant.allows_certificate(name)) {
            let line = Grants::line_for(Capability::Tls, &format!("certificate:{name}"));
            let message = format!("certificate {name} is not granted to this check; to allow it, add: {line}");
            return Err(CallError::new(ErrorKind::Denied, message));
        }
        self.services.certificates.get(name).cloned().ok_or_else(|| {
            let message = format!("no certificate is called {name}; to declare it, add: [certificates.{name}]");
            CallError::new(ErrorKind::NotFound, message)
        })
    }
}
