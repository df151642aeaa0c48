//! What a guest said last, and where in its author's files that was. Kits log an uncaught panic or exception with a stack
//! below it, each as its language writes one.

/// Bytes of a file's name that are shown.
const FILE_BYTES_MAX: usize = 80;

/// What a kit logged of an uncaught panic or exception, in one line, with its place: `KeyError: 'nope' (check.py:13)`. None
/// when it is another error that a guest logged, however long before its end.
pub(super) fn last_words(said: &str) -> Option<String> {
    let words = said.lines().next()?.trim();
    let place = innermost(said);
    let marked = words.strip_prefix("uncaught ");
    let words = match (marked, &place) {
        (Some(words), _) => words,
        (None, Some(_)) => words,
        (None, None) => return None,
    };
    match place {
        Some(place) if !words.ends_with(&format!("({place})")) => Some(format!("{words} ({place})")),
        _ => Some(words.to_owned()),
    }
}

/// The first place below the first line: `check.py:13`.
pub(super) fn innermost(said: &str) -> Option<String> {
    said.lines().skip(1).find_map(of_line)
}

/// The place that a line of a stack names: `at run (check.ts:9:3)`, `at src/lib.rs:13:5`, `at run in check.py, line 13`.
fn of_line(line: &str) -> Option<String> {
    let rest = line.trim().strip_prefix("at ")?;
    if let Some((file, number)) = rest.rsplit_once(", line ") {
        let file = file.rsplit_once(" in ").map_or(file, |(_, file)| file);
        return shown(file, number.trim());
    }
    let inner = rest.strip_suffix(')').and_then(|rest| rest.rsplit_once('(')).map_or(rest, |(_, inner)| inner);
    let (before, last) = inner.rsplit_once(':')?;
    match before.rsplit_once(':') {
        // With a column.
        Some((file, number)) if is_number(number) && is_number(last) => shown(file, number),
        _ => shown(before, last),
    }
}

fn shown(file: &str, number: &str) -> Option<String> {
    let file = file.trim();
    // Where it was built says nothing to anybody.
    let is_absolute = file.starts_with('/') || file.contains("://") || file.get(1..2) == Some(":");
    let name = if is_absolute { file.rsplit(['/', '\\']).next()? } else { file };
    let fits = !name.is_empty() && name.len() <= FILE_BYTES_MAX && !name.contains(char::is_whitespace);
    (fits && is_number(number)).then(|| format!("{name}:{number}"))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() < 10 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    // Whatever language wrote it, the words come first and the place behind them.
    #[test]
    fn words_come_with_their_place() {
        for (said, told) in [
            ("KeyError: 'nope'\n    at run in check.py, line 13", "KeyError: 'nope' (check.py:13)"),
            ("KeyError: 'nope'\n    at run in /build/app/check.py, line 13", "KeyError: 'nope' (check.py:13)"),
            ("uncaught panic: boom\n    at src/lib.rs:13:5", "panic: boom (src/lib.rs:13)"),
            (
                "uncaught panic: boom\nat main.check.Run (check.go:12)\nat main.main (main.go:3)",
                "panic: boom (check.go:12)",
            ),
            ("uncaught Error: boom\n    at run (check.ts:9:3)", "Error: boom (check.ts:9)"),
            ("uncaught Error: boom\n    at file:///app/check.ts:9:3", "Error: boom (check.ts:9)"),
            ("uncaught panic: boom", "panic: boom"),
        ] {
            assert_eq!(last_words(said).as_deref(), Some(told), "{said}");
        }
    }

    // An error that was logged on the way is not what ended the run, and what is no place is not shown as one.
    #[test]
    fn other_errors_are_no_last_words() {
        for said in
            ["", "retrying", "retrying\nat the third time", "a\nat b:c", "a\nat (:1)", "a\n at x y:1", "a\nat é:"]
        {
            assert_eq!(last_words(said), None, "{said}");
        }
        assert_eq!(last_words(&format!("a\nat {}:1", "x".repeat(100))), None);
    }
}
