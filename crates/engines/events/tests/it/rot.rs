//! Flipped bits in files, footers, indexes and the files beside them: no row is wrong, none is hidden without being told.

use std::collections::BTreeSet;

use events::{Events, Options, SpanQuery};
use model::{Span, Value};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use wal::{Disk as _, SimDisk};

use crate::{number, open, options, secs, span};

const ROWS: u64 = 3000;

/// A span with a text that does not compress, so that a file has many blocks.
fn spans(random: &mut StdRng) -> Vec<Span> {
    (0..ROWS)
        .map(|number| {
            let text: String =
                (0..150).map(|_| char::from(random.random_range(b'a'..=b'z'))).collect();
            let mut span = span("web", number, secs(1 + i64::try_from(number).unwrap() / 10));
            span.attributes.push(("text".into(), Value::string(text)));
            span
        })
        .collect()
}

fn everything(store: &Events) -> events::Found<Span> {
    let query = SpanQuery { limit: 9999, ..SpanQuery::between(secs(0), secs(99_999)) };
    store.spans(&query).unwrap()
}

#[test]
fn no_flipped_bit_is_returned_or_hides_a_row() {
    let flips = number("EVENKEEL_ROUNDS").unwrap_or(120);
    let seed = number("EVENKEEL_SEED").unwrap_or(7);
    let mut random = StdRng::seed_from_u64(seed);
    let disk = SimDisk::new(1);
    let options = Options { flush_rows: 1 << 20, segment_bytes: 4 << 20, ..options() };
    let (store, _) = open(&disk, options.clone());
    let written = spans(&mut random);
    for spans in written.chunks(500) {
        store.append(secs(1), spans, &[]).unwrap();
    }
    store.flush().unwrap();
    drop(store);
    let by_id = |span: &Span| u64::from_le_bytes(span.span_id.0);
    let files: Vec<_> =
        disk.files().into_iter().filter(|path| path.as_str().contains("parts")).collect();
    let (mut whole, mut partly) = (0, 0);
    for _ in 0..flips {
        let path = &files[random.random_range(0..files.len())];
        let at = random.random_range(0..disk.size(path).unwrap());
        let mask = 1 << random.random_range(0..8);
        disk.flip(path, at, mask);
        let (store, recovery) = open(&disk, options.clone());
        let found = everything(&store);
        let mut seen = BTreeSet::new();
        for one in &found.items {
            let number = by_id(one);
            assert!(seen.insert(number), "twice");
            assert_eq!(*one, written[usize::try_from(number).unwrap()], "{path} {at} {mask}");
        }
        if found.items.len() as u64 == ROWS {
            whole += 1;
        } else {
            partly += 1;
            let told = !found.damaged.is_empty() || !recovery.unreadable.is_empty();
            assert!(told, "{} rows of {ROWS}, not told: {path} {at} {mask}", found.items.len());
            let lost = ROWS - found.items.len() as u64;
            assert!(lost <= 2 * 4096, "a block costs no more than the pages it touches");
        }
        let proved = store.verify().unwrap();
        assert_eq!(proved.is_empty(), path.extension() != Some("parquet"), "{proved:?}");
        // One trace: the index may be damaged as well.
        let trace = written[100].trace_id;
        let expected: Vec<_> = written.iter().filter(|span| span.trace_id == trace).collect();
        let found = store.trace(trace).unwrap();
        assert!(found.items.iter().all(|span| expected.contains(&span)));
        assert!(found.items.len() == expected.len() || !found.damaged.is_empty());
        drop(store);
        disk.flip(path, at, mask);
        // What a look at the manifest mended is written as it was.
    }
    println!("{flips} bits: {whole} cost nothing, {partly} some rows, all of which was told");
    assert!(whole > 0 && partly > 0);
}

#[test]
fn a_damaged_file_is_written_anew_and_kept_for_a_person() {
    let disk = SimDisk::new(1);
    let options = Options { flush_rows: 1 << 20, segment_bytes: 4 << 20, ..options() };
    let (store, _) = open(&disk, options.clone());
    store.append(secs(1), &spans(&mut StdRng::seed_from_u64(1)), &[]).unwrap();
    store.flush().unwrap();
    let files = disk.files();
    let path = files.iter().find(|path| path.extension() == Some("parquet")).unwrap();
    disk.flip(path, 100_000, 1);
    let found = everything(&store);
    let (left, lost) = (found.items.len() as u64, ROWS - found.items.len() as u64);
    assert!(lost > 0 && found.damaged[0].contains(&format!("{lost} rows")), "{:?}", found.damaged);
    store.maintain(secs(1)).unwrap();
    let found = everything(&store);
    assert_eq!((found.items.len() as u64, found.damaged.len()), (left, 0));
    let stats = store.stats();
    assert_eq!((stats.losses[0].rows, stats.damaged_blocks), (lost, 0));
    assert!(disk.files().iter().any(|path| path.as_str().contains("quarantine/spans-")));
    let (store, _) = open(&disk, options);
    assert_eq!(everything(&store).items.len() as u64, left);
    assert_eq!(store.stats().losses.len(), 1);
}
