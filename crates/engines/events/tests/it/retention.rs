//! What is old or too much goes, oldest first.

use std::time::Duration;

use events::{Options, SpanQuery};
use wal::SimDisk;

use crate::{open, options, secs, span};

#[test]
fn drops_by_age() {
    let disk = SimDisk::new(1);
    let hour = Duration::from_secs(3600);
    let options = Options { retention: Some(3 * hour), flush_rows: 30, ..options() };
    let (store, _) = open(&disk, options.clone());
    let mut number = 0;
    for second in (0..9 * 3600).step_by(60) {
        let at = secs(second);
        number += 1;
        store.append(at, &[span("web", number, at)], &[]).unwrap();
        store.keep_from(store.position());
        store.tick(at).unwrap();
        store.maintain(at).unwrap();
        // A file goes when all of it is old, and spans an hour at most.
        if let Some(oldest) = store.stats().spans.oldest {
            assert!(oldest + 4 * hour + Duration::from_secs(60) >= at, "{oldest} at {at}");
        }
    }
    let stats = store.stats();
    let rows = stats.spans.file_rows + stats.spans.memory_rows;
    assert!((180..=240).contains(&rows), "{stats:?}");
    assert!(stats.log_bytes < 40_000, "the log that is in files goes: {stats:?}");
    let found = store.spans(&SpanQuery { limit: 999, ..SpanQuery::between(secs(0), secs(99_999)) });
    assert_eq!(found.unwrap().items.len() as u64, rows);
    let (store, _) = open(&disk, options);
    let stats = store.stats();
    assert_eq!(stats.spans.file_rows + stats.spans.memory_rows, rows);
}

#[test]
fn drops_by_size() {
    let disk = SimDisk::new(1);
    let bytes_max = 300_000;
    let options = Options { bytes_max: Some(bytes_max), flush_rows: 20, ..options() };
    let (store, _) = open(&disk, options);
    for number in 0..400 {
        let at = secs(i64::try_from(number).unwrap() * 600);
        store.append(at, &[span("web", number, at)], &[]).unwrap();
        store.keep_from(store.position());
        store.tick(at).unwrap();
        store.maintain(at).unwrap();
        assert!(store.stats().bytes() <= bytes_max + 50_000);
    }
    assert!(store.stats().bytes() > bytes_max / 2);
    let newest = store.spans(&SpanQuery::between(secs(0), secs(i64::from(u32::MAX)))).unwrap();
    assert_eq!(u64::from_le_bytes(newest.items[0].span_id.0), 399);
}

#[test]
fn a_service_may_be_kept_for_a_shorter_time() {
    let disk = SimDisk::new(1);
    let hour = Duration::from_secs(3600);
    let by_service = vec![("noisy".into(), hour)];
    let (store, _) =
        open(&disk, Options { retention_by_service: by_service, flush_rows: 10, ..options() });
    for number in 0..40 {
        let service = if number % 4 == 0 { "web" } else { "noisy" };
        store.append(secs(1), &[span(service, number, secs(1))], &[]).unwrap();
    }
    store.flush().unwrap();
    while store.maintain(secs(2 * 3600)).unwrap() != events::Maintained::default() {}
    let found = store.spans(&SpanQuery { limit: 99, ..SpanQuery::between(secs(0), secs(9)) });
    let found = found.unwrap().items;
    assert_eq!(found.len(), 10);
    assert!(found.iter().all(|span| &*span.resource.service == "web"));
}
