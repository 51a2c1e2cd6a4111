//! What is sent at one time: the records of a stretch of the queue, divided among requests that may run side by side.

use std::hash::{DefaultHasher, Hash, Hasher};

use model::{Labels, Metadata, Timestamp};
use wal::Position;

use super::record::{Head, Record};

/// When a window is large enough.
#[derive(Clone, Copy, Debug)]
pub(super) struct WindowLimits {
    pub(super) samples_max: u64,
}

/// A stretch of the queue.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// After its last record.
    pub(super) end: Position,
    pub(super) samples: u64,
    /// When the oldest of its records came.
    pub(super) since: Option<Timestamp>,
    records: Vec<(Head, Record)>,
}

impl Window {
    pub(super) fn new(from: Position) -> Self {
        Self { end: from, ..Self::default() }
    }

    pub(super) fn push(&mut self, head: Head, record: Record) {
        self.samples += head.samples;
        self.since.get_or_insert(head.received_at);
        self.records.push((head, record));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub(super) fn is_full(&self, limits: &WindowLimits) -> bool {
        self.samples >= limits.samples_max
    }

    /// Takes out the records that came before `cutoff`; says how many samples went.
    pub(super) fn forget_before(&mut self, cutoff: Timestamp) -> u64 {
        let old = |head: &Head| head.received_at < cutoff;
        let gone = self.records.iter().filter(|(head, _)| old(head)).map(|(head, _)| head.samples);
        let gone = gone.sum();
        self.records.retain(|(head, _)| !old(head));
        gone
    }

    /// The records' parts, of which each series is in one; and all metadata.
    pub(super) fn split(self, parts: usize) -> (Vec<Record>, Vec<Metadata>) {
        let parts = parts.max(1);
        let mut split: Vec<Record> = (0..parts).map(|_| Record::default()).collect();
        let mut metadata = Vec::new();
        for (_, record) in self.records {
            for series in record.series {
                split[part(&series.labels, parts)].series.push(series);
            }
            for series in record.histograms {
                split[part(&series.labels, parts)].histograms.push(series);
            }
            for series in record.exemplars {
                split[part(&series.labels, parts)].exemplars.push(series);
            }
            metadata.extend(record.metadata);
        }
        split.retain(|part| !part.is_empty());
        (split, metadata)
    }
}

fn part(labels: &Labels, parts: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    labels.hash(&mut hasher);
    usize::try_from(hasher.finish() % parts as u64).expect("less than the number of parts")
}
