//! One series: its blocks on the disk and its chunks in memory.

use std::sync::Arc;

use model::{Labels, Sample, Timestamp};
use wal::RecordAt;

use crate::chunk::{CHUNK_SAMPLES, Chunk};

/// Where a block lies, and what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlockRef {
    pub(crate) at: RecordAt,
    pub(crate) min_ms: i64,
    pub(crate) max_ms: i64,
    pub(crate) samples: u64,
}

#[derive(Debug)]
pub(crate) struct SeriesState {
    pub(crate) labels: Labels,
    pub(crate) service: Arc<str>,
    /// In the order in which they were written.
    pub(crate) blocks: Vec<BlockRef>,
    /// Full chunks since the last checkpoint, in the order in which they were filled.
    chunks: Vec<Chunk>,
    /// The newest samples, sorted.
    open: Vec<Sample>,
    /// Samples older than those in `open`, sorted.
    late: Vec<Sample>,
    /// Chunks that are in blocks too, and are kept to know a repeated sample within the out-of-order window.
    recent: Vec<Chunk>,
    /// The time of the newest sample.
    pub(crate) max_ms: i64,
    /// When the last sample came.
    pub(crate) received_at: Timestamp,
    pub(crate) active: bool,
}

/// Where the samples of a query are to be had: blocks on the disk and chunks, in the order in which they came.
#[derive(Clone, Debug)]
pub(crate) struct Sources {
    pub(crate) labels: Labels,
    pub(crate) blocks: Vec<BlockRef>,
    pub(crate) chunks: Vec<Chunk>,
    /// Not yet compressed; within the range.
    pub(crate) samples: Vec<Sample>,
}

impl SeriesState {
    pub(crate) fn new(labels: Labels, service: Arc<str>) -> Self {
        Self {
            labels,
            service,
            blocks: Vec::new(),
            chunks: Vec::new(),
            open: Vec::new(),
            late: Vec::new(),
            recent: Vec::new(),
            max_ms: i64::MIN,
            received_at: Timestamp::from_nanos(i64::MIN),
            active: false,
        }
    }

    /// Takes a sample that [`SeriesState::existing`] does not hold.
    pub(crate) fn insert(&mut self, sample: Sample) {
        if sample.at_ms > self.max_ms
            || self.open.first().is_some_and(|first| first.at_ms < sample.at_ms)
        {
            insert_sorted(&mut self.open, sample);
            seal_when_full(&mut self.open, &mut self.chunks);
        } else {
            insert_sorted(&mut self.late, sample);
            seal_when_full(&mut self.late, &mut self.chunks);
        }
        self.max_ms = self.max_ms.max(sample.at_ms);
    }

    /// The samples in memory from `start_ms` to `end_ms`, sorted.
    pub(crate) fn existing(&self, start_ms: i64, end_ms: i64) -> Vec<Sample> {
        let mut samples = Vec::new();
        for chunk in self.recent.iter().chain(&self.chunks) {
            if chunk.overlaps(start_ms, end_ms) {
                chunk.read(start_ms, end_ms, &mut samples).expect("we compressed it ourselves");
            }
        }
        samples.extend(between(&self.late, start_ms, end_ms));
        samples.extend(between(&self.open, start_ms, end_ms));
        sort(&mut samples);
        samples
    }

    /// How many samples are in no block.
    pub(crate) fn head_samples(&self) -> usize {
        let chunks: usize = self.chunks.iter().map(|chunk| chunk.samples).sum();
        chunks + self.open.len() + self.late.len()
    }

    /// What the samples take in memory.
    pub(crate) fn head_bytes(&self) -> usize {
        let chunks = self.chunks.iter().chain(&self.recent).map(|chunk| chunk.bytes.len());
        let plain = self.open.capacity() + self.late.capacity();
        chunks.sum::<usize>() + plain * size_of::<Sample>()
    }

