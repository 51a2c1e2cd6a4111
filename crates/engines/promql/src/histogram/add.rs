//! Sums and differences of two histograms, and what makes their buckets comparable.

use model::Histogram;

use super::{Incompatible, Outcome, bins, bins::Bins, bounds, merge_hints};
use crate::kahan::Kahan;

/// Adds `other` to `histogram`; schema, zero bucket and custom bounds become what both can have.
///
/// # Errors
/// When one has exponential and the other custom buckets.
pub fn add(histogram: &mut Histogram, other: &Histogram) -> Result<Outcome, Incompatible> {
    combine(histogram, other, 1.0)
}

/// Subtracts `other` from `histogram`.
///
/// # Errors
/// When one has exponential and the other custom buckets.
pub fn subtract(histogram: &mut Histogram, other: &Histogram) -> Result<Outcome, Incompatible> {
    combine(histogram, other, -1.0)
}

fn combine(
    histogram: &mut Histogram,
    other: &Histogram,
    sign: f64,
) -> Result<Outcome, Incompatible> {
    if histogram.is_custom() != other.is_custom() {
        return Err(Incompatible);
    }
    let mut outcome = Outcome::default();
    (histogram.reset_hint, outcome.collision) = merge_hints(histogram.reset_hint, other.reset_hint);
    histogram.count += sign * other.count;
    histogram.sum += sign * other.sum;
    let both = |a: f64, b: f64| a + sign * b;
    let only = |b: f64| sign * b;
    let ours = bins::bins(&histogram.positive_spans, &histogram.positive);
    let theirs = bins::bins(&other.positive_spans, &other.positive);
    if histogram.is_custom() {
        let merged = if same_bounds(&histogram.custom_values, &other.custom_values) {
            bins::merge(&ours, &theirs, both, only)
        } else {
            outcome.reconciled = true;
            let bounds = common_bounds(&histogram.custom_values, &other.custom_values);
            let mut merged = vec![Kahan::default(); bounds.len() + 1];
            onto(&bounds, &ours, &histogram.custom_values, |at, count| merged[at].add(count));
            onto(&bounds, &theirs, &other.custom_values, |at, count| merged[at].add(sign * count));
            histogram.custom_values = bounds;
            merged.iter().zip(0..).map(|(count, at)| (at, count.sum)).collect()
        };
        (histogram.positive_spans, histogram.positive) = bins::spans(&merged);
        return Ok(outcome);
    }
    let mut left = Sides::of(histogram);
    let mut right = Sides::of(other);
    level(&mut left, &mut right);
    left.zero += sign * right.zero;
    let schema = left.schema.min(right.schema);
    let (left, right) = (left.reduced(schema), right.reduced(schema));
    histogram.schema = schema;
    histogram.zero_count = left.zero;
    histogram.zero_threshold = left.threshold;
    let merged = bins::merge(&left.positive, &right.positive, both, only);
    (histogram.positive_spans, histogram.positive) = bins::spans(&merged);
    let merged = bins::merge(&left.negative, &right.negative, both, only);
    (histogram.negative_spans, histogram.negative) = bins::spans(&merged);
    Ok(outcome)
}

/// A copy in a coarser schema.
pub(crate) fn reduced(histogram: &Histogram, schema: i32) -> Histogram {
    let mut out = histogram.clone();
    if histogram.is_custom() || schema >= histogram.schema {
        return out;
    }
    let sides = Sides::of(histogram).reduced(schema);
    out.schema = schema;
    (out.positive_spans, out.positive) = bins::spans(&sides.positive);
    (out.negative_spans, out.negative) = bins::spans(&sides.negative);
    out
}

/// The buckets of an exponential histogram.
#[derive(Clone, Debug)]
pub(super) struct Sides {
    pub(super) schema: i32,
    pub(super) threshold: f64,
    pub(super) zero: f64,
    pub(super) positive: Bins,
    pub(super) negative: Bins,
}

impl Sides {
    pub(super) fn of(histogram: &Histogram) -> Self {
        Self {
            schema: histogram.schema,
            threshold: histogram.zero_threshold,
            zero: histogram.zero_count,
            positive: bins::bins(&histogram.positive_spans, &histogram.positive),
            negative: bins::bins(&histogram.negative_spans, &histogram.negative),
        }
    }

    pub(super) fn reduced(self, schema: i32) -> Self {
        Self {
            positive: bins::reduce(self.positive, self.schema, schema),
            negative: bins::reduce(self.negative, self.schema, schema),
            schema: self.schema.min(schema),
            ..self
        }
    }

    /// Widens the zero bucket to `threshold`, or further when that lies within a bucket that counts something.
    pub(super) fn widen(&mut self, threshold: f64) {
        if threshold.is_nan() || threshold <= self.threshold {
            return;
        }
        let mut wanted = threshold;
        loop {
            let mut grown = wanted;
            for (index, count) in self.positive.iter().chain(&self.negative) {
                let lower = bounds::exponential(index.saturating_sub(1), self.schema);
                let upper = bounds::exponential(*index, self.schema);
                if lower < wanted && upper > wanted && *count != 0.0 {
                    grown = grown.max(upper);
                }
            }
            if grown == wanted {
                break;
            }
            wanted = grown;
        }
        let mut zero = Kahan { sum: self.zero, lost: 0.0 };
        let schema = self.schema;
        for side in [&mut self.positive, &mut self.negative] {
            side.retain(|(index, count)| {
                let inside = bounds::exponential(index.saturating_sub(1), schema) < wanted;
                if inside {
                    zero.add(*count);
                }
                !inside
            });
        }
        self.zero = zero.sum;
        self.threshold = wanted;
    }
}

/// Gives both the same zero bucket.
pub(super) fn level(left: &mut Sides, right: &mut Sides) {
    while left.threshold != right.threshold {
        let before = (left.threshold, right.threshold);
        right.widen(left.threshold);
        left.widen(right.threshold);
        if before == (left.threshold, right.threshold) {
            // A threshold that is no number cannot be met.
            return;
        }
    }
}

/// Whether two lists of bounds are the same.
pub(super) fn same_bounds(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

/// The bounds that both have.
pub(super) fn common_bounds(a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut out = Vec::with_capacity(a.len().min(b.len()));
    let (mut i, mut j) = (0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        if x == y {
            out.push(*x);
        }
        i += usize::from(x <= y);
        j += usize::from(y <= x);
    }
    out
}

/// Says for each bucket into which bucket of the coarser `bounds` it falls.
pub(super) fn onto(
    bounds: &[f64],
    bins: &[(i32, f64)],
    from: &[f64],
    mut put: impl FnMut(usize, f64),
) {
    for (index, count) in bins {
        let upper = usize::try_from(*index).ok().and_then(|at| from.get(at));
        let at = upper.map_or(bounds.len(), |upper| bounds.partition_point(|bound| bound < upper));
        put(at, *count);
    }
}
