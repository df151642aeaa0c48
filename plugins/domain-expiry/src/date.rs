//! Dates as RFC 3339 writes them, and as registries do.

/// Milliseconds since 1970; none for what is no date. Fractions of a second are cut, leap seconds are the next minute.
/// A bare date is its first moment, so that nobody is told of a day that may not be theirs; a time without a zone is UTC.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    let (date, time) = text.split_once(['T', 't', ' ']).unwrap_or((text, "00:00:00Z"));
    let time = time.trim().trim_end_matches("UTC").trim_end_matches("GMT").trim_end();
    let zone_at = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
    let (time, zone) = time.split_at(zone_at);
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(time.trim_end().split('.').next()?, ':', [2, 2, 2])?;
    let is_date = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    let seconds = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset(zone)?;
    is_date.then_some(seconds * 1_000)
}

/// Seconds east of Greenwich.
fn offset(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z" | "") {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let [hours, minutes] = numbers(zone.get(1..)?, ':', [2, 2])?;
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

/// Exactly so many numbers of exactly so many digits.
fn numbers<const N: usize>(text: &str, separator: char, digits: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(separator);
    let mut found = [0; N];
    for (place, digits) in found.iter_mut().zip(digits) {
        let part =
            parts.next().filter(|part| part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit()))?;
        *place = part.parse().ok()?;
    }
    parts.next().is_none().then_some(found)
}

/// Days since 1970 in the Gregorian calendar; years start in March, so that the leap day is the last one.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (153 * month + 2) / 5 + day
        - 1
        - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    // What registries write reads as the moment it means.
    #[test]
    fn dates_read() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2025-01-01T00:00:00Z", 1_735_689_600),
            ("2024-02-29T12:00:00Z", 1_709_208_000),
            ("2000-03-01T00:00:00Z", 951_868_800),
            ("2028-09-14T04:00:00.0Z", 1_852_516_800),
            ("2025-01-01T01:00:00+01:00", 1_735_689_600),
            ("2024-12-31T19:00:00-05:00", 1_735_689_600),
            ("2025-01-01", 1_735_689_600),
            (" 2025-01-01 ", 1_735_689_600),
            ("2025-01-01T00:00:00", 1_735_689_600),
            ("2025-01-01 00:00:00", 1_735_689_600),
            ("2025-01-01 00:00:00 UTC", 1_735_689_600),
            ("2025-01-01T00:00:00.000", 1_735_689_600),
            ("2025-01-01 01:00:00 +01:00", 1_735_689_600),
        ] {
            assert_eq!(parse(text), Some(seconds * 1_000), "{text}");
        }
        for text in [
            "",
            "2025-13-01",
            "2025-01",
            "01-01-2025",
            "2025-13-01T00:00:00Z",
            "2025-1-1T00:00:00Z",
            "2025-01-01T25:00:00Z",
            "2025-01-01T00:00:00+1",
            "soon",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
