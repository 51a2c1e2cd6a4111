//! Whatever is done to a journal's file, `verify` names the number.

use std::{collections::BTreeSet, sync::LazyLock};

use insta::assert_snapshot;
use model::{Actor, Timestamp};
use proptest::prelude::*;
use rusqlite::Connection;

use super::*;
use crate::{
    chain::link,
    checkpoint::CHECKPOINT_FILE,
    fact::{Draft, Record, tests::draft},
    port::{Erasure, Journal as _},
    report::CheckpointState,
    sqlite::{SqliteJournal, row::insert},
};

const NOW: Timestamp = Timestamp::from_secs(1_795_000_100);
/// Records 1 to 24, a fact that erased 5 and 6, and five more.
const RECORDS: u64 = 30;
const OLDER: u64 = 18;

/// A journal with its checkpoint at the head, and its file as it was after [`OLDER`] records.
struct Sample {
    dir: tempfile::TempDir,
}

static SAMPLE: LazyLock<Sample> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let path = Utf8Path::from_path(dir.path()).unwrap();
    let mut journal = SqliteJournal::open(path, NOW).unwrap();
    journal.append((1..=OLDER).map(draft).collect(), NOW).unwrap();
    Connection::open(path.join(DATABASE_FILE))
        .unwrap()
        .execute("VACUUM INTO ?", [path.join("older.db").as_str()])
        .unwrap();
    journal.append((OLDER + 1..=24).map(draft).collect(), NOW).unwrap();
    let actor = Actor::system("test");
    journal.erase(Erasure { ranges: vec![5..=6], reason: "asked to".into(), actor }, NOW).unwrap();
    journal.append((26..=RECORDS).map(draft).collect(), NOW).unwrap();
    journal.checkpoint_now(NOW).unwrap();
    drop(journal);
    Sample { dir }
});

struct Copy {
    dir: tempfile::TempDir,
}

impl Copy {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(SAMPLE.dir.path()).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), dir.path().join(entry.file_name())).unwrap();
        }
        Self { dir }
    }

    fn path(&self) -> &Utf8Path {
        Utf8Path::from_path(self.dir.path()).unwrap()
    }

    fn sql(&self, sql: &str) {
        let conn = Connection::open(self.path().join(DATABASE_FILE)).unwrap();
        conn.execute_batch("PRAGMA ignore_check_constraints = ON").unwrap();
        conn.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    fn record(&self, seq: u64) -> Record {
        let reader = crate::Reader::open(self.path()).unwrap();
        let query = crate::Query { after: Some(seq - 1), limit: 1, ..crate::Query::default() };
        reader.read(&query).unwrap().records.remove(0)
    }

    fn report(&self) -> Report {
        verify(self.path()).unwrap()
    }

    fn findings(&self) -> String {
        let lines: Vec<String> = self.report().findings.iter().map(ToString::to_string).collect();
        lines.join("\n")
    }
}

/// What `verify` says after `sql`.
fn check(sql: &str) -> String {
    let copy = Copy::new();
    copy.sql(sql);
    copy.findings()
}

#[test]
fn an_untouched_journal_is_whole() {
    let report = Copy::new().report();
    assert!(report.is_whole(), "{report:?}");
    assert_eq!((report.records, report.head.seq), (RECORDS, RECORDS));
    assert_eq!(report.checkpoint, CheckpointState::Holds { seq: RECORDS, at: NOW });
}

