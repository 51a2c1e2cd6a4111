//! A log record (OpenTelemetry log data model).

use std::sync::Arc;

use crate::{Attributes, Resource, SpanId, Timestamp, TraceId, Value};

#[derive(Clone, Debug, PartialEq)]
pub struct LogRecord {
    pub resource: Arc<Resource>,
    /// When it happened; when the emitter did not say, when it was observed.
    pub at: Timestamp,
    /// OpenTelemetry's severity number, 1 (trace) to 24 (fatal); 0 when unknown.
    pub severity: u8,
    /// The emitter's own word for the severity; empty when absent.
    pub severity_text: Box<str>,
    pub body: Value,
    pub trace_id: Option<TraceId>,
    pub span_id: Option<SpanId>,
    pub attributes: Attributes,
}
