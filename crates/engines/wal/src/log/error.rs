//! What can go wrong in writing, and what it means for the log.

use std::io::{self, ErrorKind};

use camino::Utf8PathBuf;

use crate::RECORD_BYTES_MAX;

/// Why the log takes no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Poison {
    /// The disk was full: what was written before is sound.
    Full,
    Write,
    Sync,
}

impl Poison {
    pub(super) fn of_write(error: &io::Error) -> Self {
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Write,
        }
    }

    pub(super) fn why(self) -> &'static str {
        match self {
            Self::Full => "the disk is full",
            Self::Write => "an earlier write failed",
            Self::Sync => "an earlier sync failed",
        }
    }

    pub(super) fn refuse_append(self) -> AppendError {
        match self {
            Self::Full => AppendError::Full,
            Self::Write | Self::Sync => AppendError::Closed { why: self.why() },
        }
    }
}

/// Why a record was not taken. It may still be found after a restart, never in part.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    #[error("a record of {bytes} bytes is too large, at most {RECORD_BYTES_MAX} are allowed")]
    TooLarge { bytes: usize },
    #[error("the disk has {free_bytes} bytes left, at least {free_bytes_min} are kept in reserve")]
    NoRoom { free_bytes: u64, free_bytes_min: u64 },
    #[error("the disk was full at the last write and has had no room since")]
    Full,
    #[error("the log takes no more since {why}; it must be opened anew")]
    Closed { why: &'static str },
    #[error("cannot write to the segment `{path}`")]
    Write {
        path: Utf8PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the record was written but not synced")]
    Sync(#[source] SyncError),
}

impl AppendError {
    /// Whether the disk is full, so that the sender should come again later.
    pub fn is_no_room(&self) -> bool {
        match self {
            Self::NoRoom { .. } | Self::Full => true,
            Self::Write { source, .. } => Poison::of_write(source) == Poison::Full,
            Self::TooLarge { .. } | Self::Closed { .. } | Self::Sync(_) => false,
        }
    }
}

/// Why what was appended may not survive power loss.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    #[error("cannot sync the segment `{path}`")]
    Sync {
        path: Utf8PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the log takes no more since {why}; it must be opened anew")]
    Closed { why: &'static str },
    #[error("cannot take up writing again after the disk was full")]
    Resume(#[source] ResumeError),
}

#[derive(Debug, thiserror::Error)]
#[error("cannot cut the unfinished record off the segment `{path}`")]
pub struct ResumeError {
    pub(super) path: Utf8PathBuf,
    #[source]
    pub(super) source: io::Error,
}

#[derive(Debug, thiserror::Error)]
#[error("cannot remove the segment `{path}`")]
pub struct DropError {
    pub(super) path: Utf8PathBuf,
    #[source]
    pub(super) source: io::Error,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot make or list the directory `{dir}`")]
    Directory {
        dir: Utf8PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot read the segment `{path}`")]
    Segment {
        path: Utf8PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot bring the segment `{path}` to a clean end on the disk")]
    Truncate {
        path: Utf8PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the segment `{path}` has version {found}; this build reads {max} and older")]
    Version { path: Utf8PathBuf, found: u16, max: u16 },
}
