//! What is old or too much goes, oldest first.

use std::time::Duration;

use events::{Options, Position, SpanQuery};
use wal::SimDisk;

use crate::{contents, open, options, secs, span};

#[test]
fn drops_by_age() {
    let disk = SimDisk::new(1);
    let hour = Duration::from_secs(3600);
    let options = Options { retention: Some(hour), ..options() };
    let (store, _) = open(&disk, options.clone());
    let mut number = 0;
    for second in (0..4 * 3600).step_by(60) {
        let at = secs(second);
        number += 1;
        store.append(at, &[span("web", number, at)], &[]).unwrap();
        store.tick(at).unwrap();
        // Segments are closed after ten minutes.
        let oldest = store.stats().oldest.unwrap();
        assert!(oldest + hour + Duration::from_secs(11 * 60) >= at, "{oldest} at {at}");
        assert!(second < 3600 || oldest + hour <= at + Duration::from_secs(60));
    }
    let stats = store.stats();
    assert!((60..72).contains(&stats.spans), "{stats:?}");
    assert_eq!(contents(&store, Position::START).len() as u64, stats.records);
    assert!(!store.replay(Position::START, |_, _, _| ()).unwrap().complete);
    let found = store.spans(&SpanQuery { limit: 999, ..SpanQuery::between(secs(0), secs(99_999)) });
    assert_eq!(found.unwrap().items.len() as u64, stats.spans);
    let (_, recovery) = open(&disk, options);
    assert_eq!(recovery.spans, stats.spans);
}

#[test]
fn drops_by_size() {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, Options { bytes_max: Some(20_000), ..options() });
    for number in 0..1000 {
        store.append(secs(1), &[span("web", number, secs(1))], &[]).unwrap();
        store.tick(secs(1)).unwrap();
        assert!(store.stats().bytes <= 20_000 + 4096);
    }
    assert!(store.stats().bytes > 15_000);
}

#[test]
fn the_index_stays_small() {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, Options { segment_bytes: 1 << 20, ..options() });
    for number in 0..4000 {
        store.append(secs(1), &[span("web", number, secs(1))], &[]).unwrap();
    }
    let stats = store.stats();
    assert!(stats.index_bytes * 100 < stats.bytes, "{stats:?}");
}
