//! An authority for one test, and what it vouches for.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// Files of PEM.
#[derive(Clone, Debug)]
pub struct Certificates {
    /// The authority.
    pub ca: PathBuf,
    /// The server's certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// Writes an authority and a certificate for `names` into `dir`.
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
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let key = KeyPair::generate().expect("there is randomness");
    let leaf = CertificateParams::new(names).and_then(|leaf| leaf.signed_by(&key, &issuer)).expect("names are names");
    let put = |name: &str, pem: &str| {
        let path = dir.join(name);
        std::fs::write(&path, pem).expect("the directory can be written");
        path
    };
    Certificates {
        ca: put("ca.pem", &issuer.pem()),
        certificate: put("server.pem", &leaf.pem()),
        key: put("server.key", &key.serialize_pem()),
    }
}
