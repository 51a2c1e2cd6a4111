//! How a log is kept.

use std::time::Duration;

use camino::Utf8PathBuf;

/// When appended records are forced to the disk, so that they survive power loss.
///
/// Whatever the policy, a record survives a killed process as soon as `append` has returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncPolicy {
    /// Before each append returns.
    Always,
    /// At most this long after an append, provided that the caller ticks at least as often.
    Interval(Duration),
    /// When the operating system sees fit, and at the end of a segment.
    Never,
}

impl Default for SyncPolicy {
    /// Every 200 ms.
    fn default() -> Self {
        Self::Interval(Duration::from_millis(200))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Holds the segments and nothing else; made when absent.
    pub dir: Utf8PathBuf,
    pub sync: SyncPolicy,
    /// A segment that has reached this size gets no further record.
    pub segment_bytes: u64,
    /// A segment of this age gets no further record; bounds how late a segment can be dropped by age.
    pub segment_age: Option<Duration>,
    /// Appends are refused while the disk has less room than this; 0 asks nothing.
    pub free_bytes_min: u64,
}

impl Options {
    pub const SEGMENT_BYTES: u64 = 16 << 20;

    pub fn new(dir: impl Into<Utf8PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            sync: SyncPolicy::default(),
            segment_bytes: Self::SEGMENT_BYTES,
            segment_age: None,
            free_bytes_min: 0,
        }
    }
}
