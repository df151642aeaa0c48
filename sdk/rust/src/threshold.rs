//! Thresholds: from a value to a [`Status`].
//!
//! A threshold names the last value that is still allowed: with `warn = 500`
//! as [`AtMost`], 500 is healthy and 501 degraded. Either bound may be absent.
//! In configuration both are a table, `{ warn = …, crit = … }`, whose bounds
//! must be ordered; a table that is not fails as invalid configuration.

use std::fmt;

use serde::{Deserialize, Deserializer, de};

use crate::Status;
use crate::units::{Number, Quantity};

/// Something that judges a value.
pub trait Judge {
    /// The status of `value`. A value that is not a number passes no bound.
    fn judge(&self, value: f64) -> Status;

    /// What is wrong with `value`, for a person; `None` when it is healthy.
    fn complaint(&self, value: f64, unit: &str) -> Option<String>;

    /// The status of a value that keeps its digits: integers are compared as integers.
    fn judge_exact(&self, value: Number) -> Status {
        self.judge(value.as_f64())
    }

    /// As [`Judge::complaint`], likewise.
    fn complaint_exact(&self, value: Number, unit: &str) -> Option<String> {
        self.complaint(value.as_f64(), unit)
    }
}

/// Upper bounds: more than `warn` is degraded, more than `crit` unhealthy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AtMost<Q = f64> {
    /// The most that is still healthy.
    pub warn: Option<Q>,
    /// The most that is not yet unhealthy.
    pub crit: Option<Q>,
}

/// Lower bounds: less than `warn` is degraded, less than `crit` unhealthy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AtLeast<Q = f64> {
    /// The least that is still healthy.
    pub warn: Option<Q>,
    /// The least that is not yet unhealthy.
    pub crit: Option<Q>,
}

/// What both kinds look like in configuration.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bounds<Q> {
    warn: Option<Q>,
    crit: Option<Q>,
}

impl<Q> AtMost<Q> {
    /// Both bounds.
    pub const fn new(warn: Q, crit: Q) -> Self {
        Self { warn: Some(warn), crit: Some(crit) }
    }
}

impl<Q> AtLeast<Q> {
    /// Both bounds.
    pub const fn new(warn: Q, crit: Q) -> Self {
        Self { warn: Some(warn), crit: Some(crit) }
    }
}

/// No bounds: everything is healthy.
impl<Q> Default for AtMost<Q> {
    fn default() -> Self {
        Self { warn: None, crit: None }
    }
}

/// No bounds: everything is healthy.
impl<Q> Default for AtLeast<Q> {
    fn default() -> Self {
        Self { warn: None, crit: None }
    }
}

impl<Q: Quantity> Judge for AtMost<Q> {
    fn judge(&self, value: f64) -> Status {
        self.judge_exact(value.into())
    }

    fn complaint(&self, value: f64, unit: &str) -> Option<String> {
        self.complaint_exact(value.into(), unit)
    }

    fn judge_exact(&self, value: Number) -> Status {
        judge(self.warn, self.crit, |bound| value <= bound)
    }

    fn complaint_exact(&self, value: Number, unit: &str) -> Option<String> {
        let bound = broken_bound(self.judge_exact(value), self.warn, self.crit)?;
        Some(format!("{}, more than {}", Q::show_exact(value, unit), Q::show_exact(bound.exact(), unit)))
    }
}

impl<Q: Quantity> Judge for AtLeast<Q> {
    fn judge(&self, value: f64) -> Status {
        self.judge_exact(value.into())
    }

    fn complaint(&self, value: f64, unit: &str) -> Option<String> {
        self.complaint_exact(value.into(), unit)
    }

    fn judge_exact(&self, value: Number) -> Status {
        judge(self.warn, self.crit, |bound| value >= bound)
    }

    fn complaint_exact(&self, value: Number, unit: &str) -> Option<String> {
        let bound = broken_bound(self.judge_exact(value), self.warn, self.crit)?;
        Some(format!("{}, less than {}", Q::show_exact(value, unit), Q::show_exact(bound.exact(), unit)))
    }
}

fn judge<Q: Quantity>(warn: Option<Q>, crit: Option<Q>, keeps: impl Fn(Number) -> bool) -> Status {
    let breaks = |bound: Option<Q>| bound.is_some_and(|bound| !keeps(bound.exact()));
    match (breaks(warn), breaks(crit)) {
        (_, true) => Status::Unhealthy,
        (true, false) => Status::Degraded,
        (false, false) => Status::Healthy,
    }
}

fn broken_bound<Q>(status: Status, warn: Option<Q>, crit: Option<Q>) -> Option<Q> {
    match status {
        Status::Healthy => None,
        Status::Degraded => warn,
        Status::Unhealthy => crit,
    }
}

impl<'de, Q: Quantity + Deserialize<'de>> Deserialize<'de> for AtMost<Q> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Bounds { warn, crit } = ordered(deserializer, "at most", |warn, crit| warn <= crit)?;
        Ok(Self { warn, crit })
    }
}

