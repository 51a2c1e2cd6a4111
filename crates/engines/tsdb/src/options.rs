//! How a sample store is kept.

use std::time::Duration;

use camino::Utf8PathBuf;
use model::Limits;
use wal::SyncPolicy;

/// How long after its last sample came a series counts against the limits.
pub const ACTIVE_WINDOW: Duration = Duration::from_secs(2 * 3600);

/// Of how many metric families the metadata is kept; that of further ones is not.
pub const METADATA_FAMILIES_MAX: usize = 50_000;

/// How many exemplars are kept, the newest; older ones go.
pub const EXEMPLARS_MAX: usize = 100_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Holds everything; made when absent.
    pub dir: Utf8PathBuf,
    /// How long samples are kept; `None` keeps them for ever, and takes samples of any age.
    pub retention: Option<Duration>,
    /// How much the parts may take on the disk before the oldest go; `None` is without end.
    pub retention_bytes: Option<u64>,
    /// Of these: active series in all and per service, and how far ahead of our clock a sample may be.
    pub limits: Limits,
    /// How much older than its series' newest a sample may be.
    pub out_of_order_window: Duration,
    pub sync: SyncPolicy,
    /// Appends are refused while the disk has less room than this; half of it stays for flushes and merges.
    pub free_bytes_min: u64,
    /// The head is flushed when it holds so many samples, or [`Options::HEAD_SAMPLES_PER_SERIES`] of each of its series.
    pub head_samples: u64,
    /// The head is flushed when its oldest sample came so long ago.
    pub head_age: Duration,
    /// The log is kept for those who replay it ([`crate::Tsdb::keep_from`]) up to this size.
    pub replay_bytes_max: u64,
    /// What verified sections of parts may take in memory.
    pub cache_bytes: usize,
}

impl Options {
    /// So many samples of each series make a flush worth while.
    pub const HEAD_SAMPLES_PER_SERIES: u64 = 8;

    pub fn new(dir: impl Into<Utf8PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            retention: Some(Duration::from_secs(30 * 86_400)),
            retention_bytes: None,
            limits: Limits::default(),
            out_of_order_window: Duration::from_secs(30 * 60),
            sync: SyncPolicy::default(),
            free_bytes_min: 256 << 20,
            head_samples: 3_000_000,
            head_age: Duration::from_secs(20 * 60),
            replay_bytes_max: 256 << 20,
            cache_bytes: 24 << 20,
        }
    }
}
