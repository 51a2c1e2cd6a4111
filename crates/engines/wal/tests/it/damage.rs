//! Cuts, flipped bits and rubbish.

use std::{ops::ControlFlow, sync::Arc};

use camino::Utf8Path;
use proptest::prelude::*;
use wal::{Disk, OpenError, Options, Position, SimDisk, SyncPolicy, Wal};

use crate::{DIR, now, open, options, read};

fn one_segment() -> Options {
    Options { segment_bytes: 1 << 20, ..options(SyncPolicy::Never) }
}

/// A disk with one segment of these records, their positions, and the segment's path.
fn log(records: usize) -> (SimDisk, Vec<Position>, camino::Utf8PathBuf) {
    let disk = SimDisk::new(1);
    let mut wal = open(&disk, one_segment());
    let positions =
        (0..records).map(|n| wal.append(format!("{n:04}").as_bytes(), now()).unwrap()).collect();
    let path = disk.files().pop().unwrap();
    (disk, positions, path)
}

#[test]
fn a_log_cut_at_any_byte_loses_the_cut_record_alone() {
    let (disk, positions, path) = log(20);
    let bytes = disk.read(&path).unwrap();
    for cut in 0..bytes.len() {
        let disk = SimDisk::new(1);
        disk.put(&path, &bytes[..cut]);
        let mut wal = open(&disk, one_segment());
        let whole = positions.iter().filter(|end| end.offset <= cut as u64).count();
        let (records, replayed) = read(&wal, Position::START);
        assert_eq!(records.len(), whole, "cut at {cut}");
        assert!(replayed.damage.is_none(), "cut at {cut}");
        wal.append(b"next", now()).unwrap();
        let (records, replayed) = read(&open(&disk, one_segment()), Position::START);
        assert_eq!(records.len(), whole + 1);
        assert_eq!(replayed.damage.torn_bytes, 0, "the torn tail is gone");
    }
}

#[test]
fn any_flipped_byte_of_a_thousand_records_costs_one_record() {
    const RECORDS: usize = 1000;
    let (disk, positions, path) = log(RECORDS);
    let wal = open(&disk, one_segment());
    let size = disk.size(&path).unwrap();
    for flipped in 0..size {
        disk.flip(&path, flipped, 1 << (flipped % 8));
        let hit = positions.partition_point(|end| end.offset <= flipped);
        // Reading around the flip is enough for most, and much faster; some are read whole.
        let (from, expected) = if flipped % 97 == 0 {
            (0, RECORDS)
        } else {
            (hit.saturating_sub(2), (RECORDS).min(hit + 3))
        };
        let start = if from == 0 { Position::START } else { positions[from - 1] };
        let mut seen = Vec::new();
        let replayed = wal
            .read(start, |entry| {
                seen.push(std::str::from_utf8(entry.payload).unwrap().parse::<usize>().unwrap());
                if seen.last() == Some(&(expected - 1)) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })
            .unwrap();
        let in_header = flipped < positions[0].offset - 16;
        let expected: Vec<_> = (from..expected).filter(|n| in_header || *n != hit).collect();
        assert_eq!(seen, expected, "byte {flipped}");
        assert_eq!(replayed.damage.regions_total, u64::from(!in_header), "byte {flipped}");
        disk.flip(&path, flipped, 1 << (flipped % 8));
    }
}

#[test]
fn a_damaged_header_byte_does_not_cost_the_segment_at_opening() {
    let (disk, _, path) = log(3);
    for flipped in 0..96 {
        disk.flip(&path, flipped, 0x81);
        assert_eq!(read(&open(&disk, one_segment()), Position::START).0.len(), 3, "byte {flipped}");
        disk.flip(&path, flipped, 0x81);
    }
}

#[test]
fn damage_is_quarantined_once() {
    let (disk, positions, path) = log(5);
    disk.flip(&path, positions[1].offset + 13, 1);
    for _ in 0..2 {
        let wal = open(&disk, one_segment());
        let (records, mut replayed) = read(&wal, Position::START);
        assert_eq!(records, ["0000", "0001", "0003", "0004"]);
        wal.quarantine(&mut replayed.damage);
        let region = &replayed.damage.regions[0];
        assert_eq!((region.offset, region.bytes), (positions[1].offset, 16));
        let copy = disk.read(region.quarantined.as_ref().unwrap()).unwrap();
        assert_eq!(copy.len(), 16);
        assert_eq!(disk.files().len(), 2);
    }
}

#[test]
fn a_segment_without_any_header_is_reported_and_others_are_read() {
    let disk = SimDisk::new(1);
    for _ in 0..3 {
        open(&disk, one_segment()).append(b"x", now()).unwrap();
    }
    let second = disk.files()[1].clone();
    disk.flip(&second, 3, 1);
    disk.flip(&second, 60, 1);
    let mut wal = open(&disk, one_segment());
    let (records, replayed) = read(&wal, Position::START);
    assert_eq!((records.len(), replayed.damage.regions_total), (2, 1));
    assert_eq!(wal.append(b"y", now()).unwrap().segment, 4);
}

#[test]
fn a_newer_version_is_refused_by_name() {
    let (disk, _, path) = log(1);
    let mut bytes = disk.read(&path).unwrap();
    for copy in [0, 48] {
        bytes[copy + 6] = 2;
        let crc = crc32c::crc32c(&bytes[copy..copy + 44]);
        bytes[copy + 44..copy + 48].copy_from_slice(&crc.to_le_bytes());
    }
    disk.put(&path, &bytes);
    let error = Wal::open(one_segment(), Arc::new(disk)).unwrap_err();
    assert!(matches!(error, OpenError::Version { found: 2, max: 1, .. }));
    assert_eq!(
        error.to_string(),
        "the segment `d/0000000000000001.wal` has version 2; this build reads 1 and older"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rubbish_never_panics(files in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..400), 1..4)) {
        let disk = SimDisk::new(1);
        for (number, bytes) in files.iter().enumerate() {
            disk.put(&Utf8Path::new(DIR).join(format!("{number:016}.wal")), bytes);
        }
        let mut wal = open(&disk, one_segment());
        let (records, mut replayed) = read(&wal, Position::START);
        prop_assert!(records.is_empty());
        wal.quarantine(&mut replayed.damage);
        wal.append(b"x", now()).unwrap();
        prop_assert_eq!(read(&wal, Position::START).0, ["x"]);
    }

    #[test]
    fn rubbish_in_a_good_log_is_never_returned(
        at in 0_u64..500,
        rubbish in prop::collection::vec(1_u8.., 1..60),
    ) {
        let (disk, _, path) = log(25);
        for (offset, mask) in (at..).zip(&rubbish) {
            disk.flip(&path, offset, *mask);
        }
        let wal = open(&disk, one_segment());
        let (records, _) = read(&wal, Position::START);
        let texts: Vec<_> = (0..25).map(|n| format!("{n:04}")).collect();
        prop_assert!(records.iter().all(|record| texts.contains(record)));
        let hit = at < 96 || records.len() + rubbish.len() / 16 + 2 >= 25;
        prop_assert!(hit, "{} records left", records.len());
    }
}
