//! When a job is due by a cron expression.

use jiff::Timestamp;
use jiff::tz::Offset;
use serde::{Deserialize, Deserializer, de};

/// Characters of an expression: the parser's work grows with them.
const TEXT_CHARS_MAX: usize = 200;

/// A cron expression: five fields, or six with seconds first.
#[derive(Debug)]
pub(crate) struct Schedule {
    /// As typed.
    pub(crate) text: String,
    pattern: croner::Cron,
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.chars().count() > TEXT_CHARS_MAX {
            return Err(de::Error::custom(format_args!("longer than {TEXT_CHARS_MAX} characters")));
        }
        let parser = croner::parser::CronParser::builder().year(croner::parser::Year::Disallowed).build();
        let pattern = parser.parse(&text).map_err(|error| {
            de::Error::custom(format_args!("no cron expression: {error}; write minute hour day month weekday"))
        })?;
        let start = jiff::civil::date(2026, 1, 1).at(0, 0, 0, 0);
        if pattern.find_next_occurrence(&start, true).is_err() {
            return Err(de::Error::custom("no date has that day, month and weekday"));
        }
        Ok(Self { text, pattern })
    }
}

impl Schedule {
    /// The first due time after `unix_ms`, likewise, on clocks that are `offset` ahead of UTC.
    pub(crate) fn next_after(&self, unix_ms: u64, offset: UtcOffset) -> Option<u64> {
        let now = Timestamp::from_millisecond(unix_ms.try_into().ok()?).ok()?;
        let next = self.pattern.find_next_occurrence(&offset.0.to_datetime(now), false).ok()?;
        u64::try_from(offset.0.to_timestamp(next).ok()?.as_millisecond()).ok()
    }
}

/// How far ahead of UTC the schedule's clock is, all year round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UtcOffset(Offset);

impl Default for UtcOffset {
    fn default() -> Self {
        Self(Offset::UTC)
    }
}

impl<'de> Deserialize<'de> for UtcOffset {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text).ok_or_else(|| de::Error::custom("write +HH:MM or -HH:MM, at most 14 hours"))
    }
}

fn parse(text: &str) -> Option<UtcOffset> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let two = |part: &str| {
        let is_number = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| part.parse::<i32>().ok()).flatten()
    };
    let (hours, minutes) = rest.split_once(':')?;
    let minutes = two(hours)? * 60 + two(minutes).filter(|minutes| *minutes < 60)?;
    let seconds = (minutes <= 14 * 60).then_some(sign * minutes * 60)?;
    Offset::from_seconds(seconds).ok().map(UtcOffset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use probity_check::serde_json::{from_value, json};

    fn next(text: &str, offset: &str, after: &str) -> String {
        let schedule: Schedule = from_value(json!(text)).unwrap();
        let after: Timestamp = after.parse().unwrap();
        let next = schedule.next_after(after.as_millisecond().try_into().unwrap(), parse(offset).unwrap()).unwrap();
        Timestamp::from_millisecond(next.try_into().unwrap()).unwrap().to_string()
    }

    // The next time is later than the moment itself, by the clock of the offset.
    #[test]
    fn due_times() {
        assert_eq!(next("0 3 * * *", "+00:00", "2026-11-21T02:59:59Z"), "2026-11-21T03:00:00Z");
        assert_eq!(next("0 3 * * *", "+00:00", "2026-11-21T03:00:00Z"), "2026-11-22T03:00:00Z");
        assert_eq!(next("0 3 * * *", "+05:30", "2026-11-21T02:59:59Z"), "2026-11-21T21:30:00Z");
        assert_eq!(next("0 3 * * MON", "-08:00", "2026-11-21T00:00:00Z"), "2026-11-23T11:00:00Z");
        assert_eq!(next("0 0 29 2 *", "+00:00", "2026-11-21T00:00:00Z"), "2028-02-29T00:00:00Z");
    }

    // What is never due, is no expression, or is no offset is refused when it is read.
    #[test]
    fn nonsense_is_refused() {
        for text in ["", "daily", "0 3 * *", "61 3 * * *", "0 0 30 2 *", &"0".repeat(201)] {
            assert!(from_value::<Schedule>(json!(text)).is_err(), "{text}");
        }
        for text in ["", "2", "+2", "+02", "+02:60", "+14:01", "02:00", "+2:00", "+aa:00", "Europe/Berlin", "é"] {
            assert!(from_value::<UtcOffset>(json!(text)).is_err(), "{text}");
        }
    }
}
