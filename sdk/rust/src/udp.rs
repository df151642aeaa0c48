//! One datagram and its answer: NTP and the like. The grant lists `host:port` targets, as for `tcp`.

use crate::units::Span;
use crate::{Error, host};

/// An answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// Its bytes.
    pub payload: Vec<u8>,
    /// Who sent it: the address that was asked.
    pub remote_address: String,
    /// From sending to receiving, in milliseconds.
    pub elapsed_ms: f64,
    /// When it came, by the host's clock, in nanoseconds since 1970.
    pub received_unix_ns: u64,
}

/// Sends `payload` in one datagram and waits for one of at most `max_reply_bytes` from the asked address. Nothing is
/// repeated: a lost datagram is a timeout.
///
/// # Errors
/// An [`Error`]: dns, refused, unreachable, timeout, denied; too-large for a longer answer.
pub fn exchange(
    host: &str,
    port: u16,
    payload: &[u8],
    max_reply_bytes: u32,
    timeout: Option<Span>,
) -> Result<Reply, Error> {
    host::udp_exchange(host, port, payload, max_reply_bytes, timeout.map(Span::as_timeout_ms))
}
