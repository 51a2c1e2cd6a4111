//! How the store of spans and logs is kept.

use std::time::Duration;

use camino::Utf8PathBuf;
use wal::SyncPolicy;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Holds the segments; made when absent.
    pub dir: Utf8PathBuf,
    /// How long records are kept; `None` keeps them until `bytes_max`.
    pub retention: Option<Duration>,
    /// The oldest segments go when the store holds more than this; the segment being written stays.
    pub bytes_max: Option<u64>,
    pub sync: SyncPolicy,
    /// A segment that has reached this size gets no further record.
    pub segment_bytes: u64,
    /// Appends are refused while the disk has less room than this.
    pub free_bytes_min: u64,
    /// A query stops, and says so, when it has read this much.
    pub scan_bytes_max: u64,
}

impl Options {
    pub fn new(dir: impl Into<Utf8PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            retention: Some(Duration::from_secs(7 * 86_400)),
            bytes_max: Some(8 << 30),
            sync: SyncPolicy::default(),
            segment_bytes: wal::Options::SEGMENT_BYTES,
            free_bytes_min: 256 << 20,
            scan_bytes_max: 1 << 30,
        }
    }
}
