//! Exponential histograms, as cumulative buckets with bounds.
//!
//! OpenTelemetry's data model ("ExponentialHistogram"): bucket `i` of scale `s` holds values above `base^i` up to `base^(i+1)`,
//! where `base = 2^(2^-s)`. Halving the resolution merges two neighbours, so bounds of a coarser scale are among those of a finer
//! one. Emitters begin fine and grow coarse; so that they do not leave series behind at each step, nothing finer than [`SCALE_MAX`] is kept.

use model::{BucketSpan, Histogram, ResetHint};

use crate::{RawBuckets, RawExponential};

/// The finest scale kept: 8 buckets for each power of 2, so a value is off by 4.4 % at most.
pub const SCALE_MAX: i32 = 3;
/// The coarsest scale there is: one bucket for all that is above 1.
pub const SCALE_MIN: i32 = -10;
/// The most buckets kept on each side of 0, as SDKs do by default.
pub const BUCKETS_MAX: usize = 160;
/// The finest scale of a native histogram.
pub const NATIVE_SCALE_MAX: i32 = Histogram::SCHEMA_MAX;
/// The most buckets of a native histogram on each side of 0.
pub const NATIVE_BUCKETS_MAX: usize = 1024;
/// Empty buckets in a row that stay within a span, as in Prometheus.
const GAP_MAX: i64 = 2;
/// What a native histogram counts as 0 when its emitter does not say, as in Prometheus.
const ZERO_THRESHOLD: f64 = 1e-128;

/// The counts of one series, at one moment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Exponential {
    scale: i32,
    count: u64,
    sum: Option<f64>,
    zero_count: u64,
    zero_threshold: f64,
    positive: Buckets,
    negative: Buckets,
    /// The most buckets on each side.
    buckets_max: usize,
}

/// Counts in a row; neither the first nor the last is 0.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
struct Buckets {
    offset: i64,
    counts: Vec<u64>,
}

impl Exponential {
    /// As finely as classic buckets are kept; `None` when the scale is none.
    pub(crate) fn new(point: &RawExponential) -> Option<Self> {
        Self::within(point, SCALE_MAX, BUCKETS_MAX)
    }

    /// As finely as a native histogram can be; `None` when the scale is none.
    pub(crate) fn finest(point: &RawExponential) -> Option<Self> {
        Self::within(point, NATIVE_SCALE_MAX, NATIVE_BUCKETS_MAX)
    }

    /// As [`Exponential::finest`], with as few buckets as we remember of each series for deltas.
    pub(crate) fn finest_delta(point: &RawExponential) -> Option<Self> {
        Self::within(point, NATIVE_SCALE_MAX, BUCKETS_MAX)
    }

    fn within(point: &RawExponential, scale_max: i32, buckets_max: usize) -> Option<Self> {
        if point.scale < SCALE_MIN {
            return None;
        }
        let down = u32::try_from(point.scale.saturating_sub(scale_max)).unwrap_or(0);
        let mut histogram = Self {
            scale: point.scale.min(scale_max),
            count: point.count,
            sum: point.sum,
            zero_count: point.zero_count,
            zero_threshold: if point.zero_threshold > 0.0 { point.zero_threshold } else { 0.0 },
            positive: Buckets::new(&point.positive, down),
            negative: Buckets::new(&point.negative, down),
            buckets_max,
        };
        histogram.fit();
        Some(histogram)
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn sum(&self) -> Option<f64> {
        self.sum
    }

    /// As coarse as classic buckets are kept.
    pub(crate) fn coarse(&self) -> Self {
        let mut coarse = Self { buckets_max: BUCKETS_MAX, ..self.clone() };
        coarse.lower_to(coarse.scale.min(SCALE_MAX));
        coarse.fit();
        coarse
    }

    /// As Prometheus stores it, whose bucket `i` is OpenTelemetry's `i - 1`; `None` when it is coarser than native ones are.
    #[expect(clippy::cast_precision_loss, reason = "samples are floats, as Prometheus has them")]
    pub(crate) fn native(&self) -> Option<Histogram> {
        if self.scale < Histogram::SCHEMA_MIN {
            return None;
        }
        let (positive_spans, positive) = self.positive.spans()?;
        let (negative_spans, negative) = self.negative.spans()?;
        let threshold = self.zero_threshold;
        Some(Histogram {
            schema: self.scale,
            zero_threshold: if threshold > 0.0 { threshold } else { ZERO_THRESHOLD },
            zero_count: self.zero_count as f64,
            count: self.count as f64,
            sum: self.sum.unwrap_or_default(),
            positive_spans,
            negative_spans,
            positive,
            negative,
            custom_values: Vec::new(),
            reset_hint: ResetHint::Unknown,
        })
    }

    /// Adds what was counted since.
    pub(crate) fn add(&mut self, mut other: Self) {
        let mut scale = self.scale.min(other.scale);
        loop {
            self.lower_to(scale);
            other.lower_to(scale);
            let positive = self.positive.span(&other.positive);
            if positive.max(self.negative.span(&other.negative)) <= self.buckets_max {
                break;
            }
            // Before they are added: what lies far apart would take all between.
            scale -= 1;
        }
        self.count = self.count.saturating_add(other.count);
        self.sum = self.sum.zip(other.sum).map(|(ours, theirs)| ours + theirs);
        self.zero_count = self.zero_count.saturating_add(other.zero_count);
        self.zero_threshold = self.zero_threshold.max(other.zero_threshold);
        self.positive.add(&other.positive);
        self.negative.add(&other.negative);
    }

    /// Upper bounds, ascending, as `le` has them, each with the count of all that is not above it; without `+Inf`.
    pub(crate) fn buckets(&self) -> Vec<(String, u64)> {
        let mut found =
            Vec::with_capacity(self.positive.counts.len() + self.negative.counts.len() + 2);
        let mut last = f64::NEG_INFINITY;
        let mut push = |bound: f64, cumulated: u64| {
            // What is beyond the range of floats is in `+Inf`; what is too small to be told apart is in the next.
            if bound > last && bound.is_finite() {
                last = bound;
                found.push((text(bound), cumulated));
            }
        };
        let mut cumulated = 0_u64;
        for (index, count) in self.negative.indexed().rev() {
            cumulated = cumulated.saturating_add(count);
            let nearest = bound(index, self.scale);
            if nearest > 0.0 {
                push(-nearest, cumulated);
            }
        }
        if self.zero_count > 0 || cumulated > 0 {
            cumulated = cumulated.saturating_add(self.zero_count);
            push(self.zero_threshold, cumulated);
        }
        // The first bucket's lower bound, below which none of its values are.
        if let Some((index, _)) = self.positive.indexed().next() {
            push(bound(index, self.scale), cumulated);
        }
        for (index, count) in self.positive.indexed() {
            cumulated = cumulated.saturating_add(count);
            push(bound(index + 1, self.scale), cumulated);
        }
        found
    }

    /// Lowers the scale until there are few enough buckets.
    fn fit(&mut self) {
        while self.positive.counts.len().max(self.negative.counts.len()) > self.buckets_max {
            self.lower_to(self.scale - 1);
        }
    }

    fn lower_to(&mut self, scale: i32) {
        let by = u32::try_from(self.scale - scale).unwrap_or(0);
        self.positive.lower(by);
        self.negative.lower(by);
        self.scale = scale;
    }
}

impl Buckets {
    fn new(raw: &RawBuckets, down: u32) -> Self {
        let first = raw.counts.iter().position(|count| *count > 0).unwrap_or(raw.counts.len());
        let end = raw.counts.iter().rposition(|count| *count > 0).map_or(first, |last| last + 1);
        let skipped = i64::try_from(first).unwrap_or(i64::MAX);
        let counts = raw.counts.get(first..end).unwrap_or_default().to_vec();
        let mut buckets = Self { offset: i64::from(raw.offset).saturating_add(skipped), counts };
        buckets.lower(down);
        buckets
    }

