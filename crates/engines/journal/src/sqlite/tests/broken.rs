//! Breaks: found, resumed, reported, accepted.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{
    checkpoint::CHECKPOINT_FILE,
    report::{Finding, Reason},
};

fn broken(journal: &SqliteJournal) -> Broken {
    match journal.health() {
        Health::Broken(broken) => broken,
        Health::Whole => panic!("whole"),
    }
}

#[test]
fn goes_on_from_the_verified_prefix_until_the_break_is_accepted() {
    let folder = Folder::with_records(20);
    // The checkpoint stands before the change, so nothing vouches for what comes after it.
    folder.unproved();
    folder.sql("UPDATE facts SET subject = 'eve' WHERE seq = 12");
    let mut journal = folder.open();
    let expected = Broken {
        first_bad_seq: 12,
        last_bad_seq: 20,
        reason: Reason::FieldsChanged,
        verified_through: 11,
        resumed_at: None,
    };
    assert_eq!(broken(&journal), expected);
    assert_eq!(seqs(&journal), (1..=11).collect::<Vec<_>>());
    assert_eq!(journal.checkpoint_now(NOW).unwrap(), None, "the proof is not overwritten");

    // What is written after the break survives restarts and is replayed.
    assert_eq!(journal.next_seq(), 22);
    assert_eq!(journal.append(vec![draft(30), draft(31)], NOW).unwrap()[0].seq, 22);
    assert_eq!(journal.head().seq, 23);
    drop(folder.killed().open());
    drop(journal);
    let mut journal = folder.open();
    let after: Vec<u64> = (1..=11).chain(21..=23).collect();
    assert_eq!(seqs(&journal), after);
    assert_eq!(broken(&journal), Broken { resumed_at: Some(21), ..expected });
    journal.append(vec![draft(32)], NOW).unwrap();

    let report = folder.report();
    assert!(!report.is_whole());
    assert_eq!(report.findings, [Finding { first: 12, last: 12, reason: Reason::FieldsChanged }]);

    let accepted = journal.accept_break(acceptance(), NOW).unwrap();
    assert_eq!((&*accepted[0].kind, &*accepted[0].subject), (BREAK_ACCEPTED, "12-20"));
    assert_eq!(journal.health(), Health::Whole);
    assert!(matches!(journal.accept_break(acceptance(), NOW), Err(AcceptError::Nothing)));
    drop(journal);
    let report = folder.report();
    assert!(report.is_whole(), "{report:?}");
    let found = report.breaks[0].accepted.as_ref().unwrap();
    assert_eq!((found.seq, found.reason.as_str()), (25, "disk \"sda\" replaced"));
    let journal = folder.open();
    assert_eq!(journal.health(), Health::Whole);
    assert_eq!(seqs(&journal), (1..=11).chain(21..=25).collect::<Vec<_>>());
}

#[test]
fn sound_records_after_the_bad_one_are_not_lost_when_the_checkpoint_proves_them() {
    let folder = Folder::with_records(20);
    folder.sql("UPDATE facts SET subject = 'eve' WHERE seq = 12");
    let all_but = |bad: u64, last: u64| (1..=last).filter(|seq| *seq != bad).collect::<Vec<_>>();
    let mut journal = folder.open();
    let expected = Broken {
        first_bad_seq: 12,
        last_bad_seq: 12,
        reason: Reason::FieldsChanged,
        verified_through: 11,
        resumed_at: Some(13),
    };
    assert_eq!(broken(&journal), expected);
    assert_eq!((seqs(&journal), journal.head().seq), (all_but(12, 20), 20));

    // The chain goes on, and its checkpoint proves as much as the one before.
    assert_eq!(journal.append(vec![draft(30)], NOW).unwrap()[0].seq, 21);
    journal.checkpoint_now(NOW).unwrap();
    drop(journal);
    let mut journal = folder.open();
    assert_eq!((broken(&journal), seqs(&journal)), (expected, all_but(12, 21)));
    let found = Finding { first: 12, last: 12, reason: Reason::FieldsChanged };
    assert_eq!(folder.report().findings, [found]);

    // The acceptance names what is really skipped, and is proof by itself when the checkpoint is gone.
    let accepted = journal.accept_break(acceptance(), NOW).unwrap();
    assert_eq!((&*accepted[0].kind, &*accepted[0].subject), (BREAK_ACCEPTED, "12-12"));
    journal.checkpoint_now(NOW).unwrap();
    drop(journal);
    assert!(folder.report().is_whole(), "{:?}", folder.report());
    fs::remove_file(folder.path().join(CHECKPOINT_FILE)).unwrap();
    let journal = folder.open();
    assert_eq!(seqs(&journal), all_but(12, 22));
    assert_eq!(broken(&journal).reason, Reason::CheckpointMissing);
}

