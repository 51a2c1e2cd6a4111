//! The journal as the control thread uses it: with a checkpoint that proves a cut tail.

use journal::{CheckpointError, Hash, Journal, MemoryJournal, SqliteJournal};
use model::Timestamp;

/// A journal that can be told to write its checkpoint.
pub trait Ledger: Journal {
    /// Writes the signed checkpoint when it is due, or in any case when `now_or_never`.
    ///
    /// # Errors
    /// When the file cannot be written; the journal is unharmed.
    fn checkpoint(&mut self, now: Timestamp, now_or_never: bool) -> Result<(), CheckpointError>;

    /// Looks for what was changed in the journal under the running process.
    ///
    /// # Errors
    /// When it cannot be read.
    fn verify_again(&mut self, _now: Timestamp) -> Result<(), journal::VerifyAgainError> {
        Ok(())
    }

    /// The hash of record `seq`, when a snapshot that stands at it may be used.
    fn snapshot_hash(&self, seq: u64) -> Option<Hash>;
}

impl Ledger for SqliteJournal {
    fn checkpoint(&mut self, now: Timestamp, now_or_never: bool) -> Result<(), CheckpointError> {
        if now_or_never { self.checkpoint_now(now) } else { self.checkpoint_if_due(now) }.map(drop)
    }

    fn verify_again(&mut self, now: Timestamp) -> Result<(), journal::VerifyAgainError> {
        Self::verify_again(self, now)
    }

    fn snapshot_hash(&self, seq: u64) -> Option<Hash> {
        self.unbroken_hash(seq)
    }
}

/// Memory has no tail to cut.
impl Ledger for MemoryJournal {
    fn checkpoint(&mut self, _now: Timestamp, _now_or_never: bool) -> Result<(), CheckpointError> {
        Ok(())
    }

    fn snapshot_hash(&self, _seq: u64) -> Option<Hash> {
        None
    }
}
