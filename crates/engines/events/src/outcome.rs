//! What the store's methods return, and how they fail.

use std::io;

use camino::Utf8PathBuf;
use model::Timestamp;
use wal::Damage;

use crate::{Loss, Signal, file};

/// What opening found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Records of the log that are not in files.
    pub records: u64,
    pub spans: u64,
    pub logs: u64,
    pub files: usize,
    pub damage: Damage,
    /// Whole records that this build could not understand.
    pub undecodable: u64,
    /// Files that nothing proves any more; they lie in `parts/quarantine`.
    pub unreadable: Vec<Utf8PathBuf>,
    /// The manifest was made again from the files.
    pub rebuilt: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot open the log of spans and logs")]
    Wal(#[source] wal::OpenError),
    #[error("cannot read the log of spans and logs")]
    Read(#[source] wal::ReadError),
    #[error("cannot read `{path}`")]
    Io {
        path: Utf8PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the manifest in `{dir}` has version {found}; this build reads version {max}")]
    Version { dir: Utf8PathBuf, found: u8, max: u8 },
}

/// Why nothing of an append was taken.
#[derive(Debug, thiserror::Error)]
#[error("cannot append the spans and logs")]
pub struct AppendError(#[source] pub wal::AppendError);

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

/// Why the files are not kept in shape. Nothing is lost by it, and the next try may succeed.
#[derive(Debug, thiserror::Error)]
pub enum MaintainError {
    #[error("cannot write `{path}`")]
    Write {
        path: Utf8PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot make a file of rows")]
    Build(#[source] BuildError),
    #[error("cannot read a file of rows")]
    Open(#[source] OpenFileError),
    #[error("cannot read the rows of `{path}`")]
    Rows {
        path: Utf8PathBuf,
        #[source]
        source: parquet::errors::ParquetError,
    },
    #[error("cannot drop the log that is in files")]
    Drop(#[source] wal::DropError),
    #[error("the disk has {free_bytes} bytes left, of which {reserve} are a reserve")]
    NoRoom { free_bytes: u64, reserve: u64 },
}

pub use file::{BuildError, OpenFileError};

/// What a tick did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tick {
    pub segments_dropped: usize,
}

/// What a look after the files did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Maintained {
    pub files_written: usize,
    pub rows_written: u64,
    pub files_merged: usize,
    pub files_dropped: usize,
    /// Files that were written anew without their damaged rows.
    pub files_mended: usize,
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

/// One table's figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableStats {
    pub files: usize,
    pub file_rows: u64,
    pub file_bytes: u64,
    pub memory_rows: u64,
    /// What the rows in memory take, about.
    pub memory_bytes: u64,
    /// Attributes that have columns of their own.
    pub columns: usize,
    /// The earliest `Timestamp` of a row in a file.
    pub oldest: Option<Timestamp>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub spans: TableStats,
    pub logs: TableStats,
    /// The log on the disk.
    pub log_bytes: u64,
    /// What opening found damaged in the log.
    pub damage: Damage,
    /// Blocks of files that were found damaged and are not mended yet.
    pub damaged_blocks: usize,
    /// Rows that damage has cost, so far as they are known.
    pub losses: Vec<Loss>,
}

impl Stats {
    pub fn table(&self, signal: Signal) -> &TableStats {
        match signal {
            Signal::Spans => &self.spans,
            Signal::Logs => &self.logs,
        }
    }

    /// On the disk, files and log.
    pub fn bytes(&self) -> u64 {
        self.log_bytes + self.spans.file_bytes + self.logs.file_bytes
    }
}
