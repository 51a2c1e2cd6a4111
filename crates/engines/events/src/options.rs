//! How the store of spans and logs is kept.

use std::time::Duration;

use camino::Utf8PathBuf;
use wal::SyncPolicy;

use crate::state::Table;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Holds the log's segments, and `parts/` with the files; made when absent.
    pub dir: Utf8PathBuf,
    /// How long records are kept, by their own times; `None` keeps them until `bytes_max`.
    pub retention: Option<Duration>,
    /// Services whose records are kept for another time than that; shorter only.
    pub retention_by_service: Vec<(Box<str>, Duration)>,
    /// The oldest files go when files and log take more than this.
    pub bytes_max: Option<u64>,
    pub sync: SyncPolicy,
    /// A segment of the log that has reached this size gets no further record.
    pub segment_bytes: u64,
    /// Appends are refused while the disk has less room than this.
    pub free_bytes_min: u64,
    /// A query stops, and says so, when it has read this much.
    pub scan_bytes_max: u64,
    /// Rows of one table in memory that are enough for a file.
    pub flush_rows: usize,
    /// Bytes of one table in memory that are enough for a file.
    pub flush_bytes: usize,
    /// What is in memory for so long goes into a file, however little it is.
    pub flush_after: Duration,
}

impl Options {
    pub fn new(dir: impl Into<Utf8PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            retention: Some(Duration::from_secs(7 * 86_400)),
            retention_by_service: Vec::new(),
            bytes_max: Some(8 << 30),
            sync: SyncPolicy::default(),
            segment_bytes: wal::Options::SEGMENT_BYTES,
            free_bytes_min: 256 << 20,
            scan_bytes_max: 16 << 30,
            flush_rows: 128 << 10,
            flush_bytes: 48 << 20,
            flush_after: Duration::from_secs(300),
        }
    }

    /// How many files the rows in memory are enough for.
    pub(crate) fn fills(&self, table: &Table) -> usize {
        let by_rows = table.memory_rows() / self.flush_rows.max(1);
        by_rows.max(table.memory_bytes() / self.flush_bytes.max(1))
    }

    /// Where the files of rows lie.
    pub(crate) fn parts(&self) -> Utf8PathBuf {
        self.dir.join("parts")
    }
}
