//! Numbers that keep their digits.
//!
//! A double holds every integer up to 2^53 and only some beyond: identifiers, offsets and amounts in small units get
//! there. What is compared as [`Number`] is compared as what it is.

use std::cmp::Ordering;
use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};

use crate::units::{Quantity, number};

/// The integers up to which a double misses none.
const EXACT_MAX: u128 = 1 << 53;

/// A number as it was told.
///
/// ```
/// use probity_check::units::Number;
///
/// let next = Number::from(9_007_199_254_740_993_i64);
/// assert!(next > Number::from(9_007_199_254_740_992_i64) && next > Number::from(9_007_199_254_740_992.0));
/// assert_eq!(Number::parse("5.00"), Some(Number::from(5)));
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// A whole number.
    Integer(i128),
    /// A real number.
    Real(f64),
}

impl Number {
    /// The number that `text` writes; none for another text, and for what is not finite.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        // An exact decimal without anything after the point is an integer.
        let whole = match text.split_once('.') {
            Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|digit| digit == b'0') => whole,
            _ => text,
        };
        let real = || text.parse().ok().filter(|number: &f64| number.is_finite()).map(Self::Real);
        whole.parse().ok().map(Self::Integer).or_else(real)
    }

    /// The number in a JSON document; none where there is something else.
    pub fn of_json(value: &serde_json::Value) -> Option<Self> {
        let serde_json::Value::Number(number) = value else { return None };
        let integer = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
        integer.map(Self::Integer).or_else(|| number.as_f64().map(Self::Real))
    }

    /// The sum: of integers an integer, as long as there is room for it.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) if a.checked_add(b).is_some() => Self::Integer(a + b),
            (a, b) => Self::Real(a.as_f64() + b.as_f64()),
        }
    }

    /// Whether it is no number at all.
    pub const fn is_nan(self) -> bool {
        matches!(self, Self::Real(real) if real.is_nan())
    }

    /// The nearest double.
    #[expect(clippy::cast_precision_loss, reason = "that is what it is for")]
    pub const fn as_f64(self) -> f64 {
        match self {
            Self::Integer(value) => value as f64,
            Self::Real(value) => value,
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

/// What is not a number is in no order.
impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (*self, *other) {
            (Self::Integer(a), Self::Integer(b)) => Some(a.cmp(&b)),
            (Self::Real(a), Self::Real(b)) => a.partial_cmp(&b),
            (Self::Integer(a), Self::Real(b)) => integer_with_real(a, b),
            (Self::Real(a), Self::Integer(b)) => integer_with_real(b, a).map(Ordering::reverse),
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "within the bounds that are checked")]
fn integer_with_real(integer: i128, real: f64) -> Option<Ordering> {
    if real.is_nan() {
        return None;
    }
    // 2^127, the first that is too large.
    if real >= -(i128::MIN as f64) {
        return Some(Ordering::Less);
    }
    if real < i128::MIN as f64 {
        return Some(Ordering::Greater);
    }
    let whole = real.trunc() as i128;
    Some(integer.cmp(&whole).then_with(|| 0.0.partial_cmp(&real.fract()).unwrap_or(Ordering::Equal)))
}

/// As a person writes it: integers with all their digits, others with two decimals.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) if value.unsigned_abs() > EXACT_MAX => write!(f, "{value}"),
            value => f.write_str(&number(value.as_f64())),
        }
    }
}

impl Quantity for Number {
    fn amount(self) -> f64 {
        self.as_f64()
    }

    fn exact(self) -> Number {
        self
    }

    fn show(amount: f64, unit: &str) -> String {
        f64::show(amount, unit)
    }

    fn show_exact(amount: Number, unit: &str) -> String {
        f64::show_exact(amount, unit)
    }
}

macro_rules! from {
    ($($integer:ty),*) => {
        $(impl From<$integer> for Number {
            fn from(value: $integer) -> Self { Self::Integer(value.into()) }
        })*
    };
}

from!(i32, u32, i64, u64);

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Number, E> {
        Ok(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Number, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Number, E> {
        Ok(value.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEYOND: i64 = (1 << 53) + 1;

    // Integers are compared as integers, and with reals as what both are.
    #[test]
    fn integers_are_compared_as_integers() {
        let of = Number::from;
        assert!(of(BEYOND) > of(BEYOND - 1) && of(BEYOND) != of(BEYOND - 1));
        assert!(Number::from(BEYOND) > Number::from((BEYOND - 1) as f64));
        assert!(Number::from(u64::MAX) > Number::from(u64::MAX - 1));
        assert!(Number::from(3) < Number::from(3.5) && Number::from(-3) > Number::from(-3.5));
        assert!(Number::from(3) == Number::from(3.0));
        assert!(Number::from(i64::MAX) < Number::from(f64::INFINITY));
        assert!(Number::from(i64::MIN) > Number::from(f64::NEG_INFINITY));
        assert_eq!(Number::from(1).partial_cmp(&Number::from(f64::NAN)), None);
    }

    // Text keeps its digits; what is no number, or not finite, is none.
    #[test]
    fn text_keeps_its_digits() {
        assert_eq!(Number::parse(" 9007199254740993 "), Some(BEYOND.into()));
        assert_eq!(Number::parse("9007199254740993.000"), Some(BEYOND.into()));
        assert_eq!(Number::parse("-12.50"), Some(Number::from(-12.5)));
        assert_eq!(
            ["", ".", "5.", "x", "NaN", "inf", "1 2"].map(Number::parse).map(|n| n.is_some()),
            [false, false, true, false, false, false, false]
        );
        assert_eq!(Number::from(BEYOND).to_string(), "9007199254740993");
        assert_eq!(Number::from(2.5).to_string(), "2.5");
    }

    // A document's integers are read as such.
    #[test]
    fn documents_keep_their_integers() {
        let read = |text: &str| Number::of_json(&serde_json::from_str(text).unwrap());
        assert_eq!(read("9007199254740993"), Some(BEYOND.into()));
        assert_eq!(read("18446744073709551615"), Some(u64::MAX.into()));
        assert_eq!(read("\"1\""), None);
        assert_eq!(serde_json::from_str::<Number>("9007199254740993").unwrap(), BEYOND.into());
    }
}
