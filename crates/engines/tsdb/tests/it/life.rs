//! Checkpoints, retention, replay, metadata, and what it all costs.

use std::time::Duration;

use model::{Matcher, Metadata, MetricKind, Series};
use tsdb::{Options, Position};
use wal::SimDisk;

use crate::{HOUR, append_at, bits, contents, labels, open, options, secs, series};

#[test]
fn a_restart_after_a_checkpoint_replays_only_what_came_after() {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, options(), secs(0));
    for second in 0..500 {
        append_at(&store, second, 3);
        if second == 399 {
            store.checkpoint(secs(second)).unwrap();
        }
    }
    let before = contents(&store);
    let (reopened, recovery) = open(&disk, options(), secs(500));
    assert_eq!((recovery.series, recovery.samples_replayed), (3, 300));
    assert_eq!(contents(&reopened), before);
    assert_eq!(reopened.stats().samples, 1500);
    reopened.checkpoint(secs(500)).unwrap();
    assert_eq!(contents(&reopened), before);
    assert_eq!(open(&disk, options(), secs(501)).1.samples_replayed, 0);
}

#[test]
fn checkpoints_come_by_size_and_by_age_and_when_nobody_ticks() {
    let disk = SimDisk::new(1);
    let by_size = Options { checkpoint_bytes: 20_000, ..options() };
    let (store, _) = open(&disk, by_size, secs(0));
    let ticks = (0..400).filter(|second| {
        append_at(&store, *second, 3);
        store.tick(secs(*second)).unwrap().checkpointed
    });
    assert!((2..10).contains(&ticks.count()));

    let (store, _) = open(&SimDisk::new(1), options(), secs(0));
    append_at(&store, 1, 1);
    assert!(!store.tick(secs(7199)).unwrap().checkpointed);
    assert!(store.tick(secs(7200)).unwrap().checkpointed);
    assert!(!store.tick(secs(99_999)).unwrap().checkpointed, "there is nothing new");

    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, Options { checkpoint_bytes: 300, ..options() }, secs(0));
    for second in 0..200 {
        append_at(&store, second, 3);
    }
    assert!(open(&disk, options(), secs(200)).1.samples_replayed < 400);
}

#[test]
fn what_is_older_than_the_retention_goes() {
    let disk = SimDisk::new(1);
    let options = Options {
        retention: Some(4 * HOUR),
        checkpoint_age: HOUR / 2,
        replay_window: HOUR / 2,
        ..options()
    };
    let (store, _) = open(&disk, options.clone(), secs(0));
    append_at(&store, 0, 5);
    let end = 24 * 3600;
    for second in (0..end).step_by(30) {
        append_at(&store, second, 2);
        store.tick(secs(second)).unwrap();
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
        store.tick(secs(second)).unwrap();
    }
    assert_eq!(store.stats().samples, 288);
}

#[test]
fn a_replay_gives_what_was_stored_after_a_position() {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, options(), secs(0));
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
    store.checkpoint(secs(50)).unwrap();
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
    let options = Options { replay_window: Duration::ZERO, checkpoint_bytes: 1, ..options() };
    let mut pinned = Position::START;
    for life in 0..6 {
        // Each opening begins a segment, and segments go whole.
        let (store, _) = open(&disk, options.clone(), secs(life));
        store.keep_from(pinned);
        let appended = append_at(&store, life * 10, 1);
        store.checkpoint(secs(life * 10)).unwrap();
        if life == 2 {
            pinned = appended.position;
        }
    }
    let (store, _) = open(&disk, options.clone(), secs(100));
    let replay = store.replay(pinned, |_, _| ()).unwrap();
    assert_eq!((replay.records, replay.complete), (3, true));
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
    store.append(secs(1), &[], &[metadata("old")]).unwrap();
    let position = store.append(secs(1), &[], &[metadata("new")]).unwrap().position;
    assert_eq!(store.append(secs(1), &[], &[metadata("new")]).unwrap().position, position);
    let check = |store: &tsdb::Tsdb| {
        assert_eq!(store.metadata()["up"], metadata("new"));
        let names: Vec<_> =
            store.label_names(&[], 0, 2000).iter().map(ToString::to_string).collect();
        assert_eq!(names, ["__name__", "instance", "service_name"]);
        let one = [Matcher::equal("instance", "1")];
        assert_eq!(store.series(&one, 0, 2000), [labels("up", 1)]);
        assert!(store.series(&one, 1001, 2000).is_empty());
        assert_eq!(store.label_values("instance", &[], 0, 2000).len(), 3);
        assert!(store.label_values("nothing", &[], 0, 2000).is_empty());
    };
    check(&store);
    store.checkpoint(secs(2)).unwrap();
    check(&store);
    check(&open(&disk, options(), secs(3)).0);
    append_at(&store, 4, 1);
    store.checkpoint(secs(5)).unwrap();
    assert_eq!(open(&disk, options(), secs(6)).0.metadata().len(), 1);
}

#[test]
fn a_sample_takes_little() {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, Options { checkpoint_age: HOUR, ..options() }, secs(0));
    let mut total = 0.0;
    for second in 0..7200_i32 {
        total += f64::from(second % 17);
        let at_ms = i64::from(second) * 1000 + i64::from(second % 3);
        let batch = [
            series(&labels("requests_total", 0), &[(at_ms, total)]),
            series(&labels("latency_seconds", 0), &[(at_ms, f64::from(second % 100) / 1000.0)]),
            series(&labels("up", 0), &[(at_ms, 1.0)]),
        ];
        store.append(secs(i64::from(second)), &batch, &[]).unwrap();
        if second % 60 == 0 {
            store.tick(secs(i64::from(second))).unwrap();
        }
    }
    store.checkpoint(secs(7200)).unwrap();
    let files = disk.files().into_iter().filter(|path| path.as_str().contains("blocks"));
    let bytes: u64 = files.map(|path| wal::Disk::size(&disk, &path).unwrap()).sum();
    assert!(bytes < 3 * 7200 * 5, "{bytes} bytes for 21,600 samples");
    // The half hour in which repetitions are known.
    assert!(store.stats().head_bytes < 30_000, "{}", store.stats().head_bytes);
    assert_eq!(bits(&store.select(&[], 0, i64::MAX).unwrap().series).len(), 3);
}
