//! Reads the samples that a query asks for.

use model::Series;
use wal::Snapshot;

use crate::{
    SelectError, Selected, block,
    series::{Sources, sort},
};

/// The samples from `start_ms` to `end_ms` of these series, sorted by labels.
pub(crate) fn read(
    blocks: &Snapshot,
    sources: Vec<Sources>,
    (start_ms, end_ms): (i64, i64),
    samples_max: usize,
) -> Result<Selected, SelectError> {
    let mut selected = Selected { series: Vec::with_capacity(sources.len()), damaged_blocks: 0 };
    let mut left = samples_max;
    for source in sources {
        let mut samples = Vec::new();
        for block in &source.blocks {
            if block.at.start < blocks.start() {
                // Retention took it meanwhile.
                continue;
            }
            let payload = blocks.get(block.at).map_err(SelectError::Read)?;
            let read = payload.is_some_and(|payload| {
                let whole = samples.len();
                let read = block::read_samples(&payload, start_ms, end_ms, &mut samples);
                if read.is_err() {
                    samples.truncate(whole);
                }
                read.is_ok()
            });
            selected.damaged_blocks += u64::from(!read);
        }
        for chunk in &source.chunks {
            chunk.read(start_ms, end_ms, &mut samples).expect("we compressed it ourselves");
        }
        samples.extend_from_slice(&source.samples);
        sort(&mut samples);
        left = left
            .checked_sub(samples.len())
            .ok_or(SelectError::TooManySamples { limit: samples_max })?;
        if !samples.is_empty() {
            selected.series.push(Series { labels: source.labels, samples });
        }
    }
    selected.series.sort_by(|a, b| a.labels.cmp(&b.labels));
    Ok(selected)
}
