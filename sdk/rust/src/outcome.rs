//! What a run concluded.

use crate::Failure;
use crate::threshold::Judge;
use crate::units::Number;

/// A judgement. Ordered: worse is greater, so `max` is the worst of many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// As it should be.
    #[default]
    Healthy,
    /// Works, and someone should look.
    Degraded,
    /// Does not work.
    Unhealthy,
}

impl Status {
    /// The worst of many; healthy when there are none.
    pub fn worst(of: impl IntoIterator<Item = Self>) -> Self {
        of.into_iter().max().unwrap_or_default()
    }

    /// The status as the contract spells it: `degraded`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        }
    }
}

/// Reads a status as the contract spells it: `"degraded"`.
impl std::str::FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(word: &str) -> Result<Self, UnknownStatus> {
        let known = [Self::Healthy, Self::Degraded, Self::Unhealthy].into_iter().find(|status| status.as_str() == word);
        known.ok_or_else(|| UnknownStatus(word.to_owned()))
    }
}

/// A word that is no status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownStatus(String);

impl std::fmt::Display for UnknownStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} is no status; there are healthy, degraded, unhealthy", self.0)
    }
}

impl std::error::Error for UnknownStatus {}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One observed value.
#[derive(Clone, Debug, PartialEq)]
pub enum Observed {
    /// A real number.
    Number(f64),
    /// A whole number.
    Integer(i64),
    /// Text.
    Text(String),
    /// True or false.
    Boolean(bool),
}

