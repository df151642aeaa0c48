//! What came of the cases: for people, for programs, for CI systems.

use std::fmt::Write;
use std::path::Path;

use serde_json::{Value as Json, json};

use super::{Case, Result};

/// One case that passed or failed, for a person: nothing more about the one, all about the other.
#[must_use]
pub fn human(case: &Case, result: &Result) -> String {
    let ms = result.run.duration.as_secs_f64() * 1e3;
    if result.differences.is_empty() {
        return format!("ok      {} ({ms:.1} ms)\n", case.name);
    }
    let mut text = format!("FAILED  {}\n", case.name);
    for line in details(case, result).lines() {
        let _ = writeln!(text, "  {line}");
    }
    text
}

/// What differs, what the guest said, and where.
fn details(case: &Case, result: &Result) -> String {
    let mut text = String::new();
    for difference in &result.differences {
        let _ = writeln!(text, "{}:{}: {}", shown(&case.file), difference.line, difference.what);
        side(&mut text, '-', &difference.expected);
        side(&mut text, '+', &difference.actual);
        if let Some(help) = &difference.help {
            side(&mut text, ' ', help);
        }
    }
    let trace = result.run.end.as_ref().err().and_then(|failure| failure.trace.as_deref()).unwrap_or_default();
    for line in trace.lines() {
        let _ = writeln!(text, "trace   {line}");
    }
    for line in &result.run.log {
        let _ = writeln!(text, "log     {}", line.message);
    }
    text
}

fn side(text: &mut String, sign: char, lines: &str) {
    for line in lines.lines() {
        let _ = writeln!(text, "  {sign} {line}");
    }
}

/// One case for a program.
#[must_use]
pub fn json(case: &Case, result: &Result) -> Json {
    let differences: Vec<Json> = result
        .differences
        .iter()
        .map(|difference| {
            json!({
                "line": difference.line,
                "what": difference.what,
                "expected": difference.expected,
                "actual": difference.actual,
            })
        })
        .collect();
    json!({
        "file": shown(&case.file),
        "line": case.line,
        "name": case.name,
        "passed": result.differences.is_empty(),
        "status": result.run.status().as_str(),
        "message": result.run.message(),
        "duration_ms": result.run.duration.as_secs_f64() * 1e3,
        "fuel": result.run.usage.fuel,
        "memory_peak_bytes": result.run.usage.memory_peak_bytes,
        "differences": differences,
    })
}

/// All cases as JUnit XML, the form that CI systems read: a suite per file.
#[must_use]
pub fn junit(check: &str, results: &[(Case, Result)]) -> String {
    let counts = |results: &[&(Case, Result)]| {
        let failed = results.iter().filter(|(_, result)| !result.differences.is_empty()).count();
        let seconds: f64 = results.iter().map(|(_, result)| result.run.duration.as_secs_f64()).sum();
        format!("tests=\"{}\" failures=\"{failed}\" errors=\"0\" skipped=\"0\" time=\"{seconds:.6}\"", results.len())
    };
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let all: Vec<&(Case, Result)> = results.iter().collect();
    let _ = writeln!(text, "<testsuites name=\"{}\" {}>", escape(check), counts(&all));
    for suite in all.chunk_by(|(one, _), (other, _)| one.file == other.file) {
        let file = shown(&suite[0].0.file);
        let _ = writeln!(text, "  <testsuite name=\"{}\" {}>", escape(&file), counts(suite));
        for (case, result) in suite {
            let class = format!("{check}.{}", case.file.file_stem().unwrap_or_default().to_string_lossy());
            let _ = write!(
                text,
                "    <testcase classname=\"{}\" name=\"{}\" file=\"{}\" line=\"{}\" time=\"{:.6}\"",
                escape(&class),
                escape(&case.name),
                escape(&file),
                case.line,
                result.run.duration.as_secs_f64()
            );
            if let Some(first) = result.differences.first() {
                let message = format!("{}: expected {}, was {}", first.what, first.expected, first.actual);
                let details = escape(&details(case, result));
                let _ = write!(
                    text,
                    ">\n      <failure message=\"{}\">{details}</failure>\n    </testcase>\n",
                    escape(&message)
                );
            } else {
                text.push_str("/>\n");
            }
        }
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

fn shown(file: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    file.strip_prefix(&here).unwrap_or(file).display().to_string()
}

/// Text for XML: markup escaped, characters that XML 1.0 has no way to write replaced.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push_str("&#9;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    // Whatever a guest says, the XML stays XML.
    #[test]
    fn text_is_escaped() {
        assert_eq!(escape("a<b & \"c\">\u{1}\u{ffff}\n"), "a&lt;b &amp; &quot;c&quot;&gt;\u{fffd}\u{fffd}&#10;");
    }
}
