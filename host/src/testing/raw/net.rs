//! What a case answers instead of the network, as typed.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::{Spanned, Value};

use super::{Fail, a_millisecond};

/// `[[case.http]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::testing) struct Http {
    /// `GET https://service.test/stats`, or `GET billing:/stats` through the endpoint `billing`.
    pub(in crate::testing) request: String,
    #[serde(default = "ok")]
    pub(in crate::testing) status: u16,
    #[serde(default)]
    pub(in crate::testing) headers: BTreeMap<String, Values>,
    /// As the check reads it.
    pub(in crate::testing) body: Option<String>,
    /// As the server sends it: what `content-encoding` and `charset` say of it is undone.
    pub(in crate::testing) body_base64: Option<Spanned<String>>,
    pub(in crate::testing) json: Option<Value>,
    #[serde(default)]
    pub(in crate::testing) trailers: BTreeMap<String, String>,
    pub(in crate::testing) dns_ms: Option<f64>,
    pub(in crate::testing) connect_ms: Option<f64>,
    /// The same as `total-ms` when not given.
    pub(in crate::testing) first_byte_ms: Option<f64>,
    #[serde(default = "a_millisecond")]
    pub(in crate::testing) total_ms: f64,
    pub(in crate::testing) error: Option<Fail>,
    /// What the check has to send.
    pub(in crate::testing) sent_body: Option<String>,
    pub(in crate::testing) sent_json: Option<Value>,
    #[serde(default)]
    pub(in crate::testing) sent_headers: BTreeMap<String, String>,
    pub(in crate::testing) sent_timeout_ms: Option<u32>,
    pub(in crate::testing) sent_max_redirects: Option<u32>,
}

/// One value, or several of the same name.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(in crate::testing) enum Values {
    /// `"text/html"`
    One(String),
    /// `["a=1", "b=2"]`
    Many(Vec<String>),
}

impl Values {
    pub(in crate::testing) fn all(&self) -> &[String] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

const fn ok() -> u16 {
    200
}

/// `[[case.tcp]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::testing) struct Tcp {
    pub(in crate::testing) to: String,
    #[serde(default)]
    pub(in crate::testing) says: String,
    pub(in crate::testing) hears: Option<String>,
    #[serde(default = "a_millisecond")]
    pub(in crate::testing) connect_ms: f64,
    pub(in crate::testing) error: Option<Fail>,
}

/// `[[case.udp]]`: text, or bytes in base64.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::testing) struct Udp {
    pub(in crate::testing) to: String,
    #[serde(default)]
    pub(in crate::testing) says: String,
    pub(in crate::testing) says_base64: Option<Spanned<String>>,
    pub(in crate::testing) hears: Option<String>,
    pub(in crate::testing) hears_base64: Option<Spanned<String>>,
    #[serde(default = "a_millisecond")]
    pub(in crate::testing) elapsed_ms: f64,
    pub(in crate::testing) error: Option<Fail>,
}

/// `[[case.tls]]`: a handshake (`to`) or a stored certificate (`named`).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::testing) struct Tls {
    pub(in crate::testing) to: Option<String>,
    pub(in crate::testing) named: Option<String>,
    /// What the check has to ask for; anything when not given.
    pub(in crate::testing) server_name: Option<String>,
    /// What the check has to trust; anything when not given.
    pub(in crate::testing) authority: Option<String>,
    #[serde(default = "subject")]
    pub(in crate::testing) subject: String,
    #[serde(default = "issuer")]
    pub(in crate::testing) issuer: String,
    pub(in crate::testing) not_before: Option<Spanned<Value>>,
    pub(in crate::testing) not_after: Option<Spanned<Value>>,
    #[serde(default = "one")]
    pub(in crate::testing) serial: String,
    #[serde(default = "zeros")]
    pub(in crate::testing) sha256: String,
    #[serde(default)]
    pub(in crate::testing) dns_names: Vec<String>,
    #[serde(default = "tls13")]
    pub(in crate::testing) protocol: String,
    #[serde(default = "aes256")]
    pub(in crate::testing) cipher: String,
    pub(in crate::testing) alpn: Option<String>,
    /// Why the chain is not trusted; trusted when not given.
    pub(in crate::testing) untrusted: Option<String>,
    #[serde(default = "a_millisecond")]
    pub(in crate::testing) handshake_ms: f64,
    pub(in crate::testing) error: Option<Fail>,
}

fn subject() -> String {
    "CN=service.test".into()
}

fn issuer() -> String {
    "CN=Test CA".into()
}

fn tls13() -> String {
    "TLSv1.3".into()
}

fn aes256() -> String {
    "TLS13_AES_256_GCM_SHA384".into()
}

fn one() -> String {
    "01".into()
}

fn zeros() -> String {
    "00".repeat(32)
}

/// `[[case.dns]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::testing) struct Dns {
    pub(in crate::testing) name: String,
    #[serde(rename = "type")]
    pub(in crate::testing) record_type: String,
    pub(in crate::testing) server: Option<String>,
    #[serde(default)]
    pub(in crate::testing) answers: Vec<String>,
    #[serde(default = "five_minutes")]
    pub(in crate::testing) ttl: u32,
    pub(in crate::testing) error: Option<Fail>,
}

const fn five_minutes() -> u32 {
    300
}
