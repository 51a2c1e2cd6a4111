//! `native_histogram_bucket_limit` and `native_histogram_min_bucket_factor`: a histogram that is too fine gets coarser.

use std::sync::Arc;

use model::{BucketSpan, Histogram};

use crate::config::JobLimits;

/// Why a histogram cannot be made to fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "histogram bucket limit exceeded: {have} buckets; at most {limit} are allowed (`native_histogram_bucket_limit`)"
)]
pub struct BucketError {
    have: usize,
    limit: u64,
}

/// The histogram, in the finest resolution that the limits allow.
pub(super) fn fit(
    histogram: Arc<Histogram>,
    limits: &JobLimits,
) -> Result<Arc<Histogram>, BucketError> {
    if histogram.is_stale() || (limits.buckets == 0 && limits.bucket_factor <= 0.0) {
        return Ok(histogram);
    }
    let mut histogram = histogram;
    if limits.bucket_factor > 0.0 && !histogram.is_custom() {
        let finest = finest_schema(limits.bucket_factor);
        if histogram.schema > finest {
            histogram = Arc::new(reduced(&histogram, finest));
        }
    }
    let limit = usize::try_from(limits.buckets).unwrap_or(usize::MAX);
    while limit > 0 && buckets(&histogram) > limit {
        if histogram.is_custom() || histogram.schema <= Histogram::SCHEMA_MIN {
            return Err(BucketError { have: buckets(&histogram), limit: limits.buckets });
        }
        histogram = Arc::new(reduced(&histogram, histogram.schema - 1));
    }
    Ok(histogram)
}

fn buckets(histogram: &Histogram) -> usize {
    histogram.positive.len() + histogram.negative.len()
}

/// The finest schema whose buckets grow by at least `factor`.
fn finest_schema(factor: f64) -> i32 {
    let range = Histogram::SCHEMA_MIN..=Histogram::SCHEMA_MAX;
    let grows = |schema: i32| f64::exp2(f64::exp2(-f64::from(schema)));
    range.rev().find(|schema| grows(*schema) >= factor).unwrap_or(Histogram::SCHEMA_MIN)
}

/// The same observations in the buckets of a coarser schema.
fn reduced(histogram: &Histogram, schema: i32) -> Histogram {
    let steps = u32::try_from(histogram.schema - schema).unwrap_or(0);
    let (positive_spans, positive) = merge(&histogram.positive_spans, &histogram.positive, steps);
    let (negative_spans, negative) = merge(&histogram.negative_spans, &histogram.negative, steps);
    Histogram { schema, positive_spans, positive, negative_spans, negative, ..histogram.clone() }
}

/// Bucket `i` goes into the one that holds it: `ceil(i / 2^steps)`.
fn merge(spans: &[BucketSpan], counts: &[f64], steps: u32) -> (Vec<BucketSpan>, Vec<f64>) {
    let mut merged: Vec<(i64, f64)> = Vec::with_capacity(counts.len());
    let mut counts = counts.iter();
    let mut index: i64 = 0;
    for span in spans {
        index += i64::from(span.offset);
        for _ in 0..span.length {
            let Some(count) = counts.next() else { break };
            let to = ((index - 1) >> steps) + 1;
            match merged.last_mut() {
                Some((last, sum)) if *last == to => *sum += count,
                _ => merged.push((to, *count)),
            }
            index += 1;
        }
    }
    let mut spans: Vec<BucketSpan> = Vec::new();
    let mut next: i64 = 0;
    for (at, _) in &merged {
        match spans.last_mut() {
            Some(span) if *at == next => span.length += 1,
            _ => spans.push(BucketSpan {
                offset: i32::try_from(at - next).unwrap_or(i32::MAX),
                length: 1,
            }),
        }
        next = at + 1;
    }
    (spans, merged.into_iter().map(|(_, count)| count).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram() -> Arc<Histogram> {
        Arc::new(Histogram {
            schema: 2,
            count: 15.0,
            positive_spans: vec![
                BucketSpan { offset: -1, length: 4 },
                BucketSpan { offset: 3, length: 1 },
            ],
            positive: vec![1.0, 2.0, 3.0, 4.0, 5.0],
            ..Histogram::default()
        })
    }

    #[test]
    fn resolution_goes_down_until_the_buckets_fit() {
        let limits = JobLimits { buckets: 3, ..JobLimits::default() };
        let fitted = fit(histogram(), &limits).unwrap();
        // Buckets -1 0 1 2 6 of schema 2 are 0 0 1 1 3 of schema 1.
        assert_eq!((fitted.schema, &*fitted.positive), (1, &[3.0, 7.0, 5.0][..]));
        assert_eq!(
            fitted.positive_spans,
            [BucketSpan { offset: 0, length: 2 }, BucketSpan { offset: 1, length: 1 }]
        );
        assert_eq!(fitted.validate(), Ok(()));
        let one = fit(histogram(), &JobLimits { buckets: 1, ..JobLimits::default() });
        assert!(one.is_err(), "values on both sides of 1 never share a bucket: {one:?}");
    }

    #[test]
    fn buckets_grow_by_the_factor_at_least() {
        assert_eq!([1.0, 1.1, 2.0, 4.0, 1e9].map(finest_schema), [8, 2, 0, -1, -4]);
        let limits = JobLimits { bucket_factor: 2.0, ..JobLimits::default() };
        assert_eq!(fit(histogram(), &limits).unwrap().schema, 0);
    }

    #[test]
    fn custom_buckets_cannot_be_merged() {
        let custom = Arc::new(Histogram {
            schema: Histogram::CUSTOM,
            custom_values: vec![1.0, 2.0],
            positive_spans: vec![BucketSpan { offset: 0, length: 2 }],
            positive: vec![1.0, 1.0],
            count: 2.0,
            ..Histogram::default()
        });
        let error = fit(custom, &JobLimits { buckets: 1, ..JobLimits::default() }).unwrap_err();
        assert_eq!(
            error.to_string(),
            "histogram bucket limit exceeded: 2 buckets; at most 1 are allowed (`native_histogram_bucket_limit`)"
        );
    }
}
