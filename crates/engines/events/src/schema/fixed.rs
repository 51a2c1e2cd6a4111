//! The columns that every file has.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Fields, TimeUnit};

use super::{Signal, other};

fn text(name: &str, nullable: bool) -> Field {
    Field::new(name, DataType::Utf8, nullable)
}

fn number(name: &str) -> Field {
    Field::new(name, DataType::UInt32, false)
}

pub(crate) fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()))
}

fn time(name: &str, nullable: bool) -> Field {
    Field::new(name, time_type(), nullable)
}

/// A map of texts, with the field names that Arrow's builders and Parquet's readers use.
pub(crate) fn map(name: &str) -> Field {
    let entry = Fields::from(vec![text("keys", false), text("values", true)]);
    let entries = Field::new("entries", DataType::Struct(entry), false);
    Field::new(name, DataType::Map(Arc::new(entries), false), false)
}

fn maps(name: &str) -> [Field; 2] {
    [map(name), map(&other(name))]
}

/// What a span's event is made of.
pub(crate) fn event_struct() -> Fields {
    let [attributes, others] = maps("Attributes");
    vec![
        time("Timestamp", false),
        text("Name", false),
        attributes,
        others,
        number("DroppedAttributesCount"),
    ]
    .into()
}

/// What a span's link is made of.
pub(crate) fn link_struct() -> Fields {
    let [attributes, others] = maps("Attributes");
    vec![
        text("TraceId", false),
        text("SpanId", false),
        text("TraceState", true),
        number("TraceFlags"),
        attributes,
        others,
        number("DroppedAttributesCount"),
    ]
    .into()
}

fn list(name: &str, of: Fields) -> Field {
    let item = Field::new("item", DataType::Struct(of), false);
    Field::new(name, DataType::List(Arc::new(item)), false)
}

/// The fixed columns of a table, in the order in which files have them.
pub(crate) fn fixed(signal: Signal) -> Vec<Field> {
    let mut fields = match signal {
        Signal::Spans => vec![
            time("Timestamp", false),
            Field::new("Duration", DataType::Int64, false),
            text("TraceId", false),
            text("SpanId", false),
            text("ParentSpanId", true),
            text("TraceState", true),
            number("TraceFlags"),
            text("SpanName", false),
            text("SpanKind", false),
            text("StatusCode", false),
            text("StatusMessage", true),
        ],
        Signal::Logs => vec![
            time("Timestamp", false),
            time("ObservedTimestamp", true),
            Field::new("TimestampGiven", DataType::Boolean, false),
            text("TraceId", true),
            text("SpanId", true),
            number("TraceFlags"),
            Field::new("SeverityNumber", DataType::UInt8, false),
            text("SeverityText", true),
            text("Body", true),
            Field::new("BodyIsJson", DataType::Boolean, false),
            text("EventName", true),
        ],
    };
    fields.extend([
        text("ServiceName", false),
        text("ServiceVersion", true),
        text("DeploymentEnvironment", true),
        text("ServiceInstanceId", true),
        text("ResourceSchemaUrl", true),
        text("ScopeName", true),
        text("ScopeVersion", true),
        text("ScopeSchemaUrl", true),
        number("DroppedAttributesCount"),
        number("ResourceDroppedAttributesCount"),
        number("ScopeDroppedAttributesCount"),
        // How many records this one stands for; null is 1.
        Field::new("AdjustedCount", DataType::Float64, true),
    ]);
    fields.extend(maps(signal.attributes()));
    fields.extend(maps("ResourceAttributes"));
    fields.extend(maps("ScopeAttributes"));
    if signal == Signal::Spans {
        fields.extend([
            number("DroppedEventsCount"),
            number("DroppedLinksCount"),
            list("Events", event_struct()),
            list("Links", link_struct()),
        ]);
    }
    fields
}
