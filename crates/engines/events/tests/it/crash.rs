//! Kills, power loss, rot and rubbish.

use std::sync::Arc;

use camino::Utf8Path;
use events::{Events, LogQuery, Options, Position, SpanQuery};
use proptest::prelude::*;
use wal::{Disk as _, Fault, SimDisk};

use crate::{contents, log, number, open, options, secs, span};

/// What must be found again.
#[derive(Default)]
struct Told {
    /// After a kill.
    acknowledged: Vec<u64>,
    /// After power loss: what was found at opening, and what was synced.
    sure: Vec<u64>,
    offered: u64,
}

/// Opens the store and appends until the disk fails.
fn write(disk: &SimDisk, options: Options, told: &mut Told) {
    let Ok((store, _)) = Events::open(options, Arc::new(disk.clone()), secs(0)) else { return };
    told.acknowledged = numbers(&store);
    told.sure.clone_from(&told.acknowledged);
    for step in 0..40 {
        let number = told.offered;
        told.offered += 1;
        let at = secs(1000 + i64::try_from(number).unwrap());
        if store.append(at, &[span("web", number, at)], &[log("web", number, at)]).is_err() {
            return;
        }
        told.acknowledged.push(number);
        if step % 9 == 4 {
            if store.sync().is_err() {
                return;
            }
            told.sure.clone_from(&told.acknowledged);
        }
        if step % 10 == 9 && store.tick(at).is_err() {
            return;
        }
        if step % 4 == 3 && store.maintain(at).is_err() {
            return;
        }
    }
}

/// The numbers of all records, each of which is whole and has its log record.
fn numbers(store: &Events) -> Vec<u64> {
    let order = events::Order::OldestFirst;
    let (start, end, limit) = (secs(0), secs(99_999), 9999);
    let spans = SpanQuery { order, limit, ..SpanQuery::between(start, end) };
    let logs = LogQuery { order, limit, ..LogQuery::between(start, end) };
    let (spans, logs) = (store.spans(&spans).unwrap(), store.logs(&logs).unwrap());
    assert_eq!((spans.items.len(), spans.damaged.len()), (logs.items.len(), logs.damaged.len()));
    let pairs = spans.items.into_iter().zip(logs.items);
    pairs
        .map(|(one, other)| {
            let number = u64::from_le_bytes(one.span_id.0);
            let at = one.end;
            assert_eq!((one, other), (span("web", number, at), log("web", number, at)));
            number
        })
        .collect()
}

#[test]
fn survives_kills_and_power_loss_at_every_operation() {
    // Every operation in the acceptance run.
    let step = if number("EVENKEEL_ROUNDS").is_some() { 1 } else { 11 };
    for op in (1..150).step_by(step) {
        let disk = SimDisk::new(op * 7);
        let options = Options { segment_bytes: 1500, flush_rows: 6, ..options() };
        let mut told = Told::default();
        for life in 0..6 {
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
            let (store, _) = open(&disk, options.clone());
            let left = numbers(&store);
            assert!(left.is_sorted_by(|a, b| a < b), "doubled or moved");
            for number in expected {
                assert!(left.contains(number), "op {op}, life {life}: {number} is lost");
            }
            // This opening has synced it all; the next may not come to its end.
            told.sure.clone_from(&left);
            told.acknowledged = left;
        }
    }
}

#[test]
fn a_flipped_byte_costs_one_record_of_a_thousand() {
    let disk = SimDisk::new(1);
    let options = Options { segment_bytes: 1 << 20, ..options() };
    let (store, _) = open(&disk, options.clone());
    for number in 0..1000 {
        store.append(secs(1), &[span("web", number, secs(1))], &[]).unwrap();
    }
    let path = disk.files()[0].clone();
    let bytes = store.stats().bytes();
    let everything = SpanQuery { limit: 9999, ..SpanQuery::between(secs(0), secs(9)) };
    for at in (96..bytes).step_by(usize::try_from(bytes / 40).unwrap()) {
        disk.flip(&path, at, 4);
        let (reopened, recovery) = open(&disk, options.clone());
        assert_eq!((recovery.spans, recovery.damage.regions_total), (999, 1), "byte {at}");
        assert_eq!(reopened.spans(&everything).unwrap().items.len(), 999);
        assert_eq!(reopened.stats().damage.regions_total, 1);
        disk.flip(&path, at, 4);
    }
}

#[test]
fn a_failed_sync_closes_the_store() {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, options());
    store.append(secs(1), &[span("web", 1, secs(1))], &[]).unwrap();
    disk.fail_at(disk.ops() + 1, Fault::Io);
    assert!(store.sync().is_err());
    assert!(store.is_closed());
    assert!(store.append(secs(1), &[span("web", 2, secs(1))], &[]).is_err());
    assert_eq!(numbers_of_spans(&store), 1, "what is there is still read");
}

#[test]
fn a_full_disk_refuses_and_then_goes_on() {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, options());
    disk.set_capacity(Some(3000));
    let mut taken = 0;
    let error = loop {
        match store.append(secs(1), &[span("web", taken, secs(1))], &[]) {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
    };
    assert!(error.0.is_no_room());
    disk.set_capacity(None);
    store.tick(secs(10)).unwrap();
    store.append(secs(10), &[span("web", taken, secs(1))], &[]).unwrap();
    assert_eq!(contents(&store, Position::START).len() as u64, taken + 1);
}

#[test]
fn a_start_without_room_for_files_keeps_everything_in_memory() {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, options());
    for number in 0..100 {
        store.append(secs(1), &[span("web", number, secs(1))], &[]).unwrap();
    }
    drop(store);
    // So many are enough for a file, which the disk has no room for.
    let options = Options { flush_rows: 10, ..options() };
    let used: u64 = disk.files().iter().map(|path| disk.size(path).unwrap()).sum();
    disk.set_capacity(Some(used + 200));
    let (store, _) = open(&disk, options);
    assert_eq!((numbers_of_spans(&store), store.stats().spans.files), (100, 0));
    disk.set_capacity(None);
    store.maintain(secs(2)).unwrap();
    assert_eq!((numbers_of_spans(&store), store.stats().spans.memory_rows), (100, 0));
}

fn numbers_of_spans(store: &Events) -> usize {
    store.spans(&SpanQuery::between(secs(0), secs(9))).unwrap().items.len()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn rubbish_in_files_never_panics(
        flips in prop::collection::vec((96_u64..6000, 1_u8..), 0..40),
        rubbish: Vec<u8>,
    ) {
        let disk = SimDisk::new(1);
        let (store, _) = open(&disk, options());
        for number in 0..30 {
            store.append(secs(1), &[span("web", number, secs(1))], &[log("web", number, secs(1))]).unwrap();
        }
        for path in disk.files() {
            for (at, mask) in &flips {
                disk.flip(&path, *at, *mask);
            }
        }
        disk.put(Utf8Path::new("e/0000000000000099.wal"), &rubbish);
        let (store, _) = open(&disk, options());
        let all = SpanQuery { limit: 99, ..SpanQuery::between(secs(0), secs(9)) };
        for found in store.spans(&all).unwrap().items {
            let number = u64::from_le_bytes(found.span_id.0);
            prop_assert_eq!(found, span("web", number, secs(1)));
        }
        prop_assert!(contents(&store, Position::START).len() <= 30);
    }
}
