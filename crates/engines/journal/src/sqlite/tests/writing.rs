//! Appends, kills, limits, checkpoints, erasure, versions.

use std::time::Duration;

use super::*;
use crate::port::Erasure;

#[test]
fn gives_back_what_was_appended() {
    let folder = Folder::new();
    let written = folder.open().append((1..=5).map(draft).collect(), NOW).unwrap();
    let journal = folder.open();
    let read: Vec<Record> = replay(&journal, 0).map(Result::unwrap).collect();
    assert_eq!(read, written);
    assert_eq!(journal.head(), Head { seq: 5, hash: written[4].hash });
    assert_eq!((journal.next_seq(), journal.health()), (6, Health::Whole));
    assert_eq!(journal.verified_hash(3), Some(written[2].hash));
    assert_eq!((journal.verified_hash(0), journal.verified_hash(6)), (None, None));
}

#[test]
fn times_of_writing_never_go_back() {
    let folder = Folder::new();
    let mut journal = folder.open();
    journal.append(vec![draft(1)], NOW).unwrap();
    let earlier = NOW - Duration::from_secs(3_600);
    assert_eq!(journal.append(vec![draft(2)], earlier).unwrap()[0].recorded_at, NOW);
    drop(journal);
    assert_eq!(folder.open().append(vec![draft(3)], earlier).unwrap()[0].recorded_at, NOW);
}

#[test]
fn a_kill_after_each_append_loses_nothing_that_was_acknowledged() {
    let folder = Folder::new();
    let mut journal = folder.open();
    for n in 1..=12_u64 {
        journal.append(vec![draft(2 * n), draft(2 * n + 1)], NOW).unwrap();
        let killed = folder.killed();
        let after = killed.open();
        assert_eq!(after.health(), Health::Whole);
        assert_eq!(seqs(&after), (1..=2 * n).collect::<Vec<_>>());
    }
}

#[test]
fn a_log_torn_within_a_batch_keeps_every_earlier_batch() {
    let folder = Folder::new();
    let mut journal = folder.open();
    journal.append((1..=3).map(draft).collect(), NOW).unwrap();
    let log = folder.path().join("journal.db-wal");
    let acknowledged = fs::metadata(&log).unwrap().len();
    journal.append((4..=40).map(draft).collect(), NOW).unwrap();
    let whole = fs::metadata(&log).unwrap().len();
    for length in (acknowledged..whole).step_by(997) {
        let killed = folder.killed();
        // The kill came before the batch was committed, and so before any checkpoint that names it.
        let torn =
            fs::OpenOptions::new().write(true).open(killed.path().join("journal.db-wal")).unwrap();
        torn.set_len(length).unwrap();
        let mut after = killed.open();
        assert_eq!(
            (after.health(), seqs(&after)),
            (Health::Whole, vec![1, 2, 3]),
            "cut at {length}"
        );
        after.append(vec![draft(4)], NOW).unwrap();
    }
}

#[test]
fn a_lost_log_is_found_by_the_checkpoint() {
    let folder = Folder::new();
    let mut journal = folder.open();
    journal.append((1..=3).map(draft).collect(), NOW).unwrap();
    journal.checkpoint_now(NOW).unwrap();
    let killed = folder.killed();
    fs::remove_file(killed.path().join("journal.db-wal")).unwrap();
    let Health::Broken(broken) = killed.open().health() else { panic!("not found") };
    assert_eq!((broken.first_bad_seq, broken.last_bad_seq), (1, 3));
}

#[test]
fn refusals_write_nothing_and_stop_nothing() {
    let folder = Folder::new();
    let mut journal = folder.open();
    journal.append(vec![draft(1)], NOW).unwrap();
    let twice = journal.append(vec![draft(2), draft(1)], NOW).unwrap_err();
    assert!(matches!(twice, AppendError::DuplicateId { id } if id == draft(1).id), "{twice}");
    assert!(journal.append(vec![draft(3), draft(3)], NOW).is_err());
    let reserved = Draft { kind: BREAK_ACCEPTED.into(), ..draft(4) };
    assert!(journal.append(vec![draft(4), reserved], NOW).is_err());
    assert!(journal.append(Vec::new(), NOW).unwrap().is_empty());
    assert_eq!(journal.append(vec![draft(2)], NOW).unwrap()[0].seq, 2);
}

