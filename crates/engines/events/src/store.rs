//! The store's face.

use std::sync::Arc;

use model::{LogRecord, Span, Timestamp, TraceId};
use wal::{Damage, Disk, Position};

use crate::{Found, LogQuery, Options, SpanQuery};

/// The store of spans and logs. All methods take `&self` and may be called from many threads.
#[derive(Debug)]
pub struct Events {}

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

impl Events {
    /// Opens or makes the store and reads what a killed process left.
    pub fn open(
        _options: Options,
        _disk: Arc<dyn Disk>,
        _now: Timestamp,
    ) -> Result<(Self, Recovery), OpenError> {
        unimplemented!()
    }

    /// Takes one request's spans and logs; on return they survive a killed process.
    ///
    /// One call is one record of the log: after a kill all of it is there or nothing. Returns where the log stands.
    pub fn append(
        &self,
        _received_at: Timestamp,
        _spans: &[Span],
        _logs: &[LogRecord],
    ) -> Result<Position, AppendError> {
        unimplemented!()
    }

    /// Visits what was appended after `from`, in order.
    pub fn replay(
        &self,
        _from: Position,
        _visit: impl FnMut(Timestamp, Vec<Span>, Vec<LogRecord>),
    ) -> Result<Replay, ReplayError> {
        unimplemented!()
    }

    /// A position after which everything lies that was received at or after `time`.
    pub fn position_at(&self, _time: Timestamp) -> Position {
        unimplemented!()
    }

    /// Where the log stands.
    pub fn position(&self) -> Position {
        unimplemented!()
    }

    pub fn spans(&self, _query: &SpanQuery) -> Result<Found<Span>, QueryError> {
        unimplemented!()
    }

    /// The spans of one trace by start time, at most [`crate::QUERY_ITEMS_MAX`].
    pub fn trace(&self, _trace: TraceId) -> Result<Found<Span>, QueryError> {
        unimplemented!()
    }

    pub fn logs(&self, _query: &LogQuery) -> Result<Found<LogRecord>, QueryError> {
        unimplemented!()
    }

    pub fn stats(&self) -> Stats {
        unimplemented!()
    }

    /// Syncs when it is due and drops what is older than the retention or over the size; call it every 100 ms or so.
    pub fn tick(&self, _now: Timestamp) -> Result<Tick, TickError> {
        unimplemented!()
    }

    /// Forces everything appended to the disk.
    pub fn sync(&self) -> Result<(), wal::SyncError> {
        unimplemented!()
    }
}
