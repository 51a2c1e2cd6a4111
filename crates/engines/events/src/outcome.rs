//! What the store's methods return, and how they fail.

use model::Timestamp;
use wal::Damage;

/// What opening found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    pub records: u64,
    pub spans: u64,
    pub logs: u64,
    pub damage: Damage,
    /// Whole records that this build could not understand.
    pub undecodable: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot open the log of spans and logs")]
    Wal(#[source] wal::OpenError),
    #[error("cannot read the log of spans and logs")]
    Read(#[source] wal::ReadError),
}

/// Why nothing of an append was taken.
#[derive(Debug, thiserror::Error)]
#[error("cannot append the spans and logs")]
pub struct AppendError(#[source] pub wal::AppendError);

#[derive(Debug, thiserror::Error)]
#[error("cannot read the spans and logs")]
pub struct QueryError(#[source] pub(crate) wal::ReadError);

#[derive(Debug, thiserror::Error)]
#[error("cannot replay the spans and logs")]
pub struct ReplayError(#[source] pub(crate) wal::ReadError);

#[derive(Debug, thiserror::Error)]
pub enum TickError {
    #[error("cannot sync the spans and logs")]
    Sync(#[source] wal::SyncError),
    #[error("cannot drop old spans and logs")]
    Drop(#[source] wal::DropError),
}

/// What a tick did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tick {
    pub segments_dropped: usize,
}

/// What a replay saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// Records visited.
    pub records: u64,
    /// Whether the log still had everything after the position; when not, what is missing was dropped by age or size.
    pub complete: bool,
    pub damage: Damage,
    pub undecodable: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub records: u64,
    pub spans: u64,
    pub logs: u64,
    /// On the disk.
    pub bytes: u64,
    pub granules: usize,
    /// What the index takes in memory, about.
    pub index_bytes: u64,
    /// When the oldest record that is kept was received.
    pub oldest: Option<Timestamp>,
    pub damage: Damage,
}
