//! Text from guests, made safe to show.

use std::borrow::Cow;

/// `text` on one line: control characters become spaces, at most `max` bytes, cut at a character with `…`.
#[must_use]
pub fn clean(text: &str, max: usize) -> String {
    cut(text, max, |c| c.is_control() || is_direction(c))
}

/// The same for text of several lines: newlines and tabs stay.
#[must_use]
pub fn clean_lines(text: &str, max: usize) -> String {
    cut(text, max, |c| (c.is_control() && c != '\n' && c != '\t') || is_direction(c))
}

/// `text` as part of a line: as [`clean`] without a bound, and free of cost where nothing is to be done.
#[must_use]
pub fn in_line(text: &str) -> Cow<'_, str> {
    if text.contains(|c: char| c.is_control() || is_direction(c)) {
        Cow::Owned(clean(text, text.len()))
    } else {
        Cow::Borrowed(text)
    }
}

/// An error with all its causes on one line.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

fn cut(text: &str, max: usize, bad: impl Fn(char) -> bool) -> String {
    const ELLIPSIS: &str = "…";
    let mut clean = String::with_capacity(text.len().min(max));
    for c in text.trim_end().chars() {
        if clean.len() + c.len_utf8() > max {
            while clean.len() + ELLIPSIS.len() > max {
                if clean.pop().is_none() {
                    return clean;
                }
            }
            clean.push_str(ELLIPSIS);
            return clean;
        }
        clean.push(if bad(c) { ' ' } else { c });
    }
    clean
}

/// Characters that reorder what a terminal or a page shows.
pub const fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `12.3 MiB`, for people: three digits at most, to the nearest.
#[must_use]
pub fn rough_size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let (mut size, mut unit) = (bytes as f64, "bytes");
    for next in UNITS {
        // Not 1,024 of one unit where 1 of the next is meant.
        if size < 1_023.5 {
            break;
        }
        (size, unit) = (size / 1024.0, next);
    }
    format!("{} {unit}", three_digits(size))
}

/// `200 million`, for people: three digits at most, to the nearest.
#[must_use]
pub fn rough_count(count: u64) -> String {
    match count {
        0..1_000_000 => count.to_string(),
        1_000_000..1_000_000_000 => format!("{} million", three_digits(count as f64 / 1e6)),
        _ => format!("{} billion", three_digits(count as f64 / 1e9)),
    }
}

fn three_digits(number: f64) -> String {
    let digits = if number < 9.995 { 2 } else { usize::from(number < 99.95) };
    let text = format!("{number:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // A terminal escape in a message does not reach the terminal.
    #[test]
    fn control_characters_become_spaces() {
        assert_eq!(clean("a\u{1b}[31mb\r\nc\u{202e}d", 100), "a [31mb  c d");
        assert_eq!(in_line("a\n[+]b ok"), "a [+]b ok");
        assert!(matches!(in_line("a b"), Cow::Borrowed("a b")));
    }

    proptest! {
        // Whatever comes in, no more than the limit goes out, and nothing is lost below it.
        #[test]
        fn never_longer_than_the_limit(text in ".{0,60}", max in 0usize..40) {
            let clean = clean(&text, max);
            prop_assert!(clean.len() <= max);
            if text.len() <= max && !text.chars().any(|c| c.is_control() || is_direction(c)) {
                prop_assert_eq!(clean, text.trim_end());
            }
        }
    }

    // Sizes and counts are told as people say them.
    #[test]
    fn numbers_are_rough() {
        let sizes = [0, 1023, 1024, 32 << 20, 113_377_280, 12_900_000, (1 << 30) - 1, u64::MAX];
        let said = sizes.map(rough_size);
        assert_eq!(said, ["0 bytes", "1023 bytes", "1 KiB", "32 MiB", "108 MiB", "12.3 MiB", "1 GiB", "16777216 TiB"]);
        let counts = [999_999, 1_000_000, 200_000_000, 1_234_567_890];
        assert_eq!(counts.map(rough_count), ["999999", "1 million", "200 million", "1.23 billion"]);
    }
}
