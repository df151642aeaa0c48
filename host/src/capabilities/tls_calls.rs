//! `tls`: handshakes and stored certificates, for expiry checks.

use super::bindings::probity::check::tls::Host;
use super::bindings::probity::check::types;
use super::tls_inspect::Target;
use super::{CallError, ErrorKind, HostError, HostState, certificates};
use crate::check::Capability;
use crate::config::Grants;

impl Host for HostState {
    async fn inspect(
        &mut self,
        host: String,
        port: u16,
        server_name: Option<String>,
    ) -> Result<types::TlsInfo, HostError> {
        let env = self.env.clone();
        let deadline = self.deadline(None);
        let place = self.quota.socket();
        let shown = format!("{host}:{port}");
        let work = async {
            let _place = place?;
            let target = Target { host: &host, port, server_name: server_name.as_deref() };
            env.services.inspector.inspect(&env.services.net, &env.grants, target, deadline).await
        };
        Ok(self.call(Capability::Tls, "inspect", &shown, work).await?.into())
    }

    async fn inspect_named(&mut self, name: String) -> Result<Vec<types::Certificate>, HostError> {
        let env = self.env.clone();
        let work = async {
            if !env.grants.tls.iter().any(|grant| grant.allows_certificate(&name)) {
                let line = Grants::line_for(Capability::Tls, &format!("certificate:{name}"));
                let message = format!("certificate {name} is not granted to this check; to allow it, add: {line}");
                return Err(CallError::new(ErrorKind::Denied, message));
            }
            let missing = || {
                let message = format!("no certificate is called {name}; to declare it, add: [certificates.{name}]");
                CallError::new(ErrorKind::NotFound, message)
            };
            let path = env.services.certificates.get(&name).cloned().ok_or_else(missing)?;
            certificates::read(&name, path).await
        };
        let found = self.call(Capability::Tls, "inspect-named", &name, work).await?;
        Ok(found.into_iter().map(Into::into).collect())
    }
}
