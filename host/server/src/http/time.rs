//! Times as answers show them.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;

/// RFC 3339 in UTC with milliseconds: `2026-11-20T10:00:00.000Z`.
pub(super) fn rfc3339(unix_ms: u64) -> String {
    const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
    let time = i64::try_from(unix_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    PRINTER.timestamp_to_string(&time.unwrap_or(Timestamp::MAX))
}

/// Milliseconds with three places.
pub(super) fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
