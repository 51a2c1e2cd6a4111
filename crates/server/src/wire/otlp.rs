//! OTLP's messages become raw telemetry (opentelemetry-proto v1).

pub mod json;

mod metrics;

use std::sync::Arc;

use ingest::{RawBatch, RawEmitter, RawLog, RawResource, RawSpan, Refused};
use model::{
    Attributes, Dropped, Scope, SpanId, SpanKind, SpanStatus, Timestamp, TraceId, Value,
    span::{SpanEvent, SpanLink},
};
use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse},
        metrics::v1::{
            ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
        },
        trace::v1::{
            ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
        },
    },
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value},
    logs::v1::LogRecord,
    resource::v1::Resource,
    trace::v1::{Span, span, status::StatusCode},
};

use crate::wire::weigh::{self, Shape};

/// One of OTLP's three export requests.
pub(crate) trait Export: prost::Message + Default + Send + 'static {
    type Answer: prost::Message + Default;

    /// Parses OTLP's JSON.
    fn from_json(bytes: &[u8]) -> Result<Self, serde_json::Error>;
    fn into_raw(self) -> RawBatch;
    /// The answer, with `partial_success` when something was refused.
    fn answer(partial: Option<Partial>) -> Self::Answer;
    /// How the answer's JSON names the count of what was refused.
    const REJECTED: &'static str;
    /// For weighing it before it is decoded.
    const SHAPE: &'static Shape;
}

/// What `partial_success` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Partial {
    pub(crate) rejected: i64,
    pub(crate) message: String,
}

impl Partial {
    /// How many reasons the message spells out.
    const REASONS_MAX: usize = 10;

    pub(crate) fn of(refused: &[Refused]) -> Option<Self> {
        if refused.is_empty() {
            return None;
        }
        let rejected = refused.iter().map(|refused| refused.count).sum::<u64>();
        let reasons: Vec<_> = refused
            .iter()
            .take(Self::REASONS_MAX)
            .map(|refused| format!("{} ({}): {}", refused.reason, refused.count, refused.message))
            .collect();
        Some(Self {
            rejected: i64::try_from(rejected).unwrap_or(i64::MAX),
            message: reasons.join("; "),
        })
    }
}

impl Export for ExportTraceServiceRequest {
    type Answer = ExportTraceServiceResponse;
    const REJECTED: &'static str = "rejectedSpans";
    const SHAPE: &'static Shape = &weigh::TRACES;

    fn from_json(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        json::traces(bytes)
    }

    fn into_raw(self) -> RawBatch {
        let groups = self.resource_spans.into_iter().map(|group| {
            let scopes = group.scope_spans.into_iter();
            let spans = scopes.flat_map(|group| {
                let scope = scope(group.scope, group.schema_url);
                group.spans.into_iter().map(move |span| raw_span(span, &scope))
            });
            RawResource {
                emitter: emitter(group.resource, group.schema_url),
                spans: spans.collect(),
                ..RawResource::default()
            }
        });
        RawBatch { resources: groups.collect(), ..RawBatch::default() }
    }

    fn answer(partial: Option<Partial>) -> Self::Answer {
        let partial_success = partial.map(|partial| ExportTracePartialSuccess {
            rejected_spans: partial.rejected,
            error_message: partial.message,
        });
        ExportTraceServiceResponse { partial_success }
    }
}

impl Export for ExportLogsServiceRequest {
    type Answer = ExportLogsServiceResponse;
    const REJECTED: &'static str = "rejectedLogRecords";
    const SHAPE: &'static Shape = &weigh::LOGS;

    fn from_json(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        json::logs(bytes)
    }

    fn into_raw(self) -> RawBatch {
        let groups = self.resource_logs.into_iter().map(|group| {
            let scopes = group.scope_logs.into_iter();
            let logs = scopes.flat_map(|group| {
                let scope = scope(group.scope, group.schema_url);
                group.log_records.into_iter().map(move |record| raw_log(record, &scope))
            });
            RawResource {
                emitter: emitter(group.resource, group.schema_url),
                logs: logs.collect(),
                ..RawResource::default()
            }
        });
        RawBatch { resources: groups.collect(), ..RawBatch::default() }
    }

    fn answer(partial: Option<Partial>) -> Self::Answer {
        let partial_success = partial.map(|partial| ExportLogsPartialSuccess {
            rejected_log_records: partial.rejected,
            error_message: partial.message,
        });
        ExportLogsServiceResponse { partial_success }
    }
}

impl Export for ExportMetricsServiceRequest {
    type Answer = ExportMetricsServiceResponse;
    const REJECTED: &'static str = "rejectedDataPoints";
    const SHAPE: &'static Shape = &weigh::METRICS;

    fn from_json(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        json::metrics(bytes)
    }

    fn into_raw(self) -> RawBatch {
        let groups = self.resource_metrics.into_iter().map(|group| {
            let metrics = group.scope_metrics.into_iter().flat_map(|group| {
                let scope = scope(group.scope, group.schema_url);
                let scope = (*scope != Scope::default()).then_some(scope);
                group.metrics.into_iter().map(move |metric| metrics::raw(metric, scope.as_ref()))
            });
            RawResource {
                emitter: emitter(group.resource, group.schema_url),
                metrics: metrics.collect(),
                ..RawResource::default()
            }
        });
        RawBatch { resources: groups.collect(), ..RawBatch::default() }
    }

    fn answer(partial: Option<Partial>) -> Self::Answer {
        let partial_success = partial.map(|partial| ExportMetricsPartialSuccess {
            rejected_data_points: partial.rejected,
            error_message: partial.message,
        });
        ExportMetricsServiceResponse { partial_success }
    }
}

