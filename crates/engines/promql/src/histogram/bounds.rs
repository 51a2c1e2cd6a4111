//! Buckets' bounds, and walks over all buckets of a histogram.

use std::sync::LazyLock;

use model::Histogram;

use super::{Bucket, bins};

/// `2^(i / 2^schema)` for each `i` below `2^schema`, for schemas 0 to 8.
static FRACTIONS: LazyLock<Vec<Vec<f64>>> = LazyLock::new(|| {
    (0..=8_u32)
        .map(|schema| {
            let parts = 1_u32 << schema;
            (0..parts).map(|at| (f64::from(at) / f64::from(parts)).exp2()).collect()
        })
        .collect()
});

/// `mantissa * 2^exponent`, without losing what is not normal on the way.
fn scaled(mantissa: f64, exponent: i32) -> f64 {
    let half = exponent / 2;
    mantissa * f64::from(half).exp2() * f64::from(exponent - half).exp2()
}

/// The upper bound of the positive bucket `index`.
pub(super) fn exponential(index: i32, schema: i32) -> f64 {
    let bound = if schema < 0 {
        let shift = schema.unsigned_abs().min(16);
        let exponent = i64::from(index) << shift;
        scaled(1.0, i32::try_from(exponent.clamp(-4000, 4000)).unwrap_or(0))
    } else {
        let schema = usize::try_from(schema.min(8)).unwrap_or(0);
        let parts = 1_i32 << schema;
        let part = usize::try_from(index.rem_euclid(parts)).unwrap_or(0);
        let exponent = index.div_euclid(parts).clamp(-4000, 4000);
        scaled(FRACTIONS[schema][part], exponent)
    };
    // The bucket that holds the largest float ends there; only the one after it reaches infinity.
    let whole = if schema < 0 { 1 << schema.unsigned_abs().min(16) } else { 1 };
    let first_infinite =
        if schema < 0 { (1024 + whole - 1) / whole } else { 1024 << schema.min(8) };
    if bound.is_infinite() && index == first_infinite { f64::MAX } else { bound }
}

/// A positive bucket's bounds: above the first, up to the second.
pub(super) fn positive(histogram: &Histogram, index: i32) -> (f64, f64) {
    if histogram.is_custom() {
        let at =
            |index: i32| usize::try_from(index).ok().and_then(|at| histogram.custom_values.get(at));
        let lower = at(index.saturating_sub(1)).copied().unwrap_or(if index <= 0 {
            f64::NEG_INFINITY
        } else {
            f64::INFINITY
        });
        return (lower, at(index).copied().unwrap_or(f64::INFINITY));
    }
    (exponential(index.saturating_sub(1), histogram.schema), exponential(index, histogram.schema))
}

/// The bucket `index` of the positive or negative side.
pub(super) fn bucket(histogram: &Histogram, is_positive: bool, index: i32, count: f64) -> Bucket {
    let (low, high) = positive(histogram, index);
    if is_positive {
        let lower_inclusive = low == f64::NEG_INFINITY && histogram.is_custom();
        Bucket { lower: low, upper: high, lower_inclusive, upper_inclusive: true, count }
    } else {
        Bucket { lower: -high, upper: -low, lower_inclusive: true, upper_inclusive: false, count }
    }
}

/// The zero bucket.
pub(super) fn zero(histogram: &Histogram) -> Bucket {
    Bucket {
        lower: -histogram.zero_threshold,
        upper: histogram.zero_threshold,
        lower_inclusive: true,
        upper_inclusive: true,
        count: histogram.zero_count,
    }
}

/// A walk over all buckets of a histogram; next to the zero bucket, bounds end at the zero threshold.
#[derive(Debug)]
pub struct Buckets<'a> {
    histogram: &'a Histogram,
    negative: bins::Bins,
    positive: bins::Bins,
    /// How many were given: first those of one side, then the zero bucket, then those of the other.
    at: usize,
    descending: bool,
}

impl<'a> Buckets<'a> {
    pub(super) fn ascending(histogram: &'a Histogram) -> Self {
        Self {
            histogram,
            negative: bins::bins(&histogram.negative_spans, &histogram.negative),
            positive: bins::bins(&histogram.positive_spans, &histogram.positive),
            at: 0,
            descending: false,
        }
    }

    pub(super) fn descending(histogram: &'a Histogram) -> Self {
        Self { descending: true, ..Self::ascending(histogram) }
    }

    fn side(&self, is_positive: bool, at: usize, outwards: bool) -> Option<Bucket> {
        let bins = if is_positive { &self.positive } else { &self.negative };
        let at = if outwards { at } else { bins.len().checked_sub(at + 1)? };
        let &(index, count) = bins.get(at)?;
        let mut bucket = bucket(self.histogram, is_positive, index, count);
        let threshold = self.histogram.zero_threshold;
        if bucket.upper < 0.0 && bucket.upper > -threshold {
            bucket.upper = -threshold;
        } else if bucket.lower > 0.0 && bucket.lower < threshold {
            bucket.lower = threshold;
        }
        Some(bucket)
    }
}

impl Iterator for Buckets<'_> {
    type Item = Bucket;

    fn next(&mut self) -> Option<Bucket> {
        let first = if self.descending { self.positive.len() } else { self.negative.len() };
        loop {
            let at = self.at;
            self.at += 1;
            if at < first {
                return self.side(self.descending, at, false);
            }
            if at == first {
                if self.histogram.zero_count > 0.0 {
                    return Some(zero(self.histogram));
                }
                continue;
            }
            return self.side(!self.descending, at - first - 1, true);
        }
    }
}
