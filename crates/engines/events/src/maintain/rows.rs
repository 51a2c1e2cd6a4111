//! All rows of files, for writing them anew.

use datafusion::arrow::array::RecordBatch;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection,
    RowSelector,
};

use crate::{MaintainError, file::OpenFile, table};

/// The rows that can be read, and how many cannot.
pub(super) fn readable(file: &OpenFile) -> Result<(Vec<RecordBatch>, u64), MaintainError> {
    loop {
        let before = file.verified().damaged();
        match attempt(file) {
            // New damage was met on the way: once more, without it.
            Err(MaintainError::Rows { .. }) if file.verified().damaged() != before => {}
            done => return done,
        }
    }
}

fn attempt(file: &OpenFile) -> Result<(Vec<RecordBatch>, u64), MaintainError> {
    let failed = |source| MaintainError::Rows { path: file.verified().path().clone(), source };
    let metadata = file.metadata().map_err(MaintainError::Open)?;
    let readable = file.readable().map_err(MaintainError::Open)?;
    let mut selectors: Vec<RowSelector> = Vec::new();
    for (group, readable) in metadata.row_groups().iter().zip(readable) {
        let rows = usize::try_from(group.num_rows()).unwrap_or_default();
        let all = || RowSelection::from(vec![RowSelector::select(rows)]);
        selectors.extend(readable.unwrap_or_else(all).iter().copied());
    }
    let selection = RowSelection::from(selectors);
    let lost = file.meta().rows.saturating_sub(selection.row_count() as u64);
    let metadata = ArrowReaderMetadata::try_new(metadata, ArrowReaderOptions::new());
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(
        file.chunks(),
        metadata.map_err(failed)?,
    );
    let reader = reader.with_row_selection(selection).with_batch_size(8192).build();
    let batches: Result<Vec<RecordBatch>, _> = reader.map_err(failed)?.collect();
    let batches = batches.map_err(|error| failed(error.into()))?;
    let known = usize::try_from(file.meta().known).unwrap_or_default();
    let batches = batches.into_iter().map(|batch| table::told(batch, known)).collect();
    Ok((batches, lost))
}
