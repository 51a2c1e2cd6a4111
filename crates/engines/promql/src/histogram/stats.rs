//! Quantiles, fractions and variance of a native histogram.

use model::Histogram;

use super::{Bucket, Buckets};
use crate::kahan::Kahan;

/// What is to be said of a quantile or fraction besides its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// Observations that are no numbers make the quantile none.
    QuantileIsNan,
    /// Observations that are no numbers count as if they were infinite.
    QuantileIsSkewed,
    /// Observations that are no numbers are in no fraction.
    FractionLacksNan,
}

/// The `q`-quantile; within a bucket, observations are taken to lie evenly on the scale of its schema.
pub(crate) fn quantile(q: f64, histogram: &Histogram) -> (f64, Option<Note>) {
    if q < 0.0 {
        return (f64::NEG_INFINITY, None);
    }
    if q > 1.0 {
        return (f64::INFINITY, None);
    }
    if histogram.count == 0.0 || q.is_nan() {
        return (f64::NAN, None);
    }
    let custom = histogram.is_custom();
    // What is no number is in no bucket, so only a count from below finds its place.
    let forward = histogram.sum.is_nan() || q < 0.5;
    let (mut walk, mut rank) = if forward {
        (Buckets::ascending(histogram), q * histogram.count)
    } else {
        (Buckets::descending(histogram), (1.0 - q) * histogram.count)
    };
    let mut count = 0.0;
    let mut bucket = Bucket {
        lower: 0.0,
        upper: 0.0,
        lower_inclusive: false,
        upper_inclusive: false,
        count: 0.0,
    };
    for found in walk.by_ref() {
        bucket = found;
        if bucket.count == 0.0 {
            continue;
        }
        count += bucket.count;
        if count >= rank {
            break;
        }
    }
    if custom {
        if bucket.lower == f64::NEG_INFINITY {
            if bucket.upper <= 0.0 {
                return (bucket.upper, None);
            }
            bucket.lower = 0.0;
        } else if bucket.upper == f64::INFINITY {
            return (bucket.lower, None);
        }
    } else if bucket.lower < 0.0 && bucket.upper > 0.0 {
        one_sided(histogram, &mut bucket);
    }
    count = if count > histogram.count { histogram.count } else { count };
    if count < rank {
        if histogram.sum.is_nan() {
            return (f64::NAN, Some(Note::QuantileIsNan));
        }
        return (bucket.upper, None);
    }
    rank = if forward { rank - (count - bucket.count) } else { count - rank };
    let mut note = None;
    if histogram.sum.is_nan() {
        let all = walk.fold(count, |all, bucket| all + bucket.count);
        if all < histogram.count {
            note = Some(Note::QuantileIsSkewed);
        }
    }
    let part = rank / bucket.count;
    if custom || (bucket.lower <= 0.0 && bucket.upper >= 0.0) {
        return (bucket.lower + (bucket.upper - bucket.lower) * part, note);
    }
    let (low, high) = (bucket.lower.abs().log2(), bucket.upper.abs().log2());
    let value = if bucket.lower > 0.0 {
        (low + (high - low) * part).exp2()
    } else {
        -(high + (low - high) * (1.0 - part)).exp2()
    };
    (value, note)
}

/// A zero bucket beside one side only is taken to hold observations of that side.
fn one_sided(histogram: &Histogram, bucket: &mut Bucket) {
    if histogram.negative.is_empty() && !histogram.positive.is_empty() {
        bucket.lower = 0.0;
    } else if histogram.positive.is_empty() && !histogram.negative.is_empty() {
        bucket.upper = 0.0;
    }
}

/// The part of all observations that lies between `lower` and `upper`.
pub(crate) fn fraction(lower: f64, upper: f64, histogram: &Histogram) -> (f64, Option<Note>) {
    if histogram.count == 0.0 || lower.is_nan() || upper.is_nan() {
        return (f64::NAN, None);
    }
    if lower >= upper {
        return (0.0, None);
    }
    let custom = histogram.is_custom();
    let (mut count, mut rank) = (0.0, 0.0);
    let (mut low, mut high) = (None, None);
    let mut walk = Buckets::ascending(histogram);
    for mut bucket in walk.by_ref() {
        count += bucket.count;
        let zero = bucket.lower <= 0.0 && bucket.upper >= 0.0;
        if zero {
            one_sided(histogram, &mut bucket);
        }
        for (bound, found) in [(lower, &mut low), (upper, &mut high)] {
            if found.is_some() {
                continue;
            }
            if bucket.lower >= bound {
                *found = Some(rank);
            } else if bucket.upper > bound {
                let share = if custom || zero { linear } else { exponential };
                *found = Some(share(&bucket, bound, rank));
            }
        }
        if low.is_some() && high.is_some() {
            break;
        }
        rank += bucket.count;
    }
    let mut note = None;
    if histogram.sum.is_nan() {
        count = walk.fold(count, |count, bucket| count + bucket.count);
        if count < histogram.count {
            note = Some(Note::FractionLacksNan);
        }
    } else {
        count = histogram.count;
    }
    let capped = |rank: Option<f64>| rank.filter(|rank| *rank <= count).unwrap_or(count);
    ((capped(high) - capped(low)) / histogram.count, note)
}

fn linear(bucket: &Bucket, bound: f64, rank: f64) -> f64 {
    if bucket.lower == f64::NEG_INFINITY {
        return bucket.count;
    }
    rank + bucket.count * (bound - bucket.lower) / (bucket.upper - bucket.lower)
}

fn exponential(bucket: &Bucket, bound: f64, rank: f64) -> f64 {
    rank + bucket.count * log_part(bucket.lower, bucket.upper, bound, bound > 0.0)
}

/// How far `at` lies between two bounds on a logarithmic scale.
pub(super) fn log_part(lower: f64, upper: f64, at: f64, positive: bool) -> f64 {
    let (low, high, at) = (lower.abs().log2(), upper.abs().log2(), at.abs().log2());
    if positive { (at - low) / (high - low) } else { 1.0 - (at - high) / (low - high) }
}

/// The variance, with each bucket's middle for its observations.
pub(crate) fn variance(histogram: &Histogram) -> f64 {
    let mean = histogram.sum / histogram.count;
    let mut total = Kahan::default();
    for bucket in Buckets::ascending(histogram).filter(|bucket| bucket.count != 0.0) {
        let middle = if histogram.is_custom() {
            f64::midpoint(bucket.upper, bucket.lower)
        } else if bucket.lower <= 0.0 && bucket.upper >= 0.0 {
            0.0
        } else {
            (bucket.upper * bucket.lower).sqrt().copysign(bucket.upper)
        };
        let delta = middle - mean;
        total.add(bucket.count * delta * delta);
    }
    total.total() / histogram.count
}
