//! How what a call returned is shown.

use probity_check::Observed;
use probity_check::http::Response;
use probity_check::prelude::*;
use probity_check::tls::{Certificate, TlsInfo};

/// An outcome that what came back is added to.
pub(crate) trait Show: Sized {
    /// A measurement, or the detail `none`.
    fn optional(self, name: &str, value: Option<impl Into<Observed>>) -> Self;
    /// A detail, or `none`.
    fn text(self, name: &str, value: Option<&str>) -> Self;
    /// A detail in hexadecimal.
    fn bytes(self, name: &str, value: &[u8]) -> Self;
    /// A detail, or `none`.
    fn status(self, name: &str, value: Option<Status>) -> Self;
    /// A measurement of their number, and each with `1-`, `2-` … before its names.
    fn list<T>(self, name: &str, items: &[T], show: fn(Self, &str, &T) -> Self) -> Self;
}

impl Show for Outcome {
    fn optional(self, name: &str, value: Option<impl Into<Observed>>) -> Self {
        match value {
            Some(value) => self.measure(name, value, ""),
            None => self.detail(name, "none"),
        }
    }

    fn text(self, name: &str, value: Option<&str>) -> Self {
        self.detail(name, value.unwrap_or("none"))
    }

    fn bytes(self, name: &str, value: &[u8]) -> Self {
        self.detail(name, hex(value))
    }

    fn status(self, name: &str, value: Option<Status>) -> Self {
        self.text(name, value.map(Status::as_str))
    }

    fn list<T>(self, name: &str, items: &[T], show: fn(Self, &str, &T) -> Self) -> Self {
        each(self.measure(name, items.len(), ""), "", items, show)
    }
}

fn each<T>(outcome: Outcome, prefix: &str, items: &[T], show: fn(Outcome, &str, &T) -> Outcome) -> Outcome {
    let numbered = items.iter().enumerate();
    numbered.fold(outcome, |outcome, (at, item)| show(outcome, &format!("{prefix}{}-", at + 1), item))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn session(outcome: Outcome, prefix: &str, info: &TlsInfo) -> Outcome {
    let name = |field: &str| format!("{prefix}{field}");
    let verified = info.verified.as_ref().err().map_or("yes", String::as_str);
    let outcome = outcome
        .detail(name("protocol"), info.protocol.as_str())
        .detail(name("cipher"), info.cipher.as_str())
        .text(&name("alpn"), info.alpn.as_deref())
        .measure(&name("handshake-ms"), info.handshake_ms, "")
        .detail(name("verified"), verified)
        .measure(&name("chain"), info.chain.len(), "");
    each(outcome, prefix, &info.chain, certificate)
}

pub(crate) fn certificate(outcome: Outcome, prefix: &str, found: &Certificate) -> Outcome {
    let name = |field: &str| format!("{prefix}{field}");
    outcome
        .detail(name("subject"), found.subject.as_str())
        .detail(name("issuer"), found.issuer.as_str())
        .detail(name("serial"), found.serial.as_str())
        .measure(&name("not-before-unix"), found.not_before_unix, "")
        .measure(&name("not-after-unix"), found.not_after_unix, "")
        .detail(name("dns-names"), found.dns_names.join(", "))
        .detail(name("sha256"), found.sha256.as_str())
}

pub(crate) fn answer(outcome: Outcome, prefix: &str, response: &Response) -> Result<Outcome, Error> {
    let name = |field: &str| format!("{prefix}{field}");
    let timing = response.timing();
    let outcome = outcome
        .measure(&name("status"), u32::from(response.status()), "")
        .detail(name("version"), response.version())
        .detail(name("headers"), headers(&response.headers()))
        .text(&name("content-type"), response.header("Content-Type").as_deref())
        .text(&name("x-absent"), response.header("x-absent").as_deref())
        .detail(name("body"), response.text()?)
        .detail(name("trailers"), headers(&response.trailers()))
        .optional(&name("dns-ms"), timing.dns_ms)
        .optional(&name("connect-ms"), timing.connect_ms)
        .optional(&name("tls-ms"), timing.tls_ms)
        .measure(&name("first-byte-ms"), timing.first_byte_ms, "")
        .measure(&name("total-ms"), timing.total_ms, "")
        .text(&name("remote-address"), response.remote_address().as_deref());
    Ok(match response.tls() {
        Some(info) => session(outcome, &name("tls-"), &info),
        None => outcome.detail(name("tls"), "none"),
    })
}

fn headers(headers: &[(String, Vec<u8>)]) -> String {
    let lines = headers.iter().map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value)));
    lines.collect::<Vec<_>>().join(", ")
}
