//! OTLP's JSON (OTLP specification, "JSON Protobuf Encoding").
//!
//! Protobuf's JSON with three changes: trace and span ids are hex, enumerations are integers, unknown fields are ignored. As
//! protobuf's own parsers do, this takes 64-bit integers as numbers or strings, floats also as `"NaN"` and `"Infinity"`,
//! `null` as absence, and the names of enumerations.

mod field;
mod logs;
mod metrics;
mod traces;

use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
        trace::v1::ExportTraceServiceRequest,
    },
    common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value},
    resource::v1::Resource,
};
use serde::{Deserialize, de};

use self::field::{Base64, Int, Nullable};

/// Parses an `ExportTraceServiceRequest`.
///
/// # Errors
/// When it is not JSON, too deep, or a field has a wrong type; says where.
pub fn traces(bytes: &[u8]) -> Result<ExportTraceServiceRequest, serde_json::Error> {
    object::<traces::Request>(bytes).map(Into::into)
}

/// Parses an `ExportLogsServiceRequest`.
///
/// # Errors
/// As [`traces()`].
pub fn logs(bytes: &[u8]) -> Result<ExportLogsServiceRequest, serde_json::Error> {
    object::<logs::Request>(bytes).map(Into::into)
}

/// Parses an `ExportMetricsServiceRequest`.
///
/// # Errors
/// As [`traces()`].
pub fn metrics(bytes: &[u8]) -> Result<ExportMetricsServiceRequest, serde_json::Error> {
    object::<metrics::Request>(bytes).map(Into::into)
}

/// Without this an array would be taken for the fields in their order.
fn object<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> Result<T, serde_json::Error> {
    match bytes.trim_ascii_start().first() {
        Some(b'{') | None => serde_json::from_slice(bytes),
        Some(_) => Err(de::Error::custom("the message is not a JSON object")),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ResourceJson {
    attributes: Nullable<Vec<Pair>>,
    dropped_attributes_count: Int<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ScopeJson {
    name: Nullable<String>,
    version: Nullable<String>,
    attributes: Nullable<Vec<Pair>>,
    dropped_attributes_count: Int<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Pair {
    key: Nullable<String>,
    value: Option<Any>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Any {
    string_value: Option<String>,
    bool_value: Option<bool>,
    int_value: Option<Int<i64>>,
    double_value: Option<field::Float>,
    array_value: Option<Box<List<Any>>>,
    kvlist_value: Option<Box<List<Pair>>>,
    bytes_value: Option<Base64>,
}

#[derive(Debug, Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
struct List<T> {
    #[serde(default)]
    values: Nullable<Vec<T>>,
}

fn resource(resource: Option<ResourceJson>) -> Option<Resource> {
    resource.map(|resource| Resource {
        attributes: pairs(resource.attributes),
        dropped_attributes_count: resource.dropped_attributes_count.0,
        ..Resource::default()
    })
}

fn scope(scope: Option<ScopeJson>) -> Option<InstrumentationScope> {
    scope.map(|scope| InstrumentationScope {
        name: scope.name.0,
        version: scope.version.0,
        attributes: pairs(scope.attributes),
        dropped_attributes_count: scope.dropped_attributes_count.0,
    })
}

fn pairs(pairs: Nullable<Vec<Pair>>) -> Vec<KeyValue> {
    pairs
        .0
        .into_iter()
        .map(|pair| KeyValue { key: pair.key.0, value: pair.value.map(any), ..KeyValue::default() })
        .collect()
}

/// Of several values, which no valid message has, the first kind wins.
fn any(any: Any) -> AnyValue {
    use any_value::Value;
    let value = if let Some(text) = any.string_value {
        Some(Value::StringValue(text))
    } else if let Some(value) = any.bool_value {
        Some(Value::BoolValue(value))
    } else if let Some(Int(value)) = any.int_value {
        Some(Value::IntValue(value))
    } else if let Some(field::Float(value)) = any.double_value {
        Some(Value::DoubleValue(value))
    } else if let Some(list) = any.array_value {
        Some(Value::ArrayValue(ArrayValue {
            values: list.values.0.into_iter().map(self::any).collect(),
        }))
    } else if let Some(list) = any.kvlist_value {
        Some(Value::KvlistValue(KeyValueList { values: pairs(list.values) }))
    } else {
        any.bytes_value.map(|Base64(bytes)| Value::BytesValue(bytes))
    };
    AnyValue { value }
}
