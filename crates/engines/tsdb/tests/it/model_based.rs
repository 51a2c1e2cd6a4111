//! Random lives of a store against plain maps.

use std::time::Duration;

use model::{Labels, MatchOp, Matcher, Sample, Series, Timestamp};
use proptest::prelude::*;
use tsdb::{Options, Tsdb};
use wal::SimDisk;

use crate::{Contents, contents, floats, labels, open, options, read, secs};

#[derive(Clone, Debug)]
enum Step {
    /// Samples: series, seconds from now, value.
    Append(Vec<(usize, i64, u64)>),
    Wait(u64),
    Flush,
    Maintain,
    Delete(usize, i64, i64),
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let values = prop_oneof![
        3 => (0_u32..50).prop_map(|value| f64::from(value).to_bits()),
        1 => Just(Sample::STALE),
        1 => any::<f64>().prop_map(f64::to_bits),
    ];
    let seconds = prop_oneof![4 => -30_i64..10, 1 => -4000_i64..800];
    let sample = (0_usize..4, seconds, values);
    let step = prop_oneof![
        12 => prop::collection::vec(sample, 1..40).prop_map(Step::Append),
        3 => (1_u64..600).prop_map(Step::Wait),
        2 => Just(Step::Flush),
        3 => Just(Step::Maintain),
        1 => (0_usize..4, -3000_i64..300, 1_i64..2000)
            .prop_map(|(instance, from, length)| Step::Delete(instance, from, length)),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..40)
}

/// The time of each series' newest sample, deleted or not.
type Newest = std::collections::BTreeMap<Labels, i64>;

/// What the documentation promises, done plainly.
fn take(oracle: &mut Contents, known: &mut Newest, now: Timestamp, batch: &[Series]) {
    let newest = known.clone();
    for series in batch {
        for sample in &series.samples {
            let ahead = sample.at_ms > (now + Duration::from_secs(600)).as_millis();
            let late =
                newest.get(&series.labels).is_some_and(|newest| sample.at_ms < newest - 1_800_000);
            if !ahead && !late {
                let samples = oracle.entry(series.labels.clone()).or_default();
                samples.entry(sample.at_ms).or_insert(sample.value.to_bits());
                let newest = known.entry(series.labels.clone()).or_insert(sample.at_ms);
                *newest = sample.at_ms.max(*newest);
            }
        }
    }
}

fn query(store: &Tsdb, oracle: &Contents, start_ms: i64, end_ms: i64) {
    let matcher = Matcher::new("instance", MatchOp::Regex, "1|2").unwrap();
    let found = store.select(std::slice::from_ref(&matcher), start_ms, end_ms).unwrap();
    let mut expected = Contents::new();
    for (labels, samples) in oracle.iter().filter(|(labels, _)| matcher.matches_labels(labels)) {
        let range: std::collections::BTreeMap<_, _> =
            samples.range(start_ms..=end_ms).map(|(at, value)| (*at, *value)).collect();
        if !range.is_empty() {
            expected.insert(labels.clone(), range);
        }
    }
    assert_eq!(read(&found), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn holds_what_plain_maps_hold(steps in steps()) {
        let disk = SimDisk::new(1);
        let mut now = secs(100_000);
        let options = || Options { retention: None, head_samples: 150, ..options() };
        let (mut store, _) = open(&disk, options(), now);
        let (mut oracle, mut newest) = (Contents::new(), Newest::new());
        for step in steps {
            match step {
                Step::Append(samples) => {
                    let batch: Vec<Series> = samples.iter().map(|(instance, second, value)| Series {
                        labels: labels("requests_total", *instance),
                        samples: vec![Sample {
                            at_ms: now.as_millis() + second * 1000,
                            value: f64::from_bits(*value),
                        }],
                    }).collect();
                    let appended = store.append(now, &floats(&batch)).unwrap();
                    let refused: u64 = appended.refused.iter().map(|refused| refused.samples).sum();
                    prop_assert_eq!(
                        appended.samples + appended.duplicates + refused,
                        u64::try_from(batch.len()).unwrap()
                    );
                    take(&mut oracle, &mut newest, now, &batch);
                }
                Step::Wait(seconds) => now = now + Duration::from_secs(seconds),
                Step::Flush => drop(store.flush(now).unwrap()),
                Step::Maintain => {
                    store.maintain(now).unwrap();
                    store.tick(now).unwrap();
                }
                Step::Delete(instance, from, length) => {
                    let start_ms = now.as_millis() + from * 1000;
                    let end_ms = start_ms + length * 1000;
                    let own = [Matcher::equal("instance", instance.to_string())];
                    store.delete(now, &own, start_ms, end_ms).unwrap();
                    if let Some(samples) = oracle.get_mut(&labels("requests_total", instance)) {
                        samples.retain(|at, _| !(start_ms..=end_ms).contains(at));
                    }
                }
                Step::Reopen => {
                    drop(store);
                    let recovery;
                    (store, recovery) = open(&disk, options(), now);
                    prop_assert!(recovery.damage.is_none());
                    prop_assert_eq!(recovery.undecodable, 0);
                }
            }
            query(&store, &oracle, now.as_millis() - 20_000, now.as_millis() - 5_000);
        }
        oracle.retain(|_, samples| !samples.is_empty());
        prop_assert_eq!(contents(&store), oracle);
    }

    #[test]
    fn the_order_of_arrival_within_the_window_changes_nothing(
        order in Just((0_i64..700).chain(0..700).collect::<Vec<_>>()).prop_shuffle(),
        batch in 20_usize..200,
        flush_every in 2_usize..9,
    ) {
        let (store, _) = open(&SimDisk::new(1), options(), secs(800));
        for (at, seconds) in order.chunks(batch).enumerate() {
            let samples: Vec<_> =
                seconds.iter().map(|second| (second * 1000, f64::from(i32::try_from(*second).unwrap()))).collect();
            let batch = crate::series(&labels("up", 0), &samples);
            let appended = store.append(secs(800), &floats(&[batch])).unwrap();
            prop_assert!(appended.refused.is_empty(), "{:?}", appended.refused);
            if at % flush_every == 0 {
                store.flush(secs(800)).unwrap();
            }
        }
        let expected: std::collections::BTreeMap<i64, u64> = (0_i32..700)
            .map(|second| (i64::from(second) * 1000, f64::from(second).to_bits()))
            .collect();
        prop_assert_eq!(&contents(&store)[&labels("up", 0)], &expected);
        store.flush(secs(800)).unwrap();
        for second in 801..840 {
            store.maintain(secs(second)).unwrap();
        }
        prop_assert_eq!(&contents(&store)[&labels("up", 0)], &expected);
        prop_assert_eq!(store.stats().samples, 700, "a merge leaves no repetition");
    }
}
