//! TLS handshakes and stored certificates, to watch when they expire. The
//! grant lists `host:port` targets and `certificate:NAME`.

pub use crate::http::{Certificate, TlsInfo};
use crate::threshold::Judge;
use crate::{AtLeast, Error, Outcome, clock, host};

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

/// Adds the days until the first certificate of `chain` ends, which is when the connection breaks, as the measurement
/// `certificate`, and whose it is as a detail of that name.
#[must_use]
pub fn judge_expiry(outcome: Outcome, chain: &[Certificate], days: &AtLeast) -> Outcome {
    let Some(first) = chain.iter().min_by_key(|certificate| certificate.not_after_unix) else {
        return outcome;
    };
    let left = first.days_left(clock::now_unix_ms());
    let (verdict, whose) = (days.judge(left), first.shown());
    let mut outcome = outcome.measure("certificate", left, "d");
    if let Some(measurement) = outcome.measurements.last_mut() {
        measurement.status = Some(verdict);
    }
    let named = if whose.is_empty() { String::new() } else { format!(" {whose}") };
    if !named.is_empty() {
        outcome = outcome.detail("certificate", whose);
    }
    match days.complaint(left, "d") {
        Some(complaint) => outcome.finding(verdict, &format!("certificate{named} {complaint}")),
        None => outcome,
    }
}

/// The certificates in a file that the host's configuration declares.
///
/// # Errors
/// An [`Error`]: denied, not-found, protocol when it holds no certificate.
pub fn inspect_named(name: &str) -> Result<Vec<Certificate>, Error> {
    host::tls_inspect_named(name)
}
