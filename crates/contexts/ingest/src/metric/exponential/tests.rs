//! Buckets of exponential histograms against a plain count of values.

use proptest::prelude::*;

use super::*;

fn point(scale: i32, offset: i32, counts: &[u64]) -> RawExponential {
    RawExponential {
        count: counts.iter().sum(),
        sum: Some(1.0),
        scale,
        positive: RawBuckets { offset, counts: counts.to_vec() },
        ..RawExponential::default()
    }
}

fn show(histogram: &Exponential) -> String {
    let all: Vec<_> = histogram.buckets().iter().map(|(le, n)| format!("{le}:{n}")).collect();
    all.join(" ")
}

#[track_caller]
fn check(point: &RawExponential, expected: &str) {
    assert_eq!(show(&Exponential::new(point).unwrap()), expected);
}

#[test]
fn bounds_are_powers_of_the_base() {
    check(&point(0, 0, &[1, 2, 0, 3]), "1:0 2:1 4:3 8:3 16:6");
    check(&point(-1, -1, &[5]), "0.25:0 1:5");
    check(&point(1, 1, &[4]), "1.4142135623730951:0 2:4");
    check(&point(3, 0, &[0, 0, 7, 0]), "1.189207115002721:0 1.2968395546510096:7");
    check(&point(0, 0, &[]), "");
    check(&point(-10, -1, &[1, 1]), "5.562684646268003e-309:0 1:1");
    check(&point(0, -100, &[1]), "7.888609052210118e-31:0 1.5777218104420236e-30:1");
}

#[test]
fn what_is_finer_than_needed_is_merged() {
    // Scale 5 has 32 buckets for each power of 2, of which four become one.
    check(&point(5, 0, &[1; 32]), &show(&Exponential::new(&point(3, 0, &[4; 8])).unwrap()));
    check(&point(20, 1 << 20, &[1, 1]), "2:0 2.1810154653305154:2");
    check(&point(20, -1, &[1, 1]), "0.9170040432046712:0 1:1 1.0905077326652577:2");
    let wide = Exponential::new(&point(3, -500, &[1; 1000])).unwrap();
    assert_eq!((wide.scale, wide.positive.counts.len()), (0, 126));
    assert!(Exponential::new(&point(-11, 0, &[1])).is_none());
}

#[test]
fn negative_values_and_those_near_zero_come_first() {
    let both = RawExponential {
        count: 10,
        zero_count: 2,
        negative: RawBuckets { offset: 0, counts: vec![3, 1] },
        ..point(0, 0, &[4])
    };
    check(&both, "-2:1 -1:4 0:6 1:6 2:10");
    let wide_zero = RawExponential { zero_threshold: 1.5, ..both };
    check(&wide_zero, "-2:1 -1:4 1.5:6 2:10");
}

#[test]
fn added_histograms_meet_at_the_coarser_scale() {
    let mut total = Exponential::new(&point(1, 0, &[1, 1])).unwrap();
    total.add(Exponential::new(&point(0, 2, &[5])).unwrap());
    assert_eq!(show(&total), "1:0 2:2 4:2 8:7");
    assert_eq!((total.count(), total.sum()), (7, Some(2.0)));
    total.add(Exponential::new(&RawExponential { sum: None, ..point(0, 0, &[1]) }).unwrap());
    assert_eq!((show(&total).as_str(), total.sum()), ("1:0 2:3 4:3 8:8", None));
}

#[test]
fn what_lies_far_apart_takes_no_memory() {
    let mut total = Exponential::new(&point(3, i32::MIN, &[1])).unwrap();
    total.add(Exponential::new(&point(i32::MAX, i32::MAX, &[1, 1])).unwrap());
    total.add(Exponential::new(&point(3, i32::MAX, &[1])).unwrap());
    assert!(total.positive.counts.len() <= BUCKETS_MAX);
    assert!(total.buckets().len() <= BUCKETS_MAX + 2);
}

proptest! {
    /// Whatever is sent, bounds ascend, counts never fall, and few buckets are kept; sums keep all counts.
    #[test]
    fn buckets_are_in_order(
        points in proptest::collection::vec(
            (
                -10_i32..25,
                prop_oneof![-300_i32..300, any::<i32>()],
                proptest::collection::vec(0_u64..4, 0..300),
                proptest::collection::vec(0_u64..4, 0..9),
                0_u64..3,
            ),
            1..6,
        ),
    ) {
        let mut total: Option<Exponential> = None;
        for (scale, offset, positive, negative, zero_count) in points {
            let sent = RawExponential {
                count: positive.iter().chain(&negative).sum::<u64>() + zero_count,
                zero_count,
                negative: RawBuckets { offset, counts: negative },
                ..point(scale, offset, &positive)
            };
            let next = Exponential::new(&sent).unwrap();
            match &mut total {
                Some(total) => total.add(next),
                None => total = Some(next),
            }
        }
        let total = total.unwrap();
        let buckets = total.buckets();
        prop_assert!(buckets.len() <= 2 * BUCKETS_MAX + 2);
        let bounds: Vec<f64> = buckets.iter().map(|(le, _)| le.parse().unwrap()).collect();
        prop_assert!(bounds.windows(2).all(|two| two[0] < two[1]), "{bounds:?}");
        prop_assert!(buckets.windows(2).all(|two| two[0].1 <= two[1].1));
        prop_assert!(buckets.last().is_none_or(|(_, count)| *count <= total.count()));
        let kept = total.positive.counts.iter().chain(&total.negative.counts).sum::<u64>();
        prop_assert_eq!(kept + total.zero_count, total.count());
    }
}
