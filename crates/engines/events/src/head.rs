//! What is not yet in a file: records as they came, then rows.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use model::{LogRecord, Span, Timestamp};

use crate::{
    schema::{Promoted, Signal},
    table,
};

/// So many records in memory become rows.
pub(crate) const SEAL_ROWS: usize = 8192;
/// So many bytes of the log as well: a batch's texts must stay far below the 2 GiB that a column can address.
pub(crate) const SEAL_BYTES: usize = 32 << 20;

/// Records of one signal.
#[derive(Debug)]
pub(crate) enum Records {
    Spans(Vec<Span>),
    Logs(Vec<LogRecord>),
}

impl Records {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Spans(spans) => spans.len(),
            Self::Logs(logs) => logs.len(),
        }
    }

    pub(crate) fn signal(&self) -> Signal {
        match self {
            Self::Spans(_) => Signal::Spans,
            Self::Logs(_) => Signal::Logs,
        }
    }
}

/// Between when and when rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// Of their `Timestamp`s.
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
    /// The latest end of a span; of log records as `last`.
    pub(crate) ends: Timestamp,
}

impl Stretch {
    fn of(times: impl Iterator<Item = (Timestamp, Timestamp)>) -> Self {
        let empty = Self {
            first: Timestamp::from_nanos(i64::MAX),
            last: Timestamp::from_nanos(i64::MIN),
            ends: Timestamp::from_nanos(i64::MIN),
        };
        times.fold(empty, |all, (start, end)| Self {
            first: all.first.min(start),
            last: all.last.max(start),
            ends: all.ends.max(end),
        })
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            first: self.first.min(other.first),
            last: self.last.max(other.last),
            ends: self.ends.max(other.ends),
        }
    }
}

/// Records that came together.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) records: Records,
    /// What its request took in the log.
    pub(crate) bytes: usize,
    pub(crate) stretch: Stretch,
}

impl Chunk {
    pub(crate) fn new(records: Records, bytes: usize) -> Self {
        let stretch = match &records {
            Records::Spans(spans) => Stretch::of(spans.iter().map(|span| (span.start, span.end))),
            Records::Logs(logs) => Stretch::of(logs.iter().map(|log| (log.at, log.at))),
        };
        Self { records, bytes, stretch }
    }
}

/// Rows that are in no file yet.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) rows: RecordBatch,
    pub(crate) stretch: Stretch,
}

/// Chunks of one signal as one batch of rows.
pub(crate) fn rows<'a>(
    signal: Signal,
    chunks: impl IntoIterator<Item = &'a Arc<Chunk>>,
    promoted: &Promoted,
) -> RecordBatch {
    let chunks = chunks.into_iter();
    match signal {
        Signal::Spans => {
            let spans = chunks.flat_map(|chunk| match &chunk.records {
                Records::Spans(spans) => spans.iter(),
                Records::Logs(_) => [].iter(),
            });
            table::spans(spans, promoted)
        }
        Signal::Logs => {
            let logs = chunks.flat_map(|chunk| match &chunk.records {
                Records::Logs(logs) => logs.iter(),
                Records::Spans(_) => [].iter(),
            });
            table::logs(logs, promoted)
        }
    }
}

/// Gives the attributes that many of these records have columns of their own.
pub(crate) fn learn(signal: Signal, chunks: &[Arc<Chunk>], promoted: &mut Promoted) {
    let rows: Vec<_> = match signal {
        Signal::Spans => chunks
            .iter()
            .flat_map(|chunk| match &chunk.records {
                Records::Spans(spans) => spans.iter(),
                Records::Logs(_) => [].iter(),
            })
            .map(|span| [&span.attributes, &span.resource.attributes])
            .collect(),
        Signal::Logs => chunks
            .iter()
            .flat_map(|chunk| match &chunk.records {
                Records::Logs(logs) => logs.iter(),
                Records::Spans(_) => [].iter(),
            })
            .map(|log| [&log.attributes, &log.resource.attributes])
            .collect(),
    };
    promoted.learn(signal, rows.into_iter());
}
