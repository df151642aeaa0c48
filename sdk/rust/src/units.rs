//! Quantities with units, as configuration writes them: `250ms`, `10m`, `5GiB`.

use std::fmt;

use serde::de::{self, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

pub use crate::number::Number;

/// Something a threshold can be given in.
pub trait Quantity: Copy {
    /// The value in the base unit: milliseconds, bytes, or whatever a plain number means.
    fn amount(self) -> f64;

    /// The same with all its digits.
    fn exact(self) -> Number {
        Number::Real(self.amount())
    }

    /// An amount for a person; `unit` is the UCUM code of a plain number.
    fn show(amount: f64, unit: &str) -> String;

    /// The same with all the digits of an integer.
    fn show_exact(amount: Number, unit: &str) -> String {
        Self::show(amount.as_f64(), unit)
    }
}

impl Quantity for f64 {
    fn amount(self) -> f64 {
        self
    }

    fn show(amount: f64, unit: &str) -> String {
        Self::show_exact(Number::Real(amount), unit)
    }

    fn show_exact(amount: Number, unit: &str) -> String {
        // UCUM writes "no unit" as 1 and annotations in braces.
        match unit.trim_matches(['{', '}']) {
            "" | "1" => amount.to_string(),
            unit => format!("{amount} {unit}"),
        }
    }
}

/// A length of time, written `250ms`, `15s`, `10m`, `2h` or `7d`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    ms: u64,
}

const SPAN_UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

impl Span {
    /// A span of this many milliseconds.
    pub const fn from_ms(ms: u64) -> Self {
        Self { ms }
    }

    /// Its length in milliseconds.
    pub const fn as_ms(self) -> u64 {
        self.ms
    }

    /// Its length in milliseconds, as capabilities take it; at most `u32::MAX` (49 days).
    pub fn as_timeout_ms(self) -> u32 {
        u32::try_from(self.ms).unwrap_or(u32::MAX)
    }
}

impl Quantity for Span {
    fn amount(self) -> f64 {
        self.ms as f64
    }

    fn exact(self) -> Number {
        self.ms.into()
    }

    fn show(amount: f64, _unit: &str) -> String {
        scaled(amount, &SPAN_UNITS)
    }
}

/// A number of bytes, written `512`, `64KiB`, `32MiB`, `5GiB`, `2TiB` (or with `KB`, `MB`, `GB`, `TB` in thousands).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size {
    bytes: u64,
}

const SIZE_UNITS: [(&str, u64); 5] = [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)];
const SIZE_UNITS_DECIMAL: [(&str, u64); 4] =
    [("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000)];

impl Size {
    /// A size of this many bytes.
    pub const fn from_bytes(bytes: u64) -> Self {
        Self { bytes }
    }

    /// Its number of bytes.
    pub const fn as_bytes(self) -> u64 {
        self.bytes
    }
}

impl Quantity for Size {
    fn amount(self) -> f64 {
        self.bytes as f64
    }

    fn exact(self) -> Number {
        self.bytes.into()
    }

    fn show(amount: f64, _unit: &str) -> String {
        scaled(amount, &SIZE_UNITS)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Self::show(self.amount(), "ms"))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Self::show(self.amount(), "By"))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SpanVisitor)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SizeVisitor)
    }
}

struct SpanVisitor;

impl Visitor<'_> for SpanVisitor {
    type Value = Span;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration like 250ms, 15s, 10m, 2h or 7d")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Span, E> {
        let ms = parse(text, &SPAN_UNITS);
        ms.map(Span::from_ms).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

struct SizeVisitor;

impl Visitor<'_> for SizeVisitor {
    type Value = Size;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a size like 512, 64KiB, 32MiB or 5GiB")
    }

    fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<Size, E> {
        Ok(Size::from_bytes(bytes))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Size, E> {
        let bytes = parse(text, &SIZE_UNITS).or_else(|| parse(text, &SIZE_UNITS_DECIMAL));
        bytes.map(Size::from_bytes).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

/// `"15s"` → 15 × the factor of `s`. Decimals are not part of the syntax.
fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let factor = units.iter().find(|(name, _)| *name == unit)?.1;
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// `amount` in the largest unit of which there is at least one.
fn scaled(amount: f64, units: &[(&str, u64)]) -> String {
    let fits = |&&(_, factor): &&(&str, u64)| amount.abs() >= factor as f64;
    let (name, factor) = units.iter().rev().find(fits).unwrap_or(&units[0]);
    format!("{} {name}", number(amount / *factor as f64))
}

/// Two decimals, or as many as show two digits of a small number, without trailing zeros.
pub(crate) fn number(value: f64) -> String {
    let magnitude = value.abs().log10().floor();
    let decimals = if (-12.0..-1.0).contains(&magnitude) { (1.0 - magnitude) as usize } else { 2 };
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(text: &str) -> Option<u64> {
        serde_json::from_value::<Span>(text.into()).ok().map(Span::as_ms)
    }

    fn size(json: serde_json::Value) -> Option<u64> {
        serde_json::from_value::<Size>(json).ok().map(Size::as_bytes)
    }

    // Durations read as they are written in the host's file.
    #[test]
    fn durations_read_with_units() {
        assert_eq!(
            ["250ms", "15s", "10m", "2h", "7d"].map(span),
            [250, 15_000, 600_000, 7_200_000, 604_800_000].map(Some)
        );
        assert_eq!(["10", "s", "-1s", "1.5s", "1 s", "", "99999999999999999999d"].map(span), [None; 7]);
    }

    // Sizes are bytes or text in binary or decimal units.
    #[test]
    fn sizes_read_with_units() {
        assert_eq!(size(512.into()), Some(512));
        assert_eq!(size("5GiB".into()), Some(5 * 1024 * 1024 * 1024));
        assert_eq!(size("5GB".into()), Some(5_000_000_000));
        assert_eq!((size("5G".into()), size("18446744073709551615TiB".into())), (None, None));
    }

    // Amounts are shown in the unit a person would choose.
    #[test]
    fn amounts_are_shown_readably() {
        assert_eq!(Span::show(1500.0, "ms"), "1.5 s");
        assert_eq!(Span::show(0.25, "ms"), "0.25 ms");
        assert_eq!(Size::show(1536.0, "By"), "1.5 KiB");
        assert_eq!(f64::show(90.0, "%"), "90 %");
        assert_eq!(f64::show(3.0, "{orders}"), "3 orders");
        assert_eq!(f64::show(1.05, "1"), "1.05");
        assert_eq!(f64::show(100.0, ""), "100");
        assert_eq!([0.0, 0.004_56, -0.01, 0.998, 1e-20].map(number), ["0", "0.0046", "-0.01", "1", "0"]);
    }

    // A bad value is refused with the ways to write it.
    #[test]
    fn errors_say_what_is_allowed() {
        let error = serde_json::from_value::<Span>("10".into()).unwrap_err().to_string();
        assert!(error.contains("\"10\", expected a duration like 250ms"), "{error}");
    }
}
