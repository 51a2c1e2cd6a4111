//! The journal as the control thread uses it: with a checkpoint that proves a cut tail.

use journal::{CheckpointError, Journal, MemoryJournal, SqliteJournal};
use model::Timestamp;

/// A journal that can be told to write its checkpoint.
pub trait Ledger: Journal {
    /// Writes the signed checkpoint when it is due, or in any case when `now_or_never`.
    ///
    /// # Errors
    /// When the file cannot be written; the journal is unharmed.
    fn checkpoint(&mut self, now: Timestamp, now_or_never: bool) -> Result<(), CheckpointError>;
}

impl Ledger for SqliteJournal {
    fn checkpoint(&mut self, now: Timestamp, now_or_never: bool) -> Result<(), CheckpointError> {
        if now_or_never { self.checkpoint_now(now) } else { self.checkpoint_if_due(now) }.map(drop)
    }
}

/// Memory has no tail to cut.
impl Ledger for MemoryJournal {
    fn checkpoint(&mut self, _now: Timestamp, _now_or_never: bool) -> Result<(), CheckpointError> {
        Ok(())
    }
}