impl From<f64> for Observed {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<i64> for Observed {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<u32> for Observed {
    fn from(value: u32) -> Self {
        Self::Integer(value.into())
    }
}

/// Values past `i64::MAX` become that.
impl From<u64> for Observed {
    fn from(value: u64) -> Self {
        Self::Integer(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

/// Values past `i64::MAX` become that.
impl From<usize> for Observed {
    fn from(value: usize) -> Self {
        Self::Integer(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

/// An integer that a double would not hold stays one.
impl From<Number> for Observed {
    fn from(value: Number) -> Self {
        let double = value.as_f64();
        match value {
            Number::Integer(integer) if value != Number::Real(double) => {
                i64::try_from(integer).map_or(Self::Number(double), Self::Integer)
            }
            _ => Self::Number(double),
        }
    }
}

impl From<bool> for Observed {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<&str> for Observed {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Observed {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

/// A named value, with its unit and, when there is one, a judgement on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// The value's name within this check.
    pub name: String,
    /// The value.
    pub value: Observed,
    /// A UCUM code: `ms`, `By`, `1`, `%`, `{messages}`.
    pub unit: Option<String>,
    /// The judgement on this one value.
    pub status: Option<Status>,
}

/// What a run concluded, built from a first word and what is found after it.
///
/// ```
/// use probity_check::{AtMost, Outcome, Status};
///
/// let outcome = Outcome::healthy("200 in 812 ms")
///     .judge("latency", 812.0, "ms", &AtMost::new(500.0, 1000.0))
///     .measure("size", 5120_u32, "By");
/// assert_eq!(outcome.status, Status::Degraded);
/// assert_eq!(outcome.message, "latency 812 ms, more than 500 ms");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The judgement.
    pub status: Status,
    /// One line for a person, without secrets.
    pub message: String,
    /// Observed values.
    pub measurements: Vec<Measurement>,
    /// Free-form facts, shown beside the message.
    pub details: Vec<(String, String)>,
}

impl Outcome {
    /// A judgement with its one line.
    pub fn new(status: Status, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), ..Self::default() }
    }

    /// As it should be. Later findings replace the message.
    pub fn healthy(message: impl Into<String>) -> Self {
        Self::new(Status::Healthy, message)
    }

    /// Works, and someone should look.
    pub fn degraded(message: impl Into<String>) -> Self {
        Self::new(Status::Degraded, message)
    }

    /// Does not work.
    pub fn unhealthy(message: impl Into<String>) -> Self {
        Self::new(Status::Unhealthy, message)
    }

    /// Adds a value without judging it. `unit` is a UCUM code, or empty. A
    /// number that is none (NaN) makes the run a failure that names it.
    #[must_use]
    pub fn measure(mut self, name: &str, value: impl Into<Observed>, unit: &str) -> Self {
        self.measurements.push(measurement(name, value.into(), unit, None));
        self
    }

    /// Adds a value and judges it: past a threshold the status worsens and the
    /// message says by how much. NaN passes no bound; where it breaks none either,
    /// so that the outcome would not be unhealthy, the run becomes a failure that
    /// names it.
    #[must_use]
    pub fn judge(mut self, name: &str, value: f64, unit: &str, threshold: &impl Judge) -> Self {
        let verdict = threshold.judge(value);
        self.measurements.push(measurement(name, Observed::Number(value), unit, Some(verdict)));
        match threshold.complaint(value, unit) {
            Some(complaint) => self.finding(verdict, &format!("{name} {complaint}")),
            None => self,
        }
    }

    /// As [`Outcome::judge`], for a number that keeps its digits.
    #[must_use]
    pub fn judge_exact(mut self, name: &str, value: Number, unit: &str, threshold: &impl Judge) -> Self {
        let verdict = threshold.judge_exact(value);
        self.measurements.push(measurement(name, value.into(), unit, Some(verdict)));
        match threshold.complaint_exact(value, unit) {
            Some(complaint) => self.finding(verdict, &format!("{name} {complaint}")),
            None => self,
        }
    }

    /// Adds a finding: the status becomes the worse of the two, and the message
    /// tells all findings that are not healthy, the worst first.
    #[must_use]
    pub fn finding(mut self, status: Status, text: &str) -> Self {
        if status == Status::Healthy {
            return self;
        }
        self.message = match self.status {
            Status::Healthy => text.to_owned(),
            so_far if status > so_far => format!("{text}; {}", self.message),
            _ => format!("{}; {text}", self.message),
        };
        self.status = self.status.max(status);
        self
    }

    /// Adds a fact for the person who looks.
    #[must_use]
    pub fn detail(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.details.push((name.into(), value.into()));
        self
    }
}

/// The outcome, unless it says of a number that is none that all is well: that is no judgement.
pub(crate) fn sound(outcome: Outcome) -> Result<Outcome, Failure> {
    let is_none = |found: &&Measurement| matches!(found.value, Observed::Number(value) if value.is_nan());
    match outcome.measurements.iter().find(is_none) {
        Some(found) if outcome.status != Status::Unhealthy => {
            Err(Failure::other(format!("the measurement {:?} is NaN, expected a number", found.name)))
        }
        _ => Ok(outcome),
    }
}

fn measurement(name: &str, value: Observed, unit: &str, status: Option<Status>) -> Measurement {
    let unit = (!unit.is_empty()).then(|| unit.to_owned());
    Measurement { name: name.to_owned(), value, unit, status }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The worst of nothing is healthy; of several, the worst one.
    #[test]
    fn worst_is_the_greatest() {
        assert_eq!(Status::worst([]), Status::Healthy);
        assert_eq!(Status::worst([Status::Degraded, Status::Unhealthy, Status::Healthy]), Status::Unhealthy);
    }

    // Findings replace a healthy message and come worst first.
    #[test]
    fn findings_make_the_message() {
        let outcome = Outcome::healthy("fine")
            .finding(Status::Healthy, "not worth a word")
            .finding(Status::Degraded, "slow")
            .finding(Status::Unhealthy, "wrong")
            .finding(Status::Degraded, "old");
        assert_eq!((outcome.status, outcome.message.as_str()), (Status::Unhealthy, "wrong; slow; old"));
    }

    // A judged value carries its own status and unit, and an empty unit is none.
    #[test]
    fn measurements_carry_unit_and_status() {
        let limit = crate::AtMost::new(90.0, 95.0);
        let outcome = Outcome::healthy("fine").judge("used", 96.0, "%", &limit).measure("mount", "/", "");
        assert_eq!(outcome.measurements[0].status, Some(Status::Unhealthy));
        assert_eq!(outcome.measurements[0].unit.as_deref(), Some("%"));
        assert_eq!(outcome.measurements[1].unit, None);
    }

    // What is no number is no good news, whether it was judged or not; bad news stays what it is.
    #[test]
    fn nan_is_never_healthy() {
        let open = crate::AtMost::<f64>::default();
        let said = |outcome: Outcome| sound(outcome).map_err(|failure| failure.to_string());
        let refused = Err("the measurement \"lag\" is NaN, expected a number".to_owned());
        assert_eq!(said(Outcome::healthy("fine").measure("lag", f64::NAN, "ms")), refused);
        assert_eq!(said(Outcome::healthy("fine").judge("lag", f64::NAN, "ms", &open)), refused);
        assert_eq!(said(Outcome::degraded("slow").judge("lag", f64::NAN, "ms", &open)), refused);
        let broken = Outcome::healthy("fine").judge("lag", f64::NAN, "ms", &crate::AtMost::new(1.0, 2.0));
        assert_eq!(said(broken).map(|outcome| outcome.status), Ok(Status::Unhealthy));
    }

    // A status reads as it is written, and any other word is refused with those that there are.
    #[test]
    fn statuses_are_read() {
        for status in [Status::Healthy, Status::Degraded, Status::Unhealthy] {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        for word in ["critical", "down", "Unhealthy", ""] {
            let said = word.parse::<Status>().unwrap_err().to_string();
            assert_eq!(said, format!("{word:?} is no status; there are healthy, degraded, unhealthy"));
        }
    }

    // Integers too large for the contract become its largest.
    #[test]
    fn large_integers_saturate() {
        assert_eq!(Observed::from(u64::MAX), Observed::Integer(i64::MAX));
    }
}
