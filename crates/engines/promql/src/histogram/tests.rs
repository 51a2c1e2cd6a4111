//! Arithmetic on small histograms.

use model::{BucketSpan, Histogram, ResetHint};

use super::*;

fn exponential(schema: i32, offset: i32, counts: &[f64]) -> Histogram {
    let length = u32::try_from(counts.len()).unwrap();
    Histogram {
        schema,
        count: counts.iter().sum(),
        sum: counts.iter().sum(),
        positive_spans: vec![BucketSpan { offset, length }],
        positive: counts.to_vec(),
        ..Histogram::default()
    }
}

fn custom(bounds: &[f64], counts: &[f64]) -> Histogram {
    Histogram {
        schema: Histogram::CUSTOM,
        custom_values: bounds.to_vec(),
        ..exponential(Histogram::CUSTOM, 0, counts)
    }
}

#[track_caller]
fn check(histogram: &Histogram, expected: &str) {
    assert_eq!(TestForm(histogram).to_string(), expected);
}

#[test]
fn a_sum_has_the_coarser_schema_and_the_wider_zero_bucket() {
    let mut sum = exponential(1, 1, &[1.0, 2.0, 3.0]);
    add(&mut sum, &exponential(0, 1, &[4.0])).unwrap();
    check(&sum, "{{count:10 sum:10 offset:1 buckets:[7 3]}}");
    let mut sum = exponential(0, 0, &[1.0, 2.0]);
    let wide =
        Histogram { zero_threshold: 1.0, zero_count: 5.0, count: 5.0, ..Histogram::default() };
    add(&mut sum, &wide).unwrap();
    check(&sum, "{{count:8 sum:3 z_bucket:6 z_bucket_w:1 offset:1 buckets:[2]}}");
}

#[test]
fn a_threshold_within_a_bucket_takes_the_whole_bucket() {
    let mut sum = exponential(0, 1, &[4.0, 1.0]);
    let wide =
        Histogram { zero_threshold: 1.5, zero_count: 1.0, count: 1.0, ..Histogram::default() };
    add(&mut sum, &wide).unwrap();
    check(&sum, "{{count:6 sum:5 z_bucket:5 z_bucket_w:2 offset:2 buckets:[1]}}");
}

#[test]
fn custom_bounds_are_reconciled_to_those_that_both_have() {
    let mut sum = custom(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0, 4.0]);
    let outcome = add(&mut sum, &custom(&[2.0, 3.0], &[10.0, 20.0, 30.0])).unwrap();
    assert!(outcome.reconciled);
    check(&sum, "{{schema:-53 count:70 sum:70 custom_values:[2 3] buckets:[13 23 34]}}");
    assert_eq!(add(&mut sum, &exponential(0, 0, &[1.0])), Err(Incompatible));
}

#[test]
fn a_difference_without_buckets_is_empty() {
    let one = exponential(2, -3, &[1.0, 0.0, 2.0]);
    let mut difference = one.clone();
    subtract(&mut difference, &one).unwrap();
    check(&difference, "{{schema:2}}");
}

#[test]
fn hints_that_contradict_each_other_are_told() {
    let hinted = |reset_hint| Histogram { reset_hint, ..exponential(0, 0, &[1.0]) };
    let mut sum = hinted(ResetHint::Reset);
    assert!(add(&mut sum, &hinted(ResetHint::NotReset)).unwrap().collision);
    assert_eq!(sum.reset_hint, ResetHint::Unknown);
    let mut sum = hinted(ResetHint::NotReset);
    assert!(!add(&mut sum, &hinted(ResetHint::Gauge)).unwrap().collision);
    assert_eq!(sum.reset_hint, ResetHint::Gauge);
}

#[test]
fn a_counter_that_lost_counts_began_anew() {
    let before = exponential(1, 0, &[1.0, 2.0, 3.0]);
    let check = |now: Histogram, expected: bool| assert_eq!(detect_reset(&now, &before), expected);
    check(before.clone(), false);
    check(exponential(1, 0, &[1.0, 2.0, 4.0]), false);
    check(exponential(1, 0, &[1.0, 1.0, 5.0]), true);
    check(exponential(1, 0, &[1.0, 2.0]), true);
    check(exponential(2, 0, &[9.0, 9.0, 9.0]), true);
    check(exponential(0, 0, &[1.0, 5.0]), false);
    check(custom(&[1.0], &[9.0]), true);
    check(Histogram { reset_hint: ResetHint::NotReset, ..Histogram::default() }, false);
}

#[test]
fn sums_and_means_keep_what_rounding_loses() {
    let one = |value: f64| Histogram { sum: value, ..exponential(0, 0, &[1.0]) };
    let mut sum = Sum::new(&one(1e100));
    for value in [1.0, -1e100] {
        sum.add(&one(value)).unwrap();
    }
    check(&sum.finish(), "{{count:3 sum:1 buckets:[3]}}");
    let mut mean = Mean::new(&one(f64::MAX));
    mean.add(&one(f64::MAX)).unwrap();
    assert_eq!(mean.finish().sum, f64::MAX);
}

#[test]
fn quantiles_lie_within_their_bucket() {
    let histogram = exponential(0, 1, &[2.0, 2.0]);
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
    near(quantile(0.5, &histogram).0, 2.0);
    near(quantile(0.25, &histogram).0, 2.0_f64.sqrt());
    near(fraction(1.0, 2.0, &histogram).0, 0.5);
    assert!(quantile(f64::NAN, &histogram).0.is_nan());
    assert_eq!(quantile(-1.0, &histogram).0, f64::NEG_INFINITY);
    let open = custom(&[5.0], &[1.0, 3.0]);
    near(quantile(0.99, &open).0, 5.0);
}

#[test]
fn prints_as_prometheus_does() {
    let mut histogram = exponential(0, 0, &[1.0, 2.5]);
    histogram.zero_count = 1.0;
    histogram.zero_threshold = 0.001;
    histogram.negative_spans = vec![BucketSpan { offset: 1, length: 1 }];
    histogram.negative = vec![4.0];
    assert_eq!(
        Shown(&histogram).to_string(),
        "{count:3.5, sum:3.5, [-2,-1):4, [-0.001,0.001]:1, (0.5,1]:1, (1,2]:2.5}"
    );
}

#[test]
fn spans_that_do_not_fit_the_counts_harm_nobody() {
    let broken = Histogram {
        positive_spans: vec![
            BucketSpan { offset: i32::MAX, length: u32::MAX },
            BucketSpan { offset: i32::MIN, length: 7 },
        ],
        positive: vec![1.0, 2.0],
        schema: 300,
        zero_threshold: f64::NAN,
        ..Histogram::default()
    };
    let mut sum = exponential(8, 0, &[1.0]);
    let _outcome = add(&mut sum, &broken);
    let mut sum = broken.clone();
    let _outcome = subtract(&mut sum, &exponential(-4, 5, &[1.0]));
    let _value = (quantile(0.3, &broken), fraction(0.0, 9.0, &broken), variance(&broken));
    let _reset = detect_reset(&broken, &exponential(0, 0, &[1.0]));
    assert_eq!(buckets(&broken).count(), 2);
}
