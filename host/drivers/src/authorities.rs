//! Who is trusted to say who a server is, and the judgement of what a server shows.
//!
//! A judgement keeps the *path*: the certificates that lead from the server's own to an authority. Those are needed, and
//! the first of them to end breaks the connection; whatever else a server sends, as an old cross-signature, does not.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use probity_config::Verify;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};
use sha2::{Digest, Sha256};
use webpki::{EndEntityCert, KeyUsage};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::CallError;
use super::looks::Looks;

/// Certificates of a chain that are looked at: an endless one is an attack.
const CHAIN_MAX: usize = 16;

/// Reads of the system's authorities in the whole host: one, which everybody shares. Their files may be where nothing
/// answers.
static READS: Looks<Arc<Authorities>> = Looks::new("reads of the system's authorities", 1, 1);

/// What such a read is called.
pub(super) const READING: &str = "reading the system's authorities";

/// The certificates that lead from a server's own to an authority, leaf first, without the authority.
type Path = Vec<CertificateDer<'static>>;

/// A set of authorities.
pub struct Authorities {
    roots: RootCertStore,
    /// SHA-256 of each: a server may show one of them as its own.
    digests: BTreeSet<[u8; 32]>,
}

impl std::fmt::Debug for Authorities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authorities").field("count", &self.roots.len()).finish_non_exhaustive()
    }
}

pub(super) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(rustls::crypto::ring::default_provider())))
}

fn algorithms() -> WebPkiSupportedAlgorithms {
    provider().signature_verification_algorithms
}

fn digest(certificate: &[u8]) -> [u8; 32] {
    Sha256::digest(certificate).into()
}

impl Authorities {
    /// Those of `certificates` that can be authorities; none when there is none.
    pub(super) fn of(certificates: impl IntoIterator<Item = CertificateDer<'static>>) -> Option<Self> {
        let (mut roots, mut digests) = (RootCertStore::empty(), BTreeSet::new());
        for certificate in certificates {
            let digest = digest(&certificate);
            if roots.add(certificate).is_ok() {
                digests.insert(digest);
            }
        }
        (!roots.is_empty()).then_some(Self { roots, digests })
    }

    /// The system's, or Mozilla's where the system has none (as in empty container images). Takes tens of milliseconds.
    fn of_the_system() -> Self {
        Self::of(rustls_native_certs::load_native_certs().certs).unwrap_or_else(|| Self {
            roots: webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect(),
            digests: BTreeSet::new(),
        })
    }

    /// The same on a thread of its own, for who waits until `deadline`.
    ///
    /// # Errors
    /// `timeout`.
    pub(super) async fn system(deadline: Instant) -> Result<Arc<Self>, CallError> {
        let patience = deadline.saturating_duration_since(Instant::now());
        READS.look(("", READING), patience, || Ok(Arc::new(Self::of_the_system()))).await
    }

    /// What is wrong with a server that shows `leaf` and `others` where `name` was asked for, and the path to the
    /// authority that was found, also where it is one only at another time.
    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Judgement {
        let others = &others[..others.len().min(CHAIN_MAX)];
        let is_own = self.digests.contains(&digest(leaf));
        let found = if is_own { Some(vec![leaf.clone().into_owned()]) } else { self.path(leaf, others, now) };
        let chain = match &found {
            Some(_) if is_own => in_time(leaf, now),
            Some(_) => Ok(()),
            None => Err(self.refusal(leaf, others, now)),
        };
        let path = found.or_else(|| self.path_at_another_time(leaf, others, &chain));
        let named = ParsedCertificate::try_from(leaf).and_then(|parsed| verify_server_name(&parsed, name));
        Judgement { chain, named, path }
    }

    fn path(&self, leaf: &CertificateDer<'_>, others: &[CertificateDer<'_>], now: UnixTime) -> Option<Path> {
        let certificate = EndEntityCert::try_from(leaf).ok()?;
        let algorithms = algorithms().all;
        let usage = KeyUsage::server_auth();
        let path = certificate.verify_for_usage(algorithms, &self.roots.roots, others, now, usage, None, None).ok()?;
        let between = path.intermediate_certificates().map(|certificate| certificate.der().into_owned());
        Some(std::iter::once(leaf.clone().into_owned()).chain(between).collect())
    }

    fn refusal(&self, leaf: &CertificateDer<'_>, others: &[CertificateDer<'_>], now: UnixTime) -> rustls::Error {
        let refused = ParsedCertificate::try_from(leaf).and_then(|parsed| {
            verify_server_cert_signed_by_trust_anchor(&parsed, &self.roots, others, now, algorithms().all)
        });
        // Both ask the same library: they agree.
        refused.err().unwrap_or(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer))
    }

    /// Where time is what is wrong: the path that was one at the end, or will be at the start, of one of its members.
    fn path_at_another_time(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        wrong: &Result<(), rustls::Error>,
    ) -> Option<Path> {
        let Err(rustls::Error::InvalidCertificate(wrong)) = wrong else { return None };
        let is_late = matches!(wrong, CertificateError::Expired | CertificateError::ExpiredContext { .. });
        let is_early = matches!(wrong, CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. });
        if !(is_late || is_early) {
            return None;
        }
        std::iter::once(leaf).chain(others).find_map(|certificate| {
            let (from, until) = validity(certificate)?;
            self.path(leaf, others, if is_late { until } else { from })
        })
    }
}