#[test]
fn a_full_disk_writes_nothing_and_goes_on_when_there_is_space() {
    let folder = Folder::with_records(3);
    let mut journal = folder.open();
    let pages: i64 = journal.conn.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    journal.conn.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap();
    let large = Draft { payload: vec![7; 100_000], ..draft(5) };
    let error = journal.append(vec![draft(4), large.clone()], NOW).unwrap_err();
    assert!(matches!(error, AppendError::DiskFull { .. }) && !error.is_final(), "{error:?}");
    assert_eq!(journal.head().seq, 3);
    journal.conn.query_row("PRAGMA max_page_count = 100000", [], |_| Ok(())).unwrap();
    journal.append(vec![draft(4), large], NOW).unwrap();
    assert_eq!(seqs(&folder.open()), [1, 2, 3, 4, 5]);
    assert!(folder.report().is_whole());
}

#[test]
fn a_failed_write_is_final() {
    let folder = Folder::with_records(3);
    let mut journal = folder.open();
    journal.conn.pragma_update(None, "query_only", true).unwrap();
    assert!(journal.append(vec![draft(4)], NOW).unwrap_err().is_final());
    journal.conn.pragma_update(None, "query_only", false).unwrap();
    assert!(matches!(journal.append(vec![draft(4)], NOW), Err(AppendError::Stopped)));
    assert!(journal.checkpoint_now(NOW).unwrap().is_none());
    assert_eq!(folder.open().head().seq, 3);
}

#[test]
fn a_second_writer_is_noticed() {
    let folder = Folder::with_records(3);
    let (mut one, mut other) = (folder.open(), folder.open());
    one.append(vec![draft(4)], NOW).unwrap();
    let error = other.append(vec![draft(5)], NOW).unwrap_err();
    assert!(
        matches!(error, AppendError::OtherWriter { found: 4, ours: 3, .. }) && error.is_final()
    );
    assert!(folder.report().is_whole());
}

#[test]
fn checkpoints_are_due_by_records_and_by_time() {
    let folder = Folder::new();
    let mut journal = folder.open();
    assert_eq!(journal.last_checkpoint().unwrap().seq, 0, "an empty journal is vouched for");
    let due = |journal: &mut SqliteJournal, millis| {
        let now = NOW + Duration::from_millis(millis);
        journal.checkpoint_if_due(now).unwrap().map(|checkpoint| checkpoint.seq)
    };
    assert_eq!(due(&mut journal, 9_000), None, "nothing is new");
    journal.append(vec![draft(1)], NOW).unwrap();
    assert_eq!(due(&mut journal, 700), None);
    assert_eq!(due(&mut journal, 750), Some(1));
    journal.append((2..=1_001).map(draft).collect(), NOW).unwrap();
    assert_eq!(due(&mut journal, 751), Some(1_001));
    drop(journal);
    assert_eq!(folder.open().last_checkpoint().unwrap().seq, 1_001);
}

#[test]
fn erased_payloads_are_gone_and_the_chain_holds() {
    let folder = Folder::new();
    let mut journal = folder.open();
    let secret = Draft { payload: b"ana's telephone number".to_vec(), ..draft(2) };
    journal.append(vec![draft(1), secret, draft(3)], NOW).unwrap();
    let erasure = |range| Erasure {
        ranges: vec![range],
        reason: "asked to".into(),
        actor: Actor::system("test"),
    };
    assert_eq!(&*journal.erase(erasure(2..=2), NOW).unwrap()[0].kind, PAYLOAD_ERASED);
    assert!(matches!(journal.erase(erasure(3..=4), NOW), Err(EraseError::Own { seq: 4 })));
    journal.erase(erasure(1..=2), NOW).unwrap();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(9).any(|window| window == b"telephone"));
    }
    drop(journal);
    let journal = folder.open();
    let erased: Vec<bool> =
        replay(&journal, 0).map(|record| record.unwrap().payload.is_none()).collect();
    assert_eq!(erased, [true, true, false, false, false]);
    assert!(folder.report().is_whole());
}

#[test]
fn an_older_file_is_upgraded_and_a_newer_one_refused() {
    let folder = Folder::with_records(3);
    folder.sql(
        "DROP INDEX facts_by_kind; DROP INDEX facts_by_subject; DROP INDEX facts_by_cause; DROP INDEX facts_by_time;
         PRAGMA user_version = 1",
    );
    assert!(folder.report().is_whole(), "an older file can be verified as it is");
    assert_eq!(folder.open().append(vec![draft(4)], NOW).unwrap()[0].seq, 4);
    assert!(folder.report().is_whole());

    folder.sql("PRAGMA user_version = 3");
    let path = folder.path().join(DATABASE_FILE);
    let error = SqliteJournal::open(folder.path(), NOW).unwrap_err().to_string();
    assert_eq!(error, format!("the journal `{path}` has version 3; this build reads 2 and older"));
    assert_eq!(verify(folder.path()).unwrap_err().to_string(), error);

    let foreign = Folder::new();
    foreign.sql("CREATE TABLE t (x)");
    assert!(matches!(SqliteJournal::open(foreign.path(), NOW), Err(OpenError::NotAJournal { .. })));
}
