//! The Prometheus text format, one line at a time.
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>; what OpenMetrics adds (exemplars, `# EOF`, quoted
//! names) is understood as far as it lies on the way to a value.

use probity_check::units::Number;

/// Labels of one series. More is refused: no exporter comes near.
const LABELS_MAX: usize = 128;

/// One line with a value. Names borrow from the page; label values are unescaped.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample<'a> {
    pub(crate) name: String,
    pub(crate) labels: Vec<(&'a str, String)>,
    pub(crate) value: Number,
}

/// The sample on a line; none on a comment or an empty line.
///
/// # Errors
/// What was expected where.
pub(crate) fn parse_line(line: &str) -> Result<Option<Sample<'_>>, String> {
    let line = line.trim_matches([' ', '\t', '\r']);
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let end = line.find(|c: char| !is_name(c)).unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    let mut cursor = Cursor(rest.trim_start_matches([' ', '\t']));
    let mut sample = Sample { name: name.to_owned(), labels: Vec::new(), value: Number::Real(f64::NAN) };
    if cursor.skip('{') {
        labels(&mut cursor, &mut sample)?;
    }
    if sample.name.is_empty() {
        return Err("no metric name".to_owned());
    }
    let text = cursor.0.split([' ', '\t']).find(|word| !word.is_empty()).unwrap_or_default();
    sample.value = value(text).ok_or_else(|| format!("{text:?} is no number"))?;
    // A timestamp and an exemplar may follow: neither changes the value.
    Ok(Some(sample))
}

/// Letters of metric and label names.
fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | ':')
}

/// Rust reads `NaN`, `Inf` and signs as Prometheus writes them; `infinity` and the like it reads as well. Integers keep their
/// digits, although Prometheus itself makes doubles of them.
fn value(text: &str) -> Option<Number> {
    Number::parse(text).or_else(|| text.parse().ok().map(Number::Real))
}

/// Through the closing brace. A quoted text without `=` is the metric's name, as UTF-8 names are written.
fn labels<'a>(cursor: &mut Cursor<'a>, sample: &mut Sample<'a>) -> Result<(), String> {
    loop {
        cursor.skip_blanks();
        if cursor.skip('}') {
            cursor.skip_blanks();
            return Ok(());
        }
        if sample.labels.len() >= LABELS_MAX {
            return Err(format!("more than {LABELS_MAX} labels"));
        }
        if cursor.0.starts_with('"') {
            let (raw, text) = cursor.quoted()?;
            cursor.skip_blanks();
            if cursor.0.starts_with('=') {
                label(cursor, raw, sample)?;
            } else {
                sample.name = text;
            }
        } else {
            let end = cursor.0.find(|c: char| !is_name(c)).unwrap_or(cursor.0.len());
            let (name, rest) = cursor.0.split_at(end);
            if name.is_empty() {
                return Err("expected a label or `}`".to_owned());
            }
            cursor.0 = rest;
            label(cursor, name, sample)?;
        }
        cursor.skip_blanks();
        if !cursor.skip(',') && !cursor.0.starts_with('}') {
            return Err("expected `,` or `}` after a label".to_owned());
        }
    }
}

fn label<'a>(cursor: &mut Cursor<'a>, name: &'a str, sample: &mut Sample<'a>) -> Result<(), String> {
    cursor.skip_blanks();
    if !cursor.skip('=') {
        return Err(format!("expected `=` after label {name}"));
    }
    cursor.skip_blanks();
    let (_, text) = cursor.quoted()?;
    sample.labels.push((name, text));
    Ok(())
}

