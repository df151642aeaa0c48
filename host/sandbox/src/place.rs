//! What a guest said last, and where in its author's files that was. Kits log an uncaught panic or exception with a stack
//! below it, each as its language writes one.

/// Bytes of a file's name that are shown.
const FILE_BYTES_MAX: usize = 80;

/// Bytes of a function's name that are shown in a sentence.
const FUNCTION_BYTES_MAX: usize = 120;

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

/// The innermost function of a stack that begins in a file of its author's, which its name says when the component was
/// built with debug information: `loop (check.c:13)`.
pub(super) fn of_frames<'a>(mut names: impl Iterator<Item = &'a str>) -> Option<String> {
    names.find_map(|name| {
        let (function, place) = name.strip_suffix(')')?.rsplit_once(" (")?;
        let (file, number) = place.rsplit_once(':')?;
        let place = shown(file, number)?;
        let is_short = !function.is_empty() && function.len() <= FUNCTION_BYTES_MAX;
        Some(if is_short { format!("in {function} ({place})") } else { format!("at {place}") })
    })
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

    // The innermost function of the author's own is told, whatever it called, and a name that only looks like it is none.
    #[test]
    fn frames_tell_the_authors_own() {
        let of = |names: &[&str]| of_frames(names.iter().copied());
        assert_eq!(of(&["memset", "fill (check.c:13)", "run (check.c:2)"]).as_deref(), Some("in fill (check.c:13)"));
        assert_eq!(of(&["<T as Check>::run (src/lib.rs:7)"]).as_deref(), Some("in <T as Check>::run (src/lib.rs:7)"));
        assert_eq!(of(&[&format!("{} (check.c:13)", "x".repeat(200))]).as_deref(), Some("at check.c:13"));
        for name in ["", "run", "run ()", "run (x)", "operator() (int)", "f (a b:3)", "f (:3)"] {
            assert_eq!(of(&[name]), None, "{name}");
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
