//! The process is killed, or the power fails, at every operation on the disk.

use std::time::Duration;

use wal::{AppendError, Fault, Position, SimDisk, SyncPolicy, Wal};

use crate::{now, open, options, read};

const POLICIES: [SyncPolicy; 3] =
    [SyncPolicy::Always, SyncPolicy::Interval(Duration::from_millis(200)), SyncPolicy::Never];

#[derive(Default)]
struct Told {
    /// Records whose append has returned a position, and the position.
    acknowledged: Vec<(String, Position)>,
    /// How many of them a sync has covered.
    synced: usize,
    /// All records that were ever handed to the log.
    offered: Vec<String>,
}

/// Appends with a sync now and then, until the disk fails or it is enough.
fn write(wal: &mut Wal, policy: SyncPolicy, told: &mut Told) {
    for step in 0..30 {
        let record = format!("record {}", told.offered.len());
        told.offered.push(record.clone());
        let Ok(position) = wal.append(record.as_bytes(), now()) else { return };
        assert!(told.acknowledged.last().is_none_or(|(_, last)| *last < position));
        told.acknowledged.push((record, position));
        if policy == SyncPolicy::Always {
            told.synced = told.acknowledged.len();
        }
        if step % 7 == 3 {
            if wal.sync().is_err() {
                return;
            }
            told.synced = told.acknowledged.len();
        }
    }
}

fn check(disk: &SimDisk, policy: SyncPolicy, told: &Told, sure: usize, context: &str) {
    let wal = open(disk, options(policy));
    let (records, _) = read(&wal, Position::START);
    for (record, _) in &told.acknowledged[..sure] {
        assert!(records.contains(record), "{context}: `{record}` is lost");
    }
    let mut rest = told.offered.iter();
    for record in &records {
        assert!(rest.any(|offered| offered == record), "{context}: `{record}` doubled or moved");
    }
}

#[test]
fn nothing_acknowledged_is_lost_wherever_the_process_dies() {
    for policy in POLICIES {
        for op in 1..80 {
            let disk = SimDisk::new(op);
            disk.fail_at(op, Fault::Crash);
            let mut told = Told::default();
            let mut wal = open(&disk, options(policy));
            write(&mut wal, policy, &mut told);
            disk.clear_faults();
            disk.kill();
            let all = told.acknowledged.len();
            check(&disk, policy, &told, all, &format!("{policy:?}, killed at {op}"));
        }
    }
}

#[test]
fn nothing_synced_is_lost_and_no_position_comes_twice_wherever_the_power_fails() {
    for policy in POLICIES {
        for op in 1..80 {
            let disk = SimDisk::new(op * 31);
            let mut told = Told::default();
            let mut positions = Vec::new();
            for life in 0..3 {
                let context = format!("{policy:?}, power lost at {op}, life {life}");
                told = Told { offered: told.offered, ..Told::default() };
                disk.fail_at(disk.ops() + op, Fault::Crash);
                let Ok((mut wal, _)) =
                    Wal::open(options(policy), std::sync::Arc::new(disk.clone()))
                else {
                    disk.power_loss();
                    continue;
                };
                write(&mut wal, policy, &mut told);
                disk.clear_faults();
                disk.power_loss();
                for (_, position) in &told.acknowledged {
                    assert!(positions.last().is_none_or(|last| last < position), "{context}");
                    positions.push(*position);
                }
                check(&disk, policy, &told, told.synced, &context);
            }
        }
    }
}

#[test]
fn after_a_failed_write_or_sync_the_log_takes_no_more() {
    for policy in POLICIES {
        for op in 1..80 {
            let disk = SimDisk::new(op);
            disk.fail_at(op, Fault::Io);
            let mut told = Told::default();
            let mut wal = open(&disk, options(policy));
            write(&mut wal, policy, &mut told);
            if disk.ops() < op {
                continue;
            }
            assert!(wal.is_closed());
            assert!(matches!(wal.append(b"x", now()), Err(AppendError::Closed { .. })));
            assert!(wal.sync().is_err() && wal.tick(now()).is_err());
            let sure = if policy == SyncPolicy::Always { told.synced } else { 0 };
            disk.kill();
            check(&disk, policy, &told, told.acknowledged.len(), &format!("killed after {op}"));
            disk.power_loss();
            check(&disk, policy, &told, sure, &format!("power lost after {op}"));
        }
    }
}

/// The kernel shows what it could not write, and never writes it.
#[test]
fn what_a_failed_sync_left_behind_is_written_after_all() {
    // The failed sync, and a machine that stops at one of the operations after it.
    for stop in 2..9 {
        let disk = SimDisk::new(stop);
        let mut wal = open(&disk, options(SyncPolicy::Never));
        wal.append(b"first", now()).unwrap();
        wal.sync().unwrap();
        wal.append(b"second", now()).unwrap();
        disk.fail_at(disk.ops() + 1, Fault::Io);
        disk.fail_at(disk.ops() + stop, Fault::Crash);
        assert!(wal.sync().is_err() && wal.is_closed());
        disk.clear_faults();
        disk.kill();
        let (found, _) = read(&open(&disk, options(SyncPolicy::Never)), Position::START);
        assert_eq!(found, ["first", "second"]);
        disk.power_loss();
        let (found, _) = read(&open(&disk, options(SyncPolicy::Never)), Position::START);
        assert!(found == ["first", "second"] || stop == 2, "{stop}: {found:?}");
    }
}

/// A log that went on to its next segment while the sync ran must renew the one whose sync it was.
#[test]
fn a_sync_that_fails_after_the_log_went_on_renews_its_own_segment() {
    let disk = SimDisk::new(1);
    let mut wal = open(&disk, options(SyncPolicy::Interval(Duration::from_millis(200))));
    wal.append(b"first", now()).unwrap();
    let mut due = wal.begin_tick(now()).unwrap().unwrap();
    disk.fail_at(disk.ops() + 1, Fault::Io);
    let result = due.run();
    assert!(result.is_err());
    // The error was told; the next sync of the file is told that all is well.
    wal.rotate(now()).unwrap();
    wal.append(b"second", now()).unwrap();
    assert!(wal.end_sync(due, result).is_err());
    disk.kill();
    let (found, _) = read(&open(&disk, options(SyncPolicy::Never)), Position::START);
    assert_eq!(found, ["first", "second"]);
    disk.power_loss();
    let (found, _) = read(&open(&disk, options(SyncPolicy::Never)), Position::START);
    assert!(found.contains(&"first".to_owned()), "{found:?}");
}
