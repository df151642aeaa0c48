//! TLS to a server: trust, handshake, and what a check may learn of the certificates.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio::time::timeout_at;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::net::{io_error, timeout};
use super::{CallError, ErrorKind};
use crate::config::Identity;
use crate::config::grants::Host;

/// Certificates reported per chain.
const CHAIN_MAX: usize = 8;

/// Names reported per certificate.
const DNS_NAMES_MAX: usize = 100;

/// What one TLS handshake showed.
#[derive(Clone, Debug, PartialEq)]
pub struct TlsInfo {
    /// `TLSv1.3` or `TLSv1.2`.
    pub protocol: &'static str,
    /// `TLS13_AES_256_GCM_SHA384`.
    pub cipher: String,
    /// `h2`, `http/1.1`, or none.
    pub alpn: Option<String>,
    /// Time for the handshake.
    pub handshake: Duration,
    /// Leaf first.
    pub chain: Vec<Certificate>,
    /// Why the chain is not trusted; requests fail in that case, so theirs is always `Ok`.
    pub verified: Result<(), String>,
}

/// One certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// `CN=example.org`.
    pub subject: String,
    /// Likewise.
    pub issuer: String,
    /// Lower-case hex with colons.
    pub serial: String,
    /// Seconds since the Unix epoch.
    pub not_before_unix: i64,
    /// Seconds since the Unix epoch.
    pub not_after_unix: i64,
    /// From the subject's alternative names.
    pub dns_names: Vec<String>,
    /// Of the DER bytes, lower-case hex.
    pub sha256: String,
}

impl Certificate {
    /// Reads a DER certificate; what cannot be parsed is left empty, the digest is always there.
    #[must_use]
    pub fn from_der(der: &[u8]) -> Self {
        let mut certificate = Self {
            subject: String::new(),
            issuer: String::new(),
            serial: String::new(),
            not_before_unix: 0,
            not_after_unix: 0,
            dns_names: Vec::new(),
            sha256: Sha256::digest(der).iter().map(|byte| format!("{byte:02x}")).collect(),
        };
        if let Ok((_, parsed)) = X509Certificate::from_der(der) {
            certificate.subject = parsed.subject().to_string();
            certificate.issuer = parsed.issuer().to_string();
            certificate.serial = parsed.raw_serial_as_string();
            certificate.not_before_unix = parsed.validity().not_before.timestamp();
            certificate.not_after_unix = parsed.validity().not_after.timestamp();
            certificate.dns_names = dns_names(&parsed);
        }
        certificate
    }
}

fn dns_names(parsed: &X509Certificate<'_>) -> Vec<String> {
    let names = parsed.subject_alternative_name().ok().flatten().map(|extension| &extension.value.general_names);
    names
        .into_iter()
        .flatten()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            _ => None,
        })
        .take(DNS_NAMES_MAX)
        .collect()
}

/// A set of authorities, and what is shown to servers, with the client configuration built from them, once.
#[derive(Clone, Default)]
pub struct Trust {
    config: Arc<OnceLock<Arc<ClientConfig>>>,
    identity: Option<Arc<CertifiedKey>>,
}

/// The configuration holds the private key.
impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trust").field("has_identity", &self.identity.is_some()).finish_non_exhaustive()
    }
}

impl Trust {
    /// Only the authorities in `pem`.
    ///
    /// # Errors
    /// When `pem` holds no usable certificate.
    pub fn only(pem: &[u8]) -> Result<Self, String> {
        Self::new(Some(pem), None)
    }

    /// The authorities in `pem`, or the system's; and `identity` for servers that ask who is there.
    ///
    /// # Errors
    /// When `pem` holds no usable certificate, or `identity` none with its key. No part of the key is in the message.
    pub fn new(pem: Option<&[u8]>, identity: Option<&Identity>) -> Result<Self, String> {
        let identity = identity.map(certified).transpose()?.map(Arc::new);
        let trust = Self { identity, ..Self::default() };
        if let Some(pem) = pem {
            let roots = Self::roots(pem)?;
            trust.config.get_or_init(|| client_config(roots, trust.identity.as_ref()));
        }
        Ok(trust)
    }

    fn roots(pem: &[u8]) -> Result<RootCertStore, String> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| format!("not PEM certificates: {error}"))?;
            roots.add(certificate).map_err(|error| format!("not a usable authority: {error}"))?;
        }
        if roots.is_empty() {
            return Err("no certificate in it: PEM with `-----BEGIN CERTIFICATE-----` is needed".to_owned());
        }
        Ok(roots)
    }

    /// The configuration. The system's authorities are read at the first call, tens of milliseconds on a thread of
    /// their own.
    pub(super) async fn config(&self) -> Result<Arc<ClientConfig>, CallError> {
        if let Some(config) = self.config.get() {
            return Ok(Arc::clone(config));
        }
        let Self { config, identity } = self.clone();
        let build = move || Arc::clone(config.get_or_init(|| client_config(system_roots(), identity.as_ref())));
        tokio::task::spawn_blocking(build)
            .await
            .map_err(|error| CallError::new(ErrorKind::Tls, format!("read the system's authorities: {error}")))
    }
}

