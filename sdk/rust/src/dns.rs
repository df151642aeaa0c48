//! Name resolution as a subject of checks. The grant lists names and
//! `resolver:NAME`.

use crate::{Error, host};

/// One record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Its data as a zone file writes it: `93.184.216.34`, `10 mail.example.org.`.
    pub data: String,
    /// Seconds it may be kept.
    pub ttl: u32,
}

/// The records of `name` of a type: `A`, `AAAA`, `CNAME`, `MX`, `NS`, `TXT`,
/// `SRV`, `CAA`, `SOA`, `PTR`. `server` is a resolver of the host's
/// configuration; without it the host's own is asked.
///
/// A name without records of the type is an empty list.
///
/// # Errors
/// An [`Error`]: dns when the name does not exist (code `NXDOMAIN`) or the
/// server fails (`SERVFAIL`), timeout, denied, invalid-argument.
pub fn resolve(name: &str, record_type: &str, server: Option<&str>) -> Result<Vec<Answer>, Error> {
    host::dns_resolve(name, record_type, server)
}