#[test]
fn of_several_bad_records_the_first_to_the_last_are_skipped() {
    let check = |sql: &str, expected: std::ops::RangeInclusive<u64>| {
        let folder = Folder::with_records(20);
        folder.sql(sql);
        let mut journal = folder.open();
        let kept: Vec<u64> = (1..=20).filter(|seq| !expected.contains(seq)).collect();
        assert_eq!(seqs(&journal), kept, "{sql}");
        journal.accept_break(acceptance(), NOW).unwrap();
        drop(journal);
        assert!(folder.report().is_whole(), "{sql}: {:?}", folder.report());
    };
    check("UPDATE facts SET payload = x'00' WHERE seq IN (4, 9)", 4..=9);
    check("DELETE FROM facts WHERE seq BETWEEN 5 AND 7", 5..=7);
    check("DELETE FROM facts WHERE seq = 1", 1..=1);
    check("UPDATE facts SET hash = zeroblob(32) WHERE seq = 19", 19..=19);
    check("UPDATE facts SET id = zeroblob(15) WHERE seq = 8", 8..=8);
    check(
        "UPDATE facts SET seq = 99 WHERE seq = 3; UPDATE facts SET seq = 3 WHERE seq = 6;
         UPDATE facts SET seq = 6 WHERE seq = 99",
        3..=6,
    );
}

#[test]
fn a_break_can_be_accepted_before_anything_else_is_written() {
    let folder = Folder::with_records(5);
    folder.unproved();
    folder.sql("DELETE FROM facts WHERE seq = 1");
    let mut journal = folder.open();
    assert_eq!(seqs(&journal), Vec::<u64>::new());
    assert_eq!(journal.accept_break(acceptance(), NOW).unwrap()[0].seq, 7);
    drop(journal);
    assert!(folder.report().is_whole());
    assert_eq!(seqs(&folder.open()), [6, 7]);
}

#[test]
fn numbers_of_a_cut_tail_are_not_given_again() {
    let folder = Folder::with_records(9);
    folder.sql("DELETE FROM facts WHERE seq > 4");
    let mut journal = folder.open();
    assert_eq!(broken(&journal).reason, Reason::CutTail);
    assert_eq!(journal.append(vec![draft(20)], NOW).unwrap()[0].seq, 11);
    drop(journal);
    let mut journal = folder.open();
    assert_eq!(seqs(&journal), [1, 2, 3, 4, 10, 11]);
    journal.accept_break(acceptance(), NOW).unwrap();
    assert!(folder.report().is_whole());
}

#[test]
fn a_second_break_swallows_what_was_built_on_it() {
    let folder = Folder::with_records(9);
    folder.unproved();
    folder.sql("UPDATE facts SET schema = 9 WHERE seq = 7");
    let mut journal = folder.open();
    journal.append(vec![draft(20)], NOW).unwrap(); // 10 resumes, 11 is the fact
    journal.accept_break(acceptance(), NOW).unwrap(); // 12
    drop(journal);
    folder.unproved();
    folder.sql("UPDATE facts SET schema = 9 WHERE seq = 3");
    let mut journal = folder.open();
    assert_eq!((broken(&journal).first_bad_seq, broken(&journal).last_bad_seq), (3, 12));
    journal.append(vec![draft(21)], NOW).unwrap();
    drop(journal);
    let mut journal = folder.open();
    assert_eq!(seqs(&journal), [1, 2, 13, 14]);
    journal.accept_break(acceptance(), NOW).unwrap();
    assert!(folder.report().is_whole());

    // Damage after the first break leaves that one as it was.
    folder.sql("UPDATE facts SET schema = 9 WHERE seq = 15");
    let mut journal = folder.open();
    assert_eq!(broken(&journal).first_bad_seq, 3, "its acceptance is what was damaged");
    assert_eq!(journal.accept_break(acceptance(), NOW).unwrap().len(), 2);
    drop(journal);
    assert!(folder.report().is_whole());
    assert_eq!(seqs(&folder.open()), [1, 2, 13, 14, 16, 17, 18]);
}

