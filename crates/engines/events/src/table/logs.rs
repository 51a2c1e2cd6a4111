//! Log records as rows.

use datafusion::arrow::array::{Array as _, RecordBatch};
use model::{LogRecord, Timestamp, Value};

use super::{
    attributes::{Common, Told},
    hex,
    read::{Attached, Emitters, ReadError, Rows},
    write::{Bytes, Counts, Flags, Texts, Times},
};
use crate::{
    json,
    schema::{Promoted, Signal},
};

pub(super) fn write<'r>(
    logs: impl IntoIterator<Item = &'r LogRecord>,
    promoted: &Promoted,
) -> RecordBatch {
    let (mut at, mut observed) = (Times::default(), Times::default());
    let (mut given, mut is_json) = (Flags::default(), Flags::default());
    let [mut trace, mut span, mut severity_text, mut body, mut event] =
        [(); 5].map(|()| Texts::default());
    let (mut flags, mut severity) = (Counts::default(), Bytes::default());
    let mut common = Common::new(promoted);
    let mut text = String::new();
    for log in logs {
        at.push(log.at);
        observed.push_option(log.observed_at);
        given.push(log.timed);
        text.clear();
        if let Some(id) = &log.trace_id {
            hex(&id.0, &mut text);
        }
        trace.push_some(&text);
        text.clear();
        if let Some(id) = &log.span_id {
            hex(&id.0, &mut text);
        }
        span.push_some(&text);
        flags.push(log.flags);
        severity.push(log.severity);
        severity_text.push_some(&log.severity_text);
        match &log.body {
            Value::Empty => body.push_option(None),
            Value::String(line) => body.push(line),
            other => {
                text.clear();
                json::write(other, &mut text);
                body.push(&text);
            }
        }
        is_json.push(!matches!(log.body, Value::Empty | Value::String(_)));
        event.push_some(&log.event_name);
        common.push(&Told::from(log));
    }
    let first = vec![
        at.finish(),
        observed.finish(),
        given.finish(),
        trace.finish(),
        span.finish(),
        flags.finish(),
        severity.finish(),
        severity_text.finish(),
        body.finish(),
        is_json.finish(),
        event.finish(),
    ];
    common.finish(first, Vec::new(), Signal::Logs)
}

pub(super) fn read(batch: &RecordBatch, promoted: &Promoted) -> Result<Vec<LogRecord>, ReadError> {
    let rows = Rows::of(batch);
    let (at, observed) = (rows.times("Timestamp")?, rows.times("ObservedTimestamp")?);
    let (given, is_json) = (rows.flags("TimestampGiven")?, rows.flags("BodyIsJson")?);
    let (trace, span) = (rows.texts("TraceId")?, rows.texts("SpanId")?);
    let (flags, dropped) = (rows.counts("TraceFlags")?, rows.counts("DroppedAttributesCount")?);
    let (severity, severity_text) = (rows.bytes("SeverityNumber")?, rows.texts("SeverityText")?);
    let (body, event) = (rows.texts("Body")?, rows.texts("EventName")?);
    let mut emitters = Emitters::of(&rows, promoted)?;
    let own = Attached::of(&rows, Signal::Logs, promoted)?;
    (0..batch.num_rows())
        .map(|row| {
            let (resource, scope) = emitters.at(row)?;
            let body = match body.option(row) {
                None => Value::Empty,
                Some(text) if is_json.value(row) => json::read(text),
                Some(text) => Value::string(text),
            };
            let observed =
                (!observed.is_null(row)).then(|| Timestamp::from_nanos(observed.value(row)));
            let trace_id = trace.option(row).map(|_| trace.parsed(row, "TraceId")).transpose()?;
            let span_id = span.option(row).map(|_| span.parsed(row, "SpanId")).transpose()?;
            Ok(LogRecord {
                resource,
                scope,
                at: Timestamp::from_nanos(at.value(row)),
                timed: given.value(row),
                observed_at: observed,
                severity: severity.value(row),
                severity_text: severity_text.value(row).into(),
                body,
                event_name: event.value(row).into(),
                trace_id,
                span_id,
                flags: flags.value(row),
                attributes: own.at(row)?,
                dropped_attributes: dropped.value(row),
            })
        })
        .collect()
}