impl<'de, Q: Quantity + Deserialize<'de>> Deserialize<'de> for AtLeast<Q> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Bounds { warn, crit } = ordered(deserializer, "at least", |warn, crit| warn >= crit)?;
        Ok(Self { warn, crit })
    }
}

fn ordered<'de, Q: Quantity + Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
    relation: &str,
    is_ordered: impl Fn(Number, Number) -> bool,
) -> Result<Bounds<Q>, D::Error> {
    let bounds = Bounds::<Q>::deserialize(deserializer)?;
    match (bounds.warn, bounds.crit) {
        (Some(warn), Some(crit)) if !is_ordered(warn.exact(), crit.exact()) => Err(de::Error::custom(Disordered {
            warn: Q::show_exact(warn.exact(), ""),
            crit: Q::show_exact(crit.exact(), ""),
            relation,
        })),
        _ => Ok(bounds),
    }
}

struct Disordered<'a> {
    warn: String,
    crit: String,
    relation: &'a str,
}

impl fmt::Display for Disordered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { warn, crit, relation } = self;
        write!(f, "warn {warn} is never reached before crit {crit}: warn must be {relation} crit")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Size, Span};

    // A bound is the last allowed value, on both sides.
    #[test]
    fn the_bound_itself_is_allowed() {
        let most = AtMost::new(500.0, 1000.0);
        let judged = [500.0, 500.1, 1000.0, 1000.1].map(|value| most.judge(value));
        assert_eq!(judged, [Status::Healthy, Status::Degraded, Status::Degraded, Status::Unhealthy]);
        let least = AtLeast::new(21.0, 7.0);
        let judged = [21.0, 20.9, 7.0, 6.9].map(|value| least.judge(value));
        assert_eq!(judged, [Status::Healthy, Status::Degraded, Status::Degraded, Status::Unhealthy]);
    }

    // Beyond 2^53 neighbours are told apart, in the verdict and in its words.
    #[test]
    fn large_integers_are_told_apart() {
        let most: AtMost<Number> = serde_json::from_str(r#"{"crit":9007199254740992}"#).unwrap();
        let next = Number::from(9_007_199_254_740_993_i64);
        assert_eq!(most.judge_exact(next), Status::Unhealthy);
        assert_eq!(most.complaint_exact(next, "").unwrap(), "9007199254740993, more than 9007199254740992");
        let least: AtLeast<Number> = serde_json::from_str(r#"{"warn":9007199254740993}"#).unwrap();
        assert_eq!(least.judge_exact(Number::from(9_007_199_254_740_992_i64)), Status::Degraded);
        assert!(
            serde_json::from_str::<AtMost<Number>>(r#"{"warn":9007199254740993,"crit":9007199254740992}"#).is_err()
        );
    }

    // Absent bounds judge nothing; a lone crit skips degraded.
    #[test]
    fn absent_bounds_judge_nothing() {
        assert_eq!(AtMost::<f64>::default().judge(f64::INFINITY), Status::Healthy);
        let crit_only = AtMost { warn: None, crit: Some(1.0) };
        assert_eq!(crit_only.judge(2.0), Status::Unhealthy);
    }

    // What is not a number is never taken for healthy.
    #[test]
    fn not_a_number_breaks_every_bound() {
        assert_eq!(AtMost::new(1.0, 2.0).judge(f64::NAN), Status::Unhealthy);
        assert_eq!(AtLeast { warn: Some(1.0), crit: None }.judge(f64::NAN), Status::Degraded);
    }

    // The complaint names the bound that broke, in the quantity's own words.
    #[test]
    fn complaints_name_the_bound() {
        let latency: AtMost<Span> = serde_json::from_str(r#"{"warn":"250ms","crit":"1s"}"#).unwrap();
        assert_eq!(latency.complaint(400.0, "ms").unwrap(), "400 ms, more than 250 ms");
        assert_eq!(latency.complaint(1500.0, "ms").unwrap(), "1.5 s, more than 1 s");
        let free: AtLeast<Size> = serde_json::from_str(r#"{"warn":"5GiB"}"#).unwrap();
        assert_eq!(free.complaint(1024.0 * 1024.0, "By").unwrap(), "1 MiB, less than 5 GiB");
        assert_eq!(free.complaint(1e12, "By"), None);
    }

    // Bounds in the wrong order are a configuration error that says which way they go.
    #[test]
    fn disordered_bounds_are_refused() {
        let error = serde_json::from_str::<AtMost>(r#"{"warn":95,"crit":90}"#).unwrap_err().to_string();
        assert!(error.contains("warn 95 is never reached before crit 90: warn must be at most crit"), "{error}");
        assert!(serde_json::from_str::<AtLeast>(r#"{"warn":7,"crit":21}"#).is_err());
        assert!(serde_json::from_str::<AtLeast>(r#"{"warn":21,"crit":7}"#).is_ok());
    }
}