    /// All that is in no block, compressed, in the order in which it came.
    pub(crate) fn head_chunks(&self) -> Vec<Chunk> {
        let plain = [&self.late, &self.open].into_iter().filter_map(|samples| Chunk::of(samples));
        self.chunks.iter().cloned().chain(plain).collect()
    }

    /// The chunks of [`SeriesState::head_chunks`] are in a block now.
    pub(crate) fn written(&mut self, block: BlockRef, chunks: Vec<Chunk>, window_ms: i64) {
        self.blocks.push(block);
        self.recent.extend(chunks);
        let oldest = self.max_ms.saturating_sub(window_ms);
        self.recent.retain(|chunk| chunk.max_ms >= oldest);
        (self.chunks, self.open, self.late) = Default::default();
    }

    /// Whether samples may lie in the range.
    pub(crate) fn overlaps(&self, start_ms: i64, end_ms: i64) -> bool {
        self.blocks.iter().any(|block| block.min_ms <= end_ms && block.max_ms >= start_ms)
            || self.chunks.iter().any(|chunk| chunk.overlaps(start_ms, end_ms))
            || [&self.late, &self.open]
                .iter()
                .any(|plain| !between(plain, start_ms, end_ms).is_empty())
    }

    pub(crate) fn sources(&self, start_ms: i64, end_ms: i64) -> Sources {
        let blocks = self.blocks.iter();
        let chunks = self.chunks.iter();
        let mut samples = between(&self.late, start_ms, end_ms).to_vec();
        samples.extend(between(&self.open, start_ms, end_ms));
        Sources {
            labels: self.labels.clone(),
            blocks: blocks
                .filter(|block| block.min_ms <= end_ms && block.max_ms >= start_ms)
                .copied()
                .collect(),
            chunks: chunks.filter(|chunk| chunk.overlaps(start_ms, end_ms)).cloned().collect(),
            samples,
        }
    }

    pub(crate) fn samples(&self) -> u64 {
        let head = u64::try_from(self.head_samples()).expect("a length in memory fits 64 bits");
        head + self.blocks.iter().map(|block| block.samples).sum::<u64>()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.blocks.is_empty() && self.head_samples() == 0
    }
}

fn insert_sorted(samples: &mut Vec<Sample>, sample: Sample) {
    let at = samples.partition_point(|other| other.at_ms <= sample.at_ms);
    samples.insert(at, sample);
}

fn seal_when_full(samples: &mut Vec<Sample>, chunks: &mut Vec<Chunk>) {
    if samples.len() >= CHUNK_SAMPLES {
        chunks.extend(Chunk::of(samples));
        samples.clear();
    }
}

fn between(samples: &[Sample], start_ms: i64, end_ms: i64) -> &[Sample] {
    let first = samples.partition_point(|sample| sample.at_ms < start_ms);
    let last = samples.partition_point(|sample| sample.at_ms <= end_ms);
    samples.get(first..last).unwrap_or_default()
}

/// Sorts samples that came in this order; of those of one time the first stays.
pub(crate) fn sort(samples: &mut Vec<Sample>) {
    if !samples.is_sorted_by(|a, b| a.at_ms < b.at_ms) {
        samples.sort_by_key(|sample| sample.at_ms);
        samples.dedup_by_key(|sample| sample.at_ms);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn holds_samples_in_any_order(times in prop::collection::vec(0_i64..2000, 1..600)) {
            let mut series = SeriesState::new(Labels::default(), "".into());
            let mut oracle = BTreeMap::new();
            for (value, at_ms) in times.iter().enumerate() {
                let value = f64::from(u32::try_from(value).unwrap());
                if series.existing(*at_ms, *at_ms).is_empty() {
                    series.insert(Sample { at_ms: *at_ms, value });
                }
                oracle.entry(*at_ms).or_insert(value);
            }
            let found: Vec<_> =
                series.existing(0, 2000).iter().map(|sample| (sample.at_ms, sample.value)).collect();
            prop_assert_eq!(found, oracle.into_iter().collect::<Vec<_>>());
            prop_assert_eq!(series.head_samples(), series.existing(0, 2000).len());
        }
    }
}
