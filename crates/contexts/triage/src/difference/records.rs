//! Differences of spans and log records in memory.

use model::{Attributes, LogRecord, Resource, Span, SpanKind, SpanStatus, Value};

use super::{
    count::Counter,
    dictionary::{KeyId, ValueId},
    row::Difference,
};

/// The keys every record has, by the names that queries use, in order of preference.
const KEYS: [&str; 7] =
    ["service", "version", "environment", "operation", "kind", "status", "severity"];

/// What a key of a record holds.
#[derive(Clone, Copy, Debug)]
enum Field<'a> {
    Text(&'a str),
    Number(f64),
}

/// The difference of spans: each with whether it is selected and how many it stands for. The spans are gone through
/// twice. `skip` names keys that are not looked at, such as the one by which the selection was made.
pub fn of_spans<'a>(
    spans: impl Iterator<Item = (&'a Span, bool, f64)> + Clone,
    skip: &[&str],
) -> Difference {
    of(spans, skip, span_fields)
}

/// As [`of_spans`] for log records.
pub fn of_logs<'a>(
    logs: impl Iterator<Item = (&'a LogRecord, bool, f64)> + Clone,
    skip: &[&str],
) -> Difference {
    of(logs, skip, log_fields)
}

fn of<E: Copy>(
    events: impl Iterator<Item = (E, bool, f64)> + Clone,
    skip: &[&str],
    fields: impl Fn(E, &mut dyn FnMut(&str, Field<'_>)),
) -> Difference {
    let mut counter = Counter::new(&KEYS);
    let mut values: Vec<(KeyId, ValueId)> = Vec::new();
    for (event, inside, weight) in events.clone() {
        values.clear();
        fields(event, &mut |name, field| {
            if !skip.contains(&name)
                && let Some(key) = counter.key(name)
            {
                values.push((
                    key,
                    match field {
                        Field::Text(text) => counter.text(key, text),
                        Field::Number(number) => counter.number(key, number),
                    },
                ));
            }
        });
        counter.observe_present(inside, weight, values.drain(..));
    }
    let mut pairs = counter.into_pairs();
    for (event, inside, weight) in events {
        values.clear();
        fields(event, &mut |name, field| {
            if !skip.contains(&name)
                && let Some(key) = pairs.key(name)
            {
                values.push((
                    key,
                    match field {
                        Field::Text(text) => pairs.text(key, text),
                        Field::Number(number) => pairs.number(key, number),
                    },
                ));
            }
        });
        pairs.observe_present(inside, weight, values.drain(..));
    }
    pairs.into_difference()
}

fn span_fields(span: &Span, give: &mut dyn FnMut(&str, Field<'_>)) {
    resource_fields(&span.resource, give);
    give("operation", Field::Text(&span.name));
    give(
        "kind",
        Field::Text(match span.kind {
            SpanKind::Internal | SpanKind::Unspecified => "internal",
            SpanKind::Server => "server",
            SpanKind::Client => "client",
            SpanKind::Producer => "producer",
            SpanKind::Consumer => "consumer",
        }),
    );
    give(
        "status",
        Field::Text(match span.status {
            SpanStatus::Unset => "unset",
            SpanStatus::Ok => "ok",
            SpanStatus::Error => "error",
        }),
    );
    if !span.status_message.is_empty() {
        give("status_message", Field::Text(&span.status_message));
    }
    attribute_fields(&span.attributes, give);
    attribute_fields(&span.resource.attributes, give);
}

fn log_fields(log: &LogRecord, give: &mut dyn FnMut(&str, Field<'_>)) {
    resource_fields(&log.resource, give);
    give("severity", Field::Text(severity(log.severity)));
    attribute_fields(&log.attributes, give);
    attribute_fields(&log.resource.attributes, give);
}

fn resource_fields(resource: &Resource, give: &mut dyn FnMut(&str, Field<'_>)) {
    for (name, text) in [
        ("service", &resource.service),
        ("version", &resource.version),
        ("environment", &resource.environment),
        ("instance", &resource.instance),
    ] {
        if !text.is_empty() {
            give(name, Field::Text(text));
        }
    }
}

/// Texts, truths, numbers and lists; maps and bytes are nothing to compare.
fn attribute_fields(attributes: &Attributes, give: &mut dyn FnMut(&str, Field<'_>)) {
    for (name, value) in attributes {
        match value {
            Value::String(text) => give(name, Field::Text(text)),
            Value::Bool(truth) => give(name, Field::Text(if *truth { "true" } else { "false" })),
            #[expect(clippy::cast_precision_loss, reason = "ranges need no more than 53 bits")]
            Value::Int(number) => give(name, Field::Number(*number as f64)),
            Value::Double(number) => give(name, Field::Number(*number)),
            Value::Array(_) => give(name, Field::Text(&value.to_string())),
            Value::Bytes(_) | Value::Map(_) | Value::Empty => {}
        }
    }
}

/// The name of OpenTelemetry's range of a severity number.
fn severity(number: u8) -> &'static str {
    match number {
        1..=4 => "trace",
        5..=8 => "debug",
        9..=12 => "info",
        13..=16 => "warn",
        17..=20 => "error",
        21..=24 => "fatal",
        _ => "unknown",
    }
}
