//! What the store's methods take and return, and how they fail.

use std::{collections::BTreeMap, io};

use camino::Utf8PathBuf;
use model::{HistogramSeries, KeyedSample, Labels, Metadata, Series, SeriesExemplars};
use wal::{Damage, Position};

/// What one request brings.
#[derive(Clone, Copy, Debug, Default)]
pub struct Incoming<'a> {
    pub series: &'a [Series],
    pub histograms: &'a [HistogramSeries],
    pub exemplars: &'a [SeriesExemplars],
    pub metadata: &'a [Metadata],
}

/// What one remote-write request brings, its series by hash.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyedBatch<'a> {
    /// A 128-bit hash of each series' raw label bytes; strong enough that two series never share one, and keyed, so that no
    /// sender can make two that do. 0 stands for no hash.
    pub keys: &'a [u128],
    pub samples: &'a [KeyedSample],
}

/// What an append did.
#[derive(Debug, Default)]
pub struct Appended {
    /// Where the log stands after it.
    pub position: Position,
    /// How many samples were taken, of both kinds.
    pub samples: u64,
    /// How many samples were there already, with the same value.
    pub duplicates: u64,
    /// What was taken, merged by labels: by [`crate::Tsdb::append`] all floats, by [`crate::Tsdb::append_keyed`] those of the
    /// watched series.
    pub stored: Vec<Series>,
    /// The native histograms that were taken, merged by labels.
    pub stored_histograms: Vec<HistogramSeries>,
    /// Of each distinct emitter in the request ([`model::Emitter`]) the labels of one series, and the time of its newest sample.
    pub heard: Vec<(Labels, i64)>,
    /// Exemplars that were taken.
    pub exemplars: Vec<SeriesExemplars>,
    /// What was refused, one entry for each reason and service.
    pub refused: Vec<Refused>,
    /// Why exemplars or metadata, which come last, could not be kept although the samples were. Whoever counts the samples
    /// counts them now; whoever sent them should send all of it again.
    pub failed: Option<AppendError>,
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
    /// Each of them: its series' place in the request (the first of its labels), and its time in milliseconds. Histograms'
    /// places come after the series'. At most [`Refused::PLACES_MAX`].
    pub places: Vec<(usize, i64)>,
    /// For people: what was refused, why, the limit, its setting and, for a limit on series, the offending label.
    pub message: String,
}

impl Refused {
    /// The most places that are listed.
    pub const PLACES_MAX: usize = 100_000;
}

/// Why nothing of an append was taken.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    #[error("cannot append the samples to the write-ahead log")]
    Wal(#[source] wal::AppendError),
    #[error("cannot note new series in the registry")]
    Registry(#[source] wal::AppendError),
    #[error("cannot keep the exemplars")]
    Exemplars(#[source] wal::AppendError),
    #[error(
        "{samples} samples are in memory and cannot be written into parts; there is no room for more"
    )]
    Backlog { samples: u64 },
}

impl AppendError {
    /// Whether the disk is full, so that the sender should come again later.
    pub fn is_no_room(&self) -> bool {
        match self {
            Self::Wal(source) | Self::Registry(source) | Self::Exemplars(source) => {
                source.is_no_room()
            }
            Self::Backlog { .. } => true,
        }
    }
}

/// A stretch of a part that cannot be read: what it held is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartDamage {
    pub part: u64,
    pub path: Utf8PathBuf,
    pub offset: u64,
    pub bytes: u64,
    /// How many samples are missing with it.
    pub samples: u64,
    /// Between these times, in Unix milliseconds.
    pub min_ms: i64,
    pub max_ms: i64,
    pub what: String,
    /// The file that keeps a copy of the bytes; `None` when none could be written.
    pub quarantined: Option<Utf8PathBuf>,
}

