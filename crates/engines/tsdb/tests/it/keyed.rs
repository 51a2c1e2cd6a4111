//! The fast path of remote write, and native histograms.

use std::sync::Arc;

use model::{BucketSpan, Histogram, HistogramSample, HistogramSeries, Labels, Points};
use tsdb::{Appended, Incoming, KeyedBatch, KeyedSample, Tsdb};
use wal::{Position, SimDisk};

use crate::{contents, labels, open, options, secs};

fn keyed(
    store: &Tsdb,
    second: i64,
    keys: &[u128],
    samples: &[(u32, i64, f64)],
) -> (Appended, Vec<u32>) {
    let samples: Vec<KeyedSample> = samples
        .iter()
        .map(|(series, at_ms, value)| KeyedSample { series: *series, at_ms: *at_ms, value: *value })
        .collect();
    let mut asked = Vec::new();
    let batch = KeyedBatch { keys, samples: &samples };
    let appended = store.append_keyed(secs(second), &batch, &mut |place| {
        asked.push(place);
        let key = keys[usize::try_from(place).unwrap()];
        (key != 13).then(|| labels("up", usize::try_from(key % 1000).unwrap()))
    });
    (appended.unwrap(), asked)
}

#[test]
fn labels_are_asked_for_once() {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, options(), secs(0));
    let (appended, asked) =
        keyed(&store, 1, &[1, 2, 13], &[(0, 1000, 1.0), (1, 1000, 2.0), (2, 1000, 3.0)]);
    assert_eq!((appended.samples, asked), (2, vec![0, 1, 2]));
    let (appended, asked) =
        keyed(&store, 2, &[2, 1, 3], &[(0, 2000, 2.0), (1, 2000, 1.0), (2, 2000, 3.0)]);
    assert_eq!((appended.samples, asked), (3, vec![2]));
    // Another hash of the same labels.
    let (appended, asked) =
        keyed(&store, 3, &[1001, 2], &[(0, 2000, 1.0), (0, 3000, 1.5), (1, 3000, 2.5)]);
    assert_eq!((appended.samples, appended.duplicates, asked), (2, 1, vec![0]));
    assert!(keyed(&store, 4, &[1001, 1], &[(0, 4000, 1.0), (1, 5000, 1.0)]).1.is_empty());
    assert_eq!(contents(&store)[&labels("up", 1)].len(), 5);
    assert_eq!(contents(&store)[&labels("up", 2)].len(), 3);
    let (reopened, recovery) = open(&disk, options(), secs(5));
    assert_eq!((recovery.samples_replayed, recovery.orphans), (9, 0));
    assert_eq!(contents(&reopened), contents(&store));
    assert_eq!(keyed(&reopened, 6, &[1, 2], &[(0, 6000, 1.0)]).1, [0, 1]);
}

#[test]
fn only_the_watched_are_given_back_and_replayed() {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, options(), secs(0));
    assert!(keyed(&store, 1, &[1, 2], &[(0, 1000, 1.0), (1, 1000, 2.0)]).0.stored.is_empty());
    let watch = |labels: &Labels| labels.get("instance") == Some("2");
    store.watch(Arc::new(watch));
    let (appended, _) = keyed(&store, 2, &[1, 2], &[(0, 2000, 1.0), (1, 2000, 2.0)]);
    assert_eq!(appended.stored, [crate::series(&labels("up", 2), &[(2000, 2.0)])]);
    let mut seen = Vec::new();
    store.replay(Position::START, |at, series| seen.push((at, series))).unwrap();
    let expected = |second: i64| {
        (secs(second), vec![crate::series(&labels("up", 2), &[(second * 1000, 2.0)])])
    };
    assert_eq!(seen, [expected(1), expected(2)]);
    let (reopened, _) = open(&disk, options(), secs(3));
    let mut all = 0;
    reopened.replay(Position::START, |_, series| all += series.len()).unwrap();
    assert_eq!(all, 4);
}

