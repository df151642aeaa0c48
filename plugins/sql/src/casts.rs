//! Types that are no numbers, and what to write in the statement for one that can be judged.

use probity_check::prelude::*;

/// What to select instead of a column of this type, for thresholds; none where the type may hold a number.
fn instead(engine: &str, type_name: &str) -> Option<&'static str> {
    Some(match (engine, type_name) {
        ("postgres", "bool") => "`COLUMN::int`",
        ("postgres", "timestamptz" | "timestamp" | "date") => {
            "`extract(epoch FROM now() - COLUMN)` for its age in seconds"
        }
        ("postgres", "time") => "`extract(epoch FROM COLUMN)` for seconds",
        ("postgres", "json" | "jsonb") => "`(COLUMN->>'KEY')::numeric`",
        ("postgres", "pg_lsn") => "`pg_wal_lsn_diff(COLUMN, OTHER)`",
        ("postgres", "uuid" | "inet" | "cidr" | "xml") => "a number of it, or judge it with `equals`",
        ("mysql", "date" | "datetime" | "timestamp") => "`timestampdiff(SECOND, COLUMN, now())` for its age in seconds",
        ("mysql", "time") => "`time_to_sec(COLUMN)`",
        ("mysql", "json") => "`json_value(COLUMN, '$.KEY')`",
        ("postgres", "bytea") | ("mysql", "binary" | "varbinary" | "blob") => "`length(COLUMN)`",
        ("mysql", "geometry") => "a number of it, such as `ST_X(COLUMN)`",
        _ => return None,
    })
}

/// A value that thresholds cannot judge because of what the statement selects, not of what the database holds.
pub(crate) fn refusal(engine: &str, type_name: &str, value: &sql::Value) -> Option<Error> {
    let (type_name, instead) = match (instead(engine, type_name), value) {
        (Some(instead), _) => (type_name, instead),
        (None, sql::Value::Bytes(_)) => ("blob", "`length(COLUMN)`"),
        (None, _) => return None,
    };
    let message =
        format!("the query gives a {type_name}, which `at-most` and `at-least` cannot judge: select {instead}");
    Some(Error::new(ErrorKind::Unsupported, message))
}
