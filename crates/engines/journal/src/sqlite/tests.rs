//! The journal as its users see it: written, killed, broken, taken up again, copied, read by others.

mod broken;
mod damage;
mod reading;
mod writing;

use std::fs;

use camino::Utf8Path;
use model::{Actor, Timestamp};
use rusqlite::Connection;

use super::*;
use crate::{fact::tests::draft, port::replay, verify};

const NOW: Timestamp = Timestamp::from_secs(1_795_000_100);

/// A folder for a journal.
struct Folder {
    dir: tempfile::TempDir,
}

impl Folder {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// With records 1 to `records`, closed in order.
    fn with_records(records: u64) -> Self {
        let folder = Self::new();
        let mut journal = folder.open();
        journal.append((1..=records).map(draft).collect(), NOW).unwrap();
        journal.checkpoint_now(NOW).unwrap();
        folder
    }

    fn path(&self) -> &Utf8Path {
        Utf8Path::from_path(self.dir.path()).unwrap()
    }

    fn open(&self) -> SqliteJournal {
        SqliteJournal::open(self.path(), NOW).unwrap()
    }

    fn sql(&self, sql: &str) {
        Connection::open(self.path().join(DATABASE_FILE)).unwrap().execute_batch(sql).unwrap();
    }

    fn report(&self) -> Report {
        verify(self.path()).unwrap()
    }

    /// Puts the checkpoint back to one that names no record.
    fn unproved(&self) {
        let key = crate::checkpoint::load_or_create_key(self.path()).unwrap();
        Checkpoint::at_head(Head::default(), NOW).write(self.path(), &key).unwrap();
    }

    /// What is on the disk at this moment, as a kill would leave it.
    fn killed(&self) -> Self {
        let copy = Self::new();
        for entry in fs::read_dir(self.path()).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), copy.path().join(entry.file_name().to_str().unwrap())).unwrap();
        }
        copy
    }
}

fn seqs(journal: &dyn Journal) -> Vec<u64> {
    replay(journal, 0).map(|record| record.unwrap().seq).collect()
}

fn acceptance() -> Acceptance {
    Acceptance { reason: "disk \"sda\" replaced".into(), actor: Actor::system("test") }
}
