//! How Nagios, Icinga, Naemon and Sensu read a plugin's output: `STATUS - message | performance data`.
//!
//! The format: <https://nagios-plugins.org/doc/guidelines.html>, "Plugin Output" and "Performance data".

use super::{Measurement, Observed, Run, Status};

/// The word for a status.
#[must_use]
pub const fn word(status: Status) -> &'static str {
    match status {
        Status::Healthy => "OK",
        Status::Degraded => "WARNING",
        Status::Unhealthy => "CRITICAL",
        Status::Unknown => "UNKNOWN",
    }
}

/// One run as one line, with its newline.
#[must_use]
pub fn line(run: &Run) -> String {
    let text = match &run.end {
        Ok(outcome) => plain(&outcome.message),
        Err(failure) => plain(&format!("{}: {}", failure.reason.as_str(), failure.message)),
    };
    let measurements = run.end.iter().flat_map(|outcome| &outcome.measurements);
    let data: Vec<String> =
        measurements.filter_map(|measurement| performance(&measurement.name, measurement)).collect();
    let bar = if data.is_empty() { "" } else { " | " };
    format!("{} - {text}{bar}{}\n", word(run.status()), data.join(" "))
}

/// Text that ends neither the message nor its line: a bar would start the performance data.
#[must_use]
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if c == '|' || c.is_control() { '/' } else { c }).collect()
}

/// `'label'=value[UOM]`; none for what is not a number. `name` is the label.
#[must_use]
pub fn performance(name: &str, measurement: &Measurement) -> Option<String> {
    let (factor, unit) = unit(measurement.unit.as_deref().unwrap_or_default());
    let value = match measurement.value {
        // Written as it is: a float does not hold every whole number.
        Observed::Integer(number) if factor == 1.0 => number.to_string(),
        Observed::Integer(number) => (number as f64 * factor).to_string(),
        // Rust writes no exponent, which the format does not know either. The unit may make too much of a number.
        Observed::Number(number) if (number * factor).is_finite() => (number * factor).to_string(),
        Observed::Boolean(yes) => u8::from(yes).to_string(),
        // The format's `U` for "undetermined" is refused by more readers than it helps.
        Observed::Number(_) | Observed::Text(_) => return None,
    };
    Some(format!("'{}'={value}{unit}", label(name)))
}

/// A label between quotes: quotes are doubled; `=` and `|` have a meaning of their own even there.
fn label(name: &str) -> String {
    let plain: String = name.chars().map(|c| if matches!(c, '=' | '|') || c.is_control() { '_' } else { c }).collect();
    plain.replace('\'', "''")
}

/// The factor and unit of measurement for a UCUM code; Nagios knows seconds, per cent, bytes and counters. A value in
/// another unit is a plain number.
fn unit(ucum: &str) -> (f64, &'static str) {
    const KIB: f64 = 1024.0;
    match ucum {
        "s" => (1.0, "s"),
        "ms" => (1.0, "ms"),
        "us" => (1.0, "us"),
        "ns" => (1e-3, "us"),
        "min" => (60.0, "s"),
        "h" => (3_600.0, "s"),
        "d" => (86_400.0, "s"),
        "%" => (1.0, "%"),
        "By" => (1.0, "B"),
        "kBy" => (1.0, "KB"),
        "MBy" => (1.0, "MB"),
        "GBy" => (1.0, "GB"),
        "TBy" => (1.0, "TB"),
        "KiBy" => (KIB, "B"),
        "MiBy" => (KIB * KIB, "B"),
        "GiBy" => (KIB * KIB * KIB, "B"),
        _ => (1.0, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(name: &str, value: Observed, unit: Option<&str>) -> Option<String> {
        performance(name, &Measurement { name: name.into(), value, unit: unit.map(str::to_owned), status: None })
    }

    // Units that Nagios knows are kept or converted; others are left out rather than misread.
    #[test]
    fn units_are_those_of_nagios() {
        let number = |unit| shown("x", Observed::Number(1.5), Some(unit)).unwrap();
        assert_eq!(number("ms"), "'x'=1.5ms");
        assert_eq!(number("ns"), "'x'=0.0015us");
        assert_eq!(number("min"), "'x'=90s");
        assert_eq!(number("KiBy"), "'x'=1536B");
        assert_eq!(number("%"), "'x'=1.5%");
        assert_eq!(number("{orders}"), "'x'=1.5");
        assert_eq!(number("Cel"), "'x'=1.5");
    }

    // Performance data is numbers: yes is 1; text and what is no number are left out.
    #[test]
    fn values_are_numbers() {
        assert_eq!(shown("up", Observed::Boolean(true), None).unwrap(), "'up'=1");
        assert_eq!(shown("version", Observed::Text("9".into()), None), None);
        assert_eq!(shown("x", Observed::Number(f64::NAN), Some("ms")), None);
        for (number, unit) in [(f64::MAX, "KiBy"), (f64::MIN, "d"), (f64::INFINITY, "By"), (f64::NAN, "ns")] {
            assert_eq!(shown("x", Observed::Number(number), Some(unit)), None, "{number} {unit}");
        }
        assert_eq!(shown("x", Observed::Number(1e21), None).unwrap(), "'x'=1000000000000000000000");
        let exact = i64::MAX - 1;
        assert_eq!(shown("x", Observed::Integer(exact), Some("By")).unwrap(), format!("'x'={exact}B"));
    }

    // No name of a measurement can end the quotes, the label or the data.
    #[test]
    fn labels_cannot_break_out() {
        assert_eq!(shown("it's a=b|c", Observed::Integer(1), None).unwrap(), "'it''s a_b_c'=1");
    }
}
