//! A health document as a table. Pure.

use std::fmt::Write;

use probity_core::check::Status;
use probity_core::text::clean;
use serde_json::Value;

use crate::cli::terminal::{Paint, milliseconds};

/// Characters of a message in the table.
const MESSAGE_BYTES_MAX: usize = 200;

/// What a health document says, as far as it says anything.
#[derive(Debug, PartialEq)]
pub(super) struct Board {
    /// The aggregate.
    pub(super) status: Status,
    rows: Vec<Row>,
}

#[derive(Debug, PartialEq)]
struct Row {
    name: String,
    status: Status,
    age_ms: Option<f64>,
    duration_ms: Option<f64>,
    message: String,
}

impl Board {
    /// Reads a document; `checks` may be an object by name or an array with names. The worst checks come first.
    pub(super) fn read(document: &Value) -> Self {
        let mut rows: Vec<Row> = match &document["checks"] {
            Value::Object(checks) => checks.iter().map(|(name, check)| Row::read(name, check)).collect(),
            Value::Array(checks) => {
                checks.iter().map(|check| Row::read(check["name"].as_str().unwrap_or("?"), check)).collect()
            }
            _ => Vec::new(),
        };
        rows.sort_by(|a, b| b.status.cmp(&a.status).then_with(|| a.name.cmp(&b.name)));
        Self { status: status(&document["status"]), rows }
    }

    /// Whether there is a check of this name.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.rows.iter().any(|row| row.name == name)
    }

    /// The table, with its newline.
    pub(super) fn render(&self, paint: Paint) -> String {
        let count = |status| self.rows.iter().filter(|row| row.status == status).count();
        let counts: Vec<String> = Status::ALL
            .into_iter()
            .filter(|status| count(*status) > 0)
            .map(|status| format!("{} {status}", count(status)))
            .collect();
        let mut text = format!("{}  {}\n", paint.status(self.status, 0), counts.join(", "));
        if self.rows.is_empty() {
            return text.trim_end().to_owned() + "  this host has no checks: nothing is looked at\n";
        }
        let width = self.rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0).max("CHECK".len());
        let head = format!("{:<9}  {:<width$}  {:>8}  {:>8}  MESSAGE", "STATUS", "CHECK", "AGE", "TOOK");
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", paint.dim(&head));
        for row in &self.rows {
            let time = |ms: Option<f64>| ms.map_or_else(|| "-".to_owned(), milliseconds);
            let line = format!(
                "{}  {:<width$}  {:>8}  {:>8}  {}",
                paint.status(row.status, 9),
                row.name,
                time(row.age_ms),
                time(row.duration_ms),
                row.message
            );
            let _ = writeln!(text, "{}", line.trim_end());
        }
        text
    }
}

impl Row {
    fn read(name: &str, check: &Value) -> Self {
        // All that is shown of a failure without a token.
        let reason = check["reason"]["reason"].as_str().unwrap_or_default();
        Self {
            // Whoever answers on that port is not trusted with this terminal.
            name: clean(name, MESSAGE_BYTES_MAX),
            status: status(&check["status"]),
            age_ms: check["age_ms"].as_f64(),
            duration_ms: check["duration_ms"].as_f64(),
            message: clean(check["message"].as_str().unwrap_or(reason), MESSAGE_BYTES_MAX),
        }
    }
}

/// A word that is not ours is no conclusion.
fn status(value: &Value) -> Status {
    serde_json::from_value(value.clone()).unwrap_or(Status::Unknown)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    // What needs attention is on top, whatever its name.
    #[test]
    fn worst_comes_first() {
        let document = json!({"status": "unhealthy", "checks": {
            "a": {"status": "healthy", "age_ms": 812, "duration_ms": 2.4, "message": "fine"},
            "b": {"status": "unhealthy"},
            "c": {"status": "degraded", "age_ms": 61_000},
        }});
        let text = Board::read(&document).render(Paint::plain());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "unhealthy  1 healthy, 1 degraded, 1 unhealthy");
        assert_eq!(lines[2], "unhealthy  b             -         -");
        assert_eq!(lines[3], "degraded   c          1m1s         -");
        assert_eq!(lines[4], "healthy    a      812.0 ms    2.4 ms  fine");
    }

    // A document of another shape is unknown, not a crash; an array of checks is read like an object.
    #[test]
    fn other_shapes_are_tolerated() {
        assert_eq!(Board::read(&json!([])), Board { status: Status::Unknown, rows: Vec::new() });
        assert_eq!(Board::read(&json!({"status": "UP"})).status, Status::Unknown);
        let listed = json!({"status": "healthy", "checks": [{"name": "a", "status": "healthy"}]});
        let named = json!({"status": "healthy", "checks": {"a": {"status": "healthy"}}});
        assert_eq!(Board::read(&listed), Board::read(&named));
    }

    // A host that looks at nothing is not taken for one where all is well.
    #[test]
    fn no_checks_are_told() {
        let text = Board::read(&json!({"status": "healthy", "checks": {}})).render(Paint::plain());
        assert_eq!(text, "healthy  this host has no checks: nothing is looked at\n");
    }

    // A message cannot write on the terminal.
    #[test]
    fn escapes_do_not_reach_the_terminal() {
        let document = json!({"status": "healthy", "checks": {"a\u{1b}[2J": {"message": "\u{1b}]0;owned\u{7}"}}});
        assert!(!Board::read(&document).render(Paint::plain()).contains('\u{1b}'));
    }
}
