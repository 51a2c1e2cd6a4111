//! One series of calls: how many, how long, and examples.

use std::{collections::BTreeMap, time::Duration};

use model::{BucketSpan, Histogram, Span, SpanId, Timestamp, TraceId};

use super::BOUNDS;

/// Buckets to a power of two are `2^SCHEMA`: each is 9 % wider than the one before.
const SCHEMA: i32 = 3;
/// Native buckets of a series, as many as the connector has; of more, pairs become one.
const NATIVE_MAX: usize = 160;
/// Prometheus' own: what is no further from zero than this counts as zero.
const ZERO_THRESHOLD: f64 = 2.938_735_877_055_719e-39;

#[derive(Clone, Debug)]
pub(super) struct Red {
    pub(super) born: Timestamp,
    pub(super) touched: Timestamp,
    /// Whether it was given out before.
    pub(super) is_known: bool,
    pub(super) calls: u64,
    sum_nanos: u128,
    /// By the place of their bound in [`BOUNDS`]; the last is above all.
    pub(super) classic: [u64; BOUNDS.len() + 1],
    schema: i32,
    zero: u64,
    native: BTreeMap<i32, u64>,
    /// By classic bucket, since the last flush: the longest, of equals the one with the smallest ids.
    pub(super) examples: BTreeMap<usize, Example>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Example {
    pub(super) took: Duration,
    pub(super) at: Timestamp,
    pub(super) trace: TraceId,
    pub(super) span: SpanId,
}

impl Red {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            born: now,
            touched: now,
            is_known: false,
            calls: 0,
            sum_nanos: 0,
            classic: [0; BOUNDS.len() + 1],
            schema: SCHEMA,
            zero: 0,
            native: BTreeMap::new(),
            examples: BTreeMap::new(),
        }
    }

    pub(super) fn observe(&mut self, span: &Span, now: Timestamp, is_native: bool) {
        let took = span.duration();
        let secs = took.as_secs_f64();
        self.touched = self.touched.max(now);
        self.calls += 1;
        self.sum_nanos += took.as_nanos();
        let bucket = BOUNDS.partition_point(|bound| *bound < secs);
        self.classic[bucket] += 1;
        if is_native {
            self.observe_native(secs);
        }
        let example =
            Example { took, at: span.end.min(now), trace: span.trace_id, span: span.span_id };
        let rank = |one: &Example| (one.took, std::cmp::Reverse((one.trace, one.span)));
        let known = self.examples.entry(bucket).or_insert(example);
        if rank(&example) > rank(known) {
            *known = example;
        }
    }

    fn observe_native(&mut self, secs: f64) {
        if secs <= ZERO_THRESHOLD {
            self.zero += 1;
            return;
        }
        *self.native.entry(index(secs, self.schema)).or_default() += 1;
        while self.native.len() > NATIVE_MAX {
            // The bucket that ends at an odd power of the base goes into the one that ends at the next.
            self.schema -= 1;
            for (index, count) in std::mem::take(&mut self.native) {
                *self.native.entry((index + 1) >> 1).or_default() += count;
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds as a float are what a sample has")]
    pub(super) fn sum_secs(&self) -> f64 {
        self.sum_nanos as f64 / 1e9
    }

    pub(super) fn histogram(&self) -> Histogram {
        let mut histogram = Histogram {
            schema: self.schema,
            zero_threshold: ZERO_THRESHOLD,
            zero_count: float(self.zero),
            count: float(self.calls),
            sum: self.sum_secs(),
            ..Histogram::default()
        };
        let mut next = 0;
        for (index, count) in &self.native {
            match histogram.positive_spans.last_mut() {
                Some(span) if *index == next => span.length += 1,
                _ => {
                    histogram.positive_spans.push(BucketSpan { offset: index - next, length: 1 });
                }
            }
            histogram.positive.push(float(*count));
            next = index + 1;
        }
        histogram
    }

    /// As it was before the first call.
    pub(super) fn nothing(&self) -> Histogram {
        let (schema, zero_threshold) = (self.schema, ZERO_THRESHOLD);
        Histogram { schema, zero_threshold, ..Histogram::default() }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count as a float is what a sample has")]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}

/// The bucket that holds a value: above `base^(index - 1)` up to `base^index`, where `base` is `2^(2^-schema)`.
fn index(value: f64, schema: i32) -> i32 {
    let per_power = f64::from(schema).exp2();
    let bound = |index: f64| (index / per_power).exp2();
    let mut index = (value.log2() * per_power).ceil();
    // The logarithm may be off by a rounding beside a bound.
    if value <= bound(index - 1.0) {
        index -= 1.0;
    } else if value > bound(index) {
        index += 1.0;
    }
    #[expect(clippy::cast_possible_truncation, reason = "durations are 1e-9 to 1e10 seconds")]
    let index = index as i32;
    index
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bounds_belong_to_the_bucket_that_they_end() {
        let index = |value| index(value, SCHEMA);
        assert_eq!((index(1.0), index(2.0), index(0.5), index(1.01)), (0, 8, -8, 1));
    }

    proptest! {
        #[test]
        fn a_value_lies_within_its_bucket(nanos in 1..u64::MAX) {
            let value = Duration::from_nanos(nanos).as_secs_f64();
            let bound = |index: i32| (f64::from(index) / 8.0).exp2();
            let found = index(value, SCHEMA);
            prop_assert!(bound(found - 1) < value && value <= bound(found));
        }
    }
}
