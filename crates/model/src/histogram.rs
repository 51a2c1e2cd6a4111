//! A native histogram: many buckets in one sample, as Prometheus has them.
//!
//! *Exponential* buckets (schema -4 to 8): bucket `i` of the positive side holds values above `base^(i-1)` up to `base^i`, where
//! `base = 2^(2^-schema)`; the negative side mirrors it. *Custom* buckets (schema [`Histogram::CUSTOM`]): bucket `i` holds values
//! above `custom_values[i-1]` up to `custom_values[i]`; the last one, above all bounds, is `i == custom_values.len()`.
//! Specification: prometheus.io/docs/specs/native_histograms.

use std::sync::Arc;

/// A run of buckets that are there: `offset` buckets after the end of the run before (or, for the first, from bucket 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct BucketSpan {
    pub offset: i32,
    pub length: u32,
}

/// Whether the counts began anew with this sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum ResetHint {
    /// Look at the counts to tell.
    #[default]
    Unknown,
    Reset,
    NotReset,
    /// Counts may go down: this is no counter.
    Gauge,
}

/// All buckets' counts are absolute (neither cumulated over buckets nor differences).
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Histogram {
    pub schema: i32,
    /// Values no further from 0 than this are counted in `zero_count`.
    pub zero_threshold: f64,
    pub zero_count: f64,
    /// Of all observations, NaN among them. [`crate::Sample::STALE`]'s bit pattern in `sum` marks the series' end.
    pub count: f64,
    pub sum: f64,
    pub positive_spans: Vec<BucketSpan>,
    pub negative_spans: Vec<BucketSpan>,
    /// One for each bucket of `positive_spans`.
    pub positive: Vec<f64>,
    /// One for each bucket of `negative_spans`.
    pub negative: Vec<f64>,
    /// Upper bounds, ascending, without `+Inf`; only with schema [`Histogram::CUSTOM`].
    pub custom_values: Vec<f64>,
    pub reset_hint: ResetHint,
}

/// A native histogram at a time, in milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramSample {
    pub at_ms: i64,
    pub histogram: Arc<Histogram>,
}