    fn indexed(&self) -> impl DoubleEndedIterator<Item = (i64, u64)> {
        let offset = self.offset;
        self.counts.iter().enumerate().map(move |(at, count)| (offset + place(at), *count))
    }

    /// Runs of buckets that are not empty, with their counts; `None` when an index is beyond what a span can say.
    #[expect(clippy::cast_precision_loss, reason = "samples are floats, as Prometheus has them")]
    fn spans(&self) -> Option<(Vec<BucketSpan>, Vec<f64>)> {
        let (mut spans, mut counts): (Vec<BucketSpan>, Vec<f64>) = (Vec::new(), Vec::new());
        let mut next = 0;
        for (index, count) in self.indexed().filter(|(_, count)| *count > 0) {
            let gap = index.checked_add(1)? - next;
            match spans.last_mut() {
                // A gap of one or two costs less than a span.
                Some(span) if gap <= GAP_MAX => {
                    let gap = u32::try_from(gap).ok()?;
                    counts.extend((0..gap).map(|_| 0.0));
                    span.length += gap + 1;
                }
                _ => spans.push(BucketSpan { offset: i32::try_from(gap).ok()?, length: 1 }),
            }
            counts.push(count as f64);
            next = index + 2;
        }
        Some((spans, counts))
    }

    /// Merges `2^by` neighbours each.
    fn lower(&mut self, by: u32) {
        if by == 0 || self.counts.is_empty() {
            return;
        }
        let by = by.min(i64::BITS - 1);
        let offset = self.offset >> by;
        let mut counts: Vec<u64> = Vec::new();
        for (index, count) in self.indexed() {
            let at = usize::try_from((index >> by) - offset).unwrap_or_default();
            if counts.len() <= at {
                counts.resize(at + 1, 0);
            }
            counts[at] = counts[at].saturating_add(count);
        }
        *self = Self { offset, counts };
    }

    /// How many buckets both take together.
    fn span(&self, other: &Self) -> usize {
        if self.counts.is_empty() || other.counts.is_empty() {
            return self.counts.len().max(other.counts.len());
        }
        let end = |buckets: &Self| buckets.offset + place(buckets.counts.len());
        let span = end(self).max(end(other)) - self.offset.min(other.offset);
        usize::try_from(span).unwrap_or(usize::MAX)
    }

    /// Adds buckets of the same scale.
    fn add(&mut self, other: &Self) {
        if other.counts.is_empty() {
            return;
        }
        if self.counts.is_empty() {
            *self = other.clone();
            return;
        }
        let first = self.offset.min(other.offset);
        let mut counts = vec![0_u64; self.span(other)];
        for (index, count) in self.indexed().chain(other.indexed()) {
            let at = usize::try_from(index - first).unwrap_or_default();
            counts[at] = counts[at].saturating_add(count);
        }
        *self = Self { offset: first, counts };
    }
}

fn place(at: usize) -> i64 {
    i64::try_from(at).unwrap_or(i64::MAX)
}

/// `base^index`
#[expect(clippy::cast_precision_loss, reason = "what floats can hold has indexes far below 2^53")]
fn bound(index: i64, scale: i32) -> f64 {
    (index as f64 * f64::from(-scale).exp2()).exp2()
}

/// As short as possible; very large and small ones with an exponent.
fn text(bound: f64) -> String {
    let size = bound.abs();
    if size != 0.0 && !(1e-9..1e21).contains(&size) {
        format!("{bound:e}")
    } else {
        bound.to_string()
    }
}

#[cfg(test)]
mod tests;
