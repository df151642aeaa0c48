//! What an event may be made of: its first line says what it is, and every further one is indented.
//!
//! So whoever reads line by line never takes words from outside for a line of the host's, and a terminal that shows the log
//! obeys nobody.

use std::borrow::Cow;
use std::fmt::Write;

use probity_core::text::is_direction;

/// What every line of an event but the first begins with.
const INDENT: &str = "    ";

/// One event, which ends in a newline: what is between is indented, and control characters are written out. With `colours`
/// those of the subscriber stay.
pub(super) fn one(event: &str, colours: bool) -> Cow<'_, str> {
    let (text, end) = event.strip_suffix('\n').map_or((event, ""), |text| (text, "\n"));
    if !text.chars().any(is_unfit) {
        return Cow::Borrowed(event);
    }
    let mut clean = String::with_capacity(event.len() + 32);
    let mut rest = text;
    while let Some(at) = rest.find(is_unfit) {
        clean.push_str(&rest[..at]);
        rest = &rest[at..];
        let colour = if colours { colour(rest) } else { 0 };
        let unfit = rest.chars().next().unwrap_or_default();
        if colour > 0 {
            clean.push_str(&rest[..colour]);
        } else if unfit == '\n' {
            clean.push('\n');
            clean.push_str(INDENT);
        } else {
            // As JSON has it, so that a line of JSON stays one. Writing to a string does not fail.
            let _ = write!(clean, "\\u{:04x}", u32::from(unfit));
        }
        rest = &rest[colour.max(unfit.len_utf8())..];
    }
    clean.push_str(rest);
    clean.push_str(end);
    Cow::Owned(clean)
}

/// Ends a line somewhere, moves a cursor or reorders what is shown. A tab does no harm.
fn is_unfit(c: char) -> bool {
    (c.is_control() && c != '\t') || is_direction(c) || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Bytes of the colour that `text` begins with: `ESC [ 1 ; 31 m`. 0 for everything else.
fn colour(text: &str) -> usize {
    let Some(inner) = text.strip_prefix("\u{1b}[") else { return 0 };
    let end = inner.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(inner.len());
    if inner[end..].starts_with('m') { 2 + end + 1 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Words with a newline cannot pass for a line of the log, and none of them move a cursor.
    #[test]
    fn an_event_is_one_line_and_what_is_indented() {
        let event = "2026-01-01T00:00:00Z  WARN x\n2026-01-01T00:00:01Z ERROR forged\r\u{1b}[2J\u{202e}\u{9b}\n";
        assert_eq!(
            one(event, false),
            "2026-01-01T00:00:00Z  WARN x\n    2026-01-01T00:00:01Z ERROR forged\\u000d\\u001b[2J\\u202e\\u009b\n"
        );
        assert!(matches!(one("plain\ttext\n", false), Cow::Borrowed("plain\ttext\n")));
        assert_eq!(one("no end\u{7f}", false), "no end\\u007f");
    }

    // The subscriber's colours stay where there are any; what else begins like one does not.
    #[test]
    fn colours_stay_where_there_are_any() {
        let event = "\u{1b}[2mtime\u{1b}[0m \u{1b}[1;31mERROR\u{1b}[0m \u{1b}]0;title\u{7}\u{1b}[9A\n";
        assert_eq!(
            one(event, true),
            "\u{1b}[2mtime\u{1b}[0m \u{1b}[1;31mERROR\u{1b}[0m \\u001b]0;title\\u0007\\u001b[9A\n"
        );
        assert!(!one(event, false).contains('\u{1b}'));
    }

    // A line of JSON is still that JSON.
    #[test]
    fn json_stays_json() {
        let line = serde_json::json!({ "message": "a\u{85}b\u{2028}c\u{1b}d\ne" }).to_string();
        let clean = one(&line, false).into_owned();
        assert!(clean.is_ascii(), "{clean}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&clean).unwrap(),
            serde_json::from_str::<serde_json::Value>(&line).unwrap()
        );
    }
}
