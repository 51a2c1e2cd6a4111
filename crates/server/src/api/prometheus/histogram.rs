//! A native histogram as JSON: its buckets from the lowest to the highest, empty ones left out.

use app::promql::histogram::{Bucket, buckets};
use model::Histogram;

use super::json::Out;

pub(super) fn write(out: &mut Out, histogram: &Histogram) {
    out.raw("{\"count\":");
    out.quoted_number(histogram.count);
    out.raw(",\"sum\":");
    out.quoted_number(histogram.sum);
    let mut found = buckets(histogram).filter(|bucket| bucket.count != 0.0).peekable();
    if found.peek().is_some() {
        out.field("buckets", |out| out.list(found, |out, bucket| one(out, &bucket)));
    }
    out.raw("}");
}

fn one(out: &mut Out, bucket: &Bucket) {
    // Which of the bounds belong to it, as Prometheus numbers them.
    let bounds = match (bucket.lower_inclusive, bucket.upper_inclusive) {
        (false, true) => 0,
        (true, false) => 1,
        (false, false) => 2,
        (true, true) => 3,
    };
    out.raw("[");
    out.uint(bounds);
    for value in [bucket.lower, bucket.upper, bucket.count] {
        out.raw(",");
        out.quoted_number(value);
    }
    out.raw("]");
}

#[cfg(test)]
mod tests {
    use model::BucketSpan;

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
}
