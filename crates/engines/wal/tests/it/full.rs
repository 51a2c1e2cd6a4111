//! A disk that fills up and has room again.

use std::time::Duration;

use model::Timestamp;
use wal::{AppendError, Options, Position, SimDisk, SyncPolicy};

use crate::{now, open, options, read};

#[test]
fn takes_up_writing_when_there_is_room_again() {
    for capacity in 100..700 {
        let disk = SimDisk::new(capacity);
        let mut wal = open(&disk, options(SyncPolicy::default()));
        disk.set_capacity(Some(capacity));
        let mut taken = Vec::new();
        let mut at = now();
        let error = loop {
            let record = format!("record {}", taken.len());
            match wal.append(record.as_bytes(), at) {
                Ok(_) => taken.push(record),
                Err(error) => break error,
            }
        };
        assert!(error.is_no_room(), "{error}");
        assert!(wal.append(b"x", at).unwrap_err().is_no_room());
        at = at + Duration::from_secs(2);
        wal.tick(at).unwrap();
        assert!(wal.append(b"x", at).unwrap_err().is_no_room(), "there is no room yet");

        disk.set_capacity(None);
        at = at + Duration::from_secs(2);
        wal.tick(at).unwrap();
        wal.append(b"after", at).unwrap();
        taken.push("after".into());
        let (records, replayed) = read(&wal, Position::START);
        assert_eq!(records, taken, "capacity {capacity}");
        assert!(replayed.damage.is_none());
        wal.sync().unwrap();
        disk.power_loss();
        assert_eq!(read(&open(&disk, options(SyncPolicy::Always)), Position::START).0, taken);
    }
}

#[test]
fn keeps_a_reserve_free() {
    let disk = SimDisk::new(1);
    disk.set_capacity(Some(10_000));
    let mut wal = open(&disk, Options { free_bytes_min: 9_000, ..options(SyncPolicy::default()) });
    let mut refused = None;
    for second in 0..200 {
        match wal.append(&[b'x'; 80], Timestamp::from_secs(second)) {
            Ok(_) => assert!(refused.is_none()),
            Err(error) => refused = Some(error),
        }
    }
    assert!(matches!(refused, Some(AppendError::NoRoom { free_bytes_min: 9_000, .. })));
    assert!(!wal.is_closed());
    disk.set_capacity(None);
    wal.append(b"x", Timestamp::from_secs(201)).unwrap();
}
