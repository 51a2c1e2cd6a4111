//! What the rest asks of a journal.

use std::ops::RangeInclusive;

use camino::Utf8PathBuf;
use model::{Actor, Timestamp};

use crate::{
    fact::{Draft, FactId, Head, Record},
    report::Health,
};

/// The most facts in one append.
pub const APPEND_FACTS_MAX: usize = 10_000;
/// The most records that one erasure may name.
pub const ERASE_RECORDS_MAX: u64 = 100_000;
/// The most records that one read gives.
pub const READ_RECORDS_MAX: usize = 10_000;
/// One read ends early when it holds this many bytes of payload.
pub const READ_BYTES_MAX: usize = 32 << 20;

/// The store's own word on what went wrong.
pub type StoreError = Box<dyn std::error::Error + Send + Sync>;

/// An append-only, hash-chained log of facts with one writer.
pub trait Journal: Send {
    /// Writes `drafts` in one transaction: all are on the disk when this returns, or none is.
    ///
    /// `recorded_at` is `now`, or the last record's when the clock stepped back.
    ///
    /// # Errors
    /// When [`AppendError::is_final`], whether the facts are on the disk is not known and the process must stop; else
    /// nothing was written and the journal goes on.
    fn append(&mut self, drafts: Vec<Draft>, now: Timestamp) -> Result<Vec<Record>, AppendError>;

    /// Erases payloads, and writes a `journal.payload_erased` per range in the same transaction; those are returned.
    ///
    /// The chain covers the payloads' hashes and still holds. What was erased before is erased again without harm.
    ///
    /// # Errors
    /// When a range names what is not there, the journal's own facts, or too much; or when writing fails.
    fn erase(&mut self, erasure: Erasure, now: Timestamp) -> Result<Vec<Record>, EraseError>;

    /// Accepts every break that nobody has accepted yet, by a `journal.break_accepted` for each, which are returned.
    ///
    /// # Errors
    /// When there is nothing to accept, or when writing fails.
    fn accept_break(
        &mut self,
        acceptance: Acceptance,
        now: Timestamp,
    ) -> Result<Vec<Record>, AcceptError>;

    /// The last verified record.
    fn head(&self) -> Head;

    /// The number that the first fact of the next append gets. Not always `head().seq + 1`: after a break the
    /// numbers of the skipped range are not given again.
    fn next_seq(&self) -> u64;

    /// Whether every record is verified, or every break accepted.
    fn health(&self) -> Health;

    /// Verified records after number `after`, oldest first, at most `limit` and [`READ_RECORDS_MAX`] of them.
    ///
    /// May give fewer when payloads are large; only an empty answer is the end.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn read(&self, after: u64, limit: usize) -> Result<Vec<Record>, ReadError>;
}

/// Which payloads to erase, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    pub ranges: Vec<RangeInclusive<u64>>,
    pub reason: Box<str>,
    pub actor: Actor,
}

/// Who accepts that a broken range is skipped, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptance {
    pub reason: Box<str>,
    pub actor: Actor,
}

/// Why facts were not written.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    #[error("a batch of {facts} facts; at most {max} are written at once")]
    TooMany { facts: usize, max: usize },
    #[error("the {field} of a fact `{kind}` has {bytes} bytes; at most {max} are allowed")]
    TooLong { kind: Box<str>, field: &'static str, bytes: usize, max: usize },
    #[error(
        "`{kind}` is not a kind of fact; write lowercase words with dots, such as `incident.opened`"
    )]
    BadKind { kind: Box<str> },
    #[error("kind `{kind}` belongs to the journal itself")]
    ReservedKind { kind: Box<str> },
    #[error("fact `{id}` is already in the journal, or twice in the batch")]
    DuplicateId { id: FactId },
    #[error("the journal has no number left below {max}")]
    NoNumberLeft { max: u64 },
    /// Nothing was written; when space is there again, the same batch can be written.
    #[error("no space left for the journal `{path}`")]
    DiskFull {
        path: Utf8PathBuf,
        #[source]
        source: StoreError,
    },
    #[error("cannot write the journal `{path}`")]
    Write {
        path: Utf8PathBuf,
        #[source]
        source: StoreError,
    },
    #[error("someone else wrote to the journal `{path}`: it ends at {found}, not at {ours}")]
    OtherWriter { path: Utf8PathBuf, found: u64, ours: u64 },
    #[error("the journal takes no more facts, because an earlier write failed")]
    Stopped,
}

impl AppendError {
    /// Whether the process must stop: what is on the disk is not known any more.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Write { .. } | Self::OtherWriter { .. } | Self::Stopped => true,
            Self::TooMany { .. }
            | Self::TooLong { .. }
            | Self::BadKind { .. }
            | Self::ReservedKind { .. }
            | Self::DuplicateId { .. }
            | Self::NoNumberLeft { .. }
            | Self::DiskFull { .. } => false,
        }
    }
}

/// Why payloads were not erased.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    #[error("records {first} to {last} are not all in the journal; it ends at {head}")]
    NotThere { first: u64, last: u64, head: u64 },
    #[error("record {seq} is the journal's own and keeps its payload")]
    Own { seq: u64 },
    #[error("{records} records; at most {max} are erased at once")]
    TooMany { records: u64, max: u64 },
    #[error("cannot record the erasure")]
    Append(#[source] AppendError),
}

/// Why a break was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    #[error("the journal has no break that waits to be accepted")]
    Nothing,
    #[error("cannot record the acceptance")]
    Append(#[source] AppendError),
}

/// Why records were not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("cannot read the journal `{path}`")]
    Store {
        path: Utf8PathBuf,
        #[source]
        source: StoreError,
    },
    #[error("record {seq} of the journal `{path}` cannot be read: {what}")]
    Record { path: Utf8PathBuf, seq: i64, what: String },
}

/// All verified records after `after`, oldest first, read a page at a time.
pub fn replay(journal: &dyn Journal, after: u64) -> Replay<'_> {
    Replay { journal, after, page: Vec::new().into_iter(), done: false }
}

/// See [`replay`]; ends after the first error.
pub struct Replay<'a> {
    journal: &'a dyn Journal,
    after: u64,
    page: std::vec::IntoIter<Record>,
    done: bool,
}

impl Replay<'_> {
    const PAGE_RECORDS: usize = 1_000;
}

impl std::fmt::Debug for Replay<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replay").field("after", &self.after).finish_non_exhaustive()
    }
}

impl Iterator for Replay<'_> {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.len() == 0 && !self.done {
            match self.journal.read(self.after, Self::PAGE_RECORDS) {
                Ok(page) => self.page = page.into_iter(),
                Err(error) => {
                    self.done = true;
                    return Some(Err(error));
                }
            }
        }
        let record = self.page.next();
        match &record {
            Some(record) => self.after = record.seq,
            None => self.done = true,
        }
        record.map(Ok)
    }
}
