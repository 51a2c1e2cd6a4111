//! The journal in SQLite (<https://sqlite.org/wal.html>): write-ahead log, `synchronous=FULL`, one writer.
//!
//! The folder holds `journal.db` (with SQLite's `-wal` and `-shm` while in use), `journal.checkpoint` and `journal.key`; after damage
//! to the file itself also the damaged one, as `journal.db.damaged-…`.
//!
//! **Invariant:** the rows and the chain state in memory agree, or the journal has stopped.

mod backup;
pub(crate) mod open;
pub(crate) mod reader;
pub(crate) mod row;
pub(crate) mod scan;
pub(crate) mod schema;

use std::{sync::Arc, time::Duration};

use camino::{Utf8Path, Utf8PathBuf};
use ed25519_dalek::SigningKey;
use model::{Actor, Timestamp};
use parking_lot::RwLock;
use rusqlite::{Connection, ErrorCode, TransactionBehavior};

pub use backup::{BackupError, backup};
pub use open::OpenError;
pub use reader::{Order, Page, Query, Reader};
pub use schema::FORMAT_VERSION;

use crate::{
    chain::link,
    checkpoint::{Checkpoint, CheckpointError},
    fact::{Draft, Hash, Head, Record, SEQ_MAX},
    limits::{check_drafts, check_erasure},
    own::{self, BREAK_ACCEPTED, PAYLOAD_ERASED, RESERVED_PREFIX, RESUMED_AFTER_BREAK, Range},
    port::{
        AcceptError, Acceptance, AppendError, EraseError, Erasure, Journal, ReadError, StoreError,
    },
    report::{Accepted, Break, Broken, Health, Report},
};

pub(crate) const DATABASE_FILE: &str = "journal.db";

/// A checkpoint is due after this many records.
pub const CHECKPOINT_EVERY_RECORDS: u64 = 1_000;
/// A checkpoint is due after this time, when there are new records: with a look four times a second, a tail that is cut off
/// is named when it is older than a second.
pub const CHECKPOINT_EVERY: Duration = Duration::from_millis(750);

/// Why a journal was not verified again.
#[derive(Debug, thiserror::Error)]
pub enum VerifyAgainError {
    #[error("cannot write the checkpoint that proves the head")]
    Checkpoint(#[source] CheckpointError),
    #[error("cannot read the journal's records")]
    Store(#[source] StoreError),
}

/// The journal in a folder, held by its only writer.
pub struct SqliteJournal {
    dir: Utf8PathBuf,
    path: Utf8PathBuf,
    conn: Connection,
    key: SigningKey,
    report: Report,
    state: State,
    /// What readers leave out; shared with them.
    skipped: Arc<RwLock<Vec<Range>>>,
    reader: Reader,
    /// The last checkpoint that was written or found.
    checkpoint: Option<Checkpoint>,
    stopped: bool,
}

/// The chain as far as it is trusted.
#[derive(Clone, Debug)]
struct State {
    head: Head,
    /// Trusted numbers, oldest first; between them lies what is skipped.
    segments: Vec<Range>,
    breaks: Vec<Break>,
    last_recorded_at: Option<Timestamp>,
}

impl State {
    /// The break that nothing was appended after yet.
    fn unresumed(&self) -> Option<&Break> {
        self.breaks.last().filter(|found| found.resumed_at.is_none())
    }

    fn skipped(&self) -> Vec<Range> {
        self.breaks.iter().map(|found| Range { first: found.first, last: found.last }).collect()
    }

    /// Takes a record that was just committed.
    fn take(&mut self, record: &Record) {
        if let Some(found) = self.breaks.last_mut()
            && found.resumed_at.is_none()
        {
            found.resumed_at = Some(record.seq);
            self.segments.push(Range { first: record.seq, last: record.seq });
        } else if let Some(segment) = self.segments.last_mut() {
            segment.last = record.seq;
        } else {
            self.segments.push(Range { first: record.seq, last: record.seq });
        }
        self.head = Head { seq: record.seq, hash: record.hash };
        self.last_recorded_at = Some(record.recorded_at);
    }
}

impl std::fmt::Debug for SqliteJournal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteJournal")
            .field("path", &self.path)
            .field("head", &self.state.head)
            .finish_non_exhaustive()
    }
}

