//! What a session that only reads may say to a server, and who may have one.
//!
//! A read-only transaction keeps statements from changing data, and nothing else: some act outside of any transaction,
//! and some users may do more on a server than change data. Neither gets as far as the server.

use crate::{CallError, ErrorKind};

/// How statements that only look begin. What is in them the server's read-only transaction judges.
const LOOKING: [&str; 8] = ["SELECT", "WITH", "VALUES", "TABLE", "SHOW", "EXPLAIN", "DESCRIBE", "DESC"];

/// Characters shown of a statement's first word.
const WORD_CHARS_MAX: usize = 30;

/// Whether `statement` begins as one that only looks. `line` is the grant that the connection is used under.
///
/// # Errors
/// `denied` with the line to add.
pub(super) fn check(statement: &str, line: &str) -> Result<(), CallError> {
    let why = match first_word(statement) {
        Some(word) if LOOKING.iter().any(|looking| looking.eq_ignore_ascii_case(word)) => return Ok(()),
        Some(word) if !word.is_empty() => {
            format!("{} statements", word.chars().take(WORD_CHARS_MAX).collect::<String>().to_uppercase())
        }
        _ => "statements that do not begin with a word".to_owned(),
    };
    let allowed = LOOKING.join(", ");
    let message = format!("{why} are not for a connection that is granted for reading ({allowed})");
    Err(denied(&message, line))
}

/// The refusal of a user who may do more than read, which `powers` name.
pub(super) fn too_powerful(user: &str, powers: &str, remedy: &str, line: &str) -> CallError {
    let message = format!(
        "the connection is granted for reading, and the server does not keep its user `{user}` to that: {powers}. \
         {remedy}"
    );
    denied(&message, line)
}

fn denied(message: &str, line: &str) -> CallError {
    CallError::new(ErrorKind::Denied, format!("{message}; to allow it, add: {}", writing(line)))
}

/// The line that grants changes as well.
pub(super) fn writing(line: &str) -> String {
    line.replace("\"]", ":write\"]")
}

/// The first word after blanks, parentheses and comments; none where servers differ in what they would read.
fn first_word(statement: &str) -> Option<&str> {
    let mut rest = statement;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\n', '\r', '(']);
        if let Some(comment) = rest.strip_prefix("--") {
            let (line, after) = comment.split_once('\n')?;
            // Ends the comment for some of them.
            if line.trim_end_matches('\r').contains('\r') {
                return None;
            }
            rest = after;
        } else if let Some(comment) = rest.strip_prefix("/*") {
            let (text, after) = comment.split_once("*/")?;
            // Nested ones, which some of them know, and ones that MySQL and MariaDB execute.
            if text.contains("/*") || text.starts_with('!') || text.starts_with("M!") {
                return None;
            }
            rest = after;
        } else {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            return Some(&rest[..end]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(statement: &str) -> Result<(), String> {
        check(statement, "grants = { sql = [\"shop\"] }").map_err(|error| error.message)
    }

    // What only looks goes through, however it is written.
    #[test]
    fn looking_is_allowed() {
        for statement in [
            "SELECT 1",
            "select*from t",
            " \n\t(SELECT 1) UNION (SELECT 2)",
            "-- how many?\r\nSELECT count(*) FROM t",
            "/* one */ /* two */ WITH a AS (SELECT 1) SELECT * FROM a",
            "VALUES (1)",
            "TABLE t",
            "SHOW server_version",
            "EXPLAIN SELECT 1",
        ] {
            assert_eq!(verdict(statement), Ok(()), "{statement:?}");
        }
    }

    // What acts outside of a transaction, or ends it, is refused with the line to add.
    #[test]
    fn acting_is_refused() {
        for statement in [
            "PREPARE TRANSACTION 'x'",
            "COMMIT",
            "COPY t TO PROGRAM 'sh'",
            "DO $$ BEGIN END $$",
            "CALL put()",
            "LOCK TABLE t",
            "SET x = 1",
            "BEGIN NOT ATOMIC DROP TABLE t; END",
            "XA START 'x'",
            "KILL 1",
            "SELECTED",
            "select_1",
            "\u{200b}SELECT 1",
            "",
            "-- SELECT 1",
            ";SELECT 1",
        ] {
            let refused = verdict(statement).unwrap_err();
            assert!(refused.ends_with("grants = { sql = [\"shop:write\"] }"), "{statement:?}: {refused}");
        }
        assert!(verdict("drop table t").unwrap_err().starts_with("DROP statements"));
    }

    // A comment that one server reads otherwise than another hides nothing.
    #[test]
    fn comments_hide_nothing() {
        for statement in [
            "/*!50000 DROP TABLE t */ SELECT 1",
            "/*M! DROP TABLE t */ SELECT 1",
            "/* /* */ DROP TABLE t -- */ SELECT 1",
            "-- \rDROP TABLE t\nSELECT 1",
            "-- \rSELECT 1\nDROP TABLE t",
            "/* SELECT 1",
        ] {
            assert!(verdict(statement).is_err(), "{statement:?}");
        }
    }
}
