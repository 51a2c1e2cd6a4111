//! Drops what is old, and what is too much.

use std::sync::Arc;

use datafusion::arrow::{
    array::{AsArray as _, BooleanArray, RecordBatch},
    compute::filter_record_batch,
    datatypes::TimestampNanosecondType,
};
use model::Timestamp;

use super::rows;
use crate::{
    Events, MaintainError,
    file::{self, FileMeta, OpenFile, Origin},
    schema::Signal,
};

impl Events {
    /// Drops files whose rows are all older than the retention, then the oldest until all fit into `bytes_max`.
    pub(super) fn drop_old(&self, now: Timestamp) -> Result<usize, MaintainError> {
        let mut keeper = self.keeper.lock();
        let mut gone: Vec<u64> = Vec::new();
        if let Some(retention) = self.options.retention {
            let old = keeper.manifest.files.iter().filter(|meta| meta.ends < now - retention);
            gone.extend(old.map(|meta| meta.number));
        }
        if let Some(bytes_max) = self.options.bytes_max {
            let log = self.wal.lock().bytes();
            let mut left: Vec<&FileMeta> =
                keeper.manifest.files.iter().filter(|meta| !gone.contains(&meta.number)).collect();
            left.sort_by_key(|meta| (meta.last, meta.number));
            let mut bytes = log + left.iter().map(|meta| meta.bytes).sum::<u64>();
            for meta in left {
                if bytes <= bytes_max {
                    break;
                }
                bytes -= meta.bytes;
                gone.push(meta.number);
            }
        }
        if !gone.is_empty() {
            let change = |manifest: &mut crate::manifest::Manifest| {
                manifest.files.retain(|meta| !gone.contains(&meta.number));
            };
            self.commit(&mut keeper, Vec::new(), change, |_| {})?;
        }
        drop(keeper);
        Ok(gone.len() + self.drop_by_service(now)?)
    }

    /// Writes one file anew without the rows of services that are kept for a shorter time.
    fn drop_by_service(&self, now: Timestamp) -> Result<usize, MaintainError> {
        let cutoffs: Vec<(&str, Timestamp)> = self
            .options
            .retention_by_service
            .iter()
            .map(|(service, retention)| (&**service, now - *retention))
            .collect();
        let has_old = |file: &&Arc<OpenFile>| {
            let meta = file.meta();
            let named = |service: &str| {
                meta.services.is_empty() || meta.services.iter().any(|one| **one == *service)
            };
            cutoffs.iter().any(|(service, cutoff)| meta.last < *cutoff && named(service))
        };
        let mut keeper = self.keeper.lock();
        let found = {
            let state = self.state.read();
            let mut files = Signal::ALL.iter().flat_map(|signal| &state.table(*signal).files);
            files.find(has_old).cloned()
        };
        let Some(file) = found else { return Ok(0) };
        let meta = file.meta();
        let promoted = Arc::clone(&self.state.read().table(meta.signal).promoted);
        let (batches, lost) = rows::readable(&file)?;
        if lost > 0 {
            // First it is mended, so that what was lost is told.
            return Ok(0);
        }
        let batches: Vec<_> = batches.iter().map(|batch| keep(batch, &cutoffs)).collect();
        let rows = batches.iter().map(RecordBatch::num_rows).sum::<usize>() as u64;
        if rows == meta.rows {
            // Nothing of it is theirs: the file has too many services to name them.
            return Ok(0);
        }
        let number = keeper.manifest.next;
        keeper.manifest.next += 1;
        let origin = Origin {
            upto: meta.upto,
            replaces: vec![meta.number],
            sampled: meta.sampled,
            ..Origin::default()
        };
        let built = if rows == 0 {
            Vec::new()
        } else {
            let built = file::build(number, meta.signal, &promoted, batches, origin);
            vec![built.map_err(MaintainError::Build)?]
        };
        let gone = meta.number;
        let change = |manifest: &mut crate::manifest::Manifest| {
            manifest.files.retain(|one| one.number != gone);
        };
        self.commit(&mut keeper, built, change, |_| {})?;
        Ok(1)
    }
}

/// The rows of a batch that are not older than their service's cut-off.
fn keep(batch: &RecordBatch, cutoffs: &[(&str, Timestamp)]) -> RecordBatch {
    let column = |name: &str| batch.column_by_name(name).expect("every table has it");
    let services = column("ServiceName").as_string::<i32>();
    let times = column("Timestamp").as_primitive::<TimestampNanosecondType>();
    let kept: BooleanArray = (0..batch.num_rows())
        .map(|row| {
            let (service, at) = (services.value(row), Timestamp::from_nanos(times.value(row)));
            Some(!cutoffs.iter().any(|(of, cutoff)| *of == service && at < *cutoff))
        })
        .collect();
    filter_record_batch(batch, &kept).expect("the mask is as long as the batch")
}
