//! Kills, power loss, failures and full disks.

use std::{collections::BTreeMap, sync::Arc};

use tsdb::{AppendError, Options, Tsdb};
use wal::{Disk, Fault, SimDisk};

use crate::{
    append_at,
    broken::{Broken, Bug},
    contents, floats, labels, open, options, secs, series,
};

const INSTANCES: usize = 3;

#[derive(Default)]
struct Told {
    acknowledged: Vec<i64>,
    sure: Vec<i64>,
    next: i64,
}

/// The seconds that are in the store, each with all its series and the right value.
pub(crate) fn seconds(store: &Tsdb) -> Vec<i64> {
    let contents = contents(store);
    let Some(first) = contents.get(&labels("up", 0)) else {
        assert!(contents.is_empty());
        return Vec::new();
    };
    for samples in contents.values() {
        assert_eq!(samples, first, "a request is there whole or not at all");
    }
    assert_eq!(contents.len(), INSTANCES);
    for (at_ms, value) in first {
        let second = i32::try_from(at_ms / 1000).unwrap();
        assert_eq!(f64::from_bits(*value), f64::from(second) * 3.0);
    }
    first.keys().map(|at_ms| at_ms / 1000).collect()
}

fn try_append(store: &Tsdb, second: i64) -> Result<(), AppendError> {
    let value = f64::from(i32::try_from(second).unwrap()) * 3.0;
    let batch: Vec<_> = (0..INSTANCES)
        .map(|instance| series(&labels("up", instance), &[(second * 1000, value)]))
        .collect();
    store.append(secs(second), &floats(&batch)).map(drop)
}

fn write(disk: Arc<dyn Disk>, options: Options, told: &mut Told) {
    let Ok((store, _)) = Tsdb::open(options, disk, secs(told.next)) else {
        return;
    };
    told.acknowledged = seconds(&store);
    told.sure.clone_from(&told.acknowledged);
    for step in 0..30 {
        let second = told.next;
        told.next += 1;
        if try_append(&store, second).is_err() {
            return;
        }
        told.acknowledged.push(second);
        if step % 9 == 4 && store.sync().is_ok() {
            told.sure.clone_from(&told.acknowledged);
        }
        // A flush that fails takes nothing away.
        if step % 5 == 3 && store.flush(secs(second)).is_ok() {
            told.sure.clone_from(&told.acknowledged);
        }
        if step % 10 == 9 {
            store.tick(secs(second)).ok();
        }
        if step % 15 == 14 {
            // Long enough that hardly anything came lately: parts are merged.
            for later in 0..20 {
                store.maintain(secs(second + later)).ok();
            }
            told.next += 20;
        }
    }
}

#[test]
fn survives_kills_and_power_loss_at_every_operation() {
    for op in 1..220 {
        let disk = SimDisk::new(op * 7);
        let mut told = Told::default();
        for life in 0..4 {
            disk.fail_at(disk.ops() + op, Fault::Crash);
            write(Arc::new(disk.clone()), options(), &mut told);
            disk.clear_faults();
            let expected = if (op + life) % 2 == 0 {
                disk.kill();
                &told.acknowledged
            } else {
                disk.power_loss();
                &told.sure
            };
            let (store, recovery) = open(&disk, options(), secs(told.next));
            assert_eq!(recovery.undecodable, 0);
            assert!(recovery.parts_damaged.is_empty(), "{:?}", recovery.parts_damaged);
            let left = seconds(&store);
            for second in expected {
                assert!(left.contains(second), "op {op}, life {life}: second {second} is lost");
            }
            told.sure.clone_from(&left);
            told.acknowledged = left;
        }
    }
}

#[test]
fn a_failed_operation_loses_nothing_that_was_acknowledged() {
    for op in 1..220 {
        for fault in [Fault::Io, Fault::Full] {
            let disk = SimDisk::new(op);
            disk.fail_at(op, fault);
            let mut told = Told::default();
            write(Arc::new(disk.clone()), options(), &mut told);
            disk.clear_faults();
            disk.kill();
            let left = seconds(&open(&disk, options(), secs(told.next)).0);
            for second in &told.acknowledged {
                assert!(left.contains(second), "{fault:?} at {op}: second {second} is lost");
            }
        }
    }
}

