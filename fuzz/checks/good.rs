//! A good store to be changed, and all that is looked at in one that was.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use camino::Utf8PathBuf;
use model::{
    BucketSpan, Exemplar, Histogram, HistogramSample, HistogramSeries, Labels, Metadata,
    MetricKind, Points, Sample, Series, SeriesExemplars, Timestamp,
};
use tsdb::{Incoming, Options, Selection, SyncPolicy, Tsdb};
use wal::{Disk, SimDisk};

/// Samples of one series that are looked at.
const SAMPLES_MAX: usize = 1 << 16;
const SERIES_MAX: usize = 64;
pub(crate) const NOW: i64 = 1_000;

pub(crate) fn secs(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

pub(crate) fn open(disk: &SimDisk, now: i64) -> Result<Tsdb, tsdb::OpenError> {
    let options = Options {
        sync: SyncPolicy::Never,
        free_bytes_min: 0,
        retention: None,
        ..Options::new("t")
    };
    Tsdb::open(options, Arc::new(disk.clone()), secs(now)).map(|(store, _)| store)
}

pub(crate) fn histogram(count: u32) -> Arc<Histogram> {
    let count = f64::from(count);
    Arc::new(Histogram {
        schema: 2,
        zero_threshold: 1e-9,
        count: count * 3.0,
        sum: count * 1.5,
        positive_spans: vec![
            BucketSpan { offset: -2, length: 2 },
            BucketSpan { offset: 3, length: 1 },
        ],
        positive: vec![count, count, count],
        ..Histogram::default()
    })
}

/// Fills a store: counters, a classic histogram, floats of each kind, native histograms.
fn fill(store: &Tsdb, seconds: std::ops::Range<i64>) {
    let name = |name: &str, le: &str| Labels::from_pairs([("__name__", name), ("le", le)]);
    for second in seconds {
        let at = f64::from(i32::try_from(second).unwrap_or_default());
        let values = [
            (name("h_bucket", "+Inf"), at * 3.0),
            (name("h_bucket", "1"), (at * 2.0).floor()),
            (name("cents", ""), (at * 7.25).round() / 100.0),
            (name("sine", ""), at.sin()),
            (name("flag", ""), f64::from(u8::from(second % 7 == 0))),
            (name("gone", ""), f64::from_bits(Sample::STALE)),
        ];
        let series: Vec<Series> = values
            .into_iter()
            .map(|(labels, value)| {
                let at_ms = second * 1000 + i64::from(second % 5 == 0);
                Series { labels, samples: vec![Sample { at_ms, value }] }
            })
            .collect();
        let count = u32::try_from(second).unwrap_or_default();
        let histograms = [HistogramSeries {
            labels: name("native", ""),
            samples: vec![HistogramSample { at_ms: second * 1000, histogram: histogram(count) }],
        }];
        let metadata = [Metadata {
            family: "h".into(),
            kind: MetricKind::Histogram,
            help: "helps".into(),
            unit: "s".into(),
        }];
        let exemplar = Exemplar {
            labels: Labels::from_pairs([("trace_id", "1")]),
            value: 1.0,
            at_ms: second * 1000,
        };
        let exemplars =
            [SeriesExemplars { labels: name("h_bucket", "1"), exemplars: vec![exemplar] }];
        let incoming = Incoming {
            series: &series,
            histograms: &histograms,
            exemplars: &exemplars,
            metadata: &metadata,
        };
        store.append(secs(second), &incoming).expect("a disk in memory takes it");
    }
}

/// The files of a good store: one part, and a log with a little after it.
pub(crate) fn good() -> SimDisk {
    static FILES: OnceLock<Vec<(Utf8PathBuf, Vec<u8>)>> = OnceLock::new();
    let files = FILES.get_or_init(|| {
        let disk = SimDisk::new(1);
        let store = open(&disk, 0).expect("an empty disk opens");
        fill(&store, 0..60);
        store.flush(secs(60)).expect("a disk in memory takes it");
        fill(&store, 60..62);
        let read = |path: Utf8PathBuf| {
            let bytes = disk.read(&path).expect("it is there");
            (path, bytes)
        };
        disk.files().into_iter().map(read).collect()
    });
    let disk = SimDisk::new(1);
    files.iter().for_each(|(path, bytes)| disk.put(path, bytes));
    disk
}

type Contents = BTreeMap<Labels, Vec<(i64, u64)>>;

/// All samples by their series, as bits, and whether some are said to be missing; `None` when there are too many to be
/// looked at.
fn contents(store: &Tsdb) -> Option<(Contents, bool)> {
    let selection = store.select(&[], i64::MIN, i64::MAX).expect("a disk in memory is read");
    let mut contents = Contents::new();
    if selection.len() > SERIES_MAX {
        return None;
    }
    for at in 0..selection.len() {
        let samples = read(&selection, at)?;
        if !samples.is_empty() {
            contents.insert(selection.labels(at), samples);
        }
    }
    Some((contents, !selection.warnings().is_empty()))
}

fn read(selection: &Selection, at: usize) -> Option<Vec<(i64, u64)>> {
    if selection.samples_hint(at) > SAMPLES_MAX {
        return None;
    }
    let mut points = Points::default();
    selection.read(at, &mut points).expect("a disk in memory is read");
    assert!(points.times.is_sorted_by(|a, b| a < b));
    assert_eq!(points.times.len(), points.values.len());
    assert!(points.starts.is_empty() || points.starts.len() == points.times.len());
    assert!(points.histograms.is_sorted_by(|a, b| a.at_ms < b.at_ms));
    let starts = points.histogram_starts.len();
    assert!(starts == 0 || starts == points.histograms.len());
    let floats = points.samples().map(|sample| (sample.at_ms, sample.value.to_bits()));
    let mut samples: Vec<_> = floats.collect();
    for sample in &points.histograms {
        let histogram = &sample.histogram;
        assert_eq!(histogram.validate_spans(), Ok(()));
        samples.push((sample.at_ms, histogram.sum.to_bits() ^ histogram.count.to_bits()));
    }
    Some(samples)
}

/// Looks at a store in every way, writes all of it into parts, merges those, and opens it anew: what is in it stays.
pub(crate) fn look(disk: &SimDisk, store: Tsdb) {
    let before = contents(&store);
    store.series(&[], 0, i64::MAX);
    store.label_names(&[], i64::MIN, i64::MAX);
    store.exemplars(&[], i64::MIN, i64::MAX);
    let verified = store.verify().expect("a disk in memory is read");
    // The log is told of what it had before anything is dropped.
    let mut seen = 0;
    let replayed = store.replay(wal::Position::START, |_, series| seen += series.len());
    replayed.expect("a disk in memory is read");
    let Some((before, is_told)) = before else { return };
    let check = |store: &Tsdb, when: &str| {
        let after = contents(store);
        if verified.is_sound() && !is_told {
            assert_eq!(after.as_ref().map(|(after, _)| after), Some(&before), "{when}");
        }
    };
    store.flush(secs(NOW)).expect("a disk in memory takes it");
    check(&store, "after the flush");
    for second in 0..3 {
        store.maintain(secs(NOW + 60 * second)).expect("a disk in memory takes it");
    }
    check(&store, "after maintenance");
    store.stats();
    drop(store);
    let store = open(disk, NOW + 200).expect("it opened before");
    check(&store, "after another start");
}
