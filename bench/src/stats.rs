//! Batches of numbers, and the ratio of two cases that took turns.

use anyhow::Result;
use serde::{Deserialize, Serialize};

/// One number per batch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series(pub(crate) Vec<f64>);

/// What is shown of a series.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) batches: usize,
}

impl Series {
    /// Median, smallest, largest; none of an empty series.
    pub(crate) fn summary(&self) -> Option<Summary> {
        Some(Summary {
            median: self.quantile(0.5)?,
            min: self.quantile(0.0)?,
            max: self.quantile(1.0)?,
            batches: self.0.len(),
        })
    }

    /// The value below which a share of the series lies, between two values by their distance.
    pub(crate) fn quantile(&self, share: f64) -> Option<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let place = share * (sorted.len().checked_sub(1)? as f64);
        let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
        Some(below + (above - below) * place.fract())
    }
}

impl FromIterator<f64> for Series {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

/// Two cases that took turns, and their ratio pair by pair.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pair {
    pub(crate) ours: Series,
    pub(crate) floor: Series,
    pub(crate) ratio: Series,
}

/// Runs both in turn, `batches` times each, after one turn that does not count. Each answers one number.
pub(crate) fn alternate(
    batches: usize,
    mut ours: impl FnMut() -> Result<f64>,
    mut floor: impl FnMut() -> Result<f64>,
) -> Result<Pair> {
    let mut pair = Pair::default();
    for batch in 0..=batches {
        let (a, b) = (ours()?, floor()?);
        if batch > 0 {
            pair.ours.0.push(a);
            pair.floor.0.push(b);
            pair.ratio.0.push(a / b);
        }
    }
    Ok(pair)
}

#[cfg(test)]
mod tests {
    use super::*;

    // The median of an even number of values lies between the middle two.
    #[test]
    fn quantiles_lie_between_values() {
        let series = Series(vec![4.0, 1.0, 3.0, 2.0]);
        let summary = series.summary().unwrap();
        assert_eq!((summary.min, summary.median, summary.max), (1.0, 2.5, 4.0));
        assert!(Series::default().summary().is_none());
    }

    // The first turn warms up; ratios are of neighbours, not of medians.
    #[test]
    fn turns_alternate_and_the_first_is_dropped() {
        let (mut a, mut b) = ([9.0, 2.0, 8.0].into_iter(), [1.0, 1.0, 2.0].into_iter());
        let pair = alternate(2, || Ok(a.next().unwrap()), || Ok(b.next().unwrap())).unwrap();
        assert_eq!(pair.ratio.0, [2.0, 4.0]);
    }
}