#[test]
fn a_full_disk_refuses_and_then_goes_on() {
    for capacity in (3000..16_000).step_by(370) {
        let disk = SimDisk::new(capacity);
        let (store, _) = open(&disk, options(), secs(0));
        disk.set_capacity(Some(capacity));
        let mut taken = Vec::new();
        let mut second = 0;
        let error = loop {
            match try_append(&store, second) {
                Ok(()) => taken.push(second),
                Err(error) => break error,
            }
            if second % 10 == 9 {
                store.flush(secs(second)).ok();
            }
            second += 1;
            assert!(second < 10_000);
        };
        assert!(error.is_no_room(), "{error:?}");
        assert_eq!(seconds(&store), taken, "what is there is still read");
        disk.set_capacity(None);
        second += 20;
        store.tick(secs(second)).unwrap();
        append_at(&store, second, INSTANCES);
        taken.push(second);
        store.flush(secs(second)).unwrap();
        assert_eq!(seconds(&store), taken);
        store.sync().unwrap();
        disk.power_loss();
        assert_eq!(seconds(&open(&disk, options(), secs(second)).0), taken, "capacity {capacity}");
    }
}

#[test]
fn the_reserve_stops_appends_and_not_flushes() {
    let disk = SimDisk::new(1);
    let options = Options { free_bytes_min: 1 << 20, ..options() };
    let (store, _) = open(&disk, options, secs(0));
    for second in 0..50 {
        append_at(&store, second, INSTANCES);
    }
    let used: u64 = disk.files().iter().map(|path| wal::Disk::size(&disk, path).unwrap()).sum();
    disk.set_capacity(Some(used + (1 << 20) - 1000));
    let refused = try_append(&store, 60).unwrap_err();
    assert!(refused.is_no_room());
    assert!(store.flush(secs(60)).unwrap() > 0, "the reserve is for this");
    for second in 60..120 {
        store.maintain(secs(second)).unwrap();
    }
    assert_eq!(store.stats().head_samples, 0);
    disk.set_capacity(None);
    store.tick(secs(121)).unwrap();
    append_at(&store, 122, INSTANCES);
    assert_eq!(seconds(&store).len(), 51);
}

#[test]
fn a_failed_sync_closes_the_store() {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, options(), secs(0));
    append_at(&store, 1, INSTANCES);
    let before = disk.ops();
    // The syncs of all logs, and what is done about them.
    for op in 1..=12 {
        disk.fail_at(before + op, Fault::Io);
    }
    assert!(store.sync().is_err());
    assert!(store.is_closed());
    assert!(try_append(&store, 2).is_err());
    assert!(store.tick(secs(3)).is_err());
    disk.clear_faults();
    let (store, _) = open(&disk, options(), secs(4));
    assert_eq!(seconds(&store), [1]);
}

#[test]
fn a_lost_manifest_is_made_again_from_the_parts() {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, options(), secs(0));
    for second in 0..60 {
        append_at(&store, second, INSTANCES);
        if second % 20 == 15 {
            store.flush(secs(second)).unwrap();
        }
    }
    let before = contents(&store);
    let manifest = camino::Utf8Path::new("t/MANIFEST");
    disk.put(manifest, b"rubbish");
    let (store, recovery) = open(&disk, options(), secs(61));
    assert_eq!(recovery.damage.regions_total, 1);
    assert_eq!(contents(&store), before);
    append_at(&store, 70, INSTANCES);
    store.flush(secs(70)).unwrap();
    let sizes: BTreeMap<_, _> = contents(&open(&disk, options(), secs(71)).0);
    assert_eq!(sizes[&labels("up", 0)].len(), 61);
}

/// Whether lives on a disk with a bug lose what was sure, or show it wrong.
fn is_caught(bug: Bug) -> bool {
    let lives = |op: u64| {
        let disk = SimDisk::new(op * 13);
        let mut told = Told::default();
        for life in 0..3 {
            disk.fail_at(disk.ops() + op * 2, Fault::Crash);
            write(Arc::new(Broken { disk: disk.clone(), bug }), options(), &mut told);
            disk.clear_faults();
            let is_kill = bug == Bug::AnswerBeforeWrite && life == 1;
            if is_kill {
                disk.kill()
            } else {
                disk.power_loss()
            }
            let expected = if is_kill { told.acknowledged.clone() } else { told.sure.clone() };
            let (store, recovery) = open(&disk, options(), secs(told.next));
            assert!(recovery.parts_damaged.is_empty() && recovery.orphans == 0);
            let left = seconds(&store);
            assert!(expected.iter().all(|second| left.contains(second)));
            told.sure.clone_from(&left);
            told.acknowledged = left;
        }
    };
    (1..60).any(|op| std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| lives(op))).is_err())
}

/// The harness itself is tested: it must notice each of these.
#[test]
fn bugs_that_are_put_back_in_are_caught() {
    for bug in Bug::ALL {
        assert!(is_caught(bug), "{bug:?} goes unnoticed");
    }
}
