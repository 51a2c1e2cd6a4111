//! Readers and copies, beside a writer.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use super::*;

fn check(reader: &Reader, query: Query) -> (Vec<u64>, bool) {
    let page = reader.read(&query).unwrap();
    (page.records.iter().map(|record| record.seq).collect(), page.more)
}

#[test]
fn finds_by_every_condition_in_both_orders() {
    let folder = Folder::new();
    let mut journal = folder.open();
    for n in 1..=12 {
        journal.append(vec![draft(n)], Timestamp::from_secs(i64::try_from(n).unwrap())).unwrap();
    }
    let reader = journal.reader();
    let query = Query::default;
    assert_eq!(check(&reader, Query { limit: 3, ..query() }), (vec![1, 2, 3], true));
    assert_eq!(
        check(&reader, Query { after: Some(10), limit: 2, ..query() }),
        (vec![11, 12], false)
    );
    let newest = Query { order: Order::NewestFirst, before: Some(5), limit: 2, ..query() };
    assert_eq!(check(&reader, newest), (vec![4, 3], true));
    let kind = |prefix: &str| Query { kind_prefix: Some(prefix.into()), ..query() };
    assert_eq!(check(&reader, kind("incident.")).0, [2, 4, 6, 8, 10, 12]);
    assert_eq!(check(&reader, kind("incident.openex")).0, [0; 0]);
    assert_eq!(check(&reader, kind("")).0.len(), 12);
    let subject = |subject: &str| Query { subject: Some(subject.into()), ..query() };
    assert_eq!(check(&reader, subject("service-0")).0, [3, 6, 9, 12]);
    assert_eq!(check(&reader, subject("'; DROP TABLE facts; --")).0, [0; 0]);
    assert_eq!(check(&reader, Query { cause: Some(draft(7).id), ..query() }).0, [8]);
    assert_eq!(check(&reader, Query { namespace: Some("other".into()), ..query() }).0, [0; 0]);
    let (since, until) = (Some(Timestamp::from_secs(4)), Some(Timestamp::from_secs(7)));
    assert_eq!(check(&reader, Query { since, until, ..query() }).0, [4, 5, 6]);
    let all = Query {
        since,
        kind_prefix: Some("deploy".into()),
        order: Order::NewestFirst,
        limit: 3,
        ..subject("service-2")
    };
    assert_eq!(check(&reader, all), (vec![11, 5], false));
}

#[test]
fn large_payloads_end_a_page_early_but_not_the_replay() {
    let folder = Folder::new();
    let mut journal = folder.open();
    for n in 1..=10 {
        journal
            .append(vec![Draft { payload: vec![0; crate::PAYLOAD_BYTES_MAX], ..draft(n) }], NOW)
            .unwrap();
    }
    assert_eq!(journal.read(0, 100).unwrap().len(), 8);
    assert_eq!(seqs(&journal).len(), 10);
    let over = Draft { payload: vec![0; crate::PAYLOAD_BYTES_MAX + 1], ..draft(11) };
    assert!(matches!(journal.append(vec![over], NOW), Err(AppendError::TooLong { .. })));
}

#[test]
fn readers_and_verification_run_beside_the_writer() {
    let folder = Folder::new();
    let mut journal = folder.open();
    let reader = journal.reader();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let reader = reader.clone();
                let done = &done;
                scope.spawn(move || {
                    let mut last = 0;
                    while !done.load(Ordering::SeqCst) {
                        let (seqs, _) = check(&reader, Query::default());
                        // What was once seen stays, and batches are seen whole.
                        assert!(seqs.len() >= last && seqs.len() % 5 == 0);
                        last = seqs.len();
                    }
                })
            })
            .collect();
        let path = folder.path();
        let verifier = scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                let report = verify(path).unwrap();
                assert!(report.is_whole(), "{report:?}");
            }
        });
        for n in 0..60 {
            journal.append((5 * n + 1..=5 * n + 5).map(draft).collect(), NOW).unwrap();
            journal.checkpoint_now(NOW).unwrap();
        }
        done.store(true, Ordering::SeqCst);
        for handle in readers.into_iter().chain([verifier]) {
            handle.join().unwrap();
        }
    });
    assert_eq!(seqs(&journal).len(), 300);
}

#[test]
fn a_copy_made_beside_the_writer_is_a_journal_of_one_moment() {
    let folder = Folder::with_records(50);
    let mut journal = folder.open();
    let target = Folder::new();
    let at = target.path().join("journal");
    thread::scope(|scope| {
        let copier = scope.spawn(|| backup(folder.path(), &at).unwrap());
        for n in 0..40 {
            journal.append((100 + 5 * n..105 + 5 * n).map(draft).collect(), NOW).unwrap();
            journal.checkpoint_now(NOW).unwrap();
        }
        let report = copier.join().unwrap();
        assert!(report.is_whole(), "{report:?}");
        assert_eq!(report.head.seq % 5, 0);
        let copy = SqliteJournal::open(&at, NOW).unwrap();
        assert_eq!(copy.head(), report.head);
        assert_eq!(journal.verified_hash(report.head.seq), Some(report.head.hash));
    });
    assert!(matches!(backup(folder.path(), &at), Err(BackupError::Exists { .. })));
}
