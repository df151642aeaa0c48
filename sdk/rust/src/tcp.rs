//! Raw TCP: banners and line protocols. The grant lists `host:port` targets.

use crate::http::TlsInfo;
use crate::units::Span;
use crate::{Error, host};

/// An open connection; closed when dropped.
#[derive(Debug)]
pub struct Socket(host::TcpSocket);

impl Socket {
    /// Resolves `host`, connects.
    ///
    /// # Errors
    /// An [`Error`]: dns, refused, unreachable, timeout, denied.
    pub fn connect(host: &str, port: u16, timeout: Option<Span>) -> Result<Self, Error> {
        host::TcpSocket::connect(host, port, timeout.map(Span::as_timeout_ms)).map(Self)
    }

    /// How long connecting took, in milliseconds.
    pub fn connect_ms(&self) -> f64 {
        self.0.connect_ms()
    }

    /// The address that answered.
    pub fn remote_address(&self) -> String {
        self.0.remote_address()
    }

    /// Writes all bytes.
    ///
    /// # Errors
    /// An [`Error`] when the other side went away or the run's time is up.
    pub fn write(&self, bytes: &[u8]) -> Result<(), Error> {
        self.0.write(bytes)
    }

    /// Reads at least one byte and at most `max`; nothing at the end of the stream.
    ///
    /// # Errors
    /// An [`Error`], for instance a timeout.
    pub fn read(&self, max: u32, timeout: Option<Span>) -> Result<Vec<u8>, Error> {
        self.0.read(max, timeout.map(Span::as_timeout_ms))
    }

    /// Reads through `delimiter`, which is part of what is returned.
    ///
    /// # Errors
    /// `too-large` when it does not come within `max` bytes; otherwise as [`Socket::read`].
    pub fn read_until(&self, delimiter: &[u8], max: u32, timeout: Option<Span>) -> Result<Vec<u8>, Error> {
        self.0.read_until(delimiter, max, timeout.map(Span::as_timeout_ms))
    }

    /// Turns the connection into TLS, after both sides agreed on it (STARTTLS) or at once. A certificate that is not
    /// trusted is an answer: see [`TlsInfo::verified`] before saying what not everybody may hear.
    ///
    /// `server_name` is what the server is asked for and its certificate is compared with; without it that is the host.
    /// `authority` names a declared file whose authorities are trusted instead of the system's; it needs the grant
    /// `tls = ["certificate:NAME"]`.
    ///
    /// # Errors
    /// `tls` when there is no handshake, `protocol` when something was said that is not read yet; denied and not-found
    /// for an authority.
    pub fn start_tls(
        &self,
        server_name: Option<&str>,
        authority: Option<&str>,
        timeout: Option<Span>,
    ) -> Result<TlsInfo, Error> {
        self.0.start_tls(server_name, authority, timeout.map(Span::as_timeout_ms))
    }
}