impl SqliteJournal {
    /// Opens the journal in `dir`, which is made when it is missing, and verifies every record.
    ///
    /// A broken journal opens too: see [`Journal::health`]. A file that SQLite cannot read is set aside, and what could be verified is
    /// copied to a new one.
    ///
    /// # Errors
    /// When the folder or its files cannot be read or written, when a newer version wrote them, or when they are not a journal.
    pub fn open(dir: &Utf8Path, now: Timestamp) -> Result<Self, OpenError> {
        open::open(dir, now)
    }

    /// What the verification at opening found.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Reads for other threads, over connections of its own.
    pub fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// The hash of record `seq`; `None` when there is no such record, or it is not verified.
    pub fn verified_hash(&self, seq: u64) -> Option<Hash> {
        if !self.state.segments.iter().any(|segment| segment.contains(seq)) {
            return None;
        }
        self.conn
            .query_row("SELECT hash FROM facts WHERE seq = ?", [seq.cast_signed()], |row| {
                row.get(0)
            })
            .ok()
    }

    /// As [`verified_hash`](Self::verified_hash), of a journal in which nothing was ever skipped: what a snapshot at `seq` holds is
    /// then what the records say.
    pub fn unbroken_hash(&self, seq: u64) -> Option<Hash> {
        if self.state.breaks.is_empty() { self.verified_hash(seq) } else { None }
    }

    /// Walks over all records once more: what was changed in the file since the opening is a break from now on.
    ///
    /// What this process wrote is genuine, so the checkpoint proves it up to the head. A tail that was cut off is not found here: the
    /// next append meets it, and is final.
    ///
    /// # Errors
    /// When the file cannot be read or the checkpoint not be written; nothing has changed then.
    pub fn verify_again(&mut self, now: Timestamp) -> Result<(), VerifyAgainError> {
        let checkpoint =
            self.checkpoint_now(now).map_err(VerifyAgainError::Checkpoint)?.or(self.checkpoint);
        let Some(checkpoint) = checkpoint else { return Ok(()) };
        let walked = scan::scan(&self.conn, Ok(checkpoint))
            .map_err(|source| VerifyAgainError::Store(source.into()))?;
        if walked.head == self.state.head && walked.breaks != self.state.breaks {
            self.state.segments.clone_from(&walked.segments);
            self.state.breaks.clone_from(&walked.breaks);
            *self.skipped.write() = self.state.skipped();
            self.report = open::report(walked, Vec::new());
        }
        Ok(())
    }

    /// Writes a checkpoint when one is due: every [`CHECKPOINT_EVERY_RECORDS`], or [`CHECKPOINT_EVERY`] after the last when there
    /// are new records. Call it after each batch, and when nothing comes a few times a second.
    ///
    /// # Errors
    /// When the file cannot be written; the journal is unharmed, and the next call tries again.
    pub fn checkpoint_if_due(
        &mut self,
        now: Timestamp,
    ) -> Result<Option<Checkpoint>, CheckpointError> {
        let head = self.state.head;
        let due = self.checkpoint.is_none_or(|last| {
            let records = head.seq.saturating_sub(last.seq);
            // A clock that stepped back makes it due as well.
            let waited = now.since(last.at) >= CHECKPOINT_EVERY || now < last.at;
            records >= CHECKPOINT_EVERY_RECORDS || records > 0 && waited
        });
        if due { self.checkpoint_now(now) } else { Ok(None) }
    }

    /// Writes a checkpoint; `None` while a break waits to be resumed, whose proof it would overwrite, and after a failed write.
    ///
    /// # Errors
    /// When the file cannot be written; the journal is unharmed.
    pub fn checkpoint_now(
        &mut self,
        now: Timestamp,
    ) -> Result<Option<Checkpoint>, CheckpointError> {
        if self.stopped || self.state.unresumed().is_some() {
            return Ok(None);
        }
        let checkpoint = Checkpoint::at_head(self.state.head, now);
        checkpoint.write(&self.dir, &self.key)?;
        self.checkpoint = Some(checkpoint);
        Ok(Some(checkpoint))
    }

