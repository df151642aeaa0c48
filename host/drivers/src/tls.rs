//! TLS to a server: trust, handshake, and what a check may learn of the certificates.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use probity_config::grants::Host;
use probity_config::{Identity, Verify};
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio::time::timeout_at;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::authorities::{Authorities, Demand, Seen, Witness, provider};
use super::net::timeout;
use super::tls_words::{sentence, tls_error};
use super::{CallError, ErrorKind};

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
    /// Leaf first: the certificates that lead to an authority; all that were sent where none do.
    pub chain: Vec<Certificate>,
    /// Why the chain is not trusted; requests fail in that case, so theirs is always `Ok`.
    pub verified: Result<(), String>,
    /// What else an operator should know of it.
    pub notes: Vec<String>,
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
    ready: Arc<OnceLock<Ready>>,
    identity: Option<Arc<CertifiedKey>>,
    verify: Verify,
}

/// What is built once.
#[derive(Clone)]
struct Ready {
    config: Arc<ClientConfig>,
    authorities: Arc<Authorities>,
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
            let authorities = Arc::new(Self::authorities(pem)?);
            trust.ready.get_or_init(|| Ready::new(authorities, trust.identity.as_ref()));
        }
        Ok(trust)
    }

    /// The same, with as much verified as `verify` says.
    #[must_use]
    pub fn verifying(self, verify: Verify) -> Self {
        Self { verify, ..self }
    }

    fn authorities(pem: &[u8]) -> Result<Authorities, String> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let found = found.map_err(|_| "what is in it are not certificates in PEM".to_owned())?;
        if found.is_empty() {
            return Err("no certificate in it: PEM with `-----BEGIN CERTIFICATE-----` is needed".to_owned());
        }
        Authorities::of(found).ok_or_else(|| "none of its certificates can be an authority".to_owned())
    }

    /// The configuration, for drivers that shake hands themselves.
    pub(super) async fn config(&self, deadline: Instant) -> Result<Arc<ClientConfig>, CallError> {
        Ok(self.ready(deadline).await?.config)
    }

    /// The system's authorities are read at the first call.
    async fn ready(&self, deadline: Instant) -> Result<Ready, CallError> {
        if let Some(ready) = self.ready.get() {
            return Ok(ready.clone());
        }
        let authorities = Authorities::system(deadline).await?;
        Ok(self.ready.get_or_init(|| Ready::new(authorities, self.identity.as_ref())).clone())
    }
}

impl Ready {
    fn new(authorities: Arc<Authorities>, identity: Option<&Arc<CertifiedKey>>) -> Self {
        let witness = Witness::new(Arc::clone(&authorities), Demand::Insist(Verify::Full));
        Self { config: Arc::new(client_config(Arc::new(witness), identity)), authorities }
    }
}

/// Certificate and key, checked to belong together. The parsers' own words quote what they read.
fn certified(identity: &Identity) -> Result<CertifiedKey, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&identity.certificate).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or("`client-cert` holds no certificate")?;
    let key = PrivateKeyDer::from_pem_slice(&identity.key).map_err(|_| "`client-key` holds no private key")?;
    CertifiedKey::from_der(chain, key, &provider()).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => "`client-key` is not the key of `client-cert`".to_owned(),
        _ => "`client-cert` and `client-key` cannot be used: RSA, ECDSA and Ed25519 keys are supported".to_owned(),
    })
}

/// What `witness` judges. No application protocol is offered: the caller adds its own.
pub(super) fn client_config(witness: Arc<Witness>, identity: Option<&Arc<CertifiedKey>>) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("the ring provider supports TLS 1.2 and 1.3")
        .dangerous()
        .with_custom_certificate_verifier(witness);
    let mut config = match identity {
        Some(identity) => {
            let certified = CertifiedKey::clone(identity);
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
        }
        None => builder.with_no_client_auth(),
    };
    // Every check sees the whole handshake: a resumed one would hide an expired certificate, and link checks.
    config.resumption = rustls::client::Resumption::disabled();
    config
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
    let ready = trust.ready(deadline).await?;
    let witness = Arc::new(Witness::new(ready.authorities, Demand::Insist(trust.verify)));
    let mut config = ClientConfig::clone(&ready.config);
    config.alpn_protocols = offer.protocols();
    config.dangerous().set_certificate_verifier(Arc::<Witness>::clone(&witness));
    let (stream, mut info) = handshake_with(config, &witness, stream, host, deadline).await?;
    info.notes.extend(overlooked(host, trust.verify, &info.verified));
    // What the operator wants overlooked is not held against the server.
    info.verified = Ok(());
    Ok((stream, info))
}