/// Why a histogram cannot be one.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum HistogramError {
    #[error("schema {schema} is not known; -4 to 8 and -53 (custom buckets) are")]
    Schema { schema: i32 },
    #[error("the {side} spans name {spans} buckets, and there are {buckets} counts")]
    Spans { side: &'static str, spans: u64, buckets: usize },
    #[error("span {at} of the {side} side has a negative offset of {offset}")]
    Offset { side: &'static str, at: usize, offset: i32 },
    #[error("the {what} is {value}; counts are not negative")]
    Count { what: &'static str, value: f64 },
    #[error("the buckets hold {buckets} observations, and the count is {count}")]
    Total { buckets: f64, count: f64 },
    #[error("custom buckets have no {what}")]
    Custom { what: &'static str },
    #[error("the bounds of custom buckets must ascend and be finite: {value} does not fit")]
    Bounds { value: f64 },
    #[error("it has {parts} spans, buckets and bounds; at most {max} are taken")]
    TooLarge { parts: usize, max: usize },
}

impl Histogram {
    /// The schema of custom buckets.
    pub const CUSTOM: i32 = -53;
    pub const SCHEMA_MIN: i32 = -4;
    pub const SCHEMA_MAX: i32 = 8;
    /// Spans, buckets and bounds that one may have together. The finest schema needs some 520,000 buckets for all numbers that
    /// there are; what is measured has a few hundred.
    pub const PARTS_MAX: usize = 1 << 16;

    /// Spans, buckets and bounds together.
    pub fn parts(&self) -> usize {
        let spans = self.positive_spans.len() + self.negative_spans.len();
        spans + self.positive.len() + self.negative.len() + self.custom_values.len()
    }

    pub fn is_custom(&self) -> bool {
        self.schema == Self::CUSTOM
    }

    pub fn is_stale(&self) -> bool {
        self.sum.to_bits() == crate::Sample::STALE
    }

    /// Marks the end of a series of histograms.
    pub fn stale() -> Self {
        Self { sum: f64::from_bits(crate::Sample::STALE), ..Self::default() }
    }

    /// Checks what Prometheus checks before it stores one.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn validate(&self) -> Result<(), HistogramError> {
        let (parts, max) = (self.parts(), Self::PARTS_MAX);
        if parts > max {
            return Err(HistogramError::TooLarge { parts, max });
        }
        if self.is_stale() {
            return self.validate_spans();
        }
        if self.is_custom() {
            self.validate_custom()?;
        } else if !(Self::SCHEMA_MIN..=Self::SCHEMA_MAX).contains(&self.schema) {
            return Err(HistogramError::Schema { schema: self.schema });
        } else if !self.custom_values.is_empty() {
            return Err(HistogramError::Bounds { value: self.custom_values[0] });
        }
        self.validate_spans()?;
        let named = [("count", self.count), ("zero count", self.zero_count)];
        let buckets = self.positive.iter().chain(&self.negative).map(|count| ("bucket", *count));
        if let Some((what, value)) = named.into_iter().chain(buckets).find(|(_, v)| *v < 0.0) {
            return Err(HistogramError::Count { what, value });
        }
        let total: f64 =
            self.zero_count + self.positive.iter().sum::<f64>() + self.negative.iter().sum::<f64>();
        // Observations of NaN are in no bucket; sums of fractions differ by their rounding.
        if total > self.count && (total - self.count) > 1e-6 * total.abs() {
            return Err(HistogramError::Total { buckets: total, count: self.count });
        }
        Ok(())
    }

    /// Checks that the spans go onwards and name as many buckets as there are counts: whoever goes through them relies on
    /// it, even where the histogram marks no more than the end of a series.
    ///
    /// # Errors
    /// The first side that is wrong.
    pub fn validate_spans(&self) -> Result<(), HistogramError> {
        spans("positive", &self.positive_spans, &self.positive)?;
        spans("negative", &self.negative_spans, &self.negative)
    }

    fn validate_custom(&self) -> Result<(), HistogramError> {
        if !self.negative_spans.is_empty() || !self.negative.is_empty() {
            return Err(HistogramError::Custom { what: "negative side" });
        }
        if self.zero_count != 0.0 || self.zero_threshold != 0.0 {
            return Err(HistogramError::Custom { what: "zero bucket" });
        }
        let mut last = f64::NEG_INFINITY;
        for &bound in &self.custom_values {
            if bound.is_nan() || bound <= last || bound == f64::INFINITY {
                return Err(HistogramError::Bounds { value: bound });
            }
            last = bound;
        }
        let named: i64 = self
            .positive_spans
            .iter()
            .map(|span| i64::from(span.offset) + i64::from(span.length))
            .sum();
        let most = i64::try_from(self.custom_values.len()).unwrap_or(i64::MAX).saturating_add(1);
        if named > most {
            return Err(HistogramError::Spans {
                side: "positive",
                spans: named.unsigned_abs(),
                buckets: self.custom_values.len() + 1,
            });
        }
        Ok(())
    }
}

fn spans(side: &'static str, spans: &[BucketSpan], buckets: &[f64]) -> Result<(), HistogramError> {
    if let Some((at, span)) = spans.iter().enumerate().skip(1).find(|(_, span)| span.offset < 0) {
        return Err(HistogramError::Offset { side, at, offset: span.offset });
    }
    let named: u64 = spans.iter().map(|span| u64::from(span.length)).sum();
    if usize::try_from(named).ok() == Some(buckets.len()) {
        Ok(())
    } else {
        Err(HistogramError::Spans { side, spans: named, buckets: buckets.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram() -> Histogram {
        Histogram {
            count: 6.0,
            sum: 9.0,
            zero_count: 1.0,
            positive_spans: vec![
                BucketSpan { offset: -1, length: 1 },
                BucketSpan { offset: 2, length: 1 },
            ],
            positive: vec![2.0, 3.0],
            ..Histogram::default()
        }
    }

    #[test]
    fn a_sound_one_passes() {
        assert_eq!(histogram().validate(), Ok(()));
        assert_eq!(Histogram::stale().validate(), Ok(()));
    }

    #[test]
    fn a_stale_marker_names_no_buckets_that_are_not_there() {
        let spans = vec![BucketSpan { offset: 0, length: u32::MAX }];
        let marker = Histogram { positive_spans: spans, ..Histogram::stale() };
        assert!(marker.validate().is_err());
    }

    /// Spans without buckets take memory, too, and a stale marker may bring as many as any.
    #[test]
    fn one_that_is_too_large_is_refused() {
        let empty = BucketSpan { offset: 0, length: 0 };
        for fits in [true, false] {
            let spans = vec![empty; Histogram::PARTS_MAX + usize::from(!fits)];
            for one in [Histogram::default(), Histogram::stale()] {
                let one = Histogram { positive_spans: spans.clone(), ..one };
                assert_eq!(one.validate().is_ok(), fits);
            }
        }
    }

    #[test]
    fn what_does_not_add_up_is_named() {
        let check = |change: fn(&mut Histogram), expected: &str| {
            let mut histogram = histogram();
            change(&mut histogram);
            assert_eq!(histogram.validate().unwrap_err().to_string(), expected);
        };
        check(|h| h.schema = 9, "schema 9 is not known; -4 to 8 and -53 (custom buckets) are");
        check(
            |h| h.positive = vec![2.0],
            "the positive spans name 2 buckets, and there are 1 counts",
        );
        check(
            |h| h.positive_spans[1].offset = -2,
            "span 1 of the positive side has a negative offset of -2",
        );
        check(|h| h.count = 5.0, "the buckets hold 6 observations, and the count is 5");
        check(|h| h.positive[0] = -1.0, "the bucket is -1; counts are not negative");
        check(|h| h.schema = -53, "custom buckets have no zero bucket");
    }
}
