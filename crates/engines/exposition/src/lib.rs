//! The formats in which metrics travel: what targets expose, and what remote write and remote read carry.
//!
//! [`Parser`] reads Prometheus' text format, OpenMetrics and the protobuf format entry by entry, as leniently as Prometheus' own
//! scrape does; [`openmetrics::check`] is as strict as the OpenMetrics reference parser. [`mod@write`] writes the same formats.
//! [`remote_write`] and [`remote_read`] walk and write the messages of those protocols.
//!
//! Specifications: prometheus.io/docs/instrumenting/exposition_formats, OpenMetrics 1.0, prometheus.io/docs/specs/prw.
//!
//! **Invariant:** does no IO; every byte may be hostile: nothing panics, and nothing is allocated that the input does not pay for.

pub mod content;
pub mod entry;
pub mod error;
pub mod number;
pub mod openmetrics;
pub mod parser;
pub mod remote_read;
pub mod remote_write;
pub mod wire;
pub mod write;

mod nhcb;
mod proto;
mod quote;
mod text;

pub use content::{ContentKind, ContentTypeError};
pub use entry::{Entry, HistogramEntry, OwnedExemplar, SeriesEntry};
pub use error::ParseError;
pub use parser::{Options, Parser};