#[test]
fn each_emitter_is_heard_once() {
    let (store, _) = open(&SimDisk::new(1), options(), secs(0));
    let (appended, _) = keyed(
        &store,
        9,
        &[1, 2],
        &[(0, 1000, 1.0), (0, 4000, 1.0), (1, 3000, 2.0), (0, 2000, 0.0)],
    );
    let heard: Vec<_> = appended
        .heard
        .iter()
        .map(|(labels, at)| {
            (labels.get("instance").unwrap(), labels.get("service_name").unwrap(), *at)
        })
        .collect();
    assert_eq!(heard, [("1", "checkout", 4000), ("2", "checkout", 3000)]);
}

fn histogram(n: u32) -> Arc<Histogram> {
    Arc::new(Histogram {
        schema: 3,
        count: f64::from(n) * 3.0,
        sum: f64::from(n) * 1.25,
        zero_threshold: 1e-128,
        zero_count: f64::from(n),
        positive_spans: vec![
            BucketSpan { offset: -2, length: 1 },
            BucketSpan { offset: 4, length: 1 },
        ],
        positive: vec![f64::from(n), f64::from(n)],
        ..Histogram::default()
    })
}

fn custom(n: u32) -> Arc<Histogram> {
    Arc::new(Histogram {
        schema: Histogram::CUSTOM,
        count: f64::from(n),
        sum: f64::from(n) * 0.5,
        positive_spans: vec![BucketSpan { offset: 1, length: 2 }],
        positive: vec![f64::from(n) - 1.0, 1.0],
        custom_values: vec![0.5, 1.0, 2.5],
        ..Histogram::default()
    })
}

#[test]
fn native_histograms_come_back_as_they_went_in() {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, options(), secs(0));
    let mut expected: [Vec<HistogramSample>; 2] = Default::default();
    for n in 1..300_u32 {
        let at_ms = i64::from(n) * 1000;
        let stale = n % 50 == 0;
        let both = [histogram(n), custom(n)];
        let series: Vec<HistogramSeries> = (0..2)
            .map(|which| {
                let histogram =
                    if stale { Arc::new(Histogram::stale()) } else { Arc::clone(&both[which]) };
                let sample = HistogramSample { at_ms, histogram };
                expected[which].push(sample.clone());
                HistogramSeries { labels: labels("latency", which), samples: vec![sample] }
            })
            .collect();
        let incoming = Incoming { histograms: &series, ..Incoming::default() };
        let appended = store.append(secs(i64::from(n)), &incoming).unwrap();
        assert_eq!((appended.samples, appended.duplicates), (2, 0));
        assert_eq!(appended.heard.len(), 2);
        assert_eq!(store.append(secs(i64::from(n)), &incoming).unwrap().duplicates, 2);
        if n % 70 == 0 {
            store.flush(secs(i64::from(n))).unwrap();
        }
    }
    let check = |store: &Tsdb| {
        let selection = store.select(&[], 0, i64::MAX).unwrap();
        assert_eq!(selection.len(), 2);
        for at in 0..2 {
            let mut points = Points::default();
            selection.read(at, &mut points).unwrap();
            let which: usize = selection.labels(at).get("instance").unwrap().parse().unwrap();
            assert!(points.times.is_empty());
            assert_eq!(format!("{:?}", points.histograms), format!("{:?}", expected[which]));
            assert!(selection.samples_hint(at) >= points.len());
        }
    };
    check(&store);
    check(&open(&disk, options(), secs(300)).0);
    store.flush(secs(300)).unwrap();
    for second in 300..360 {
        store.maintain(secs(second)).unwrap();
    }
    assert_eq!(store.stats().parts, 1);
    check(&store);
    check(&open(&disk, options(), secs(360)).0);
    let changed = [HistogramSeries {
        labels: labels("latency", 0),
        samples: vec![
            HistogramSample { at_ms: 400_000, histogram: histogram(1) },
            HistogramSample { at_ms: 400_000, histogram: histogram(2) },
        ],
    }];
    let incoming = Incoming { histograms: &changed, ..Incoming::default() };
    let appended = store.append(secs(400), &incoming).unwrap();
    assert_eq!((appended.samples, appended.refused[0].samples), (1, 1));
}
