//! What a message would weigh once decoded, found without decoding it.
//!
//! An empty protobuf message takes two bytes on the wire and some hundred in memory, so that a body within its limit may still
//! become gigabytes. This walks the bytes by the shape of the schema, allocates nothing, and stops at the limit. What is
//! malformed weighs nothing more here: the decoder says what is wrong with it.

use std::mem::size_of;

use opentelemetry_proto::tonic::{
    common::v1 as common, logs::v1 as logs, metrics::v1 as metrics, resource::v1 as resource,
    trace::v1 as trace,
};

use crate::{Problem, body::BodyError};

/// How often the body's limit a decoded message may weigh; telemetry as it is emitted weighs two to five times its bytes.
const TIMES_MAX: usize = 4;
/// As deep as prost goes.
const DEPTH_MAX: usize = 100;
/// What an object of JSON may weigh: the structure it is read into and the message it becomes.
const JSON_OBJECT_BYTES: usize = 256;

/// The shape of a message: what it weighs by itself, and which of its fields hold messages.
#[derive(Debug)]
pub(crate) struct Shape {
    bytes: usize,
    fields: &'static [(u64, &'static Shape)],
}

/// A repeated string.
static TEXT: Shape = Shape { bytes: size_of::<String>(), fields: &[] };
static ANY: Shape =
    Shape { bytes: size_of::<common::AnyValue>(), fields: &[(5, &ARRAY), (6, &KEY_VALUES)] };
static ARRAY: Shape = Shape { bytes: 0, fields: &[(1, &ANY)] };
static KEY_VALUES: Shape = Shape { bytes: 0, fields: &[(1, &KEY_VALUE)] };
/// Its value is a part of it; what that value holds is not.
static KEY_VALUE: Shape =
    Shape { bytes: size_of::<common::KeyValue>(), fields: &[(2, &INNER_ANY)] };
static INNER_ANY: Shape = Shape { bytes: 0, fields: &[(5, &ARRAY), (6, &KEY_VALUES)] };
static ENTITY: Shape =
    Shape { bytes: size_of::<common::EntityRef>(), fields: &[(3, &TEXT), (4, &TEXT)] };
static RESOURCE: Shape =
    Shape { bytes: size_of::<resource::Resource>(), fields: &[(1, &KEY_VALUE), (3, &ENTITY)] };
static SCOPE: Shape =
    Shape { bytes: size_of::<common::InstrumentationScope>(), fields: &[(3, &KEY_VALUE)] };

static EVENT: Shape = Shape { bytes: size_of::<trace::span::Event>(), fields: &[(3, &KEY_VALUE)] };
static LINK: Shape = Shape { bytes: size_of::<trace::span::Link>(), fields: &[(4, &KEY_VALUE)] };
static SPAN: Shape = Shape {
    bytes: size_of::<trace::Span>(),
    fields: &[(9, &KEY_VALUE), (11, &EVENT), (13, &LINK)],
};
static SCOPE_SPANS: Shape =
    Shape { bytes: size_of::<trace::ScopeSpans>(), fields: &[(1, &SCOPE), (2, &SPAN)] };
static RESOURCE_SPANS: Shape = Shape {
    bytes: size_of::<trace::ResourceSpans>(),
    fields: &[(1, &RESOURCE), (2, &SCOPE_SPANS)],
};
/// `ExportTraceServiceRequest`.
pub(crate) static TRACES: Shape = Shape { bytes: 0, fields: &[(1, &RESOURCE_SPANS)] };

static LOG: Shape =
    Shape { bytes: size_of::<logs::LogRecord>(), fields: &[(5, &INNER_ANY), (6, &KEY_VALUE)] };
static SCOPE_LOGS: Shape =
    Shape { bytes: size_of::<logs::ScopeLogs>(), fields: &[(1, &SCOPE), (2, &LOG)] };
static RESOURCE_LOGS: Shape =
    Shape { bytes: size_of::<logs::ResourceLogs>(), fields: &[(1, &RESOURCE), (2, &SCOPE_LOGS)] };
/// `ExportLogsServiceRequest`.
pub(crate) static LOGS: Shape = Shape { bytes: 0, fields: &[(1, &RESOURCE_LOGS)] };

static EXEMPLAR: Shape =
    Shape { bytes: size_of::<metrics::Exemplar>(), fields: &[(7, &KEY_VALUE)] };
static NUMBER: Shape = Shape {
    bytes: size_of::<metrics::NumberDataPoint>(),
    fields: &[(5, &EXEMPLAR), (7, &KEY_VALUE)],
};
static NUMBERS: Shape = Shape { bytes: 0, fields: &[(1, &NUMBER)] };
static HISTOGRAM_POINT: Shape = Shape {
    bytes: size_of::<metrics::HistogramDataPoint>(),
    fields: &[(8, &EXEMPLAR), (9, &KEY_VALUE)],
};
static HISTOGRAM: Shape = Shape { bytes: 0, fields: &[(1, &HISTOGRAM_POINT)] };
static EXPONENTIAL_POINT: Shape = Shape {
    bytes: size_of::<metrics::ExponentialHistogramDataPoint>(),
    fields: &[(1, &KEY_VALUE), (8, &COUNTS), (9, &COUNTS), (11, &EXEMPLAR)],
};
/// Counts of exponential buckets are packed integers of one byte each, which become eight.
static COUNTS: Shape = Shape { bytes: 0, fields: &[(2, &PACKED)] };
static PACKED: Shape = Shape { bytes: 0, fields: &[] };
static EXPONENTIAL: Shape = Shape { bytes: 0, fields: &[(1, &EXPONENTIAL_POINT)] };
static QUANTILE: Shape =
    Shape { bytes: size_of::<metrics::summary_data_point::ValueAtQuantile>(), fields: &[] };
