//! Files that SQLite itself cannot read.

use super::*;
use crate::report::Reason;

fn damaged_files(folder: &Folder) -> usize {
    let name =
        |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    fs::read_dir(folder.path()).unwrap().map(name).filter(|name| name.contains(".damaged-")).count()
}

/// Opens, appends, opens again; gives what is replayed.
fn go_on(folder: &Folder) -> Vec<u64> {
    let mut journal = folder.open();
    let seq = journal.append(vec![draft(90_000)], NOW).unwrap()[0].seq;
    assert_eq!(journal.head().seq, seq);
    drop(journal);
    assert_eq!(damaged_files(folder), 1);
    let mut journal = folder.open();
    let seqs = seqs(&journal);
    assert_eq!(seqs.last(), Some(&seq));
    assert!(!journal.health().is_whole());
    journal.accept_break(acceptance(), NOW).unwrap();
    drop(journal);
    assert!(folder.report().is_whole(), "{:?}", folder.report());
    seqs
}

#[test]
fn a_file_that_is_no_database_is_set_aside() {
    let folder = Folder::with_records(5);
    fs::write(folder.path().join(DATABASE_FILE), vec![7; 20_000]).unwrap();
    let report = folder.report();
    assert!(matches!(report.findings[0].reason, Reason::Damaged { .. }), "{report:?}");
    let seqs = go_on(&folder);
    assert!(seqs[0] > 5, "numbers that were given are not given again");
}

#[test]
fn an_emptied_or_missing_file_is_a_cut_tail() {
    for spoil in [
        |path: &Utf8Path| fs::write(path, "").unwrap(),
        |path: &Utf8Path| fs::remove_file(path).unwrap(),
    ] {
        let folder = Folder::with_records(5);
        spoil(&folder.path().join(DATABASE_FILE));
        let mut journal = folder.open();
        assert!(matches!(
            journal.health(),
            Health::Broken(Broken { first_bad_seq: 1, last_bad_seq: 5, .. })
        ));
        assert_eq!(journal.append(vec![draft(9)], NOW).unwrap()[0].seq, 7);
    }
}

#[test]
fn pages_overwritten_in_the_middle_keep_what_came_before() {
    let folder = Folder::with_records(2_000);
    let path = folder.path().join(DATABASE_FILE);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2 / 4_096 * 4_096;
    bytes[middle..middle + 16 * 4_096].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    let report = folder.report();
    assert!(!report.is_whole() && report.head.seq > 100, "{:?}", report.head);
    let seqs = go_on(&folder);
    let verified = report.head.seq;
    assert!(seqs.starts_with(&(1..=verified).collect::<Vec<_>>()));
    assert!(seqs[usize::try_from(verified).unwrap()] > 2_000);
}

#[test]
fn a_file_cut_short_keeps_what_came_before() {
    let folder = Folder::with_records(2_000);
    let path = folder.path().join(DATABASE_FILE);
    let length = fs::metadata(&path).unwrap().len();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length / 2).unwrap();
    assert!(!folder.report().is_whole());
    go_on(&folder);
}

#[test]
fn a_kill_between_the_two_renames_is_made_good() {
    let folder = Folder::with_records(5);
    let path = folder.path().join(DATABASE_FILE);
    fs::rename(&path, folder.path().join("journal.db.rebuilt")).unwrap();
    assert_eq!(seqs(&folder.open()), [1, 2, 3, 4, 5]);
    // An unfinished one is only in the way, and is not taken.
    fs::write(folder.path().join("journal.db.rebuilt"), "half").unwrap();
    assert_eq!(seqs(&folder.open()), [1, 2, 3, 4, 5]);
}

/// One bit at a time: the journal opens, goes on, and never gives a record that was not written.
#[test]
fn flipped_bits_are_never_believed() {
    let folder = Folder::with_records(60);
    let written: Vec<Record> = replay(&folder.open(), 0).map(Result::unwrap).collect();
    let whole = fs::read(folder.path().join(DATABASE_FILE)).unwrap();
    for step in 0..160_usize {
        // A stride without a common factor visits all parts of the file.
        let at = 100 + step * 7_919 % (whole.len() - 100);
        let damaged = folder.killed();
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (step % 8);
        fs::write(damaged.path().join(DATABASE_FILE), bytes).unwrap();
        // Bits that say what kind of file it is make it foreign, and it is left alone.
        let Ok(mut journal) = SqliteJournal::open(damaged.path(), NOW) else { continue };
        for record in replay(&journal, 0).map(Result::unwrap) {
            let genuine = written.get(usize::try_from(record.seq).unwrap() - 1) == Some(&record);
            assert!(genuine || record.kind.starts_with(RESERVED_PREFIX), "byte {at}");
        }
        journal.append(vec![draft(1_000)], NOW).unwrap();
    }
}
