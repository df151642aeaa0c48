//! Files with certificates that the configuration declares, read at each look: a renewed file is seen without a reload.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::authorities::Authorities;
use super::looks::Looks;
use super::net::io_error;
use super::tls::Certificate;
use super::{CallError, ErrorKind};

/// Bytes of one file.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Certificates reported of one file.
const CERTIFICATES_MAX: usize = 100;

/// Files being read in the whole host, those that hang aside.
const READS_MAX: usize = 4;

/// Files whose reading hangs, each with a thread.
const READS_HANGING_MAX: usize = 128;

static READS: Looks<Vec<CertificateDer<'static>>> = Looks::new("certificate files", READS_MAX, READS_HANGING_MAX);

/// How long one may take.
const READ_TIME: Duration = Duration::from_secs(1);

/// The certificates in the file at `path`, PEM or DER, in its order.
///
/// # Errors
/// `not-found` when there is no such file, `too-large`, `protocol` when it holds no certificate. Messages name `name`, not
/// the path, which is the operator's.
pub async fn read(name: &str, path: PathBuf) -> Result<Vec<Certificate>, CallError> {
    Ok(encoded(name, path).await?.iter().map(|der| Certificate::from_der(der)).collect())
}

/// The same as authorities to trust.
///
/// # Errors
/// As [`read`], and `protocol` when none of them can be an authority.
pub async fn authorities(name: &str, path: PathBuf) -> Result<Authorities, CallError> {
    Authorities::of(encoded(name, path).await?).ok_or_else(|| {
        let message = format!("certificate {name}: its file holds no usable authority");
        CallError::new(ErrorKind::Protocol, message)
    })
}

async fn encoded(name: &str, path: PathBuf) -> Result<Vec<CertificateDer<'static>>, CallError> {
    let what = format!("certificate {name}");
    // By its name too: the answer quotes it, and the next configuration may give it to another.
    let target = format!("{name} {}", path.display());
    let said = what.clone();
    let work = move || bytes(&what, &path).and_then(|bytes| parse(&what, &bytes));
    READS.look((&target, &format!("reading {said}")), READ_TIME, work).await
}

fn bytes(what: &str, path: &Path) -> Result<Vec<u8>, CallError> {
    probity_config::files::read_regular(path, FILE_BYTES_MAX).map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidInput => CallError::new(ErrorKind::Protocol, format!("{what}: its path is no file")),
        std::io::ErrorKind::FileTooLarge => {
            CallError::new(ErrorKind::TooLarge, format!("{what}: its file has more than {FILE_BYTES_MAX} bytes"))
        }
        _ => io_error(&error, &format!("{what}: read its file")),
    })
}

fn parse(what: &str, bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, CallError> {
    let pem = CertificateDer::pem_slice_iter(bytes).map_while(Result::ok);
    let found: Vec<_> = pem.filter(|der| X509Certificate::from_der(der).is_ok()).take(CERTIFICATES_MAX).collect();
    match X509Certificate::from_der(bytes) {
        _ if !found.is_empty() => Ok(found),
        Ok((rest, _)) => Ok(vec![CertificateDer::from(bytes[..bytes.len() - rest.len()].to_vec())]),
        Err(_) => Err(CallError::new(ErrorKind::Protocol, format!("{what}: its file holds no certificate"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(name: &str) -> rcgen::Certificate {
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap()
    }

    async fn names(path: &Path) -> Result<Vec<String>, ErrorKind> {
        let read = read("gateway", path.to_owned()).await.map_err(|error| error.kind)?;
        Ok(read.into_iter().flat_map(|certificate| certificate.dns_names).collect())
    }

    // PEM bundles, keys between them, and DER are read; the file is read anew each time.
    #[tokio::test]
    async fn both_forms_are_read_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gateway.pem");
        let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
        std::fs::write(&path, format!("{}{key}{}", signed("a.test").pem(), signed("b.test").pem())).unwrap();
        assert_eq!(names(&path).await.unwrap(), ["a.test", "b.test"]);
        std::fs::write(&path, signed("renewed.test").der()).unwrap();
        assert_eq!(names(&path).await.unwrap(), ["renewed.test"]);
    }

    // An authority is read anew, too; a file without a certificate trusts nobody.
    #[tokio::test]
    async fn authorities_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gateway.pem");
        std::fs::write(&path, signed("a.test").pem()).unwrap();
        assert!(authorities("gateway", path.clone()).await.is_ok());
        std::fs::write(&path, "nobody").unwrap();
        assert_eq!(authorities("gateway", path).await.unwrap_err().kind, ErrorKind::Protocol);
    }

    // What is no certificate, no file, nothing at all, or endless is told apart.
    #[tokio::test]
    async fn other_files_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gateway.pem");
        assert_eq!(names(&path).await, Err(ErrorKind::NotFound));
        assert_eq!(names(dir.path()).await, Err(ErrorKind::Protocol));
        std::fs::write(&path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        assert_eq!(names(&path).await, Err(ErrorKind::Protocol));
        std::fs::write(&path, vec![b'x'; (1 << 20) + 1]).unwrap();
        assert_eq!(names(&path).await, Err(ErrorKind::TooLarge));
        #[cfg(target_os = "linux")]
        assert_eq!(names(Path::new("/dev/zero")).await, Err(ErrorKind::Protocol));
    }
}