static SUMMARY_POINT: Shape = Shape {
    bytes: size_of::<metrics::SummaryDataPoint>(),
    fields: &[(6, &QUANTILE), (7, &KEY_VALUE)],
};
static SUMMARY: Shape = Shape { bytes: 0, fields: &[(1, &SUMMARY_POINT)] };
static METRIC: Shape = Shape {
    bytes: size_of::<metrics::Metric>(),
    fields: &[
        (5, &NUMBERS),
        (7, &NUMBERS),
        (9, &HISTOGRAM),
        (10, &EXPONENTIAL),
        (11, &SUMMARY),
        (12, &KEY_VALUE),
    ],
};
static SCOPE_METRICS: Shape =
    Shape { bytes: size_of::<metrics::ScopeMetrics>(), fields: &[(1, &SCOPE), (2, &METRIC)] };
static RESOURCE_METRICS: Shape = Shape {
    bytes: size_of::<metrics::ResourceMetrics>(),
    fields: &[(1, &RESOURCE), (2, &SCOPE_METRICS)],
};
/// `ExportMetricsServiceRequest`.
pub(crate) static METRICS: Shape = Shape { bytes: 0, fields: &[(1, &RESOURCE_METRICS)] };

/// Refuses a protobuf message that would weigh more than the limit on bodies allows.
///
/// # Errors
/// [`BodyError::TooLarge`] as a problem.
pub(crate) fn protobuf(
    message: &[u8],
    shape: &'static Shape,
    bytes_max: usize,
) -> Result<(), Problem> {
    let mut left = bytes_max.saturating_mul(TIMES_MAX);
    take(message.len(), &mut left)
        .and_then(|()| walk(message, shape, 0, &mut left))
        .ok_or_else(|| too_large(bytes_max))
}

/// Refuses a JSON message with more objects and arrays than the limit on bodies allows.
///
/// # Errors
/// [`BodyError::TooLarge`] as a problem.
pub(crate) fn json(message: &[u8], bytes_max: usize) -> Result<(), Problem> {
    let objects = message.iter().filter(|byte| matches!(byte, b'{' | b'[')).count();
    let fits = objects.saturating_mul(JSON_OBJECT_BYTES) <= bytes_max.saturating_mul(TIMES_MAX);
    if fits { Ok(()) } else { Err(too_large(bytes_max)) }
}

fn too_large(bytes_max: usize) -> Problem {
    BodyError::Dense { max: bytes_max.saturating_mul(TIMES_MAX) }.into()
}

fn take(bytes: usize, left: &mut usize) -> Option<()> {
    *left = left.checked_sub(bytes)?;
    Some(())
}

/// `None` when the limit is passed.
fn walk(mut message: &[u8], shape: &'static Shape, depth: usize, left: &mut usize) -> Option<()> {
    if std::ptr::eq(shape, &PACKED) {
        return take(message.len().saturating_mul(7), left);
    }
    while let Some((field, value)) = next_field(&mut message) {
        let Some((_, inner)) = shape.fields.iter().find(|(number, _)| *number == field) else {
            continue;
        };
        take(inner.bytes, left)?;
        if depth < DEPTH_MAX {
            walk(value, inner, depth + 1, left)?;
        }
    }
    Some(())
}

/// The next field with its bytes, which are empty unless the field is delimited by a length; `None` at the end and at what is malformed.
fn next_field<'m>(message: &mut &'m [u8]) -> Option<(u64, &'m [u8])> {
    let key = varint(message)?;
    let len = match key & 7 {
        0 => {
            varint(message)?;
            return Some((key >> 3, &[]));
        }
        1 => 8,
        2 => usize::try_from(varint(message)?).ok()?,
        5 => 4,
        _ => return None,
    };
    let (value, rest) = message.split_at_checked(len)?;
    *message = rest;
    Some((key >> 3, if key & 7 == 2 { value } else { &[] }))
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = message.split_first()?;
        *message = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    #[test]
    fn empty_messages_weigh_what_they_become() {
        let resource = resource::Resource {
            attributes: vec![common::KeyValue::default(); 10_000],
            ..resource::Resource::default()
        };
        let group =
            trace::ResourceSpans { resource: Some(resource), ..trace::ResourceSpans::default() };
        let request = trace::TracesData { resource_spans: vec![group] }.encode_to_vec();
        assert!(request.len() < 21_000);
        let weight = 10_000 * size_of::<common::KeyValue>();
        assert!(protobuf(&request, &TRACES, weight / TIMES_MAX).is_err());
        assert!(protobuf(&request, &TRACES, weight / TIMES_MAX * 2).is_ok());
    }

    #[test]
    fn deep_and_malformed_messages_end() {
        let mut value = common::AnyValue::default();
        for _ in 0..1000 {
            let array = common::ArrayValue { values: vec![value] };
            value = common::AnyValue { value: Some(common::any_value::Value::ArrayValue(array)) };
        }
        let bytes = value.encode_to_vec();
        assert!(protobuf(&bytes, &ANY, 1 << 20).is_ok());
        for end in 0..bytes.len().min(200) {
            assert!(protobuf(&bytes[..end], &ANY, 1 << 20).is_ok());
        }
        assert!(protobuf(&[0xff; 64], &TRACES, 1 << 20).is_ok());
        // The nested values are dropped one by one, for dropping them at once would recurse as deeply.
        while let Some(common::any_value::Value::ArrayValue(mut array)) = value.value.take() {
            value = array.values.pop().unwrap_or_default();
        }
    }

    #[test]
    fn json_is_weighed_by_its_objects() {
        assert!(json(br#"{"resourceSpans":[{}]}"#, 1 << 10).is_ok());
        assert!(json("{},".repeat(100).as_bytes(), 1 << 10).is_err());
    }
}
