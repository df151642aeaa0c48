//! TLS handshakes and stored certificates, to watch when they expire. The
//! grant lists `host:port` targets and `certificate:NAME`.

pub use crate::http::{Certificate, TlsInfo};
use crate::{Error, host};

/// Connects, shakes hands, hangs up. A certificate that is not trusted is an
/// answer: see [`TlsInfo::verified`].
///
/// `server_name` is what the server is asked for and its certificate is
/// compared with; without it that is `host`.
///
/// # Errors
/// An [`Error`]: dns, refused, unreachable, timeout, denied; tls when there is
/// no handshake at all.
pub fn inspect(host: &str, port: u16, server_name: Option<&str>) -> Result<TlsInfo, Error> {
    host::tls_inspect(host, port, server_name)
}

/// The same, trusting only the authorities in a file that the host's
/// configuration declares: see [`inspect_named`].
///
/// # Errors
/// As [`inspect`] and [`inspect_named`].
pub fn inspect_trusting(host: &str, port: u16, server_name: Option<&str>, authority: &str) -> Result<TlsInfo, Error> {
    host::tls_inspect_trusting(host, port, server_name, authority)
}

/// The certificates in a file that the host's configuration declares.
///
/// # Errors
/// An [`Error`]: denied, not-found, protocol when it holds no certificate.
pub fn inspect_named(name: &str) -> Result<Vec<Certificate>, Error> {
    host::tls_inspect_named(name)
}
