//! An authority for one test, and what it vouches for.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// Whom the client's certificate names.
pub const CLIENT: &str = "badge";

/// Files of PEM.
#[derive(Clone)]
pub struct Certificates {
    /// The authority.
    pub ca: PathBuf,
    /// The server's certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// A certificate for [`CLIENT`].
    pub client_certificate: PathBuf,
    /// Its key.
    pub client_key: PathBuf,
    names: Vec<String>,
    issuer: Arc<CertifiedIssuer<'static, KeyPair>>,
}

/// Writes an authority, a certificate for `names`, and one for a client into `dir`.
///
/// # Panics
/// When `dir` cannot be written.
#[must_use]
pub fn write(dir: &Path, names: &[&str]) -> Certificates {
    let mut root = CertificateParams::new(vec![]).expect("no name is wrong");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // Without a name of its own, what it signs would look self-signed.
    root.distinguished_name.push(DnType::CommonName, "Probity test authority");
    let issuer = KeyPair::generate().and_then(|key| CertifiedIssuer::self_signed(root, key)).expect("it signs itself");
    let path = |name: &str| dir.join(name);
    let certificates = Certificates {
        ca: path("ca.pem"),
        certificate: path("server.pem"),
        key: path("server.key"),
        client_certificate: path("client.pem"),
        client_key: path("client.key"),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        issuer: Arc::new(issuer),
    };
    put(&certificates.ca, &certificates.issuer.pem());
    certificates.issue(SystemTime::now() + Duration::from_hours(90 * 24));
    let mut client = CertificateParams::new(vec![]).expect("no name is wrong");
    client.distinguished_name = rcgen::DistinguishedName::new();
    client.distinguished_name.push(DnType::CommonName, CLIENT);
    let key = KeyPair::generate().expect("there is randomness");
    put(&certificates.client_certificate, &client.signed_by(&key, &*certificates.issuer).expect("it signs").pem());
    put(&certificates.client_key, &key.serialize_pem());
    certificates
}

impl Certificates {
    /// Replaces the server's certificate by one that ended yesterday, which a server sees once it starts again.
    pub fn expire(&self) {
        self.issue(SystemTime::now() - Duration::from_hours(24));
    }

    /// The keys of a connection that trusts the authority.
    #[must_use]
    pub fn trusted(&self) -> String {
        format!("ca = {:?}\n", self.ca)
    }

    /// The keys of a connection that shows the client's certificate as well.
    #[must_use]
    pub fn mutual(&self) -> String {
        let (certificate, key) = (&self.client_certificate, &self.client_key);
        format!("{}client-cert = {certificate:?}\nclient-key = {key:?}\n", self.trusted())
    }

    fn issue(&self, until: SystemTime) {
        let mut leaf = CertificateParams::new(self.names.clone()).expect("names are names");
        leaf.not_before = (SystemTime::now() - Duration::from_hours(48)).into();
        leaf.not_after = until.into();
        let key = KeyPair::generate().expect("there is randomness");
        put(&self.certificate, &leaf.signed_by(&key, &*self.issuer).expect("it signs").pem());
        put(&self.key, &key.serialize_pem());
    }
}

fn put(path: &Path, pem: &str) {
    std::fs::write(path, pem).expect("the directory can be written");
}