fn raw_span(span: Span, scope: &Arc<Scope>) -> RawSpan {
    let status = span.status.unwrap_or_default();
    RawSpan {
        trace_id: trace_id(&span.trace_id),
        span_id: span_id(&span.span_id),
        parent: span_id(&span.parent_span_id),
        trace_state: span.trace_state.into(),
        flags: span.flags,
        scope: Arc::clone(scope),
        name: span.name.into(),
        kind: kind(span.kind),
        start: Timestamp::from_unsigned_nanos(span.start_time_unix_nano),
        end: Timestamp::from_unsigned_nanos(span.end_time_unix_nano),
        status: match StatusCode::try_from(status.code) {
            Ok(StatusCode::Ok) => SpanStatus::Ok,
            Ok(StatusCode::Error) => SpanStatus::Error,
            Ok(StatusCode::Unset) | Err(_) => SpanStatus::Unset,
        },
        status_message: status.message.into(),
        attributes: attributes(span.attributes),
        events: span.events.into_iter().map(event).collect(),
        // A link to nothing says nothing.
        links: span.links.into_iter().filter_map(link).collect(),
        dropped: Dropped {
            attributes: span.dropped_attributes_count,
            events: span.dropped_events_count,
            links: span.dropped_links_count,
        },
    }
}

fn event(event: span::Event) -> SpanEvent {
    let at = Timestamp::from_unsigned_nanos(event.time_unix_nano);
    SpanEvent {
        at,
        name: event.name.into(),
        attributes: attributes(event.attributes),
        dropped_attributes: event.dropped_attributes_count,
    }
}

fn link(link: span::Link) -> Option<SpanLink> {
    let (trace_id, span_id) = (trace_id(&link.trace_id)?, span_id(&link.span_id)?);
    Some(SpanLink {
        trace_id,
        span_id,
        trace_state: link.trace_state.into(),
        flags: link.flags,
        attributes: attributes(link.attributes),
        dropped_attributes: link.dropped_attributes_count,
    })
}

fn kind(kind: i32) -> SpanKind {
    match span::SpanKind::try_from(kind) {
        Ok(span::SpanKind::Server) => SpanKind::Server,
        Ok(span::SpanKind::Client) => SpanKind::Client,
        Ok(span::SpanKind::Producer) => SpanKind::Producer,
        Ok(span::SpanKind::Consumer) => SpanKind::Consumer,
        Ok(span::SpanKind::Internal) => SpanKind::Internal,
        Ok(span::SpanKind::Unspecified) | Err(_) => SpanKind::Unspecified,
    }
}

fn raw_log(record: LogRecord, scope: &Arc<Scope>) -> RawLog {
    RawLog {
        scope: Arc::clone(scope),
        at: time(record.time_unix_nano),
        observed_at: time(record.observed_time_unix_nano),
        severity: u8::try_from(record.severity_number)
            .ok()
            .filter(|severity| *severity <= 24)
            .unwrap_or(0),
        severity_text: record.severity_text.into(),
        body: record.body.map_or(Value::Empty, value),
        event_name: record.event_name.into(),
        trace_id: trace_id(&record.trace_id),
        span_id: span_id(&record.span_id),
        flags: record.flags,
        attributes: attributes(record.attributes),
        dropped_attributes: record.dropped_attributes_count,
    }
}

/// Zero means that the emitter did not say.
fn time(nanos: u64) -> Option<Timestamp> {
    (nanos > 0).then(|| Timestamp::from_unsigned_nanos(nanos))
}

fn trace_id(bytes: &[u8]) -> Option<TraceId> {
    bytes.try_into().ok().filter(|id| *id != [0; 16]).map(TraceId)
}

fn span_id(bytes: &[u8]) -> Option<SpanId> {
    bytes.try_into().ok().filter(|id| *id != [0; 8]).map(SpanId)
}

fn emitter(resource: Option<Resource>, schema_url: String) -> RawEmitter {
    let resource = resource.unwrap_or_default();
    RawEmitter {
        attributes: attributes(resource.attributes),
        dropped_attributes: resource.dropped_attributes_count,
        schema_url: schema_url.into(),
    }
}

/// The library that emitted a group's records.
fn scope(scope: Option<InstrumentationScope>, schema_url: String) -> Arc<Scope> {
    let scope = scope.unwrap_or_default();
    Arc::new(Scope {
        name: scope.name.into(),
        version: scope.version.into(),
        schema_url: schema_url.into(),
        attributes: attributes(scope.attributes),
        dropped_attributes: scope.dropped_attributes_count,
    })
}

fn attributes(pairs: Vec<KeyValue>) -> Attributes {
    pairs
        .into_iter()
        .map(|pair| (pair.key.into(), pair.value.map_or(Value::Empty, value)))
        .collect()
}

/// The decoders bound how deep values nest (100 levels in protobuf, 128 in JSON), and so how deep this recurses.
fn value(value: AnyValue) -> Value {
    match value.value {
        Some(any_value::Value::StringValue(text)) => Value::String(text.into()),
        Some(any_value::Value::BoolValue(value)) => Value::Bool(value),
        Some(any_value::Value::IntValue(value)) => Value::Int(value),
        Some(any_value::Value::DoubleValue(value)) => Value::Double(value),
        Some(any_value::Value::BytesValue(bytes)) => Value::Bytes(bytes.into()),
        Some(any_value::Value::ArrayValue(array)) => {
            Value::Array(array.values.into_iter().map(self::value).collect())
        }
        Some(any_value::Value::KvlistValue(list)) => Value::Map(attributes(list.values)),
        // An index into a dictionary that only profiles have.
        Some(any_value::Value::StringValueStrindex(_)) | None => Value::Empty,
    }
}
