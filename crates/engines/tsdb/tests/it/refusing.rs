//! Disks that refuse in the middle: what was taken is told, what was not leaves nothing behind, and nothing is forgotten that
//! may still be there.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use model::{Exemplar, Labels, SeriesExemplars};
use tsdb::{Appended, Incoming, Options, Tsdb};
use wal::{Disk as _, Fault, SimDisk};

use crate::{HOUR, append_at, contents, floats, labels, open, options, secs, series};

fn parts(disk: &SimDisk) -> Vec<Utf8PathBuf> {
    let is_part = |path: &Utf8PathBuf| path.parent() == Some(Utf8Path::new("t/parts"));
    disk.files().into_iter().filter(is_part).collect()
}

fn with_exemplar(store: &Tsdb, second: i64) -> Result<Appended, tsdb::AppendError> {
    let floats = [series(&labels("up", 0), &[(second * 1000, 1.0)])];
    let trace = Labels::from_pairs([("trace_id", "abc")]);
    let exemplar = Exemplar { labels: trace, value: 0.2, at_ms: second * 1000 };
    let exemplars = [SeriesExemplars { labels: labels("up", 0), exemplars: vec![exemplar] }];
    let incoming = Incoming { series: &floats, exemplars: &exemplars, ..Incoming::default() };
    store.append(secs(second), &incoming)
}

#[test]
fn samples_whose_exemplars_find_no_room_are_told_as_taken() {
    let mut failed_late = 0;
    for op in 1..12 {
        let disk = SimDisk::new(op);
        let (store, _) = open(&disk, options(), secs(0));
        append_at(&store, 1, 1);
        disk.fail_at(disk.ops() + op, Fault::Full);
        let first = with_exemplar(&store, 2);
        let is_there = contents(&store)[&labels("up", 0)].contains_key(&2000);
        assert_eq!(first.is_ok(), is_there, "op {op}: an error means that nothing was taken");
        disk.clear_faults();
        store.tick(secs(20)).unwrap();
        let Ok(first) = first else { continue };
        assert_eq!(first.samples, 1);
        assert_eq!(first.stored.len(), 1, "whoever counts can count it");
        let again = with_exemplar(&store, 2).unwrap();
        assert!(again.failed.is_none());
        assert_eq!((again.samples, again.duplicates), (0, 1));
        match first.failed {
            Some(error) => {
                failed_late += 1;
                assert!(error.is_no_room());
                assert!(first.exemplars.is_empty() && again.exemplars.len() == 1);
            }
            None => assert!(first.exemplars.len() == 1 && again.exemplars.is_empty()),
        }
    }
    assert!(failed_late > 0, "no fault met the exemplars");
}

#[test]
fn only_what_was_taken_is_told_as_stored() {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, options(), secs(0));
    let histogram = |count: f64| {
        Arc::new(model::Histogram { count, sum: count, ..model::Histogram::default() })
    };
    let offer = |samples: &[(i64, f64)]| {
        let samples = samples.iter().map(|(at_ms, count)| model::HistogramSample {
            at_ms: *at_ms,
            histogram: histogram(*count),
        });
        let histograms =
            [model::HistogramSeries { labels: labels("took", 0), samples: samples.collect() }];
        let incoming = Incoming { histograms: &histograms, ..Incoming::default() };
        store.append(secs(100), &incoming).unwrap()
    };
    let times = |appended: &Appended| -> Vec<i64> {
        appended
            .stored_histograms
            .iter()
            .flat_map(|one| &one.samples)
            .map(|one| one.at_ms)
            .collect()
    };
    assert_eq!(times(&offer(&[(1000, 1.0), (2000, 2.0)])), [1000, 2000]);
    // One is there already, one has another value, one is new.
    assert_eq!(times(&offer(&[(1000, 1.0), (2000, 5.0), (3000, 3.0)])), [3000]);
    assert_eq!(offer(&[(1000, 1.0)]).stored_histograms, []);
}

#[test]
fn a_part_that_cannot_be_written_leaves_no_file() {
    let mut failed = 0;
    for op in 1..30 {
        let disk = SimDisk::new(op);
        let (store, _) = open(&disk, options(), secs(0));
        for second in 0..50 {
            append_at(&store, second, 20);
        }
        let before = contents(&store);
        disk.fail_at(disk.ops() + op, Fault::Full);
        let flushed = store.flush(secs(60));
        disk.clear_faults();
        if flushed.is_err() && store.stats().parts == 0 {
            failed += 1;
            // Unless the manifest, the first of this store, was in its place already.
            let is_named = disk.files().contains(&Utf8PathBuf::from("t/MANIFEST"));
            assert_eq!(parts(&disk).len(), usize::from(is_named), "op {op}");
        }
        if store.tick(secs(62)).is_ok() {
            store.flush(secs(70)).unwrap();
        }
        assert_eq!(contents(&store), before);
        drop(store);
        let (store, _) = open(&disk, options(), secs(80));
        assert_eq!(contents(&store), before);
        assert_eq!(parts(&disk).len(), store.stats().parts, "op {op}");
    }
    assert!(failed > 3, "hardly any fault met the part");
}

