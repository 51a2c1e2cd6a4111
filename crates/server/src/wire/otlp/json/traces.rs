//! Traces.

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span, status::StatusCode},
};
use serde::Deserialize;

use super::{
    Pair, ResourceJson, ScopeJson,
    field::{Enum, Hex, Int, Nullable},
    pairs, resource, scope,
};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request {
    #[serde(default)]
    resource_spans: Nullable<Vec<ResourceSpansJson>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ResourceSpansJson {
    resource: Option<ResourceJson>,
    scope_spans: Nullable<Vec<ScopeSpansJson>>,
    schema_url: Nullable<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ScopeSpansJson {
    scope: Option<ScopeJson>,
    spans: Nullable<Vec<SpanJson>>,
    schema_url: Nullable<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SpanJson {
    trace_id: Hex,
    span_id: Hex,
    parent_span_id: Hex,
    trace_state: Nullable<String>,
    flags: Int<u32>,
    name: Nullable<String>,
    kind: Enum,
    start_time_unix_nano: Int<u64>,
    end_time_unix_nano: Int<u64>,
    attributes: Nullable<Vec<Pair>>,
    events: Nullable<Vec<EventJson>>,
    links: Nullable<Vec<LinkJson>>,
    dropped_attributes_count: Int<u32>,
    dropped_events_count: Int<u32>,
    dropped_links_count: Int<u32>,
    status: Option<StatusJson>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct EventJson {
    time_unix_nano: Int<u64>,
    name: Nullable<String>,
    attributes: Nullable<Vec<Pair>>,
    dropped_attributes_count: Int<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct LinkJson {
    trace_id: Hex,
    span_id: Hex,
    trace_state: Nullable<String>,
    flags: Int<u32>,
    attributes: Nullable<Vec<Pair>>,
    dropped_attributes_count: Int<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct StatusJson {
    code: Enum,
    message: Nullable<String>,
}

impl From<Request> for ExportTraceServiceRequest {
    fn from(request: Request) -> Self {
        let groups = request.resource_spans.0.into_iter().map(|group| ResourceSpans {
            resource: resource(group.resource),
            scope_spans: group.scope_spans.0.into_iter().map(Into::into).collect(),
            schema_url: group.schema_url.0,
        });
        Self { resource_spans: groups.collect() }
    }
}

impl From<ScopeSpansJson> for ScopeSpans {
    fn from(group: ScopeSpansJson) -> Self {
        let spans = group.spans.0.into_iter().map(Into::into).collect();
        Self { scope: scope(group.scope), spans, schema_url: group.schema_url.0 }
    }
}

impl From<SpanJson> for Span {
    fn from(span: SpanJson) -> Self {
        Self {
            trace_id: span.trace_id.0,
            span_id: span.span_id.0,
            parent_span_id: span.parent_span_id.0,
            trace_state: span.trace_state.0,
            flags: span.flags.0,
            name: span.name.0,
            kind: span.kind.number(span::SpanKind::from_str_name),
            start_time_unix_nano: span.start_time_unix_nano.0,
            end_time_unix_nano: span.end_time_unix_nano.0,
            attributes: pairs(span.attributes),
            events: span.events.0.into_iter().map(Into::into).collect(),
            links: span.links.0.into_iter().map(Into::into).collect(),
            status: span.status.map(Into::into),
            dropped_attributes_count: span.dropped_attributes_count.0,
            dropped_events_count: span.dropped_events_count.0,
            dropped_links_count: span.dropped_links_count.0,
        }
    }
}

impl From<EventJson> for span::Event {
    fn from(event: EventJson) -> Self {
        Self {
            time_unix_nano: event.time_unix_nano.0,
            name: event.name.0,
            attributes: pairs(event.attributes),
            dropped_attributes_count: event.dropped_attributes_count.0,
        }
    }
}

impl From<LinkJson> for span::Link {
    fn from(link: LinkJson) -> Self {
        Self {
            trace_id: link.trace_id.0,
            span_id: link.span_id.0,
            trace_state: link.trace_state.0,
            flags: link.flags.0,
            attributes: pairs(link.attributes),
            dropped_attributes_count: link.dropped_attributes_count.0,
        }
    }
}

impl From<StatusJson> for Status {
    fn from(status: StatusJson) -> Self {
        let code = status.code.number(StatusCode::from_str_name);
        Self { code, message: status.message.0 }
    }
}
