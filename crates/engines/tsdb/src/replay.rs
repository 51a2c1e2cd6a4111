//! Lets others see again what was appended, for counts of their own.

use std::ops::ControlFlow;

use model::{Sample, Series, Timestamp};
use wal::Position;

use crate::{
    Replay, ReplayError, Tsdb, migrate,
    record::{self, Decoded},
};

impl Tsdb {
    /// Visits the floats that were appended after `from`, in order, record by record; once [`Tsdb::watch`] was called, those
    /// of the watched series. A record without any is not visited.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn replay(
        &self,
        from: Position,
        mut visit: impl FnMut(Timestamp, Vec<Series>),
    ) -> Result<Replay, ReplayError> {
        let snapshot = self.log.lock().wal.snapshot();
        let watch = self.watch.read().clone();
        let mut undecodable = 0;
        let mut decoded = Decoded::default();
        let replayed = snapshot.read(from, |entry| {
            if entry.payload.first() != Some(&record::KIND) {
                match migrate::record::decode(entry.payload) {
                    Ok(record) => visit(record.received_at, record.series),
                    Err(_) => undecodable += 1,
                }
                return ControlFlow::Continue(());
            }
            if record::decode(entry.payload, &mut decoded).is_err() {
                undecodable += 1;
                return ControlFlow::Continue(());
            }
            let mut head = self.head.lock();
            let mut series = Vec::new();
            for run in decoded.items.chunk_by(|a, b| a.id == b.id) {
                let id = run[0].id;
                if watch.as_ref().is_some_and(|watch| !self.is_watched(&mut head, watch, id)) {
                    continue;
                }
                let Some(labels) = self.index.labels(id) else { continue };
                let samples = run
                    .iter()
                    .map(|item| Sample { at_ms: item.at_ms, value: f64::from_bits(item.bits) });
                series.push(Series { labels, samples: samples.collect() });
            }
            drop(head);
            if !series.is_empty() {
                visit(decoded.received_at, series);
            }
            ControlFlow::Continue(())
        });
        let replayed = replayed.map_err(ReplayError)?;
        Ok(Replay {
            records: replayed.records - undecodable,
            complete: replayed.complete,
            damage: replayed.damage,
            undecodable,
        })
    }
}
