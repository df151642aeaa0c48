//! What checks measured in their latest run, as gauges.
//!
//! A name or a unit is a guest's word, so how many there are is bounded, for each check and in all; what is no finite number
//! has no sample, and neither has what is not known any more: an old value would look like a new one.

use std::collections::BTreeMap;
use std::fmt;

use probity_core::check::Observed;
use prometheus_client::encoding::DescriptorEncoder;

use super::encode::gauge;
use crate::board::{Index, View};

/// Measurements of one check that have samples.
pub(super) const MEASUREMENTS_PER_CHECK_MAX: usize = 32;

/// Samples of measurements in all.
pub(super) const MEASUREMENTS_MAX: usize = 20_000;

/// A sample's value: whole numbers keep all their digits.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Sample {
    Whole(i64),
    Real(f64),
}

/// The samples of the checks that have series of their own.
pub(super) fn encode(encoder: &mut DescriptorEncoder<'_>, index: &Index, is_own: impl Fn(&str) -> bool) -> fmt::Result {
    let help = "What the check measured in its latest run, as long as that is fresh";
    let mut family = gauge(encoder, "probity_check_measurement", help, None)?;
    let (mut shown, mut omitted) = (0, 0_u64);
    for (check, slot) in index.checks.iter().filter(|(name, _)| is_own(name)) {
        for (at, (name, (unit, sample))) in samples(&slot.view()).into_iter().enumerate() {
            if at >= MEASUREMENTS_PER_CHECK_MAX || shown >= MEASUREMENTS_MAX {
                omitted += 1;
                continue;
            }
            shown += 1;
            let labels = [("check", &**check), ("name", name.as_str()), ("unit", unit.as_str())];
            match sample {
                Sample::Whole(value) => family.encode_family(&labels)?.encode_gauge(&value)?,
                Sample::Real(value) => family.encode_family(&labels)?.encode_gauge(&value)?,
            }
        }
    }
    let help = "Measurements of the latest runs that have no sample, since there are too many";
    gauge(encoder, "probity_check_measurements_omitted", help, None)?.encode_gauge(&omitted)
}

/// By name; of a repeated name the last counts, as everywhere.
fn samples(view: &View) -> BTreeMap<String, (String, Sample)> {
    // Failed, stale, blocked: there is no measurement of now.
    if view.unknown.is_some() {
        return BTreeMap::new();
    }
    let Some(Ok(outcome)) = view.run.as_ref().map(|run| &run.end) else { return BTreeMap::new() };
    let one = |measurement: &probity_core::check::Measurement| {
        let unit = measurement.unit.clone().unwrap_or_default();
        Some((measurement.name.clone(), (unit, sample(&measurement.value)?)))
    };
    outcome.measurements.iter().filter_map(one).collect()
}

fn sample(value: &Observed) -> Option<Sample> {
    match value {
        Observed::Number(number) => number.is_finite().then_some(Sample::Real(*number)),
        Observed::Integer(integer) => Some(Sample::Whole(*integer)),
        Observed::Boolean(yes) => Some(Sample::Whole(i64::from(*yes))),
        Observed::Text(_) => None,
    }
}
