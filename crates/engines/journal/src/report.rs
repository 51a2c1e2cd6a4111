//! What a verification found.

use std::fmt;

use model::{Actor, Timestamp};

use crate::fact::Head;

/// What [`crate::verify`] found. It is whole when nothing is wrong but what a person has accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How many records were read.
    pub records: u64,
    /// The last verified record.
    pub head: Head,
    pub checkpoint: CheckpointState,
    /// What is wrong outside accepted breaks, by number; at most [`Report::FINDINGS_MAX`].
    pub findings: Vec<Finding>,
    /// How many findings more there were.
    pub findings_omitted: u64,
    /// All ranges that are or will be skipped, accepted or not, oldest first.
    pub breaks: Vec<Break>,
    /// What the store says of its own file and indexes; empty when it is sound.
    pub file_problems: Vec<String>,
}

impl Report {
    pub const FINDINGS_MAX: usize = 100_000;

    pub fn is_whole(&self) -> bool {
        self.findings.is_empty()
            && self.findings_omitted == 0
            && self.file_problems.is_empty()
            && self.breaks.iter().all(|found| found.accepted.is_some())
    }
}

/// Records `first` to `last` are not as they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub first: u64,
    pub last: u64,
    pub reason: Reason,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "record {}: {}", self.first, self.reason)
        } else {
            write!(f, "records {} to {}: {}", self.first, self.last, self.reason)
        }
    }
}

/// What is wrong with a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The payload does not give the hash that was recorded with it.
    PayloadChanged,
    /// The payload is gone, and no fact says that it was erased.
    PayloadMissing,
    /// A payload that a fact says was erased is there.
    PayloadBack,
    /// A field, or the hash itself, was changed: the fields do not give the hash.
    FieldsChanged,
    /// The row cannot be read as a record.
    Unreadable { what: String },
    /// The row stood at number `from`.
    Moved { from: u64 },
    /// Nothing is there, though later records are.
    Removed,
    /// Nothing is there, though the signed checkpoint names a later record.
    CutTail,
    /// It is sound by itself, but the record after it was chained to another: it, or records before it too, were written anew.
    Rewritten,
    /// Its hash is not that of the signed checkpoint: it, or records before it too, were written anew.
    CheckpointDiffers,
    /// There is no checkpoint: records after the last one could be missing.
    CheckpointMissing,
    /// The checkpoint cannot be read: records after the last one could be missing.
    CheckpointUnreadable { what: String },
    /// The checkpoint is not signed by this journal's key: records after the last one could be missing.
    CheckpointForged,
    /// The database file is damaged here.
    Damaged { what: String },
    /// Skipped when the journal resumed after an earlier break; as it lies there now, it is chained as it should be.
    Skipped,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PayloadChanged => f.write_str("the payload was changed"),
            Self::PayloadMissing => f.write_str("the payload is gone, and no fact says that it was erased"),
            Self::PayloadBack => f.write_str("an erased payload is there again"),
            Self::FieldsChanged => f.write_str("a field or the hash was changed"),
            Self::Unreadable { what } => write!(f, "not readable: {what}"),
            Self::Moved { from } => write!(f, "moved here from {from}"),
            Self::Removed => f.write_str("removed"),
            Self::CutTail => f.write_str("cut off: the signed checkpoint names a later record"),
            Self::Rewritten => {
                f.write_str("written anew, perhaps with records before it: its successor was chained to another")
            }
            Self::CheckpointDiffers => {
                f.write_str("written anew, perhaps with records before it: the signed checkpoint has another hash")
            }
            Self::CheckpointMissing => f.write_str("the checkpoint is missing, so records from here on may be too"),
            Self::CheckpointUnreadable { what } => {
                write!(f, "the checkpoint is not readable ({what}), so records from here on may be missing")
            }
            Self::CheckpointForged => {
                f.write_str("the checkpoint is not signed by this journal's key, so records from here on may be missing")
            }
            Self::Damaged { what } => write!(f, "the file is damaged from here on: {what}"),
            Self::Skipped => f.write_str("skipped when the journal resumed after a break"),
        }
    }
}

/// A range of numbers that is not trusted, and not replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    pub first: u64,
    /// `first - 1` when no record is known to be bad, but the checkpoint proves nothing.
    pub last: u64,
    /// The first thing found in it.
    pub reason: Reason,
    /// The `journal.resumed_after_break`; `None` as long as nothing was appended after the break.
    pub resumed_at: Option<u64>,
    pub accepted: Option<Accepted>,
}

/// A person's word that a break is known and skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub seq: u64,
    pub at: Timestamp,
    pub by: Actor,
    pub reason: String,
}

/// What the checkpoint beside the journal proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckpointState {
    /// Signed, and in accord with the journal or within a skipped range.
    Holds { seq: u64, at: Timestamp },
    /// Signed, but the journal has other records, or fewer.
    Contradicts { seq: u64, at: Timestamp },
    /// Missing, unreadable or forged; and the journal has records.
    Proves(Reason),
    /// A journal without a record has no need of one.
    NotNeeded,
}

/// Whether the journal can be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    Whole,
    Broken(Broken),
}

impl Health {
    pub fn is_whole(&self) -> bool {
        *self == Self::Whole
    }
}

/// The first break that nobody has accepted. Gates are inconclusive and actions refused as long as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    pub first_bad_seq: u64,
    pub last_bad_seq: u64,
    pub reason: Reason,
    /// The last record before the break; replay goes up to here, and on after the break when it was resumed.
    pub verified_through: u64,
    pub resumed_at: Option<u64>,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "journal broken at record {}: {}", self.first_bad_seq, self.reason)
    }
}

impl Broken {
    /// The first of `breaks` that is not accepted.
    pub(crate) fn first_of(breaks: &[Break]) -> Health {
        breaks.iter().find(|found| found.accepted.is_none()).map_or(Health::Whole, |found| {
            Health::Broken(Self {
                first_bad_seq: found.first,
                last_bad_seq: found.last,
                reason: found.reason.clone(),
                verified_through: found.first - 1,
                resumed_at: found.resumed_at,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    #[test]
    fn findings_name_the_record() {
        let check = |first, last, reason| Finding { first, last, reason }.to_string();
        assert_snapshot!(check(7, 7, Reason::PayloadChanged), @"record 7: the payload was changed");
        assert_snapshot!(check(7, 9, Reason::Removed), @"records 7 to 9: removed");
        assert_snapshot!(check(3, 3, Reason::Moved { from: 5 }), @"record 3: moved here from 5");
    }
}
