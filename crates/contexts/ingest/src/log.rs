//! Log records: dated, redacted, within limits.

use std::sync::Arc;

use model::{LogRecord, Resource};

use crate::{Place, RawLog, Signal, Work, limit};

/// A record that gives no time happened when it was observed, else when it came.
pub(crate) fn record(
    raw: RawLog,
    resource: &Arc<Resource>,
    work: &mut Work<'_>,
) -> Option<LogRecord> {
    let at = raw.at.or(raw.observed_at).unwrap_or(work.received_at);
    if work.is_future(Signal::Logs, at, "a log record") {
        return None;
    }
    let redactor = work.redactor;
    let mut record = LogRecord {
        resource: Arc::clone(resource),
        scope: raw.scope,
        at,
        timed: raw.at.is_some(),
        observed_at: raw.observed_at,
        severity: raw.severity,
        severity_text: raw.severity_text,
        body: raw.body,
        event_name: raw.event_name,
        trace_id: raw.trace_id,
        span_id: raw.span_id,
        flags: raw.flags,
        attributes: raw.attributes,
        dropped_attributes: raw.dropped_attributes,
    };
    limit::begin(work);
    redactor.value(&mut record.body, work.tally.redacted.at(Place::LogBody));
    limit::log_body(&mut record.body, work);
    redactor.text(&mut record.severity_text, work.tally.redacted.at(Place::LogSeverity));
    limit::text(&mut record.severity_text, work);
    redactor.text(&mut record.event_name, work.tally.redacted.at(Place::LogEventName));
    limit::text(&mut record.event_name, work);
    redactor.attributes(&mut record.attributes, work.tally.redacted.at(Place::LogAttribute));
    record.dropped_attributes += limit::attributes(&mut record.attributes, work);
    Some(record)
}
