//! Durations and sizes as people type them.

use std::time::Duration;

/// Units of durations with their milliseconds, largest first.
const TIME_UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Units of sizes with their bytes, largest first.
const SIZE_UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Reads `250ms`, `15s`, `5m`, `1h30m`, `2d`: whole numbers with units from large to small, each at most once.
///
/// # Errors
/// What is wrong, and what to write instead.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    if text.is_empty() {
        return Err("an empty duration".to_owned());
    }
    let mut rest = text;
    let mut total_ms: u64 = 0;
    let mut units_left = &TIME_UNITS[..];
    while !rest.is_empty() {
        let (count, unit, after) = split_unit(rest)?;
        let Some(at) = units_left.iter().position(|(name, _)| *name == unit) else {
            return Err(match TIME_UNITS.iter().any(|(name, _)| *name == unit) {
                true => "units must go from large to small, each at most once".to_owned(),
                false if unit.is_empty() => "the unit is missing".to_owned(),
                false => format!("`{unit}` is no unit of time"),
            });
        };
        total_ms = count
            .checked_mul(units_left[at].1)
            .and_then(|ms| total_ms.checked_add(ms))
            .ok_or_else(|| "too long".to_owned())?;
        units_left = &units_left[at + 1..];
        rest = after;
    }
    Ok(Duration::from_millis(total_ms))
}

/// The shortest text that [`parse_duration`] reads as `duration`; what is below a millisecond is dropped.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let mut left = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (unit, ms) in TIME_UNITS {
        if left >= ms {
            text.push_str(&format!("{}{unit}", left / ms));
            left %= ms;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// Reads `32MiB`, `64KiB`, `1GiB`, `512B`: a whole number of bytes with a binary unit.
///
/// # Errors
/// What is wrong, and what to write instead.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let (count, unit, after) = split_unit(text)?;
    if !after.is_empty() {
        return Err("more than one number".to_owned());
    }
    let Some((_, bytes)) = SIZE_UNITS.iter().find(|(name, _)| *name == unit) else {
        let first = unit.chars().next().map(|c| c.to_ascii_uppercase());
        return Err(match SIZE_UNITS.iter().find(|(name, _)| first.is_some() && name.chars().next() == first) {
            _ if unit.is_empty() => "the unit is missing".to_owned(),
            Some((near, _)) => format!("`{unit}` is no unit of size, write `{count}{near}`"),
            None => format!("`{unit}` is no unit of size"),
        });
    };
    count.checked_mul(*bytes).ok_or_else(|| "too large".to_owned())
}

/// The shortest text that [`parse_size`] reads as `bytes`.
#[must_use]
pub fn format_size(bytes: u64) -> String {
    let (unit, size) =
        SIZE_UNITS.into_iter().find(|(_, size)| bytes >= *size && bytes.is_multiple_of(*size)).unwrap_or(("B", 1));
    format!("{}{unit}", bytes / size)
}

/// `1_000_000`, as TOML reads it.
pub(super) fn format_number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('_');
        }
        text.push(digit);
    }
    text
}

/// Splits `15s…` into 15, `s` and the rest.
fn split_unit(text: &str) -> Result<(u64, &str, &str), String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (count, rest) = text.split_at(digits);
    if count.is_empty() {
        return Err("a whole number must come first, without blanks, sign or fraction".to_owned());
    }
    if rest.starts_with(['.', ',']) {
        return Err("only whole numbers, use a smaller unit instead of a fraction".to_owned());
    }
    let count = count.parse().map_err(|_| "too large a number".to_owned())?;
    let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
    let (unit, after) = rest.split_at(letters);
    Ok((count, unit, after))
}
