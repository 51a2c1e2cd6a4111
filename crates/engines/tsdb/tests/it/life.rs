//! Flushes, merges, retention, replay, metadata, and what it all costs.

use model::{Matcher, Metadata, MetricKind, Series};
use tsdb::{Incoming, Options, Position};
use wal::SimDisk;

use crate::{HOUR, append_at, contents, floats, labels, open, options, secs, series};

#[test]
fn a_restart_after_a_checkpoint_replays_only_what_came_after() {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, options(), secs(0));
    for second in 0..500 {
        append_at(&store, second, 3);
        if second == 399 {
            store.flush(secs(second)).unwrap();
        }
    }
    let before = contents(&store);
    let (reopened, recovery) = open(&disk, options(), secs(500));
    assert_eq!((recovery.series, recovery.samples_replayed), (3, 300));
    assert_eq!(contents(&reopened), before);
    assert_eq!(reopened.stats().samples, 1500);
    reopened.flush(secs(500)).unwrap();
    assert_eq!(contents(&reopened), before);
    assert_eq!(open(&disk, options(), secs(501)).1.samples_replayed, 0);
}

#[test]
fn flushes_come_by_size_and_by_age_and_in_quiet_and_when_nobody_maintains() {
    let (store, _) = open(&SimDisk::new(1), Options { head_samples: 100, ..options() }, secs(0));
    let flushes = (0..400).filter(|second| {
        append_at(&store, *second, 3);
        store.maintain(secs(*second)).unwrap().flushed > 0
    });
    assert!((5..20).contains(&flushes.count()));

    let (store, _) = open(&SimDisk::new(1), options(), secs(0));
    let flushed: Vec<i64> = (0..3000)
        .filter(|second| {
            append_at(&store, *second, 1);
            store.maintain(secs(*second)).unwrap().flushed > 0
        })
        .collect();
    assert!((2..5).contains(&flushed.len()), "by age, or as little comes: {flushed:?}");
    let quiet = (3000..3060).find(|second| store.maintain(secs(*second)).unwrap().flushed > 0);
    assert!(quiet.is_some_and(|second| second < 3020), "{quiet:?}");
    assert_eq!(store.stats().head_samples, 0);

    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, Options { head_samples: 100, ..options() }, secs(0));
    for second in 0..200 {
        append_at(&store, second, 3);
    }
    assert!(open(&disk, options(), secs(200)).1.samples_replayed < 400);
}

#[test]
fn at_rest_there_is_one_part_and_no_log() {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, Options { head_samples: 500, ..options() }, secs(0));
    for second in 0..1000 {
        append_at(&store, second, 4);
        store.maintain(secs(second)).unwrap();
    }
    let before = contents(&store);
    for second in 1000..1060 {
        store.maintain(secs(second)).unwrap();
    }
    let stats = store.stats();
    assert_eq!((stats.parts, stats.samples), (1, 4000));
    assert!(stats.wal_bytes < 200, "{stats:?}");
    assert_eq!(contents(&store), before);
    assert!(store.verify().unwrap().is_sound());
    let (reopened, recovery) = open(&disk, options(), secs(1060));
    assert_eq!(recovery.samples_replayed, 0);
    assert_eq!(contents(&reopened), before);
}

#[test]
fn what_is_older_than_the_retention_goes() {
    let disk = SimDisk::new(1);
    let options = Options { retention: Some(4 * HOUR), head_age: HOUR / 2, ..options() };
    let (store, _) = open(&disk, options.clone(), secs(0));
    append_at(&store, 0, 5);
    let end = 24 * 3600;
    for second in (0..end).step_by(30) {
        append_at(&store, second, 2);
        store.maintain(secs(second)).unwrap();
    }
    let stats = store.stats();
    assert_eq!(stats.series, 2, "three fell silent and went");
    assert!((960..1200).contains(&stats.samples), "{stats:?}");
    let oldest = contents(&store)[&labels("up", 0)].keys().next().copied().unwrap();
    assert!(oldest >= (end - 5 * 3600) * 1000 && oldest <= (end - 4 * 3600) * 1000);
    assert_eq!(store.label_values("instance", &[], 0, i64::MAX).len(), 2);
    let kept = contents(&store);
    assert_eq!(contents(&open(&disk, options.clone(), secs(end)).0), kept);
    assert!(disk.files().len() < 40, "{} files", disk.files().len());

    let forever = Options { retention: None, ..options };
    let (store, _) = open(&SimDisk::new(2), forever, secs(0));
    for second in (0..end).step_by(300) {
        append_at(&store, second, 1);
        store.maintain(secs(second)).unwrap();
    }
    assert_eq!(store.stats().samples, 288);
    let ancient = series(&labels("up", 9), &[(1000, 1.0), (2000, 2.0)]);
    assert_eq!(store.append(secs(1_700_000_000), &floats(&[ancient])).unwrap().samples, 2);
}

