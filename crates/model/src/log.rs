//! A log record (OpenTelemetry log data model).

use std::sync::Arc;

use crate::{Attributes, Resource, Scope, SpanId, Timestamp, TraceId, Value};

#[derive(Clone, Debug, PartialEq, Default)]
pub struct LogRecord {
    pub resource: Arc<Resource>,
    pub scope: Arc<Scope>,
    /// When it happened; when the emitter did not say, when it was observed, else when it came.
    pub at: Timestamp,
    /// Whether the emitter said when it happened.
    pub timed: bool,
    pub observed_at: Option<Timestamp>,
    /// OpenTelemetry's severity number, 1 (trace) to 24 (fatal); 0 when unknown.
    pub severity: u8,
    /// The emitter's own word for the severity; empty when absent.
    pub severity_text: Box<str>,
    pub body: Value,
    /// The class of the event that the record is; empty when it is none.
    pub event_name: Box<str>,
    pub trace_id: Option<TraceId>,
    pub span_id: Option<SpanId>,
    /// W3C trace flags in the low 8 bits.
    pub flags: u32,
    pub attributes: Attributes,
    /// How many attributes the emitter or a limit left out.
    pub dropped_attributes: u32,
}
