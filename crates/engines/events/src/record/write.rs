//! Writes a record.

use std::{collections::HashMap, sync::Arc};

use model::{LogRecord, Resource, Span, SpanKind, SpanStatus, Timestamp};
use wal::codec::{put_bytes, put_int, put_len, put_uint};

use super::{
    Summary, VERSION,
    value::{put_attributes, put_value},
};

/// Strings and their numbers, in the order of their first use.
#[derive(Default)]
pub(super) struct Dictionary<'a> {
    numbers: HashMap<&'a str, u64>,
    strings: Vec<&'a str>,
}

impl<'a> Dictionary<'a> {
    pub(super) fn number(&mut self, text: &'a str) -> u64 {
        let next = u64::try_from(self.strings.len()).expect("a length in memory fits 64 bits");
        *self.numbers.entry(text).or_insert_with(|| {
            self.strings.push(text);
            next
        })
    }
}

/// Resources and their numbers. Records of one emitter share the resource, so that its address is enough to know it.
#[derive(Default)]
struct Resources<'a> {
    numbers: HashMap<*const Resource, u64>,
    resources: Vec<&'a Resource>,
}

impl<'a> Resources<'a> {
    fn number(&mut self, resource: &'a Arc<Resource>) -> u64 {
        let next = u64::try_from(self.resources.len()).expect("a length in memory fits 64 bits");
        *self.numbers.entry(Arc::as_ptr(resource)).or_insert_with(|| {
            self.resources.push(resource);
            next
        })
    }
}

/// The record's payload, and its summary.
pub(crate) fn encode(
    received_at: Timestamp,
    spans: &[Span],
    logs: &[LogRecord],
) -> (Vec<u8>, Summary) {
    let summary = Summary::of(received_at, spans, logs);
    let mut strings = Dictionary::default();
    let mut resources = Resources::default();
    let mut body = Vec::new();
    for span in spans {
        put_uint(&mut body, resources.number(&span.resource));
        put_span(&mut body, &mut strings, received_at, span);
    }
    for log in logs {
        put_uint(&mut body, resources.number(&log.resource));
        put_log(&mut body, &mut strings, received_at, log);
    }
    let mut table = Vec::new();
    put_len(&mut table, resources.resources.len());
    for resource in resources.resources {
        put_resource(&mut table, &mut strings, resource);
    }
    let mut out = vec![VERSION];
    put_bytes(&mut out, &summary.encode());
    put_len(&mut out, strings.strings.len());
    for text in strings.strings {
        put_bytes(&mut out, text.as_bytes());
    }
    out.extend_from_slice(&table);
    out.extend_from_slice(&body);
    (out, summary)
}

fn put_resource<'a>(out: &mut Vec<u8>, strings: &mut Dictionary<'a>, resource: &'a Resource) {
    let Resource { service, version, environment, instance, attributes } = resource;
    for text in [service, version, environment, instance] {
        put_uint(out, strings.number(text));
    }
    put_attributes(out, strings, attributes);
}

/// The difference may leave 64 bits; wrapped here and wrapped back when it is read, it is exact.
fn put_time(out: &mut Vec<u8>, base: Timestamp, time: Timestamp) {
    put_int(out, time.as_nanos().wrapping_sub(base.as_nanos()));
}

fn put_span<'a>(
    out: &mut Vec<u8>,
    strings: &mut Dictionary<'a>,
    received_at: Timestamp,
    span: &'a Span,
) {
    out.extend_from_slice(&span.trace_id.0);
    out.extend_from_slice(&span.span_id.0);
    put_optional(out, span.parent.as_ref().map(|parent| &parent.0[..]));
    out.push(kind(span.kind));
    out.push(status(span.status));
    put_uint(out, strings.number(&span.name));
    put_uint(out, strings.number(&span.status_message));
    put_time(out, received_at, span.start);
    put_time(out, span.start, span.end);
    put_attributes(out, strings, &span.attributes);
    put_len(out, span.events.len());
    for event in &span.events {
        put_time(out, span.start, event.at);
        put_uint(out, strings.number(&event.name));
        put_attributes(out, strings, &event.attributes);
    }
    put_len(out, span.links.len());
    for link in &span.links {
        out.extend_from_slice(&link.trace_id.0);
        out.extend_from_slice(&link.span_id.0);
        put_attributes(out, strings, &link.attributes);
    }
}

fn put_log<'a>(
    out: &mut Vec<u8>,
    strings: &mut Dictionary<'a>,
    received_at: Timestamp,
    log: &'a LogRecord,
) {
    put_time(out, received_at, log.at);
    out.push(log.severity);
    put_uint(out, strings.number(&log.severity_text));
    put_value(out, strings, &log.body);
    put_optional(out, log.trace_id.as_ref().map(|trace| &trace.0[..]));
    put_optional(out, log.span_id.as_ref().map(|span| &span.0[..]));
    put_attributes(out, strings, &log.attributes);
}

fn put_optional(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    out.push(u8::from(bytes.is_some()));
    out.extend_from_slice(bytes.unwrap_or_default());
}

fn kind(kind: SpanKind) -> u8 {
    match kind {
        SpanKind::Internal => 0,
        SpanKind::Server => 1,
        SpanKind::Client => 2,
        SpanKind::Producer => 3,
        SpanKind::Consumer => 4,
    }
}

fn status(status: SpanStatus) -> u8 {
    match status {
        SpanStatus::Unset => 0,
        SpanStatus::Ok => 1,
        SpanStatus::Error => 2,
    }
}
