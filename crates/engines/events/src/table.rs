//! Records become columns, and columns become records again.
//!
//! **Invariant:** `read(write(records)) == records`, but for the order of attributes: promoted ones come first.

mod attributes;
mod conform;
mod logs;
mod read;
mod spans;
mod write;

use datafusion::arrow::array::RecordBatch;
use model::{LogRecord, Span};

pub(crate) use conform::{conform, told};
pub use read::ReadError;
pub(crate) use spans::{kind_name, status_name};

use crate::schema::Promoted;

/// Spans as rows of the table of spans.
pub(crate) fn spans<'r>(
    spans: impl IntoIterator<Item = &'r Span>,
    promoted: &Promoted,
) -> RecordBatch {
    spans::write(spans, promoted)
}

/// Log records as rows of the table of log records.
pub(crate) fn logs<'r>(
    logs: impl IntoIterator<Item = &'r LogRecord>,
    promoted: &Promoted,
) -> RecordBatch {
    logs::write(logs, promoted)
}

/// The spans of rows that have all fixed columns; columns of promoted attributes may lack.
///
/// # Errors
/// When a column is not as this build writes it.
pub(crate) fn read_spans(rows: &RecordBatch, promoted: &Promoted) -> Result<Vec<Span>, ReadError> {
    spans::read(rows, promoted)
}

/// The log records of such rows.
///
/// # Errors
/// When a column is not as this build writes it.
pub(crate) fn read_logs(
    rows: &RecordBatch,
    promoted: &Promoted,
) -> Result<Vec<LogRecord>, ReadError> {
    logs::read(rows, promoted)
}

/// Trace and span ids as the tables have them; empty for none.
fn hex<const N: usize>(bytes: &[u8; N], text: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    text.clear();
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::{Record, tests::records};
    use crate::schema::Signal;

    /// In no order, for the tables keep none.
    fn sorted(mut record: Record) -> Record {
        use model::{Attributes, Resource, Scope};
        use std::sync::Arc;
        fn sort(attributes: &mut Attributes) {
            // Of a key that comes twice in one place the tables keep both, in any order.
            attributes.sort_by_key(|(key, value)| (key.clone(), value.to_string()));
        }
        for span in &mut record.spans {
            sort(&mut span.attributes);
            sort(&mut Arc::<Resource>::make_mut(&mut span.resource).attributes);
            sort(&mut Arc::<Scope>::make_mut(&mut span.scope).attributes);
            span.events.iter_mut().for_each(|event| sort(&mut event.attributes));
            span.links.iter_mut().for_each(|link| sort(&mut link.attributes));
        }
        for log in &mut record.logs {
            sort(&mut log.attributes);
            sort(&mut Arc::<Resource>::make_mut(&mut log.resource).attributes);
        }
        record
    }

    fn unique(attributes: &mut model::Attributes) {
        let mut seen = std::collections::BTreeSet::new();
        attributes.retain(|(key, _)| seen.insert(key.clone()));
    }

    proptest! {
        #[test]
        fn records_become_rows_and_records_again(record in records(), learns: bool) {
            use std::sync::Arc;
            let mut record = record;
            for span in &mut record.spans {
                unique(&mut span.attributes);
                unique(&mut Arc::make_mut(&mut span.resource).attributes);
            }
            for log in &mut record.logs {
                unique(&mut log.attributes);
                unique(&mut Arc::make_mut(&mut log.resource).attributes);
            }
            let (mut of_spans, mut of_logs) = (Promoted::default(), Promoted::default());
            if learns {
                let rows = record.spans.iter().map(|one| [&one.attributes, &one.resource.attributes]);
                of_spans.learn(Signal::Spans, rows);
                let rows = record.logs.iter().map(|one| [&one.attributes, &one.resource.attributes]);
                of_logs.learn(Signal::Logs, rows);
            }
            let (span_rows, log_rows) = (spans(&record.spans, &of_spans), logs(&record.logs, &of_logs));
            let read = Record {
                received_at: record.received_at,
                spans: read_spans(&span_rows, &of_spans).unwrap(),
                logs: read_logs(&log_rows, &of_logs).unwrap(),
            };
            prop_assert_eq!(sorted(read), sorted(record));
        }

        #[test]
        fn rows_from_before_a_promotion_conform(record in records()) {
            let before = Promoted::default();
            let old = spans(&record.spans, &before);
            let mut promoted = Promoted::default();
            let rows = record.spans.iter().map(|one| [&one.attributes, &one.resource.attributes]);
            promoted.learn(Signal::Spans, rows);
            let new = spans(&record.spans, &promoted);
            let conformed = conform(vec![old, new], Signal::Spans, &promoted).unwrap();
            prop_assert_eq!(conformed[0].schema(), conformed[1].schema());
            let [one, other] = [0, 1].map(|at| read_spans(&conformed[at], &promoted).unwrap());
            let of = |spans| sorted(Record { received_at: record.received_at, spans, logs: vec![] });
            prop_assert_eq!(of(one), of(other));
        }
    }
}
