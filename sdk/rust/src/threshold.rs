//! Thresholds: from a value to a [`Status`].
//!
//! A threshold names the last value that is still allowed: with `warn = 500`
//! as [`AtMost`], 500 is healthy and 501 degraded. Either bound may be absent.
//! In configuration both are a table, `{ warn = …, crit = … }`, whose bounds
//! must be ordered; a table that is not fails as invalid configuration.

use std::fmt;

use serde::{Deserialize, Deserializer, de};

use crate::Status;
use crate::units::Quantity;

/// Something that judges a value.
pub trait Judge {
    /// The status of `value`. A value that is not a number passes no bound.
    fn judge(&self, value: f64) -> Status;

    /// What is wrong with `value`, for a person; `None` when it is healthy.
    fn complaint(&self, value: f64, unit: &str) -> Option<String>;
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
        judge(self.warn, self.crit, |bound| value <= bound)
    }

    fn complaint(&self, value: f64, unit: &str) -> Option<String> {
        let bound = broken_bound(self.judge(value), self.warn, self.crit)?;
        Some(format!("{}, more than {}", Q::show(value, unit), Q::show(bound.amount(), unit)))
    }
}

impl<Q: Quantity> Judge for AtLeast<Q> {
    fn judge(&self, value: f64) -> Status {
        judge(self.warn, self.crit, |bound| value >= bound)
    }

    fn complaint(&self, value: f64, unit: &str) -> Option<String> {
        let bound = broken_bound(self.judge(value), self.warn, self.crit)?;
        Some(format!("{}, less than {}", Q::show(value, unit), Q::show(bound.amount(), unit)))
    }
}

fn judge<Q: Quantity>(warn: Option<Q>, crit: Option<Q>, keeps: impl Fn(f64) -> bool) -> Status {
    let breaks = |bound: Option<Q>| bound.is_some_and(|bound| !keeps(bound.amount()));
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
    is_ordered: impl Fn(f64, f64) -> bool,
) -> Result<Bounds<Q>, D::Error> {
    let bounds = Bounds::<Q>::deserialize(deserializer)?;
    match (bounds.warn, bounds.crit) {
        (Some(warn), Some(crit)) if !is_ordered(warn.amount(), crit.amount()) => Err(de::Error::custom(Disordered {
            warn: Q::show(warn.amount(), ""),
            crit: Q::show(crit.amount(), ""),
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