#[test]
fn a_range_that_was_skipped_stays_skipped_when_it_is_put_right() {
    let folder = Folder::with_records(5);
    folder.unproved();
    folder.sql("UPDATE facts SET schema = schema + 1 WHERE seq = 4");
    folder.open().append(vec![draft(20)], NOW).unwrap();
    folder.sql("UPDATE facts SET schema = schema - 1 WHERE seq = 4");
    let journal = folder.open();
    assert_eq!(seqs(&journal), [1, 2, 3, 6, 7]);
    assert_eq!(broken(&journal).reason, Reason::Skipped);
}

#[test]
fn a_lost_or_forged_checkpoint_is_a_break_without_a_record() {
    let folder = Folder::with_records(5);
    fs::remove_file(folder.path().join(CHECKPOINT_FILE)).unwrap();
    let mut journal = folder.open();
    let found = broken(&journal);
    assert_eq!((found.first_bad_seq, found.verified_through), (6, 5));
    assert_eq!(found.reason, Reason::CheckpointMissing);
    journal.append(vec![draft(20)], NOW).unwrap();
    assert_eq!(journal.last_checkpoint().unwrap().seq, 7, "there is a new one at once");
    drop(journal);
    let mut journal = folder.open();
    assert_eq!(seqs(&journal), (1..=7).collect::<Vec<_>>());
    assert!(!journal.health().is_whole());
    journal.accept_break(acceptance(), NOW).unwrap();
    drop(journal);
    assert!(folder.report().is_whole(), "{:?}", folder.report());

    // Another journal's checkpoint.
    let other = Folder::with_records(3);
    fs::copy(other.path().join(CHECKPOINT_FILE), folder.path().join(CHECKPOINT_FILE)).unwrap();
    assert_eq!(broken(&folder.open()).reason, Reason::CheckpointForged);
}