#[test]
fn says_what_was_done_to_which_record() {
    assert_snapshot!(check("UPDATE facts SET payload = x'00' WHERE seq = 7"), @"record 7: the payload was changed");
    assert_snapshot!(check("UPDATE facts SET payload = NULL WHERE seq = 7"), @"record 7: the payload is gone, and no fact says that it was erased");
    assert_snapshot!(check("UPDATE facts SET payload = CAST('{\"n\":5}' AS BLOB) WHERE seq = 5"), @"record 5: an erased payload is there again");
    assert_snapshot!(check("UPDATE facts SET actor_id = 'eve' WHERE seq = 9"), @"record 9: a field or the hash was changed");
    assert_snapshot!(check("UPDATE facts SET hash = zeroblob(32) WHERE seq = 9"), @"record 9: a field or the hash was changed");
    assert_snapshot!(check("DELETE FROM facts WHERE seq BETWEEN 9 AND 11"), @"records 9 to 11: removed");
    assert_snapshot!(check("DELETE FROM facts WHERE seq >= 29"), @"records 29 to 30: cut off: the signed checkpoint names a later record");
    assert_snapshot!(check("DELETE FROM facts"), @"records 1 to 30: cut off: the signed checkpoint names a later record");
    assert_snapshot!(check("UPDATE facts SET seq = 1000 WHERE seq = 12"), @r"
    record 12: removed
    record 1000: moved here from 12
    ");
    assert_snapshot!(check("DELETE FROM facts WHERE seq = 8; UPDATE facts SET seq = 8 WHERE seq = 12"), @r"
    record 8: moved here from 12
    record 12: removed
    ");
}

#[test]
fn names_a_record_that_was_written_anew() {
    let copy = Copy::new();
    let old = copy.record(9);
    let forged =
        link(Draft { subject: "eve".into(), ..draft(9) }, 9, old.prev_hash, old.recorded_at);
    replace(&copy, &forged);
    assert_snapshot!(copy.findings(), @"record 9: written anew, perhaps with records before it: its successor was chained to another");
    let report = copy.report();
    assert_eq!((report.head.seq, report.breaks[0].last), (RECORDS, 9));

    // With a wrong link before it as well, it alone is to blame.
    let copy = Copy::new();
    replace(&copy, &link(draft(9), 9, [1; 32], old.recorded_at));
    assert_snapshot!(copy.findings(), @"record 9: written anew, perhaps with records before it: its successor was chained to another");

    // Everything from 9 on, in a chain that holds by itself.
    let copy = Copy::new();
    let mut prev = old.prev_hash;
    for seq in 9..=RECORDS {
        let forged =
            link(Draft { subject: "eve".into(), ..draft(seq) }, seq, prev, old.recorded_at);
        prev = forged.hash;
        replace(&copy, &forged);
    }
    assert!(
        copy.findings().contains(
            "record 30: written anew, perhaps with records before it: the signed checkpoint"
        ),
        "{}",
        copy.findings()
    );
}

fn replace(copy: &Copy, record: &Record) {
    let conn = Connection::open(copy.path().join(DATABASE_FILE)).unwrap();
    conn.execute("DELETE FROM facts WHERE seq = ?", [record.seq.cast_signed()]).unwrap();
    insert(&conn, record).unwrap();
}

#[test]
fn a_checkpoint_that_proves_nothing_is_reported() {
    let check = |spoil: &dyn Fn(&Utf8Path)| {
        let copy = Copy::new();
        spoil(copy.path());
        copy.findings()
    };
    assert_snapshot!(check(&|dir| fs::remove_file(dir.join(CHECKPOINT_FILE)).unwrap()), @"record 31: the checkpoint is missing, so records from here on may be too");
    assert_snapshot!(check(&|dir| fs::write(dir.join(CHECKPOINT_FILE), "seq 3").unwrap()), @"record 31: the checkpoint is not readable (not of its form), so records from here on may be missing");
    assert_snapshot!(check(&|dir| {
        let text = fs::read_to_string(dir.join(CHECKPOINT_FILE)).unwrap();
        fs::write(dir.join(CHECKPOINT_FILE), text.replace("seq 30", "seq 20")).unwrap();
    }), @"record 31: the checkpoint is not signed by this journal's key, so records from here on may be missing");
}

#[test]
fn an_index_that_disagrees_is_reported() {
    let copy = Copy::new();
    copy.sql(
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = 'CREATE INDEX facts_by_kind ON facts (subject)' WHERE name = 'facts_by_kind'",
    );
    let report = copy.report();
    assert!(report.findings.is_empty() && !report.file_problems.is_empty(), "{report:?}");
    assert!(!report.is_whole());
}

#[derive(Clone, Debug)]
enum Mutation {
    Column { seq: u64, column: usize },
    Delete { first: u64, last: u64 },
    Swap { a: u64, b: u64 },
    Cut { last: u64 },
    Older,
    Forge { seq: u64 },
    Move { seq: u64, to: u64 },
}

/// What changes each column; `?` is the number.
const CHANGES: [&str; 17] = [
    "recorded_at = recorded_at + 1",
    "id = randomblob(16)",
    "kind = kind || 'x'",
    "schema = schema + 1",
    "occurred_at = occurred_at - 1",
    "actor_kind = CASE actor_kind WHEN 'human' THEN 'system' ELSE 'human' END",
    "actor_id = actor_id || 'x'",
    "actor_via = ''",
    "cause = CASE WHEN cause IS NULL THEN zeroblob(16) ELSE NULL END",
    "cause = zeroblob(16)",
    "namespace = 'other'",
    "subject = subject || ' '",
    "payload = CAST(coalesce(payload, '') || 'x' AS BLOB)",
    "payload = CASE WHEN payload IS NULL THEN x'00' ELSE NULL END",
    "payload_hash = randomblob(32)",
    "prev_hash = randomblob(32)",
    "hash = randomblob(32)",
];

impl Mutation {
    /// Does it, and gives the numbers that must be named.
    fn apply(&self, copy: &Copy) -> BTreeSet<u64> {
        match *self {
            Self::Column { seq, column } => {
                copy.sql(&format!("UPDATE facts SET {} WHERE seq = {seq}", CHANGES[column]));
                [seq].into()
            }
            Self::Delete { first, last } => {
                copy.sql(&format!("DELETE FROM facts WHERE seq BETWEEN {first} AND {last}"));
                (first..=last).collect()
            }
            Self::Swap { a, b } => {
                copy.sql(&format!(
                    "UPDATE facts SET seq = 900000 WHERE seq = {a}; UPDATE facts SET seq = {a} WHERE seq = {b};
                     UPDATE facts SET seq = {b} WHERE seq = 900000"
                ));
                [a, b].into()
            }
            Self::Cut { last } => {
                copy.sql(&format!("DELETE FROM facts WHERE seq > {last}"));
                (last + 1..=RECORDS).collect()
            }
            Self::Older => {
                fs::copy(copy.path().join("older.db"), copy.path().join(DATABASE_FILE)).unwrap();
                (OLDER + 1..=RECORDS).collect()
            }
            Self::Forge { seq } => {
                let old = copy.record(seq);
                let forged = Draft { payload: b"{}".into(), ..draft(seq) };
                replace(copy, &link(forged, seq, old.prev_hash, old.recorded_at));
                [seq].into()
            }
            Self::Move { seq, to } => {
                copy.sql(&format!("UPDATE facts SET seq = {to} WHERE seq = {seq}"));
                [seq, to].into()
            }
        }
    }
}

fn mutations() -> impl Strategy<Value = Mutation> {
    let seq = || 1..=RECORDS;
    prop_oneof![
        6 => (seq(), 0..CHANGES.len()).prop_map(|(seq, column)| Mutation::Column { seq, column }),
        2 => (seq(), 0..5_u64).prop_map(|(first, more)| Mutation::Delete { first, last: (first + more).min(RECORDS) }),
        2 => (seq(), seq()).prop_filter("two rows", |(a, b)| a != b).prop_map(|(a, b)| Mutation::Swap { a, b }),
        1 => (0..RECORDS).prop_map(|last| Mutation::Cut { last }),
        1 => Just(Mutation::Older),
        2 => seq().prop_map(|seq| Mutation::Forge { seq }),
        1 => (seq(), RECORDS + 1..5_000).prop_map(|(seq, to)| Mutation::Move { seq, to }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn every_mutation_is_named(mutation in mutations()) {
        let copy = Copy::new();
        let expected = mutation.apply(&copy);
        let report = copy.report();
        let named: BTreeSet<u64> =
            report.findings.iter().flat_map(|finding| finding.first..=finding.last).collect();
        prop_assert!(!report.is_whole());
        prop_assert!(expected.is_subset(&named), "{:?} does not name {expected:?}", report.findings);
        // Nothing that was left alone is accused, but for an erased record whose erasure was touched.
        let erasure = expected.contains(&25);
        let accused = named.difference(&expected).filter(|seq| !(erasure && (5..=6).contains(*seq))).count();
        prop_assert_eq!(accused, 0, "{:?}", report.findings);
        // What is trusted ends before the first of them, and goes on where the checkpoint proves the rest.
        let first = named.first().copied().unwrap();
        prop_assert_eq!(report.breaks.first().map(|found| found.first), Some(first));
        let within = |seq: &u64| report.breaks.iter().any(|found| (found.first..=found.last).contains(seq));
        prop_assert!(expected.iter().all(within), "{:?}", report.breaks);
        let proved = !expected.contains(&RECORDS);
        prop_assert_eq!(report.head.seq, if proved { RECORDS } else { first - 1 }, "{:?}", report.breaks);
    }
}