/// What is left of a line.
struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    fn skip(&mut self, c: char) -> bool {
        let rest = self.0.strip_prefix(c);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn skip_blanks(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }

    /// A text in quotes: as written, and unescaped.
    fn quoted(&mut self) -> Result<(&'a str, String), String> {
        let inner = self.0.strip_prefix('"').ok_or("expected `\"`")?;
        let mut text = String::new();
        let mut chars = inner.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.0 = &inner[at + 1..];
                    return Ok((&inner[..at], text));
                }
                '\\' => match chars.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, c @ ('"' | '\\'))) => text.push(c),
                    // As Prometheus: a backslash before anything else is a backslash.
                    Some((_, c)) => text.extend(['\\', c]),
                    None => break,
                },
                c => text.push(c),
            }
        }
        Err("a label value does not end".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample(line: &str) -> Option<Sample<'_>> {
        parse_line(line).unwrap()
    }

    fn labels_of<'a>(sample: &'a Sample<'_>) -> Vec<(&'a str, &'a str)> {
        sample.labels.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    // The lines of the format's own documentation read as it says.
    #[test]
    fn documented_lines_read() {
        let first = sample(r#"http_requests_total{method="post",code="200"} 1027 1395066363000"#).unwrap();
        assert_eq!((first.name.as_str(), first.value), ("http_requests_total", 1027.into()));
        assert_eq!(labels_of(&first), [("method", "post"), ("code", "200")]);
        let escaped =
            sample(r#"e{path="C:\\DIR\\FILE.TXT",error="Cannot find file:\n\"FILE.TXT\""} 1.458255915e9"#).unwrap();
        assert_eq!(labels_of(&escaped), [("path", r"C:\DIR\FILE.TXT"), ("error", "Cannot find file:\n\"FILE.TXT\"")]);
        assert_eq!(sample("metric_without_timestamp_and_labels 12.47").unwrap().value, 12.47.into());
        assert_eq!(sample(r#"weird{problem="division by zero"} +Inf -3982045"#).unwrap().value, f64::INFINITY.into());
        assert!(sample(r#"s { quantile = "0.01" , } NaN"#).unwrap().value.is_nan());
        assert_eq!(sample(r#"{"http.requests", "my.label"="x"} 3"#).unwrap().name, "http.requests");
        assert_eq!(sample(r#"x_bucket{le="1"} 5 # {trace_id="a"} 0.3 1.5"#).unwrap().value, 5.into());
        for nothing in ["", "  ", "# HELP x y", "# EOF", "#"] {
            assert_eq!(sample(nothing), None, "{nothing:?}");
        }
    }

    // What is not the format is refused, with what was expected.
    #[test]
    fn other_lines_are_refused() {
        for line in ["<html>", "x", "x y", "x{a=\"1\" 5", "x{a=\"1} 5", "x{a} 5", "x{=\"1\"} 5", "{} 5", "x{a=\"1\\"] {
            assert!(parse_line(line).is_err(), "{line}: {:?}", parse_line(line));
        }
        let many: String = (0..200).map(|n| format!("l{n}=\"\",")).collect();
        assert!(parse_line(&format!("x{{{many}}} 1")).unwrap_err().contains("128 labels"));
    }

    fn escape(text: &str) -> String {
        text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
    }

    proptest! {
        // No line makes the parser panic, or takes it past its bounds.
        #[test]
        fn any_line_is_an_answer(line in r#"[a-z_:{}="\\, #0-9.eE+\-\PC]{0,200}"#) {
            if let Ok(Some(sample)) = parse_line(&line) {
                prop_assert!(!sample.name.is_empty());
                prop_assert!(sample.labels.len() <= LABELS_MAX);
            }
        }

        // What is written as the format says reads back as it was.
        #[test]
        fn what_is_written_reads_back(
            name in "[a-zA-Z_:][a-zA-Z0-9_:]{0,20}",
            labels in prop::collection::vec(("[a-zA-Z_][a-zA-Z0-9_]{0,10}", r#"[\PC\n"\\]{0,20}"#), 0..6),
            value in prop::num::f64::NORMAL | prop::num::f64::ZERO,
            blanks in "[ \t]{1,3}",
        ) {
            let written: Vec<String> = labels.iter().map(|(name, text)| format!("{name}=\"{}\"", escape(text))).collect();
            let line = format!("{name}{{{}}}{blanks}{value:e}", written.join(","));
            let read = parse_line(&line).unwrap().unwrap();
            prop_assert_eq!(&read.name, &name);
            prop_assert!(read.value == Number::Real(value) || read.value.is_nan() && value.is_nan(), "{read:?}");
            let labels: Vec<(&str, String)> = labels.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
            prop_assert_eq!(read.labels, labels);
        }
    }
}
