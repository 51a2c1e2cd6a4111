//! How a sample store is kept.

use std::time::Duration;

use camino::Utf8PathBuf;
use model::Limits;
use wal::SyncPolicy;

/// How long after its last sample came a series counts against the limits.
pub const ACTIVE_WINDOW: Duration = Duration::from_secs(2 * 3600);

/// Of how many metric families the metadata is kept; that of further ones is not.
pub const METADATA_FAMILIES_MAX: usize = 50_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Holds `wal/` and `blocks/`; made when absent.
    pub dir: Utf8PathBuf,
    /// How long samples are kept; `None` keeps them for ever.
    pub retention: Option<Duration>,
    /// Of these: active series in all and per service, and how far ahead of our clock a sample may be.
    pub limits: Limits,
    /// How much older than its series' newest a sample may be.
    pub out_of_order_window: Duration,
    pub sync: SyncPolicy,
    /// The most samples that one `select` returns: `query.max_samples`.
    pub select_samples_max: usize,
    /// Appends are refused while the disk has less room than this.
    pub free_bytes_min: u64,
    /// A checkpoint is due when the write-ahead log holds this much that no checkpoint covers, and the series have enough
    /// samples to make it worth while; a restart reads little more than that.
    pub checkpoint_bytes: u64,
    /// A checkpoint is due when there are samples that no checkpoint covers, and the last one is this old.
    pub checkpoint_age: Duration,
    /// The write-ahead log is kept at least this long, so that others can replay it from their own checkpoints.
    pub replay_window: Duration,
}

impl Options {
    pub fn new(dir: impl Into<Utf8PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            retention: Some(Duration::from_secs(30 * 86_400)),
            limits: Limits::default(),
            out_of_order_window: Duration::from_secs(30 * 60),
            sync: SyncPolicy::default(),
            select_samples_max: 50_000_000,
            free_bytes_min: 256 << 20,
            checkpoint_bytes: 8 << 20,
            checkpoint_age: Duration::from_secs(2 * 3600),
            replay_window: Duration::from_secs(3600),
        }
    }
}
