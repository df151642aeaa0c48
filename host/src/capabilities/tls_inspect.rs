//! A handshake that goes on whatever the certificate is, and says what is wrong with it.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout_at;
use tokio_rustls::client::TlsStream;

use super::net::{Net, timeout};
use super::tls::{TlsInfo, handshake_with, system_roots};
use super::{CallError, ErrorKind};
use crate::check::Capability;
use crate::config::Grants;
use crate::config::grants::Host;

/// How long hanging up may take: the answer is there already.
const FAREWELL_MAX: Duration = Duration::from_millis(50);

/// Looks at servers' certificates. Holds the system's authorities, read at the first look. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Inspector {
    judge: Arc<OnceLock<Option<Arc<WebPkiServerVerifier>>>>,
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
        authorities: Option<RootCertStore>,
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
        let (mut stream, info) = self.shake(connected.stream, name, authorities, deadline).await?;
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
        authorities: Option<RootCertStore>,
        deadline: Instant,
    ) -> Result<(TlsStream<TcpStream>, TlsInfo), CallError> {
        let judge = match authorities {
            Some(roots) => {
                verifier(roots).ok_or_else(|| CallError::new(ErrorKind::Other, "the authorities cannot be used"))?
            }
            None => timeout_at(deadline.into(), self.judge()).await.map_err(|_elapsed| {
                timeout("reading the system's authorities took longer than the time given".into())
            })??,
        };
        let recorder = Arc::new(Recorder { judge, verdict: Mutex::new(Err("no certificate was shown".into())) });
        let config = client_config(Arc::clone(&recorder));
        let (stream, mut info) = handshake_with(config, stream, name, deadline).await?;
        info.verified = recorder.verdict.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok((stream, info))
    }

    /// What trusts the system's authorities. They take tens of milliseconds to read, on a thread of their own.
    async fn judge(&self) -> Result<Arc<WebPkiServerVerifier>, CallError> {
        let cell = Arc::clone(&self.judge);
        let read = move || cell.get_or_init(|| verifier(system_roots())).clone();
        let judge = match self.judge.get() {
            Some(judge) => judge.clone(),
            None => tokio::task::spawn_blocking(read).await.unwrap_or_default(),
        };
        judge.ok_or_else(|| CallError::new(ErrorKind::Other, "the system's authorities cannot be used"))
    }

    /// What trusts `roots` only.
    #[cfg(test)]
    pub(super) fn trusting(roots: RootCertStore) -> Self {
        Self { judge: Arc::new(OnceLock::from(verifier(roots))) }
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn verifier(roots: RootCertStore) -> Option<Arc<WebPkiServerVerifier>> {
    let built = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
    built.inspect_err(|error| tracing::warn!(%error, "authorities cannot be used")).ok()
}

/// No application protocol is offered: what is looked at need not be HTTP, and a server that speaks another one would
/// refuse.
fn client_config(recorder: Arc<Recorder>) -> Arc<ClientConfig> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("the ring provider supports TLS 1.2 and 1.3")
        .dangerous()
        .with_custom_certificate_verifier(recorder)
        .with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    Arc::new(config)
}

/// Lets every certificate pass and notes what is wrong with it. What is said over such a connection is the guest's to
/// decide, who has the verdict.
#[derive(Debug)]
struct Recorder {
    judge: Arc<WebPkiServerVerifier>,
    verdict: Mutex<Result<(), String>>,
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let judged = self.judge.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let verdict = judged.map(|_| ()).map_err(|error| match error {
            rustls::Error::InvalidCertificate(why) => why.to_string(),
            error => error.to_string(),
        });
        *self.verdict.lock().unwrap_or_else(PoisonError::into_inner) = verdict;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.judge.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.judge.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.judge.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests;