/// From when until when a certificate is good.
fn validity(certificate: &[u8]) -> Option<(UnixTime, UnixTime)> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let time = |time: i64| u64::try_from(time).ok().map(|time| UnixTime::since_unix_epoch(Duration::from_secs(time)));
    Some((time(parsed.validity().not_before.timestamp())?, time(parsed.validity().not_after.timestamp())?))
}

/// Whether a certificate that needs no other is good now.
fn in_time(certificate: &[u8], now: UnixTime) -> Result<(), rustls::Error> {
    let (from, until) =
        validity(certificate).ok_or(rustls::Error::InvalidCertificate(CertificateError::BadEncoding))?;
    if now > until {
        let wrong = CertificateError::ExpiredContext { time: now, not_after: until };
        return Err(rustls::Error::InvalidCertificate(wrong));
    }
    if now < from {
        let wrong = CertificateError::NotValidYetContext { time: now, not_before: from };
        return Err(rustls::Error::InvalidCertificate(wrong));
    }
    Ok(())
}

/// What was found about what a server showed.
#[derive(Clone, Debug)]
struct Judgement {
    /// Whether it leads to an authority.
    chain: Result<(), rustls::Error>,
    /// Whether it is for the name that was asked for.
    named: Result<(), rustls::Error>,
    path: Option<Path>,
}

impl Judgement {
    fn whole(&self) -> Result<(), rustls::Error> {
        self.chain.clone().and_then(|()| self.named.clone())
    }
}

/// What one handshake showed so far.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    judgement: Judgement,
    /// As sent, leaf first.
    pub(super) sent: Path,
    /// Set when the server has shown that the certificate is its own.
    pub(super) proven: Option<&'static str>,
}

impl Seen {
    /// What is wrong, wherever nobody minds.
    pub(super) fn verdict(&self) -> Result<(), rustls::Error> {
        self.judgement.whole()
    }

    /// The certificates that are needed; all that came, where none lead to an authority.
    pub(super) fn needed(&self) -> &[CertificateDer<'static>] {
        self.judgement.path.as_ref().unwrap_or(&self.sent)
    }

    /// Those that came and are not needed.
    pub(super) fn unneeded(&self) -> impl Iterator<Item = &CertificateDer<'static>> {
        self.sent.iter().filter(|certificate| !self.needed().contains(certificate))
    }
}

/// What a handshake does about a certificate that is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Demand {
    /// Ends where what the operator wants verified is not.
    Insist(Verify),
    /// Goes on: what is said then is for the caller to decide, who has the verdict.
    Note,
}

/// Judges one handshake, and keeps what it saw.
#[derive(Debug)]
pub(super) struct Witness {
    authorities: Arc<Authorities>,
    demand: Demand,
    seen: Mutex<Option<Seen>>,
}

impl Witness {
    pub(super) const fn new(authorities: Arc<Authorities>, demand: Demand) -> Self {
        Self { authorities, demand, seen: Mutex::new(None) }
    }

    /// None before the server's certificate came.
    pub(super) fn seen(&self) -> Option<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes that the server has the key, which an operator who wants nothing verified does not ask for.
    fn proven(
        &self,
        protocol: &'static str,
        signed: Result<HandshakeSignatureValid, rustls::Error>,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        match signed {
            Err(_) if self.demand == Demand::Insist(Verify::None) => Ok(HandshakeSignatureValid::assertion()),
            Err(error) => Err(error),
            Ok(valid) => {
                if let Some(seen) = &mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner) {
                    seen.proven = Some(protocol);
                }
                Ok(valid)
            }
        }
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let judgement = self.authorities.judge(end_entity, intermediates, server_name, now);
        let answer = match self.demand {
            Demand::Insist(Verify::Full) => judgement.whole(),
            Demand::Insist(Verify::Chain) => judgement.chain.clone(),
            Demand::Insist(Verify::None) | Demand::Note => Ok(()),
        };
        let sent = std::iter::once(end_entity).chain(intermediates).take(CHAIN_MAX);
        let sent = sent.map(|certificate| certificate.clone().into_owned()).collect();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(Seen { judgement, sent, proven: None });
        answer.map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.proven("TLSv1.2", verify_tls12_signature(message, cert, dss, &algorithms()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.proven("TLSv1.3", verify_tls13_signature(message, cert, dss, &algorithms()))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        algorithms().supported_schemes()
    }
}

#[cfg(test)]
mod tests;
