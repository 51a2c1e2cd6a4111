//! The journal: one append-only, hash-chained log of facts, kept for ever.
//!
//! Vocabulary. A [`Draft`] is a fact that wants to be written; a [`Record`] is one that was, with its number (`seq`,
//! from 1), its time of writing and its place in the chain. The *chain*: each record's hash covers the hash before it
//! and all of its own fields, with the hash of the payload in the payload's place, so that a payload can be
//! [erased](Journal::erase) and the chain still holds. A *checkpoint* is a signed `{seq, hash}` beside the journal; it
//! proves a cut tail. A *break* is a range of records that could not be verified; the journal goes on after it.
//!
//! A broken journal: [`SqliteJournal::open`] verifies everything. What lies before the first bad record is the *verified
//! prefix*. Sound records after a bad one are verified as well where they lead, chained to each other, to the record that
//! the checkpoint names. Where nothing proves them, the first append writes `journal.resumed_after_break`, which names the
//! range that is skipped and is chained to the last verified record, and goes on from there. [`Journal::read`] and
//! [`replay`] give the verified prefix, the proven records after a break and what was written after it, never the range
//! between. [`verify`] reports the break until [`Journal::accept_break`] has written `journal.break_accepted`; then it
//! lists it as accepted.
//!
//! **Invariant:** a record that `append` returned is on the disk, and a number is never given twice.

mod chain;
mod checkpoint;
mod fact;
mod files;
mod limits;
mod memory;
mod own;
mod port;
mod report;
mod snapshot;
mod sqlite;
mod verify;
mod walk;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use fact::{
    Draft, Fact, FactId, Hash, Head, KIND_BYTES_MAX, PAYLOAD_BYTES_MAX, Record, SEQ_MAX,
    TEXT_BYTES_MAX,
};
pub use limits::check_draft;
pub use memory::{FailAt, MemoryJournal};
pub use own::{BREAK_ACCEPTED, PAYLOAD_ERASED, RESERVED_PREFIX, RESUMED_AFTER_BREAK};
pub use port::{
    APPEND_FACTS_MAX, AcceptError, Acceptance, AppendError, ERASE_RECORDS_MAX, EraseError, Erasure,
    Journal, READ_BYTES_MAX, READ_RECORDS_MAX, ReadError, Replay, StoreError, replay,
};
pub use report::{Accepted, Break, Broken, CheckpointState, Finding, Health, Reason, Report};
pub use snapshot::{
    SNAPSHOT_BYTES_MAX, SnapshotError, SnapshotIgnored, SnapshotLookup, SnapshotStore,
};
pub use sqlite::{
    BackupError, CHECKPOINT_EVERY, CHECKPOINT_EVERY_RECORDS, FORMAT_VERSION, OpenError, Order,
    Page, Query, Reader, SqliteJournal, VerifyAgainError, backup,
};
pub use verify::{VerifyError, verify};
