//! A handshake that goes on whatever the certificate is, and says what is wrong with it.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use probity_config::Grants;
use probity_config::grants::Host;
use probity_core::check::Capability;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::authorities::{Authorities, Demand, Witness};
use super::net::Net;
use super::tls::{TlsInfo, client_config, handshake_with};
use super::{CallError, ErrorKind};

/// How long hanging up may take: the answer is there already.
const FAREWELL_MAX: Duration = Duration::from_millis(50);

/// Looks at servers' certificates. Holds the system's authorities, read at the first look. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Inspector {
    system: Arc<OnceLock<Arc<Authorities>>>,
}

/// Where to look, as the guest typed it.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Name or address.
    pub host: &'a str,
    /// Port.
    pub port: u16,
    /// What the server is asked for and its certificate compared with; none = `host`.
    pub server_name: Option<&'a str>,
}

impl Inspector {
    /// Connects to `target` if `grants` allow it, shakes hands, hangs up. Trusts `authorities`, or the system's.
    ///
    /// # Errors
    /// `invalid-argument` for what is no host, port or name, `denied` with the line to add, those of [`Net::connect`],
    /// and `tls` when there is no handshake at all.
    pub async fn inspect(
        &self,
        net: &Net,
        grants: &Grants,
        target: Target<'_>,
        authorities: Option<Authorities>,
        deadline: Instant,
    ) -> Result<TlsInfo, CallError> {
        let invalid = |why: String| CallError::new(ErrorKind::InvalidArgument, why);
        let host = Host::parse(target.host).map_err(invalid)?;
        let name = target.server_name.map(Host::parse).transpose().map_err(invalid)?;
        let port = target.port;
        if port == 0 {
            return Err(invalid("port 0 cannot be connected to".to_owned()));
        }
        let line = Grants::line_for(Capability::Tls, &format!("{host}:{port}"));
        let Some(grant) = grants.allows_tls(&host, port) else {
            let message = format!("{host}:{port} is not granted to this check; to allow it, add: {line}");
            return Err(CallError::new(ErrorKind::Denied, message));
        };
        let connected = net.connect(&host, port, &grant.host, &line, deadline).await?;
        let name = name.as_ref().unwrap_or(&host);
        let witness = self.witness(authorities, deadline).await?;
        let start = Instant::now();
        let (mut stream, info) = match shake(&witness, connected.stream, name, deadline).await {
            Ok(shaken) => shaken,
            Err(error) => {
                let proven = witness.seen().and_then(|seen| Some((seen.proven?, seen)));
                return match proven {
                    // What was asked about is known.
                    Some((protocol, seen)) if error.kind != ErrorKind::Timeout => {
                        Ok(TlsInfo::broken_off(protocol, &seen, name, start.elapsed(), &error.message))
                    }
                    _ => Err(error),
                };
            }
        };
        // Politeness only: a server that does not take it is dropped.
        let _ = tokio::time::timeout(FAREWELL_MAX, stream.shutdown()).await;
        Ok(info)
    }

    /// Shakes hands with `name` over `stream`, whatever its certificate is, which is judged by `authorities` or the
    /// system's.
    ///
    /// # Errors
    /// `tls` when there is no handshake, `timeout`.
    pub(super) async fn shake(
        &self,
        stream: TcpStream,
        name: &Host,
        authorities: Option<Authorities>,
        deadline: Instant,
    ) -> Result<(TlsStream<TcpStream>, TlsInfo), CallError> {
        let witness = self.witness(authorities, deadline).await?;
        shake(&witness, stream, name, deadline).await
    }

    async fn witness(&self, authorities: Option<Authorities>, deadline: Instant) -> Result<Arc<Witness>, CallError> {
        let authorities = match authorities {
            Some(given) => Arc::new(given),
            None => self.system(deadline).await?,
        };
        Ok(Arc::new(Witness::new(authorities, Demand::Note)))
    }

    /// The system's authorities, read once.
    async fn system(&self, deadline: Instant) -> Result<Arc<Authorities>, CallError> {
        if let Some(system) = self.system.get() {
            return Ok(Arc::clone(system));
        }
        let read = Authorities::system(deadline).await?;
        Ok(Arc::clone(self.system.get_or_init(|| read)))
    }

    /// What trusts `authorities` only.
    #[cfg(test)]
    pub(super) fn trusting(authorities: Authorities) -> Self {
        Self { system: Arc::new(OnceLock::from(Arc::new(authorities))) }
    }
}

/// No application protocol is offered: what is looked at need not be HTTP, and a server that speaks another one would
/// refuse.
async fn shake(
    witness: &Arc<Witness>,
    stream: TcpStream,
    name: &Host,
    deadline: Instant,
) -> Result<(TlsStream<TcpStream>, TlsInfo), CallError> {
    handshake_with(client_config(Arc::clone(witness), None), witness, stream, name, deadline).await
}

#[cfg(test)]
mod tests;