#[test]
fn a_part_with_a_damaged_end_is_kept_when_the_manifest_is_lost() {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, options(), secs(0));
    for second in 0..60 {
        append_at(&store, second, 3);
        if second % 20 == 15 {
            store.flush(secs(second)).unwrap();
        }
    }
    store.flush(secs(60)).unwrap();
    drop(store);
    let whole = parts(&disk);
    let victim = &whole[1];
    let bytes = disk.read(victim).unwrap();
    disk.flip(victim, bytes.len() as u64 - 3, 0x10);
    disk.put(Utf8Path::new("t/MANIFEST"), b"rubbish");
    let flipped = disk.read(victim).unwrap();
    for life in 0..2 {
        let (store, recovery) = open(&disk, options(), secs(70 + life));
        assert_eq!(recovery.damage.regions_total, if life == 0 { 2 } else { 1 });
        let left = contents(&store)[&labels("up", 0)].len();
        assert!((30..60).contains(&left), "{left} samples are left");
        assert_eq!(disk.read(&victim.with_extension("damaged")).unwrap(), flipped);
    }
}

#[test]
fn series_of_a_part_that_cannot_be_opened_are_not_forgotten() {
    let disk = SimDisk::new(1);
    let kept = Options { retention: Some(6 * HOUR), ..options() };
    let (store, _) = open(&disk, kept.clone(), secs(0));
    let one = |name: &str, second: i64| {
        store
            .append(secs(second), &floats(&[series(&labels(name, 0), &[(second * 1000, 1.0)])]))
            .unwrap();
        store.flush(secs(second)).unwrap();
    };
    one("first", 10);
    one("second", 5 * 3600);
    drop(store);
    let lost = parts(&disk)[1].clone();
    let bytes = disk.read(&lost).unwrap();
    disk.remove(&lost).unwrap();
    // The first part is past the retention: what has nothing left would be forgotten.
    let late = secs(7 * 3600);
    let (store, recovery) = open(&disk, kept.clone(), late);
    assert_eq!(recovery.parts_damaged.len(), 1);
    for later in 0..70 {
        store.maintain(late + std::time::Duration::from_secs(later)).unwrap();
    }
    assert!(store.stats().series >= 1, "the second series is in a part that is not at hand");
    drop(store);
    disk.put(&lost, &bytes);
    let (store, _) = open(&disk, kept, late + std::time::Duration::from_secs(80));
    let found = store.select(&[model::Matcher::equal("__name__", "second")], 0, i64::MAX).unwrap();
    assert_eq!(crate::read(&found).len(), 1);
}

#[test]
fn what_is_flushed_while_the_log_is_read_can_be_counted_again() {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, options(), secs(0));
    for second in 0..400 {
        append_at(&store, second, 3);
        if second % 100 == 99 {
            // So that there is something that could be let go of.
            store.sync().unwrap();
        }
    }
    drop(store);
    let small = Options { head_samples: 200, ..options() };
    let (store, recovery) = open(&disk, small, secs(401));
    assert!(recovery.samples_replayed >= 1200 && recovery.parts > 0, "{recovery:?}");
    let mut counted = 0;
    store.replay(wal::Position::START, |_, series| counted += series.len()).unwrap();
    assert_eq!(counted, 1200);
}

/// A record of the log that outlived the names of its series must not speak of series that came later.
#[test]
fn a_number_whose_labels_were_lost_is_not_given_again() {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, options(), secs(0));
    append_at(&store, 1, 3);
    drop(store);
    for dir in ["t/series", "t/series2"] {
        for path in disk.files().iter().filter(|path| path.parent() == Some(Utf8Path::new(dir))) {
            disk.remove(path).unwrap();
        }
    }
    for second in 2..6 {
        let (store, recovery) = open(&disk, options(), secs(second));
        assert_eq!(recovery.orphans, if second < 5 { 3 } else { 0 });
        let other = labels("others", usize::try_from(second).unwrap());
        store.append(secs(second), &floats(&[series(&other, &[(second * 1000, 7.0)])])).unwrap();
        assert_eq!(
            contents(&store).values().map(|times| times.len()).sum::<usize>(),
            usize::try_from(second - 1).unwrap()
        );
        if second == 4 {
            // A manifest that is lost takes its knowledge along, and the parts have it still.
            store.flush(secs(second)).unwrap();
            disk.put(Utf8Path::new("t/MANIFEST"), b"rubbish");
        }
    }
}