#[test]
fn a_replay_gives_what_was_stored_after_a_position() {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, options(), secs(0));
    store.keep_from(Position::START);
    let mut appended = Vec::new();
    let mut positions = vec![Position::START];
    for second in 0..50 {
        let done = append_at(&store, second, 3);
        assert_eq!(done.position, store.position());
        positions.push(done.position);
        appended.push((secs(second), done.stored));
    }
    let repeated = append_at(&store, 49, 3);
    assert_eq!((repeated.duplicates, repeated.position), (3, positions[50]));
    let (reopened, _) = open(&disk, options(), secs(51));
    for store in [&store, &reopened] {
        for (skipped, position) in positions.iter().enumerate() {
            let mut seen: Vec<(model::Timestamp, Vec<Series>)> = Vec::new();
            let replay = store.replay(*position, |at, series| seen.push((at, series))).unwrap();
            assert_eq!(seen, appended[skipped..]);
            assert!(replay.complete);
        }
    }
}

#[test]
fn the_log_is_kept_for_whoever_needs_it() {
    let disk = SimDisk::new(1);
    let options = options();
    let mut pinned = Position::START;
    for life in 0..6 {
        // Each opening begins a segment, and segments go whole.
        let (store, _) = open(&disk, options.clone(), secs(life));
        store.keep_from(pinned);
        let appended = append_at(&store, life * 10, 1);
        store.flush(secs(life * 10)).unwrap();
        if life == 2 {
            pinned = appended.position;
        }
    }
    let (store, _) = open(&disk, options.clone(), secs(100));
    let replay = store.replay(pinned, |_, _| ()).unwrap();
    assert_eq!((replay.records, replay.complete), (3, true));
    store.keep_from(store.position());
    store.maintain(secs(101)).unwrap();
    assert!(!store.replay(Position::START, |_, _| ()).unwrap().complete);
    assert_eq!(store.stats().samples, 6);
}

#[test]
fn answers_for_labels_and_metadata() {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, options(), secs(0));
    append_at(&store, 1, 3);
    let metadata = |help: &str| Metadata {
        family: "up".into(),
        kind: MetricKind::Gauge,
        help: help.into(),
        unit: "".into(),
    };
    let told = |help: &str| {
        let metadata = [metadata(help)];
        store.append(secs(1), &Incoming { metadata: &metadata, ..Incoming::default() }).unwrap();
        store.stats().registry_bytes
    };
    told("old");
    let bytes = told("new");
    assert_eq!(told("new"), bytes, "what is known is not written again");
    let check = |store: &tsdb::Tsdb| {
        assert_eq!(store.metadata()["up"], metadata("new"));
        let names: Vec<_> =
            store.label_names(&[], 0, 2000).iter().map(ToString::to_string).collect();
        assert_eq!(names, ["__name__", "instance", "service_name"]);
        let one = [Matcher::equal("instance", "1")];
        assert_eq!(store.series(&one, 0, 2000), [labels("up", 1)]);
        assert!(store.series(&one, 1001, 2000).is_empty());
        assert!(store.series(&one, 0, 999).is_empty());
        assert_eq!(store.label_values("instance", &[], 0, 2000).len(), 3);
        assert!(store.label_values("nothing", &[], 0, 2000).is_empty());
    };
    check(&store);
    store.flush(secs(2)).unwrap();
    check(&store);
    check(&open(&disk, options(), secs(3)).0);
    append_at(&store, 4, 1);
    store.flush(secs(5)).unwrap();
    assert_eq!(open(&disk, options(), secs(6)).0.metadata().len(), 1);
}

#[test]
fn a_sample_takes_little() {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, Options { head_samples: 5000, ..options() }, secs(0));
    let mut total = 0.0;
    for second in 0..7200_i32 {
        total += f64::from(second % 17);
        let at_ms = i64::from(second) * 1000 + i64::from(second % 3);
        let batch = [
            series(&labels("requests_total", 0), &[(at_ms, total)]),
            series(&labels("latency_seconds", 0), &[(at_ms, f64::from(second % 100) / 1000.0)]),
            series(&labels("up", 0), &[(at_ms, 1.0)]),
        ];
        store.append(secs(i64::from(second)), &floats(&batch)).unwrap();
        if second % 60 == 0 {
            store.maintain(secs(i64::from(second))).unwrap();
        }
    }
    for second in 7200..7260 {
        store.maintain(secs(second)).unwrap();
    }
    let stats = store.stats();
    assert!(stats.bytes < 2 * stats.samples, "{} bytes for 21,600 samples", stats.bytes);
}
