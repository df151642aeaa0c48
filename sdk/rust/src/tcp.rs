//! Raw TCP: banners and line protocols. The grant lists `host:port` targets.

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
}