/// Certificate and key, checked to belong together. The parsers' own words quote what they read.
fn certified(identity: &Identity) -> Result<CertifiedKey, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&identity.certificate).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or("`client-cert` holds no certificate")?;
    let key = PrivateKeyDer::from_pem_slice(&identity.key).map_err(|_| "`client-key` holds no private key")?;
    CertifiedKey::from_der(chain, key, &rustls::crypto::ring::default_provider()).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => "`client-key` is not the key of `client-cert`".to_owned(),
        _ => "`client-cert` and `client-key` cannot be used: RSA, ECDSA and Ed25519 keys are supported".to_owned(),
    })
}

/// The system's authorities, or Mozilla's where the system has none (as in empty container images).
pub(super) fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

fn client_config(roots: RootCertStore, identity: Option<&Arc<CertifiedKey>>) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the ring provider supports TLS 1.2 and 1.3")
        .with_root_certificates(roots);
    let mut config = match identity {
        Some(identity) => {
            let certified = CertifiedKey::clone(identity);
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
        }
        None => builder.with_no_client_auth(),
    };
    // Every check sees the whole handshake: a resumed one would hide an expired certificate, and link checks.
    config.resumption = rustls::client::Resumption::disabled();
    Arc::new(config)
}

/// What a server is offered to speak inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// HTTP/2, or HTTP/1.1.
    Http,
    /// HTTP/2 only.
    Http2,
    /// Nothing: a protocol that is not negotiated in TLS, as those of databases and brokers.
    Nothing,
}

impl Offer {
    fn protocols(self) -> Vec<Vec<u8>> {
        match self {
            Self::Http => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            Self::Http2 => vec![b"h2".to_vec()],
            Self::Nothing => Vec::new(),
        }
    }
}

/// Shakes hands with `host` on `stream`.
///
/// # Errors
/// `tls` when the chain is not trusted or the handshake fails, `timeout` after `deadline`.
pub async fn handshake(
    stream: TcpStream,
    host: &Host,
    trust: &Trust,
    offer: Offer,
    deadline: Instant,
) -> Result<(TlsStream<TcpStream>, TlsInfo), CallError> {
    let config = timeout_at(deadline.into(), trust.config()).await.map_err(|_elapsed| late(host))??;
    let mut config = ClientConfig::clone(&config);
    config.alpn_protocols = offer.protocols();
    handshake_with(Arc::new(config), stream, host, deadline).await
}

fn late(host: &Host) -> CallError {
    timeout(format!("the TLS handshake with {host} took longer than the time given"))
}

/// The same with a configuration of the caller's.
pub(super) async fn handshake_with(
    config: Arc<ClientConfig>,
    stream: TcpStream,
    host: &Host,
    deadline: Instant,
) -> Result<(TlsStream<TcpStream>, TlsInfo), CallError> {
    let name = server_name(host)?;
    let start = Instant::now();
    let stream = timeout_at(deadline.into(), TlsConnector::from(config).connect(name, stream))
        .await
        .map_err(|_elapsed| late(host))?
        .map_err(|error| tls_error(&error, host))?;
    let info = info(&stream, start.elapsed());
    Ok((stream, info))
}

fn server_name(host: &Host) -> Result<ServerName<'static>, CallError> {
    match host {
        Host::Name(name) => ServerName::try_from(name.clone())
            .map_err(|error| CallError::new(ErrorKind::Tls, format!("{name} cannot be a server name: {error}"))),
        Host::Address(address) => Ok(ServerName::from(*address)),
    }
}

fn info(stream: &TlsStream<TcpStream>, handshake: Duration) -> TlsInfo {
    let (_, session) = stream.get_ref();
    let chain = session.peer_certificates().unwrap_or_default();
    TlsInfo {
        protocol: match session.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
            _ => "TLSv1.3",
        },
        cipher: session.negotiated_cipher_suite().map_or_else(String::new, |suite| format!("{:?}", suite.suite())),
        alpn: session.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned()),
        handshake,
        chain: chain.iter().take(CHAIN_MAX).map(|der| Certificate::from_der(der)).collect(),
        verified: Ok(()),
    }
}

/// What went wrong in a handshake.
pub(super) fn tls_error(error: &std::io::Error, host: &Host) -> CallError {
    let mut error = io_error(error, &format!("TLS handshake with {host}"));
    // A server that does not speak TLS hangs up.
    if error.kind == ErrorKind::Protocol {
        error.kind = ErrorKind::Tls;
    }
    error
}

/// What TLS itself found wrong; none when it was the connection below. In TLS 1.3 a server refuses a client's
/// certificate only after the client takes the handshake for done.
pub(super) fn session_error(error: &std::io::Error, doing: &str) -> Option<CallError> {
    let inner = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    let error = CallError::new(ErrorKind::Tls, format!("{doing}: {inner}"));
    Some(match inner {
        rustls::Error::InvalidCertificate(certificate) => error.with_code(certificate_code(certificate)),
        rustls::Error::AlertReceived(alert) => error.with_code(format!("{alert:?}")),
        _ => error,
    })
}

/// A word to branch on.
fn certificate_code(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "Expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "NotValidYet",
        CertificateError::UnknownIssuer => "UnknownIssuer",
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => "NotValidForName",
        CertificateError::Revoked => "Revoked",
        _ => "InvalidCertificate",
    }
}
