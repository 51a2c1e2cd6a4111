//! Writes a record.

use std::{collections::HashMap, sync::Arc};

use model::{LogRecord, Resource, Scope, Span, SpanKind, SpanStatus, Timestamp};
use wal::codec::{put_bytes, put_int, put_len, put_uint};

use super::{
    VERSION,
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

/// Resources or scopes and their numbers. Records of one emitter share them, so that an address is enough to know one.
struct Shared<'a, T> {
    numbers: HashMap<*const T, u64>,
    values: Vec<&'a T>,
}

impl<T> Default for Shared<'_, T> {
    fn default() -> Self {
        Self { numbers: HashMap::new(), values: Vec::new() }
    }
}

impl<'a, T> Shared<'a, T> {
    fn number(&mut self, value: &'a Arc<T>) -> u64 {
        let next = u64::try_from(self.values.len()).expect("a length in memory fits 64 bits");
        *self.numbers.entry(Arc::as_ptr(value)).or_insert_with(|| {
            self.values.push(value);
            next
        })
    }
}

/// The record's payload.
pub(crate) fn encode(received_at: Timestamp, spans: &[Span], logs: &[LogRecord]) -> Vec<u8> {
    let first = spans.first().map(|span| span.start).or(logs.first().map(|log| log.at));
    let base = first.unwrap_or(received_at);
    let mut strings = Dictionary::default();
    let (mut resources, mut scopes) = (Shared::default(), Shared::default());
    let mut body = Vec::new();
    for span in spans {
        put_uint(&mut body, resources.number(&span.resource));
        put_uint(&mut body, scopes.number(&span.scope));
        put_span(&mut body, &mut strings, base, span);
    }
    for log in logs {
        put_uint(&mut body, resources.number(&log.resource));
        put_uint(&mut body, scopes.number(&log.scope));
        put_log(&mut body, &mut strings, base, log);
    }
    let mut table = Vec::new();
    put_len(&mut table, resources.values.len());
    for resource in resources.values {
        put_resource(&mut table, &mut strings, resource);
    }
    put_len(&mut table, scopes.values.len());
    for scope in scopes.values {
        put_scope(&mut table, &mut strings, scope);
    }
    let mut out = vec![VERSION];
    put_int(&mut out, received_at.as_nanos());
    put_int(&mut out, base.as_nanos());
    put_len(&mut out, spans.len());
    put_len(&mut out, logs.len());
    put_len(&mut out, strings.strings.len());
    for text in strings.strings {
        put_bytes(&mut out, text.as_bytes());
    }
    out.extend_from_slice(&table);
    out.extend_from_slice(&body);
    out
}

fn put_resource<'a>(out: &mut Vec<u8>, strings: &mut Dictionary<'a>, resource: &'a Resource) {
    let Resource {
        service,
        version,
        environment,
        instance,
        attributes,
        dropped_attributes,
        schema_url,
    } = resource;
    for text in [service, version, environment, instance, schema_url] {
        put_uint(out, strings.number(text));
    }
    put_uint(out, u64::from(*dropped_attributes));
    put_attributes(out, strings, attributes);
}

fn put_scope<'a>(out: &mut Vec<u8>, strings: &mut Dictionary<'a>, scope: &'a Scope) {
    let Scope { name, version, schema_url, attributes, dropped_attributes } = scope;
    for text in [name, version, schema_url] {
        put_uint(out, strings.number(text));
    }
    put_uint(out, u64::from(*dropped_attributes));
    put_attributes(out, strings, attributes);
}

/// The difference may leave 64 bits; wrapped here and wrapped back when it is read, it is exact.
fn put_time(out: &mut Vec<u8>, base: Timestamp, time: Timestamp) {
    put_int(out, time.as_nanos().wrapping_sub(base.as_nanos()));
}

fn put_span<'a>(out: &mut Vec<u8>, strings: &mut Dictionary<'a>, base: Timestamp, span: &'a Span) {
    out.extend_from_slice(&span.trace_id.0);
    out.extend_from_slice(&span.span_id.0);
    put_optional(out, span.parent.as_ref().map(|parent| &parent.0[..]));
    put_uint(out, strings.number(&span.trace_state));
    put_uint(out, u64::from(span.flags));
    for dropped in [span.dropped.attributes, span.dropped.events, span.dropped.links] {
        put_uint(out, u64::from(dropped));
    }
    out.push(kind(span.kind));
    out.push(status(span.status));
    put_uint(out, strings.number(&span.name));
    put_uint(out, strings.number(&span.status_message));
    put_time(out, base, span.start);
    put_time(out, span.start, span.end);
    put_attributes(out, strings, &span.attributes);
    put_len(out, span.events.len());
    for event in &span.events {
        put_time(out, span.start, event.at);
        put_uint(out, strings.number(&event.name));
        put_uint(out, u64::from(event.dropped_attributes));
        put_attributes(out, strings, &event.attributes);
    }
    put_len(out, span.links.len());
    for link in &span.links {
        out.extend_from_slice(&link.trace_id.0);
        out.extend_from_slice(&link.span_id.0);
        put_uint(out, strings.number(&link.trace_state));
        put_uint(out, u64::from(link.flags));
        put_uint(out, u64::from(link.dropped_attributes));
        put_attributes(out, strings, &link.attributes);
    }
}

fn put_log<'a>(
    out: &mut Vec<u8>,
    strings: &mut Dictionary<'a>,
    base: Timestamp,
    log: &'a LogRecord,
) {
    put_time(out, base, log.at);
    out.push(u8::from(log.timed) | u8::from(log.observed_at.is_some()) << 1);
    if let Some(observed_at) = log.observed_at {
        put_time(out, base, observed_at);
    }
    out.push(log.severity);
    put_uint(out, strings.number(&log.severity_text));
    put_value(out, strings, &log.body);
    put_uint(out, strings.number(&log.event_name));
    put_uint(out, u64::from(log.flags));
    put_uint(out, u64::from(log.dropped_attributes));
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
        SpanKind::Unspecified => 5,
    }
}

fn status(status: SpanStatus) -> u8 {
    match status {
        SpanStatus::Unset => 0,
        SpanStatus::Ok => 1,
        SpanStatus::Error => 2,
    }
}
