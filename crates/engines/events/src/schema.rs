//! The tables of spans and log records: which columns there are, and which attributes have one of their own.
//!
//! The fixed columns have the names of OpenTelemetry's data model as its ClickHouse exporter writes them (`SpanName`,
//! `ServiceName`, `SeverityNumber`, …), so that queries written for it read our files, too. An attribute that many rows
//! have is *promoted*: it gets a typed column under its own name (`http.route`; `resource.k8s.pod.name` for what the
//! emitter says of itself). All others lie in two maps: texts as they are (`SpanAttributes`), values of other types as
//! JSON that keeps the type ([`crate::json`]) in the map beside it (`SpanAttributesOther`).
//!
//! **Invariant:** the list of promoted attributes only grows, and a file says how long it was when the file was written.
//! So an attribute of that part of the list which has no column in the file is in no row of it.

mod fixed;
mod promoted;

use std::{collections::HashMap, sync::Arc};

use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};

pub(crate) use fixed::{event_struct, fixed, link_struct, map, time_type};
pub(crate) use promoted::{Kind, Place, Promoted, Promotion};

/// The schema's key under which a file says how many promoted attributes were known when it was written.
pub(crate) const KNOWN: &str = "evenkeel.promoted";
/// A promoted column's key that says that some rows have a value of another type, which lies in the maps.
pub(crate) const MIXED: &str = "evenkeel.mixed";

/// Which of the two tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signal {
    Spans,
    Logs,
}

impl Signal {
    pub const ALL: [Self; 2] = [Self::Spans, Self::Logs];

    /// The table's name in SQL, and the name of its directory.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spans => "spans",
            Self::Logs => "logs",
        }
    }

    /// The map of the records' own attributes.
    pub(crate) const fn attributes(self) -> &'static str {
        match self {
            Self::Spans => "SpanAttributes",
            Self::Logs => "LogAttributes",
        }
    }

    /// The columns by which rows are sorted.
    pub(crate) const fn order(self) -> &'static [&'static str] {
        match self {
            // The ids last, so that a span which came twice lies beside itself.
            Self::Spans => &["ServiceName", "SpanName", "Timestamp", "TraceId", "SpanId"],
            Self::Logs => &["ServiceName", "Timestamp"],
        }
    }
}

/// The map beside `map` that holds values which are not text.
pub(crate) fn other(map: &str) -> String {
    format!("{map}Other")
}

/// The columns of the whole table when `promoted` attributes have one.
pub(crate) fn schema(signal: Signal, promoted: &Promoted) -> SchemaRef {
    let own = promoted.list().iter().map(Promotion::field);
    Arc::new(with_known(fixed(signal).into_iter().chain(own).collect(), promoted.list().len()))
}

/// A schema that says how many promoted attributes were known.
pub(crate) fn with_known(fields: Vec<Field>, known: usize) -> Schema {
    Schema::new_with_metadata(fields, HashMap::from([(KNOWN.to_owned(), known.to_string())]))
}

/// How many promoted attributes were known when rows of this schema were written.
pub(crate) fn known(schema: &Schema) -> usize {
    schema.metadata().get(KNOWN).and_then(|known| known.parse().ok()).unwrap_or(0)
}
