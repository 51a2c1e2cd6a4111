//! A native histogram as JSON: its buckets from the lowest to the highest, empty ones left out.

use model::{BucketSpan, Histogram};

use super::json::Out;

/// Which of a bucket's bounds belong to it, as Prometheus numbers them.
#[derive(Clone, Copy)]
enum Bounds {
    /// `(lower, upper]`
    UpperBelongs = 0,
    /// `[lower, upper)`
    LowerBelongs = 1,
    /// `[lower, upper]`
    BothBelong = 3,
}

pub(super) fn write(out: &mut Out, histogram: &Histogram) {
    out.raw("{\"count\":");
    out.quoted_number(histogram.count);
    out.raw(",\"sum\":");
    out.quoted_number(histogram.sum);
    let mut first = true;
    let mut bucket = |bounds: Bounds, lower: f64, upper: f64, count: f64| {
        if count == 0.0 {
            return;
        }
        out.raw(if first { ",\"buckets\":[[" } else { ",[" });
        first = false;
        out.uint(bounds as u64);
        for value in [lower, upper, count] {
            out.raw(",");
            out.quoted_number(value);
        }
        out.raw("]");
    };
    let schema = histogram.schema;
    let mut negative: Vec<(i32, f64)> =
        indexed(&histogram.negative_spans, &histogram.negative).collect();
    negative.reverse();
    for (index, count) in negative {
        let (low, high) = (-bound(schema, index), -bound(schema, index.saturating_sub(1)));
        bucket(Bounds::LowerBelongs, low, high, count);
    }
    let zero = histogram.zero_threshold;
    bucket(Bounds::BothBelong, -zero, zero, histogram.zero_count);
    for (index, count) in indexed(&histogram.positive_spans, &histogram.positive) {
        if histogram.is_custom() {
            let custom = |at: i32| custom_bound(&histogram.custom_values, at);
            let bounds = if index == 0 { Bounds::BothBelong } else { Bounds::UpperBelongs };
            bucket(bounds, custom(index.saturating_sub(1)), custom(index), count);
        } else {
            let (low, high) = (bound(schema, index.saturating_sub(1)), bound(schema, index));
            bucket(Bounds::UpperBelongs, low, high, count);
        }
    }
    out.raw(if first { "}" } else { "]}" });
}

/// The buckets that are there, with their indices.
fn indexed<'a>(
    spans: &'a [BucketSpan],
    counts: &'a [f64],
) -> impl Iterator<Item = (i32, f64)> + 'a {
    let mut next = 0_i32;
    let indices = spans.iter().flat_map(move |span| {
        let from = next.saturating_add(span.offset);
        let length = i32::try_from(span.length).unwrap_or(i32::MAX);
        next = from.saturating_add(length);
        from..next
    });
    indices.zip(counts.iter().copied())
}

/// The upper bound of the custom bucket at `index`.
fn custom_bound(values: &[f64], index: i32) -> f64 {
    match usize::try_from(index) {
        Err(_) => f64::NEG_INFINITY,
        Ok(index) => values.get(index).copied().unwrap_or(f64::INFINITY),
    }
}

/// The upper bound of the exponential bucket at `index`: `2^(index / 2^schema)`, computed so that whole powers are exact.
fn bound(schema: i32, index: i32) -> f64 {
    if schema <= 0 {
        let exponent = i64::from(index) << schema.unsigned_abs().min(8);
        return power(exponent);
    }
    let parts = 1_i64 << schema.min(8);
    let (whole, part) = (i64::from(index).div_euclid(parts), i64::from(index).rem_euclid(parts));
    #[expect(clippy::cast_precision_loss, reason = "less than 256")]
    let fraction = (part as f64 / parts as f64).exp2();
    // The bucket of the largest number ends with it.
    if whole >= 1024 { f64::MAX } else { fraction * power(whole) }
}

/// `2^exponent`
fn power(exponent: i64) -> f64 {
    match i32::try_from(exponent) {
        Ok(1024) => f64::MAX,
        Ok(exponent) => 2_f64.powi(exponent),
        Err(_) if exponent < 0 => 0.0,
        Err(_) => f64::INFINITY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(histogram: &Histogram) -> String {
        let mut out = Out::new();
        write(&mut out, histogram);
        String::from_utf8(out.into_bytes()).unwrap()
    }

    #[test]
    fn buckets_go_from_the_lowest_to_the_highest() {
        let span = |offset, length| BucketSpan { offset, length };
        let histogram = Histogram {
            count: 10.0,
            sum: 3.5,
            zero_count: 2.0,
            zero_threshold: 0.001,
            schema: 0,
            negative_spans: vec![span(0, 2)],
            negative: vec![1.0, 2.0],
            positive_spans: vec![span(0, 1), span(1, 2)],
            positive: vec![1.0, 0.0, 4.0],
            ..Histogram::default()
        };
        assert_eq!(
            written(&histogram),
            r#"{"count":"10","sum":"3.5","buckets":[[1,"-2","-1","2"],[1,"-1","-0.5","1"],[3,"-0.001","0.001","2"],[0,"0.5","1","1"],[0,"4","8","4"]]}"#
        );
        assert_eq!(written(&Histogram::default()), r#"{"count":"0","sum":"0"}"#);
    }

    #[test]
    fn custom_buckets_have_the_bounds_they_were_given() {
        let histogram = Histogram {
            schema: Histogram::CUSTOM,
            count: 6.0,
            custom_values: vec![0.5, 5.0],
            positive_spans: vec![BucketSpan { offset: 0, length: 3 }],
            positive: vec![1.0, 2.0, 3.0],
            ..Histogram::default()
        };
        assert_eq!(
            written(&histogram),
            r#"{"count":"6","sum":"0","buckets":[[3,"-Inf","0.5","1"],[0,"0.5","5","2"],[0,"5","+Inf","3"]]}"#
        );
    }

    #[test]
    fn bounds_are_powers_of_the_base() {
        assert_eq!((bound(0, 3), bound(-1, 3), bound(1, 2)), (8.0, 64.0, 2.0));
        assert_eq!((bound(1, 1), bound(2, -4)), (std::f64::consts::SQRT_2, 0.5));
        assert_eq!((bound(0, 1024), bound(8, 1024 * 256)), (f64::MAX, f64::MAX));
    }
}