#[test]
fn readers_leave_out_what_is_skipped() {
    let folder = Folder::with_records(6);
    let early = folder.open().reader();
    folder.unproved();
    folder.sql("UPDATE facts SET schema = 9 WHERE seq = 4");
    let mut journal = folder.open();
    let all = |reader: &Reader, with_skipped| -> Vec<u64> {
        let query = Query { with_skipped, ..Query::default() };
        reader.read(&query).unwrap().records.iter().map(|record| record.seq).collect()
    };
    let reader = journal.reader();
    assert_eq!(all(&reader, false), [1, 2, 3]);
    journal.append(vec![draft(20)], NOW).unwrap();
    assert_eq!(all(&reader, false), [1, 2, 3, 7, 8]);
    assert_eq!(all(&reader, true), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(all(&Reader::open(folder.path()).unwrap(), false), [1, 2, 3, 7, 8]);
    assert_eq!(reader.last_seq().unwrap(), 8);
    assert_eq!(all(&early, true).len(), 8);
}

#[test]
fn a_snapshot_within_the_skipped_range_is_not_used() {
    use crate::snapshot::{SnapshotLookup, SnapshotStore};
    let folder = Folder::with_records(6);
    let store = SnapshotStore::new(folder.path());
    let journal = folder.open();
    store.put("incident", 1, journal.head(), b"state").unwrap();
    let lookup =
        |journal: &SqliteJournal| store.get("incident", 1, |seq| journal.verified_hash(seq));
    assert!(matches!(lookup(&journal), SnapshotLookup::Found { seq: 6, .. }));
    drop(journal);
    folder.unproved();
    folder.sql("UPDATE facts SET schema = 9 WHERE seq = 4");
    assert!(matches!(lookup(&folder.open()), SnapshotLookup::Ignored(_)));
}

#[test]
fn a_tail_cut_off_after_a_kill_is_named_when_it_is_a_second_old() {
    let folder = Folder::new();
    let mut journal = folder.open();
    // Ticks as the control thread's, facts in between, then a kill.
    for tick in 0..8_u64 {
        let now = NOW + Duration::from_millis(tick * 250);
        if tick < 3 {
            journal.append(vec![draft(tick * 2), draft(tick * 2 + 1)], now).unwrap();
        }
        journal.checkpoint_if_due(now).unwrap();
    }
    let killed = folder.killed();
    assert!(killed.report().is_whole());
    killed.sql("DELETE FROM facts WHERE seq > 4");
    let cut = Finding { first: 5, last: 6, reason: Reason::CutTail };
    assert_eq!(killed.report().findings, [cut]);
    // A fact whose checkpoint is not due yet is no false alarm.
    journal.append(vec![draft(9)], NOW + Duration::from_secs(2)).unwrap();
    assert!(folder.killed().report().is_whole());
    assert!(folder.killed().open().health().is_whole());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Damage, restarts, appends and acceptances in any order: what was acknowledged after the last damage is always replayed.
    #[test]
    fn what_is_acknowledged_after_a_break_is_replayed(steps in prop::collection::vec((0..4_u8, 1..40_u64), 1..12)) {
        let folder = Folder::with_records(10);
        let mut journal = folder.open();
        let mut since_damage = Vec::new();
        for (id, (step, number)) in (100..).zip(steps) {
            match step {
                0 => {
                    folder.sql(&format!("UPDATE facts SET schema = 77 WHERE seq = {number}"));
                    since_damage.clear();
                    drop(journal);
                    journal = folder.open();
                }
                1 => journal = folder.open(),
                2 => drop(journal.accept_break(acceptance(), NOW)),
                _ => since_damage.extend(journal.append(vec![draft(id)], NOW).unwrap()),
            }
            let replayed: Vec<Record> = replay(&journal, 0).map(Result::unwrap).collect();
            prop_assert!(since_damage.iter().all(|record| replayed.contains(record)));
            prop_assert!(replayed.is_sorted_by(|a, b| a.seq < b.seq));
            prop_assert_eq!(replayed.last().map(|record| record.seq).unwrap_or(0), journal.head().seq);
            let report = folder.report();
            prop_assert_eq!(report.is_whole(), journal.health().is_whole(), "{:?}", report);
        }
    }
}

#[test]
fn what_is_changed_under_a_running_journal_is_a_break_once_it_is_verified_again() {
    let folder = Folder::with_records(20);
    let mut journal = folder.open();
    journal.verify_again(NOW).unwrap();
    assert_eq!(journal.health(), Health::Whole);
    folder.sql("UPDATE facts SET actor_id = 'eve' WHERE seq = 4");
    assert_eq!(journal.health(), Health::Whole, "nobody has looked");
    journal.verify_again(NOW).unwrap();
    let found = broken(&journal);
    assert_eq!((found.first_bad_seq, found.last_bad_seq), (4, 4));
    assert!(!seqs(&journal).contains(&4) && seqs(&journal).contains(&5));
    assert_eq!(journal.append(vec![draft(30)], NOW).unwrap()[0].seq, 21);
    journal.accept_break(acceptance(), NOW).unwrap();
    assert_eq!(journal.health(), Health::Whole);
    drop(journal);
    assert_eq!(folder.open().health(), Health::Whole);
}

#[test]
fn of_two_breaks_both_are_known_again_although_the_first_hides_the_second() {
    let folder = Folder::with_records(10);
    let mut journal = folder.open();
    journal.append(vec![draft(100)], NOW).unwrap();
    for seq in [11, 1] {
        folder.sql(&format!("UPDATE facts SET schema = 77 WHERE seq = {seq}"));
        drop(journal);
        journal = folder.open();
    }
    journal.accept_break(acceptance(), NOW).unwrap();
    let (state, report) = (journal.state.breaks.clone(), folder.report());
    assert_eq!((report.breaks, journal.health()), (state, Health::Whole));
    drop(journal);
    assert_eq!(seqs(&folder.open()), (2..=10).chain(12..=14).collect::<Vec<_>>());
}