/// What opening found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    pub series: usize,
    pub parts: usize,
    /// Samples read again from the write-ahead log; those in parts are not touched.
    pub samples_replayed: u64,
    /// Of the logs.
    pub damage: Damage,
    pub parts_damaged: Vec<PartDamage>,
    /// Whole records that this build could not understand.
    pub undecodable: u64,
    /// Samples in the log whose series the registry does not know (any more).
    pub orphans: u64,
    /// Samples taken over from the layout of version 0.1.
    pub migrated: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot open the write-ahead log of the samples")]
    Wal(#[source] wal::OpenError),
    #[error("cannot open the registry of series")]
    Registry(#[source] wal::OpenError),
    #[error("cannot open the log of exemplars")]
    Exemplars(#[source] wal::OpenError),
    #[error("cannot open the blocks of samples of the old layout")]
    Blocks(#[source] wal::OpenError),
    #[error("cannot read a log of samples")]
    Read(#[source] wal::ReadError),
    #[error("cannot use the directory `{path}`")]
    Directory {
        path: Utf8PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the manifest `{path}` has version {found}; this build reads {max} and older")]
    Version { path: Utf8PathBuf, found: u8, max: u8 },
    #[error("cannot take the samples of the old layout over into parts")]
    Migrate(#[source] MaintainError),
}

#[derive(Debug, thiserror::Error)]
pub enum SelectError {
    #[error("cannot read the part `{path}`")]
    Read {
        path: Utf8PathBuf,
        #[source]
        source: io::Error,
    },
}

/// Why a series' samples cannot be read. Damage is no error but a warning.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the part `{path}`")]
pub struct ReadError {
    pub(crate) path: Utf8PathBuf,
    #[source]
    pub(crate) source: io::Error,
}

#[derive(Debug, thiserror::Error)]
pub enum TickError {
    #[error("cannot sync the write-ahead log of the samples")]
    Sync(#[source] wal::SyncError),
    #[error("cannot sync the registry of series")]
    Registry(#[source] wal::SyncError),
    #[error("cannot sync the exemplars")]
    Exemplars(#[source] wal::SyncError),
}

/// Why parts could not be written, merged or dropped. Nothing is lost by it; it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum MaintainError {
    #[error("cannot write the file `{path}`")]
    Write {
        path: Utf8PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot read the part `{path}`")]
    Read {
        path: Utf8PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the disk has {free_bytes} bytes left; flushes and merges leave {reserve} alone")]
    NoRoom { free_bytes: u64, reserve: u64 },
    #[error("cannot sync the registry of series")]
    Registry(#[source] wal::SyncError),
    #[error("cannot write the registry of series")]
    RegistryAppend(#[source] wal::AppendError),
    #[error("cannot begin a new segment of the write-ahead log")]
    Rotate(#[source] wal::AppendError),
    #[error("cannot drop old segments of a log of samples")]
    Drop(#[source] wal::DropError),
}

/// What [`crate::Tsdb::maintain`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Maintained {
    /// Samples written from memory into parts.
    pub flushed: u64,
    /// Parts that were merged.
    pub merged: usize,
    /// Parts that retention dropped.
    pub dropped: usize,
    /// Series that have no sample any more and were forgotten.
    pub series_forgotten: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum DeleteError {
    #[error("cannot flush the samples in memory before the deletion")]
    Flush(#[source] MaintainError),
    #[error("cannot note the deletion")]
    Manifest(#[source] MaintainError),
    #[error("there are {limit} deletions that have not been carried out yet; try again later")]
    TooMany { limit: usize },
}

/// What a deletion covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    pub series: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error("cannot flush the samples in memory before the snapshot")]
    Flush(#[source] MaintainError),
    #[error("cannot write `{path}` of the snapshot")]
    Write {
        path: Utf8PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot sync the registry of series")]
    Registry(#[source] wal::SyncError),
}

/// What a replay saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// Records visited.
    pub records: u64,
    /// Whether the log still had everything after the position; when not, what is missing was dropped.
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

/// Samples that were refused for one reason of one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedBy {
    pub reason: RefusedReason,
    /// Empty when the series have none; [`RefusedBy::OTHER`] for all that are not told apart.
    pub service: Box<str>,
    /// The label that exploded, for a limit on series; empty where none is to blame.
    pub label: Box<str>,
    pub samples: u64,
}

impl RefusedBy {
    /// Stands for the services and labels beyond the most that are told apart.
    pub const OTHER: &str = "other";
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Series with samples in the store.
    pub series: usize,
    pub series_active: usize,
    /// In parts and in memory; one that was sent twice may count twice until a merge.
    pub samples: u64,
    /// On the disk, all in.
    pub bytes: u64,
    /// Of which the write-ahead log, the registry and the parts.
    pub wal_bytes: u64,
    pub registry_bytes: u64,
    pub part_bytes: u64,
    pub parts: usize,
    /// The oldest and the newest sample in parts and in memory; `None` without samples.
    pub min_ms: Option<i64>,
    pub max_ms: Option<i64>,
    /// Samples in memory, and what they take.
    pub head_samples: u64,
    pub head_bytes: u64,
    /// What the registry, its index and what appends need to know take in memory, about.
    pub index_bytes: u64,
    pub exemplars: usize,
    /// Deletions that merges have not carried out yet.
    pub tombstones: usize,
    /// Since opening, by reason.
    pub refused: BTreeMap<RefusedReason, u64>,
    /// The same by service and label, in that order: at most 20 of each reason, and one for the others.
    pub refused_by: Vec<RefusedBy>,
    pub duplicates: u64,
    /// The labels with the most distinct values, at most 10, most first.
    pub labels: Vec<Offender>,
    /// The services with the most active series, at most 10, most first.
    pub services: Vec<Offender>,
    /// Of the logs, when the store was opened.
    pub damage: Damage,
    /// Of the parts, since then.
    pub parts_damaged: Vec<PartDamage>,
    /// How many there are of them; the list is bounded.
    pub parts_damaged_total: u64,
}

/// What [`crate::Tsdb::verify`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    pub parts: usize,
    pub sections: u64,
    pub samples: u64,
    pub records: u64,
    pub damage: Damage,
    pub parts_damaged: Vec<PartDamage>,
}

impl Verified {
    pub fn is_sound(&self) -> bool {
        self.damage.is_none() && self.parts_damaged.is_empty()
    }
}