    /// The last checkpoint that was written or found good.
    pub fn last_checkpoint(&self) -> Option<Checkpoint> {
        self.checkpoint
    }

    /// Links `drafts`, writes them and erases the payloads of `erased`, in one transaction.
    fn write(
        &mut self,
        drafts: Vec<Draft>,
        erased: &[Range],
        now: Timestamp,
    ) -> Result<Vec<Record>, AppendError> {
        if self.stopped {
            return Err(AppendError::Stopped);
        }
        if drafts.is_empty() {
            return Ok(Vec::new());
        }
        let resuming = usize::from(self.state.unresumed().is_some());
        let records = self.link(drafts, now)?;
        if let Err(failure) = self.commit(&records, erased) {
            let error = self.explain(failure, &records);
            self.stopped = error.is_final();
            return Err(error);
        }
        for record in &records {
            self.state.take(record);
        }
        if resuming == 1 {
            *self.skipped.write() = self.state.skipped();
            // The proof of the break is in the chain now. When this fails, the next tick writes it.
            self.checkpoint = None;
            drop(self.checkpoint_now(now));
        }
        Ok(records.into_iter().skip(resuming).collect())
    }

    /// The records that `drafts` become; after a break the first is the one that resumes the chain.
    fn link(&self, drafts: Vec<Draft>, now: Timestamp) -> Result<Vec<Record>, AppendError> {
        let recorded_at = self.state.last_recorded_at.map_or(now, |last| now.max(last));
        let Head { mut seq, hash: mut prev } = self.state.head;
        let resumption = self.state.unresumed().map(|found| {
            seq = found.last;
            let range = Range { first: found.first, last: found.last };
            let actor = Actor::system("journal");
            own::draft(RESUMED_AFTER_BREAK, range, &found.reason.to_string(), actor, (seq + 1, now))
        });
        let mut records = Vec::with_capacity(drafts.len() + 1);
        for draft in resumption.into_iter().chain(drafts) {
            seq += 1;
            if seq > SEQ_MAX {
                return Err(AppendError::NoNumberLeft { max: SEQ_MAX });
            }
            let record = link(draft, seq, prev, recorded_at);
            prev = record.hash;
            records.push(record);
        }
        Ok(records)
    }

    fn commit(&mut self, records: &[Record], erased: &[Range]) -> Result<(), CommitFailure> {
        let expected = records.first().map_or(0, |record| record.seq);
        let transaction = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found: Option<i64> = transaction
            .prepare_cached("SELECT max(seq) FROM facts")?
            .query_row([], |row| row.get(0))?;
        let found = found.map_or(0, i64::cast_unsigned);
        // After a cut tail the file ends before the number that is next, never beyond it.
        let resuming = self.state.unresumed().is_some();
        if found >= expected || found + 1 < expected && !resuming {
            return Err(CommitFailure::OtherWriter { found, ours: expected - 1 });
        }
        for record in records {
            row::insert(&transaction, record)?;
        }
        for range in erased {
            transaction.execute(
                "UPDATE facts SET payload = NULL WHERE seq BETWEEN ? AND ?",
                [range.first.cast_signed(), range.last.cast_signed()],
            )?;
        }
        transaction.commit()?;
        Ok(())
    }

