//! Kills, power loss, rot, rubbish and full disks.

use std::sync::Arc;

use camino::Utf8Path;
use model::{Matcher, Timestamp};
use proptest::prelude::*;
use tsdb::{AppendError, Options, Tsdb};
use wal::{Disk, Fault, SimDisk};

use crate::{append_at, contents, labels, open, options, secs, series};

const INSTANCES: usize = 3;

#[derive(Default)]
struct Told {
    acknowledged: Vec<i64>,
    sure: Vec<i64>,
    next: i64,
}

/// The seconds that are in the store, each with all its series and the right value.
fn seconds(store: &Tsdb) -> Vec<i64> {
    let contents = contents(store);
    let Some(first) = contents.get(&labels("up", 0)) else { return Vec::new() };
    for samples in contents.values() {
        assert_eq!(samples, first, "a request is there whole or not at all");
    }
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
    store.append(secs(second), &batch, &[]).map(drop)
}

fn write(disk: &SimDisk, options: Options, told: &mut Told) {
    let Ok((store, _)) = Tsdb::open(options, Arc::new(disk.clone()), secs(told.next)) else {
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
        // A checkpoint that fails takes nothing away.
        if step % 10 == 7 && store.checkpoint(secs(second)).is_ok() {
            told.sure.clone_from(&told.acknowledged);
        }
        if step % 10 == 9 {
            store.tick(secs(second)).ok();
        }
    }
}

#[test]
fn survives_kills_and_power_loss_at_every_operation() {
    for op in 1..120 {
        let disk = SimDisk::new(op * 7);
        let options = Options { replay_window: std::time::Duration::ZERO, ..options() };
        let mut told = Told::default();
        for life in 0..4 {
            disk.fail_at(disk.ops() + op, Fault::Crash);
            write(&disk, options.clone(), &mut told);
            disk.clear_faults();
            let expected = if (op + life) % 2 == 0 {
                disk.kill();
                &told.acknowledged
            } else {
                disk.power_loss();
                &told.sure
            };
            let (store, recovery) = open(&disk, options.clone(), secs(told.next));
            assert_eq!(recovery.undecodable, 0);
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
    for op in 1..110 {
        for fault in [Fault::Io, Fault::Full] {
            let disk = SimDisk::new(op);
            disk.fail_at(op, fault);
            let mut told = Told::default();
            write(&disk, options(), &mut told);
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
    for capacity in (1000..9000).step_by(370) {
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
                store.checkpoint(secs(second)).ok();
            }
            second += 1;
        };
        let AppendError::Wal(error) = error;
        assert!(error.is_no_room());
        assert_eq!(seconds(&store), taken, "what is there is still read");
        disk.set_capacity(None);
        second += 20;
        store.tick(secs(second)).unwrap();
        append_at(&store, second, INSTANCES);
        taken.push(second);
        store.checkpoint(secs(second)).unwrap();
        assert_eq!(seconds(&store), taken);
        disk.power_loss();
        assert_eq!(seconds(&open(&disk, options(), secs(second)).0), taken, "capacity {capacity}");
    }
}

fn files(disk: &SimDisk, dir: &str) -> Vec<camino::Utf8PathBuf> {
    disk.files().into_iter().filter(|path| path.starts_with(dir)).collect()
}

#[test]
fn a_flipped_byte_in_the_log_costs_one_request() {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, options(), secs(0));
    for second in 0..200 {
        append_at(&store, second, 1);
    }
    let path = files(&disk, "t/wal").remove(0);
    let size = disk.size(&path).unwrap();
    for at in (96..size).step_by(61) {
        disk.flip(&path, at, 1 << (at % 8));
        let (reopened, recovery) = open(&disk, options(), secs(200));
        assert_eq!(
            (recovery.samples_replayed, recovery.damage.regions_total),
            (199, 1),
            "byte {at}"
        );
        assert_eq!(seconds(&reopened).len(), 199);
        disk.flip(&path, at, 1 << (at % 8));
    }
}

#[test]
fn a_flipped_byte_in_the_blocks_costs_one_block_and_is_told() {
    let disk = SimDisk::new(1);
    let options = Options { replay_window: std::time::Duration::ZERO, ..options() };
    let (store, _) = open(&disk, options.clone(), secs(0));
    for second in 0..120 {
        append_at(&store, second, 20);
        if second % 40 == 39 {
            store.checkpoint(secs(second)).unwrap();
        }
    }
    let path = files(&disk, "t/blocks").remove(0);
    // So that the log does not make good what the blocks lose.
    let log = files(&disk, "t/wal").remove(0);
    let whole = contents(&store);
    let size = disk.size(&path).unwrap();
    for at in (96..size).step_by(41) {
        disk.flip(&path, at, 1 << (at % 8));
        let now: Timestamp = secs(120);
        let (reopened, recovery) = open(&disk, options.clone(), now);
        assert_eq!(recovery.damage.regions_total, 1, "byte {at}");
        let left = reopened.stats().samples;
        // Or a closing record, of which there is another, or the metadata.
        assert!(left == 2400 || left == 2360, "byte {at}: {left} of 2400 samples");
        for (labels, samples) in contents(&reopened) {
            assert!(samples.iter().all(|(at, value)| whole[&labels].get(at) == Some(value)));
        }
        let selected = store.select(&[], 0, i64::MAX).unwrap();
        let found: usize = selected.series.iter().map(|series| series.samples.len()).sum();
        assert_eq!(
            found + 40 * usize::try_from(selected.damaged_blocks).unwrap(),
            2400,
            "byte {at}"
        );
        disk.flip(&path, at, 1 << (at % 8));
    }
    assert!(disk.size(&log).unwrap() > 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn rubbish_in_files_never_panics_and_is_never_a_sample(
        flips in prop::collection::vec((96_u64..6000, 1_u8..), 0..40),
        rubbish: Vec<u8>,
    ) {
        let disk = SimDisk::new(1);
        let (store, _) = open(&disk, options(), secs(0));
        for second in 0..60 {
            append_at(&store, second, 2);
            if second % 25 == 24 {
                store.checkpoint(secs(second)).unwrap();
            }
        }
        let whole = contents(&store);
        for path in disk.files() {
            for (at, mask) in &flips {
                disk.flip(&path, *at, *mask);
            }
        }
        for dir in ["t/wal", "t/blocks"] {
            disk.put(&Utf8Path::new(dir).join("0000000000000099.wal"), &rubbish);
        }
        let (store, _) = open(&disk, options(), secs(60));
        for (labels, samples) in contents(&store) {
            prop_assert!(samples.iter().all(|(at, value)| whole[&labels].get(at) == Some(value)));
        }
        let one = [Matcher::equal("instance", "1")];
        prop_assert!(store.series(&one, 0, i64::MAX).len() <= 1);
        append_at(&store, 70, 2);
        store.checkpoint(secs(70)).unwrap();
    }
}
