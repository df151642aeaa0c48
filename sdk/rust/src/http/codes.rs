//! Which status codes are fine.

use std::fmt;

use serde::de::{self, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

/// A range of status codes, both ends included. Configuration writes `204`, or `"200-299"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Codes {
    first: u16,
    last: u16,
}

impl Codes {
    /// Every code that means success.
    pub const SUCCESS: Self = Self { first: 200, last: 299 };

    /// Whether `status` is one of them.
    pub fn contain(self, status: u16) -> bool {
        (self.first..=self.last).contains(&status)
    }

    /// What is wrong with `status`: "status 500, expected 200-299 or 404". `None` when it is in one of the ranges.
    pub fn complaint(of: &[Self], status: u16) -> Option<String> {
        if of.iter().any(|codes| codes.contain(status)) {
            return None;
        }
        let expected: Vec<String> = of.iter().map(ToString::to_string).collect();
        Some(format!("status {status}, expected {}", expected.join(" or ")))
    }

    /// `204`, or `200-299`.
    fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let codes = Self { first: code(first)?, last: code(last)? };
        (codes.first <= codes.last).then_some(codes)
    }
}

fn code(text: &str) -> Option<u16> {
    let plain = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|code| plain && (100..=599).contains(code))
}

impl fmt::Display for Codes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { first, last } if first == last => write!(f, "{first}"),
            Self { first, last } => write!(f, "{first}-{last}"),
        }
    }
}

impl<'de> Deserialize<'de> for Codes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CodesVisitor)
    }
}

struct CodesVisitor;

impl Visitor<'_> for CodesVisitor {
    type Value = Codes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a status like 204 or \"200-299\"")
    }

    fn visit_u64<E: de::Error>(self, code: u64) -> Result<Codes, E> {
        Codes::parse(&code.to_string()).ok_or_else(|| E::invalid_value(Unexpected::Unsigned(code), &self))
    }

    fn visit_str<E: de::Error>(self, range: &str) -> Result<Codes, E> {
        let codes = Codes::parse(range).filter(|_| range.contains('-'));
        codes.ok_or_else(|| E::invalid_value(Unexpected::Str(range), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, from_value, json};

    // A status is a code or a range of codes, in order.
    #[test]
    fn statuses_read_as_codes_and_ranges() {
        let codes = |value: Value| from_value::<Codes>(value).ok();
        assert_eq!(codes(json!(204)), Some(Codes { first: 204, last: 204 }));
        assert_eq!(codes(json!("200-299")), Some(Codes::SUCCESS));
        for wrong in [json!("2xx"), json!("299-200"), json!(99), json!(1000), json!("-1-200"), json!(null)] {
            assert_eq!(codes(wrong.clone()), None, "{wrong}");
        }
    }
}
