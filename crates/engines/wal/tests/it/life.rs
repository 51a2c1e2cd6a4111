//! A log's ordinary life: append, read, roll, drop, open again.

use std::time::Duration;

use model::Timestamp;
use wal::{Position, SimDisk, SyncPolicy};

use crate::{now, open, options, read, segments};

#[test]
fn reads_what_was_appended_after_any_position_over_many_segments() {
    let disk = SimDisk::new(1);
    let mut wal = open(&disk, options(SyncPolicy::Never));
    assert_eq!(wal.end(), Position::START);
    let mut positions = vec![Position::START];
    for record in 0..40 {
        positions.push(wal.append(format!("record {record}").as_bytes(), now()).unwrap());
    }
    assert!(segments(&disk) > 2);
    assert!(positions.is_sorted());
    let reopened = open(&disk, options(SyncPolicy::Never));
    for log in [&wal, &reopened] {
        for (skipped, position) in positions.iter().enumerate() {
            let (records, replayed) = read(log, *position);
            let expected: Vec<_> = (skipped..40).map(|record| format!("record {record}")).collect();
            assert_eq!(records, expected);
            assert!(replayed.complete && replayed.damage.is_none());
        }
        assert_eq!(log.end(), positions[40]);
    }
}

#[test]
fn a_snapshot_stays_as_it_was() {
    let disk = SimDisk::new(1);
    let mut wal = open(&disk, options(SyncPolicy::Never));
    wal.append(b"one", now()).unwrap();
    let snapshot = wal.snapshot();
    wal.append(b"two", now()).unwrap();
    let mut seen = 0;
    snapshot
        .read(Position::START, |_| {
            seen += 1;
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(seen, 1);
}

#[test]
fn each_opening_begins_a_segment_and_leaves_no_empty_one() {
    let disk = SimDisk::new(1);
    for life in 1..=5 {
        let mut wal = open(&disk, options(SyncPolicy::Never));
        let position = wal.append(b"x", now()).unwrap();
        assert_eq!(position.segment, life);
    }
    assert_eq!(segments(&disk), 5);
}

#[test]
fn drops_whole_segments_and_says_what_is_missing() {
    let disk = SimDisk::new(1);
    let mut wal = open(&disk, options(SyncPolicy::Never));
    let mut positions = Vec::new();
    for second in 0..40 {
        let at = Timestamp::from_secs(second);
        positions.push(wal.append(format!("{second:020}").as_bytes(), at).unwrap());
    }
    let before = segments(&disk);
    wal.drop_before(positions[20]).unwrap();
    let (records, replayed) = read(&wal, positions[20]);
    assert!(replayed.complete);
    assert_eq!(records.len(), 19);
    assert!(segments(&disk) < before);
    assert!(!read(&wal, positions[0]).1.complete);
    assert!(!read(&wal, Position::START).1.complete);

    wal.drop_older(Timestamp::from_secs(30)).unwrap();
    let (records, _) = read(&wal, Position::START);
    assert!((10..20).contains(&records.len()), "{}", records.len());

    wal.drop_to(0).unwrap();
    assert_eq!(segments(&disk), 1);
    assert_eq!(wal.start().segment, wal.end().segment);
}

#[test]
fn an_old_segment_is_closed() {
    let disk = SimDisk::new(1);
    let age = Some(Duration::from_secs(60));
    let mut wal = open(&disk, wal::Options { segment_age: age, ..options(SyncPolicy::Never) });
    for (at, segment) in [(0, 1), (59, 1), (60, 2), (61, 2)] {
        assert_eq!(wal.append(b"x", Timestamp::from_secs(at)).unwrap().segment, segment);
    }
}

#[test]
fn the_interval_bounds_what_power_loss_takes() {
    for seed in 0..20 {
        let disk = SimDisk::new(seed);
        let interval = SyncPolicy::Interval(Duration::from_millis(200));
        let mut wal = open(&disk, options(interval));
        for ms in 0..1000 {
            wal.tick(Timestamp::from_millis(ms)).unwrap();
            wal.append(format!("{ms}").as_bytes(), Timestamp::from_millis(ms)).unwrap();
        }
        disk.power_loss();
        let (records, replayed) = read(&open(&disk, options(interval)), Position::START);
        assert!(records.len() >= 800, "{} records, {replayed:?}", records.len());
        let expected: Vec<_> = (0..800).map(|ms| ms.to_string()).collect();
        assert_eq!(records[..800], expected);
    }
}

#[test]
fn reads_single_records_and_stretches() {
    let disk = SimDisk::new(1);
    let mut wal = open(&disk, options(SyncPolicy::Never));
    for record in ["a", "b", "c"] {
        wal.append(record.as_bytes(), now()).unwrap();
    }
    let mut places = Vec::new();
    wal.read(Position::START, |entry| {
        places.push((entry.at, entry.end));
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    let snapshot = wal.snapshot();
    assert_eq!(snapshot.get(places[1].0).unwrap().unwrap(), b"b");
    let mut seen = Vec::new();
    let whole =
        snapshot.read_stretch(places[1].0.start, places[2].1, |record| seen.push(record.to_vec()));
    assert!(whole.unwrap());
    assert_eq!(seen, [b"b", b"c"]);

    disk.flip(&disk.files()[0], places[1].1.offset - 1, 1);
    assert_eq!(snapshot.get(places[1].0).unwrap(), None);
    seen.clear();
    let whole =
        snapshot.read_stretch(places[1].0.start, places[2].1, |record| seen.push(record.to_vec()));
    assert!(!whole.unwrap());
    assert_eq!(seen, [b"c"]);
}
