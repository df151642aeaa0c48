//! Text from guests, made safe to show.

use std::borrow::Cow;

/// `text` on one line: control characters become spaces, at most `max` bytes, cut at a character with `…`.
#[must_use]
pub(crate) fn clean(text: &str, max: usize) -> String {
    cut(text, max, |c| c.is_control() || is_direction(c))
}

/// The same for text of several lines: newlines and tabs stay.
#[must_use]
pub(crate) fn clean_lines(text: &str, max: usize) -> String {
    cut(text, max, |c| (c.is_control() && c != '\n' && c != '\t') || is_direction(c))
}

/// `text` as part of a line: as [`clean`] without a bound, and free of cost where nothing is to be done.
#[must_use]
pub(crate) fn in_line(text: &str) -> Cow<'_, str> {
    if text.contains(|c: char| c.is_control() || is_direction(c)) {
        Cow::Owned(clean(text, text.len()))
    } else {
        Cow::Borrowed(text)
    }
}

/// An error with all its causes on one line.
#[must_use]
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
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
pub(crate) const fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
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
}
