//! Rows written at different times made to have the same columns.

use std::sync::Arc;

use datafusion::arrow::{
    array::{ArrayRef, RecordBatch, new_null_array},
    datatypes::Field,
};

use super::{ReadError, logs, read_logs, read_spans, spans};
use crate::schema::{self, MIXED, Promoted, Signal};

const ADJUSTED: &str = "AdjustedCount";

/// The batches with one schema: what was promoted since they were written is moved out of the maps into its column.
///
/// # Errors
/// When a column is not as this build writes it.
pub(crate) fn conform(
    batches: Vec<RecordBatch>,
    signal: Signal,
    promoted: &Promoted,
) -> Result<Vec<RecordBatch>, ReadError> {
    let current = |batch: RecordBatch| {
        if schema::known(batch.schema_ref()) >= promoted.list().len() {
            Ok(batch)
        } else {
            renew(&batch, signal, promoted)
        }
    };
    let batches: Vec<_> = batches.into_iter().map(current).collect::<Result<_, _>>()?;
    let mut fields = schema::fixed(signal);
    fields.extend(promoted.list().iter().filter_map(|one| {
        let mut of = batches.iter().filter_map(|batch| {
            batch.schema_ref().fields().find(&one.column).map(|(_, field)| Arc::clone(field))
        });
        let mut field: Field = of.next()?.as_ref().clone();
        if let Some(mixed) = of.find(|field| field.metadata().contains_key(MIXED)) {
            field.set_metadata(mixed.metadata().clone());
        }
        Some(field)
    }));
    let target = Arc::new(schema::with_known(fields, promoted.list().len()));
    batches
        .into_iter()
        .map(|batch| {
            let column = |field: &Arc<Field>| -> ArrayRef {
                match batch.column_by_name(field.name()) {
                    Some(column) => Arc::clone(column),
                    None => new_null_array(field.data_type(), batch.num_rows()),
                }
            };
            let columns = target.fields().iter().map(column).collect();
            RecordBatch::try_new(Arc::clone(&target), columns)
                .map_err(|error| ReadError::column(&error.to_string()))
        })
        .collect()
}

/// Reads the records and writes them as they are written now.
fn renew(
    batch: &RecordBatch,
    signal: Signal,
    promoted: &Promoted,
) -> Result<RecordBatch, ReadError> {
    let renewed = match signal {
        Signal::Spans => spans::write(&read_spans(batch, promoted)?, promoted),
        Signal::Logs => logs::write(&read_logs(batch, promoted)?, promoted),
    };
    let (schema, mut columns, _) = renewed.into_parts();
    let at = schema.index_of(ADJUSTED).map_err(|_| ReadError::column(ADJUSTED))?;
    if let Some(adjusted) = batch.column_by_name(ADJUSTED) {
        columns[at] = Arc::clone(adjusted);
    }
    RecordBatch::try_new(schema, columns).map_err(|_| ReadError::column(ADJUSTED))
}

/// The batch with a schema that says how many promoted attributes were known when it was written.
pub(crate) fn told(batch: RecordBatch, known: usize) -> RecordBatch {
    let (schema, columns, _) = batch.into_parts();
    let fields = schema.fields().iter().map(|field| field.as_ref().clone()).collect();
    RecordBatch::try_new(Arc::new(schema::with_known(fields, known)), columns)
        .expect("only what the schema says of itself changed")
}
