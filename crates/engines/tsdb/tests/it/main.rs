//! The sample store against plain maps, and on a disk that forgets and rots.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod broken;
mod churn;
mod concurrent;
mod corpora;
mod crash;
mod delete;
#[path = "../../../../../fuzz/checks/good.rs"]
mod good;
#[path = "../../../../../fuzz/checks/input.rs"]
mod input;
mod keyed;
mod life;
mod limits;
mod migrate;
mod model_based;
#[path = "../../../../../fuzz/mutate.rs"]
mod mutate;
#[path = "../../../../../fuzz/checks/part.rs"]
mod part;
mod refusing;
mod rot;
mod seeds;
#[path = "../../../../../fuzz/checks/store.rs"]
mod store;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use model::{Labels, Points, Sample, Series, Timestamp};
use tsdb::{Appended, Incoming, Options, Recovery, Selection, SyncPolicy, Tsdb};
use wal::SimDisk;

/// Samples by series and time, as bits.
pub(crate) type Contents = BTreeMap<Labels, BTreeMap<i64, u64>>;

pub(crate) fn secs(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

pub(crate) fn options() -> Options {
    Options { sync: SyncPolicy::Never, free_bytes_min: 0, ..Options::new("t") }
}

pub(crate) fn open(disk: &SimDisk, options: Options, now: Timestamp) -> (Tsdb, Recovery) {
    Tsdb::open(options, Arc::new(disk.clone()), now).unwrap()
}

pub(crate) fn labels(name: &str, instance: usize) -> Labels {
    Labels::from_pairs([
        ("__name__", name.to_owned()),
        ("service_name", "checkout".to_owned()),
        ("instance", instance.to_string()),
    ])
}

pub(crate) fn series(labels: &Labels, samples: &[(i64, f64)]) -> Series {
    let samples = samples.iter().map(|(at_ms, value)| Sample { at_ms: *at_ms, value: *value });
    Series { labels: labels.clone(), samples: samples.collect() }
}

pub(crate) fn floats(series: &[Series]) -> Incoming<'_> {
    Incoming { series, ..Incoming::default() }
}

/// Appends one sample of each of some series, at a second.
pub(crate) fn append_at(store: &Tsdb, second: i64, instances: usize) -> Appended {
    let batch: Vec<Series> = (0..instances)
        .map(|instance| {
            let value = f64::from(i32::try_from(second).unwrap()) * 3.0;
            series(&labels("up", instance), &[(second * 1000, value)])
        })
        .collect();
    store.append(secs(second), &floats(&batch)).unwrap()
}

/// All that a selection holds; warnings are for the caller to look at.
pub(crate) fn read(selection: &Selection) -> Contents {
    let mut contents = Contents::new();
    for at in 0..selection.len() {
        let mut points = Points::default();
        selection.read(at, &mut points).unwrap();
        assert!(points.times.is_sorted_by(|a, b| a < b));
        assert_eq!(points.times.len(), points.values.len());
        let samples: BTreeMap<i64, u64> =
            points.samples().map(|sample| (sample.at_ms, sample.value.to_bits())).collect();
        if !samples.is_empty() {
            assert!(contents.insert(selection.labels(at), samples).is_none());
        }
    }
    contents
}

pub(crate) fn contents(store: &Tsdb) -> Contents {
    let selection = store.select(&[], i64::MIN, i64::MAX).unwrap();
    let contents = read(&selection);
    assert_eq!(selection.warnings(), Vec::<String>::new());
    contents
}

pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// A number that the environment gives, such as how many rounds are to be run.
#[expect(clippy::disallowed_methods, reason = "how long a test runs is said outside of it")]
pub(crate) fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}