fn late(host: &Host) -> CallError {
    timeout(format!("the TLS handshake with {host} took longer than the time given"))
}

/// What is said where less than everything was verified.
fn overlooked(host: &Host, verify: Verify, verdict: &Result<(), String>) -> Option<String> {
    let what = match verify {
        Verify::Full => return None,
        Verify::Chain => "whether it is for this name was not verified, as the connection says (`verify = \"chain\"`)",
        Verify::None => "it was not verified, as the connection says (`verify = \"none\"`)",
    };
    let why = verdict.as_ref().err().map(|why| format!("; otherwise: {why}")).unwrap_or_default();
    Some(format!("certificate of {host}: {what}{why}"))
}

/// The same with a configuration of the caller's, which `witness` judges.
pub(super) async fn handshake_with(
    config: ClientConfig,
    witness: &Witness,
    stream: TcpStream,
    host: &Host,
    deadline: Instant,
) -> Result<(TlsStream<TcpStream>, TlsInfo), CallError> {
    let name = server_name(host)?;
    let start = Instant::now();
    let stream = timeout_at(deadline.into(), TlsConnector::from(Arc::new(config)).connect(name, stream))
        .await
        .map_err(|_elapsed| late(host))?
        .map_err(|error| after_certificate(tls_error(&error, host), witness))?;
    let handshake = start.elapsed();
    let (_, session) = stream.get_ref();
    let mut info = TlsInfo {
        protocol: match session.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
            _ => "TLSv1.3",
        },
        cipher: session.negotiated_cipher_suite().map_or_else(String::new, |suite| format!("{:?}", suite.suite())),
        alpn: session.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned()),
        handshake,
        chain: Vec::new(),
        verified: Err("the server shows no certificate".to_owned()),
        notes: Vec::new(),
    };
    if let Some(seen) = witness.seen() {
        info.tell(&seen, host);
    }
    Ok((stream, info))
}

impl TlsInfo {
    /// A handshake that the server ended after it had shown its certificate and the key of it, as one does that wants to
    /// see a client's.
    pub(super) fn broken_off(protocol: &'static str, seen: &Seen, host: &Host, handshake: Duration, why: &str) -> Self {
        let (cipher, alpn, chain, verified) = (String::new(), None, Vec::new(), Ok(()));
        let notes = vec![format!("the handshake ended after the certificate: {why}")];
        let mut info = Self { protocol, cipher, alpn, handshake, chain, verified, notes };
        info.tell(seen, host);
        info
    }

    fn tell(&mut self, seen: &Seen, host: &Host) {
        self.chain = seen.needed().iter().take(CHAIN_MAX).map(|der| Certificate::from_der(der)).collect();
        self.verified = seen.verdict().map_err(|error| sentence(&error));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        let unneeded = seen.unneeded().take(CHAIN_MAX).map(|der| Certificate::from_der(der));
        for over in unneeded.filter(|certificate| certificate.not_after_unix < now) {
            let (subject, issuer, until) = (&over.subject, &over.issuer, day(over.not_after_unix));
            let text =
                format!("{host} also sends {subject} signed by {issuer}, which expired on {until}: nothing needs it");
            self.notes.push(text);
        }
    }
}

/// `2026-02-03`
fn day(unix: i64) -> String {
    jiff::Timestamp::from_second(unix)
        .map_or_else(|_| "an unknown day".to_owned(), |day| day.strftime("%Y-%m-%d").to_string())
}

/// The error of a handshake that ended after a certificate had come that was not what ended it: whose it is, and until
/// when, is worth knowing all the same.
fn after_certificate(error: CallError, witness: &Witness) -> CallError {
    let shown = witness.seen().filter(|seen| seen.proven.is_some());
    let Some(leaf) = shown.and_then(|seen| seen.sent.first().map(|der| Certificate::from_der(der))) else {
        return error;
    };
    let message =
        format!("{}; its certificate is {}, valid until {}", error.message, leaf.subject, day(leaf.not_after_unix));
    CallError { message, ..error }
}

fn server_name(host: &Host) -> Result<ServerName<'static>, CallError> {
    match host {
        Host::Name(name) => ServerName::try_from(name.clone())
            .map_err(|_| CallError::new(ErrorKind::Tls, format!("{name} cannot be the name of a server in TLS"))),
        Host::Address(address) => Ok(ServerName::from(*address)),
    }
}
