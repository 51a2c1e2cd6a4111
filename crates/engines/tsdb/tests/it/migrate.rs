//! What version 0.1 wrote is read on: `testdata/old-layout` was made by it.

use camino::Utf8Path;
use model::{MetricKind, Sample};
use tsdb::Options;
use wal::{Disk, Fault, RealDisk, SimDisk};

use crate::{Contents, append_at, contents, labels, open, options, secs};

const BEGIN: i64 = 1_700_000_000;

/// Puts the old store on a disk.
fn old(seed: u64) -> SimDisk {
    let disk = SimDisk::new(seed);
    let from = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/old-layout");
    for dir in ["wal", "blocks"] {
        for path in RealDisk.list(&from.join(dir)).unwrap() {
            let to = Utf8Path::new("t").join(dir).join(path.file_name().unwrap());
            disk.put(&to, &RealDisk.read(&path).unwrap());
        }
    }
    disk
}

/// What was put into it.
fn expected() -> Contents {
    let mut expected = Contents::new();
    for step in 0..300_i32 {
        let at_ms = (BEGIN + i64::from(step) * 15) * 1000;
        for instance in 0..8_i32 {
            let value = if step == 120 && instance == 3 {
                f64::from_bits(Sample::STALE)
            } else if instance % 2 == 0 {
                f64::from(step * (instance + 1))
            } else {
                f64::from(step) / 7.0 + f64::from(instance)
            };
            let samples =
                expected.entry(labels("up", usize::try_from(instance).unwrap())).or_default();
            samples.insert(at_ms + i64::from(instance), value.to_bits());
        }
        if step % 50 == 20 {
            let samples = expected.entry(labels("up", 1)).or_default();
            samples.insert(at_ms - 60_500, (f64::from(step) * 0.5).to_bits());
        }
    }
    expected
}

fn forever() -> Options {
    Options { retention: None, ..options() }
}

#[test]
fn the_old_layout_is_taken_over_once() {
    let disk = old(1);
    let now = secs(BEGIN + 5000);
    let (store, recovery) = open(&disk, forever(), now);
    assert!(recovery.damage.is_none(), "{recovery:?}");
    assert_eq!((recovery.series, recovery.undecodable, recovery.orphans), (8, 0, 0));
    assert!(recovery.migrated > 1500, "{recovery:?}");
    assert_eq!(contents(&store), expected());
    assert_eq!(store.metadata()["up"].kind, MetricKind::Gauge);
    append_at(&store, BEGIN + 5000, 2);
    let after = contents(&store);
    let (store, recovery) = open(&disk, forever(), now);
    assert_eq!((recovery.migrated, recovery.series), (0, 8));
    assert_eq!(contents(&store), after);
    assert_eq!(store.metadata().len(), 1);
    store.flush(now).unwrap();
    for second in 0..60 {
        store.maintain(secs(BEGIN + 5000 + second)).unwrap();
    }
    assert_eq!(contents(&open(&disk, forever(), now).0), after);
    assert!(!disk.files().iter().any(|path| path.as_str().contains("blocks")));
}

#[test]
fn a_migration_that_breaks_off_is_begun_again() {
    for op in 1..60 {
        let disk = old(op);
        disk.fail_at(op, Fault::Crash);
        let now = secs(BEGIN + 5000);
        let first = tsdb::Tsdb::open(forever(), std::sync::Arc::new(disk.clone()), now).is_ok();
        disk.clear_faults();
        if op % 2 == 0 {
            disk.kill()
        } else {
            disk.power_loss()
        }
        let (store, _) = open(&disk, forever(), now);
        assert_eq!(contents(&store), expected(), "operation {op}, first: {first}");
    }
}
