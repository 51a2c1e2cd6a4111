//! What the store's methods return, and how they fail.

use std::collections::BTreeMap;

use model::Series;
use wal::{Damage, Position};

/// What an append did.
#[derive(Clone, Debug, PartialEq)]
pub struct Appended {
    /// Where the log stands after it.
    pub position: Position,
    /// How many samples were taken.
    pub samples: u64,
    /// How many samples were there already, with the same value.
    pub duplicates: u64,
    /// What was taken, merged by labels: exactly what [`crate::Tsdb::replay`] will give.
    pub stored: Vec<Series>,
    /// What was refused, one entry for each reason and service.
    pub refused: Vec<Refused>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RefusedReason {
    /// A new series over `limits.max_active_series`.
    SeriesLimit,
    /// A new series over `limits.max_active_series_per_service`.
    SeriesPerServiceLimit,
    /// Older than the series' newest by more than the out-of-order window.
    OutOfOrder,
    /// Older than the retention.
    TooOld,
    /// Ahead of our clock by more than `limits.max_future_seconds`.
    TooFarInFuture,
    /// There is a sample of that time with another value.
    Duplicate,
}

impl RefusedReason {
    /// As a metric's label has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SeriesLimit => "series_limit",
            Self::SeriesPerServiceLimit => "series_per_service_limit",
            Self::OutOfOrder => "out_of_order",
            Self::TooOld => "too_old",
            Self::TooFarInFuture => "too_far_in_future",
            Self::Duplicate => "duplicate",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub reason: RefusedReason,
    /// The service of the refused series; empty when it has none.
    pub service: Box<str>,
    /// Samples.
    pub samples: u64,
    /// Each of them: its series' place in the request (the first of its labels), and its time in milliseconds.
    pub places: Vec<(usize, i64)>,
    /// For people: what was refused, why, the limit, its setting and, for a limit on series, the offending label.
    pub message: String,
}

/// Why nothing of an append was taken.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    #[error("cannot append the samples to the write-ahead log")]
    Wal(#[source] wal::AppendError),
}

/// What opening found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    pub series: usize,
    /// Samples read again from the write-ahead log; those in blocks are not touched.
    pub samples_replayed: u64,
    pub damage: Damage,
    /// Whole records that this build could not understand.
    pub undecodable: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot open the write-ahead log of the samples")]
    Wal(#[source] wal::OpenError),
    #[error("cannot open the blocks of samples")]
    Blocks(#[source] wal::OpenError),
    #[error("cannot read the samples")]
    Read(#[source] wal::ReadError),
}

/// What a query found.
#[derive(Clone, Debug, PartialEq)]
pub struct Selected {
    /// Sorted by labels; samples sorted by time; series without samples in the range left out.
    pub series: Vec<Series>,
    /// How many blocks could not be read: what they held is missing from the answer.
    pub damaged_blocks: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum SelectError {
    #[error("the query reads more than {limit} samples; narrow it or raise `query.max_samples`")]
    TooManySamples { limit: usize },
    #[error("cannot read a block of samples")]
    Read(#[source] wal::ReadError),
}

/// Why a checkpoint could not be written.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    #[error("cannot append a block of samples")]
    Append(#[source] wal::AppendError),
    #[error("cannot sync the blocks of samples")]
    Sync(#[source] wal::SyncError),
    #[error("cannot drop old segments of samples")]
    Drop(#[source] wal::DropError),
}

#[derive(Debug, thiserror::Error)]
pub enum TickError {
    #[error("cannot sync the write-ahead log of the samples")]
    Sync(#[source] wal::SyncError),
    #[error("cannot checkpoint the samples")]
    Checkpoint(#[source] BlockError),
    #[error("cannot drop old segments of samples")]
    Drop(#[source] wal::DropError),
}

/// What a tick did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tick {
    pub checkpointed: bool,
    pub series_dropped: usize,
    pub segments_dropped: usize,
}

/// What a replay saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// Records visited.
    pub records: u64,
    /// Whether the log still had everything after the position; when not, what is missing was dropped by age.
    pub complete: bool,
    pub damage: Damage,
    pub undecodable: u64,
}

#[derive(Debug, thiserror::Error)]
#[error("cannot replay the write-ahead log of the samples")]
pub struct ReplayError(#[source] pub(crate) wal::ReadError);

/// Who fills the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offender {
    pub name: Box<str>,
    pub count: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Series with samples in the store.
    pub series: usize,
    pub series_active: usize,
    pub samples: u64,
    /// On the disk.
    pub bytes: u64,
    /// The compressed chunks in memory; labels and index come on top.
    pub head_bytes: u64,
    /// Since opening, by reason.
    pub refused: BTreeMap<RefusedReason, u64>,
    /// The labels with the most distinct values, at most 10, most first.
    pub labels: Vec<Offender>,
    /// The services with the most active series, at most 10, most first.
    pub services: Vec<Offender>,
    pub damage: Damage,
}