    fn explain(&self, failure: CommitFailure, records: &[Record]) -> AppendError {
        let path = self.path.clone();
        let source = match failure {
            CommitFailure::OtherWriter { found, ours } => {
                return AppendError::OtherWriter { path, found, ours };
            }
            CommitFailure::Store(source) => source,
        };
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => AppendError::DiskFull { path, source: source.into() },
            Some(ErrorCode::ConstraintViolation) => match self.duplicate(records) {
                Some(id) => AppendError::DuplicateId { id },
                None => AppendError::Write { path, source: source.into() },
            },
            _ => AppendError::Write { path, source: source.into() },
        }
    }

    /// The first id that is there already, or twice among `records`.
    fn duplicate(&self, records: &[Record]) -> Option<crate::fact::FactId> {
        let mut seen = std::collections::BTreeSet::new();
        let stored = |id: crate::fact::FactId| {
            let mut statement =
                self.conn.prepare_cached("SELECT 1 FROM facts WHERE id = ?").ok()?;
            statement.exists([id.as_u128().to_be_bytes()]).ok()
        };
        records
            .iter()
            .map(|record| record.id)
            .find(|id| !seen.insert(*id) || stored(*id) == Some(true))
    }

    /// The first of the journal's own records in `range`.
    fn own_record(&self, range: Range) -> rusqlite::Result<Option<u64>> {
        let found: Option<i64> = self.conn.query_row(
            "SELECT min(seq) FROM facts WHERE seq BETWEEN ? AND ? AND substr(kind, 1, length(?3)) = ?3",
            (
                range.first.cast_signed(),
                range.last.cast_signed(),
                RESERVED_PREFIX,
            ),
            |row| row.get(0),
        )?;
        Ok(found.map(i64::cast_unsigned))
    }
}

/// Why a transaction was not committed.
enum CommitFailure {
    OtherWriter { found: u64, ours: u64 },
    Store(rusqlite::Error),
}

impl From<rusqlite::Error> for CommitFailure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error)
    }
}

impl Journal for SqliteJournal {
    fn append(&mut self, drafts: Vec<Draft>, now: Timestamp) -> Result<Vec<Record>, AppendError> {
        check_drafts(&drafts)?;
        self.write(drafts, &[], now)
    }

    fn erase(&mut self, erasure: Erasure, now: Timestamp) -> Result<Vec<Record>, EraseError> {
        let ranges = check_erasure(&erasure, self.state.head.seq)?;
        for range in &ranges {
            let own = self.own_record(*range).map_err(|source| {
                EraseError::Append(self.explain(CommitFailure::Store(source), &[]))
            })?;
            if let Some(seq) = own {
                return Err(EraseError::Own { seq });
            }
        }
        let at = (self.next_seq(), now);
        let drafts = ranges
            .iter()
            .map(|range| {
                own::draft(PAYLOAD_ERASED, *range, &erasure.reason, erasure.actor.clone(), at)
            })
            .collect();
        let written = self.write(drafts, &ranges, now).map_err(EraseError::Append)?;
        // The log would keep the erased bytes until it is used again. A reader may hold it; then later.
        drop(self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())));
        Ok(written)
    }

    fn accept_break(
        &mut self,
        acceptance: Acceptance,
        now: Timestamp,
    ) -> Result<Vec<Record>, AcceptError> {
        let waiting: Vec<usize> = (0..self.state.breaks.len())
            .filter(|at| self.state.breaks[*at].accepted.is_none())
            .collect();
        if waiting.is_empty() {
            return Err(AcceptError::Nothing);
        }
        let at = (self.next_seq(), now);
        let drafts = waiting
            .iter()
            .map(|index| {
                let found = &self.state.breaks[*index];
                let range = Range { first: found.first, last: found.last };
                own::draft(BREAK_ACCEPTED, range, &acceptance.reason, acceptance.actor.clone(), at)
            })
            .collect();
        let written = self.write(drafts, &[], now).map_err(AcceptError::Append)?;
        for (index, record) in waiting.into_iter().zip(&written) {
            self.state.breaks[index].accepted = Some(Accepted {
                seq: record.seq,
                at: record.recorded_at,
                by: record.actor.clone(),
                reason: acceptance.reason.to_string(),
            });
        }
        Ok(written)
    }

    fn head(&self) -> Head {
        self.state.head
    }

    fn next_seq(&self) -> u64 {
        // The record that resumes the chain takes the first number after a break.
        self.state.unresumed().map_or(self.state.head.seq + 1, |found| found.last + 2)
    }

    fn health(&self) -> Health {
        Broken::first_of(&self.state.breaks)
    }

    fn read(&self, after: u64, limit: usize) -> Result<Vec<Record>, ReadError> {
        let verified = self.state.segments.iter().filter(|segment| segment.last > after);
        reader::read_ranges(&self.conn, &self.path, verified, after, limit)
    }
}

#[cfg(test)]
mod tests;
