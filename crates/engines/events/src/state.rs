//! What queries see: the files, the rows that are in none, and the records that are no rows yet.

use std::{collections::VecDeque, sync::Arc};

use datafusion::arrow::array::RecordBatch;
use model::Timestamp;
use wal::Position;

use crate::{
    Loss,
    file::OpenFile,
    head::{self, Chunk, SEAL_BYTES, SEAL_ROWS, Sealed},
    schema::{Promoted, Signal},
};

/// One table.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// Oldest number first.
    pub(crate) files: Vec<Arc<OpenFile>>,
    pub(crate) sealed: Vec<Arc<Sealed>>,
    pub(crate) chunks: Vec<Arc<Chunk>>,
    /// Records in `chunks`, and what they took in the log.
    pub(crate) chunk_rows: usize,
    pub(crate) chunk_bytes: usize,
    pub(crate) promoted: Arc<Promoted>,
}

impl Table {
    /// Rows that are in no file.
    pub(crate) fn memory_rows(&self) -> usize {
        self.chunk_rows + self.sealed.iter().map(|one| one.rows.num_rows()).sum::<usize>()
    }

    /// Whether there is enough for a batch of rows.
    pub(crate) fn seals(&self) -> bool {
        self.chunk_rows >= SEAL_ROWS || self.chunk_bytes >= SEAL_BYTES
    }

    /// What rows and records take in memory, about.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.sealed_bytes() + self.chunk_bytes
    }

    /// What the sealed rows take in memory.
    pub(crate) fn sealed_bytes(&self) -> usize {
        self.sealed.iter().map(|one| one.rows.get_array_memory_size()).sum()
    }
}

/// Where the log stood when what was received; one in so many records is remembered.
const MARK_EVERY: u32 = 64;
const MARKS_MAX: usize = 100_000;

/// All that changes.
#[derive(Debug, Default)]
pub(crate) struct State {
    tables: [Table; 2],
    /// What the log holds up to here is in the tables.
    pub(crate) shown: Position,
    /// What the log holds before is in files.
    pub(crate) flushed: Position,
    /// Rows that damage has cost.
    pub(crate) losses: Vec<Loss>,
    /// Nothing after a mark was received before its time.
    marks: VecDeque<(Timestamp, Position)>,
    since_mark: u32,
    latest: Timestamp,
}

impl State {
    pub(crate) fn table(&self, signal: Signal) -> &Table {
        &self.tables[signal as usize]
    }

    pub(crate) fn table_mut(&mut self, signal: Signal) -> &mut Table {
        &mut self.tables[signal as usize]
    }

    /// Notes that what was received at a time ends at a position.
    pub(crate) fn mark(&mut self, received_at: Timestamp, start: Position) {
        if self.since_mark == 0 && received_at >= self.latest {
            self.marks.push_back((received_at, start));
            if self.marks.len() > MARKS_MAX {
                self.marks.pop_front();
            }
        }
        self.since_mark = (self.since_mark + 1) % MARK_EVERY;
        self.latest = self.latest.max(received_at);
    }

    /// A position before all that was received at or after `time`, as far as the log goes back.
    pub(crate) fn position_at(&self, time: Timestamp) -> Position {
        if time > self.latest {
            return self.shown;
        }
        let at = self.marks.partition_point(|(received_at, _)| *received_at < time);
        // One more: what was received between two marks lies before the second.
        at.checked_sub(1).map_or(Position::START, |at| self.marks[at].1)
    }

    /// What a query reads: as it stands now, whatever happens later.
    pub(crate) fn view(&self, signal: Signal) -> View {
        let table = self.table(signal);
        View {
            signal,
            files: table.files.clone(),
            sealed: table.sealed.clone(),
            chunks: table.chunks.clone(),
            promoted: Arc::clone(&table.promoted),
        }
    }
}

/// One table as it stood at one moment.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) signal: Signal,
    pub(crate) files: Vec<Arc<OpenFile>>,
    pub(crate) sealed: Vec<Arc<Sealed>>,
    pub(crate) chunks: Vec<Arc<Chunk>>,
    pub(crate) promoted: Arc<Promoted>,
}

impl View {
    /// Only what may have rows whose `Timestamp` is in this time, both ends included.
    pub(crate) fn within(mut self, start: Timestamp, end: Timestamp) -> Self {
        let overlaps = |first: Timestamp, last: Timestamp| first <= end && last >= start;
        self.files.retain(|file| overlaps(file.meta().first, file.meta().last));
        self.sealed.retain(|one| overlaps(one.stretch.first, one.stretch.last));
        self.chunks.retain(|one| overlaps(one.stretch.first, one.stretch.last));
        self
    }

    /// The rows that are in no file.
    pub(crate) fn memory(&self) -> Vec<RecordBatch> {
        let mut rows: Vec<_> = self.sealed.iter().map(|one| one.rows.clone()).collect();
        if !self.chunks.is_empty() {
            rows.push(head::rows(self.signal, &self.chunks, &self.promoted));
        }
        rows
    }
}
