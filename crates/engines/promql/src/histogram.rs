//! What PromQL does with native histograms: arithmetic, comparison, statistics and printing.
//!
//! Buckets are worked on as *bins*: pairs of an index and a count, in the order of their indices. A histogram's spans
//! are read into bins and written back without empty buckets, so that a result is always compact.
//! Specification: prometheus.io/docs/specs/native_histograms.

mod add;
mod bins;
mod bounds;
mod classic;
mod format;
mod mean;
mod reset;
mod stats;
mod sum;
mod trim;

use std::fmt;

use model::{Histogram, ResetHint};

pub use self::add::{add, subtract};
pub(crate) use self::{
    add::reduced,
    classic::{Classic, Fixed},
    mean::Mean,
    reset::same,
    stats::{Note, fraction, quantile, variance},
    sum::Sum,
    trim::trim,
};
pub use self::{bounds::Buckets, format::TestForm, reset::detect_reset};

/// One bucket with its bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    pub lower: f64,
    pub upper: f64,
    pub lower_inclusive: bool,
    pub upper_inclusive: bool,
    pub count: f64,
}

/// Exponential and custom buckets do not go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("exponential and custom buckets do not go together")]
pub struct Incompatible;

/// What a sum or difference did besides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// One histogram said that its counter began anew, the other that it did not.
    pub collision: bool,
    /// The bounds of custom buckets differed; only those that both have were kept.
    pub reconciled: bool,
}

/// All buckets that are there, from the lowest to the highest; a zero bucket only when it counts something.
pub fn buckets(histogram: &Histogram) -> Buckets<'_> {
    Buckets::ascending(histogram)
}

/// Prints a histogram as Prometheus does: `{count:3, sum:4, (1,2]:3}`.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a>(pub &'a Histogram);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        format::brief(self.0, f)
    }
}

/// The hint of a sum of two histograms, and whether theirs contradict each other.
pub(crate) fn merge_hints(ours: ResetHint, theirs: ResetHint) -> (ResetHint, bool) {
    match (ours, theirs) {
        (a, b) if a == b => (a, false),
        (ResetHint::Gauge, _) | (_, ResetHint::Gauge) => (ResetHint::Gauge, false),
        (ResetHint::Unknown, _) | (_, ResetHint::Unknown) => (ResetHint::Unknown, false),
        _ => (ResetHint::Unknown, true),
    }
}

/// Multiplies all counts and the sum.
pub(crate) fn scale(histogram: &mut Histogram, factor: f64) {
    each(histogram, |value| *value *= factor);
    if factor < 0.0 {
        histogram.reset_hint = ResetHint::Gauge;
    }
}

/// Divides all counts and the sum; a division by zero leaves no buckets.
pub(crate) fn divide(histogram: &mut Histogram, divisor: f64) {
    each(histogram, |value| *value /= divisor);
    if divisor == 0.0 {
        histogram.positive.clear();
        histogram.negative.clear();
        histogram.positive_spans.clear();
        histogram.negative_spans.clear();
    } else if divisor < 0.0 {
        histogram.reset_hint = ResetHint::Gauge;
    }
}

fn each(histogram: &mut Histogram, mut change: impl FnMut(&mut f64)) {
    change(&mut histogram.zero_count);
    change(&mut histogram.count);
    change(&mut histogram.sum);
    histogram.positive.iter_mut().for_each(&mut change);
    histogram.negative.iter_mut().for_each(&mut change);
}

/// Leaves out empty buckets.
pub fn compact(histogram: &mut Histogram) {
    for (spans, counts) in [
        (&mut histogram.positive_spans, &mut histogram.positive),
        (&mut histogram.negative_spans, &mut histogram.negative),
    ] {
        let tight = counts.iter().all(|count| *count != 0.0)
            && spans
                .iter()
                .enumerate()
                .all(|(at, span)| span.length > 0 && (at == 0 || span.offset > 0));
        if !tight {
            (*spans, *counts) = bins::spans(&bins::bins(spans, counts));
        }
    }
}

/// How much memory a histogram takes, in samples of 16 bytes, as Prometheus counts them.
pub(crate) fn size(histogram: &Histogram) -> usize {
    let bytes = 160
        + 8 * (histogram.positive.len() + histogram.negative.len() + histogram.custom_values.len())
        + 8 * (histogram.positive_spans.len() + histogram.negative_spans.len());
    bytes / 16
}

#[cfg(test)]
mod tests;
