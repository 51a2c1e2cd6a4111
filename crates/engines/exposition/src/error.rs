//! Why a body of metrics cannot be read.

use crate::{number::NumberError, wire::WireError};

/// Worded as Prometheus words it, so that a user finds the same text; `context` is quoted and cut.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ParseError {
    #[error("{expected}, got {got} (\"{token}\") while parsing: {context}")]
    Unexpected { expected: String, got: String, token: &'static str, context: String, at: usize },
    #[error("strconv.ParseFloat: parsing {text}: {reason} while parsing: {context}")]
    Number { text: String, reason: NumberError, context: String, at: usize },
    #[error("unsupported character in float while parsing: {context}")]
    Character { context: String, at: usize },
    #[error("strconv.ParseInt: parsing {text}: {reason} while parsing: {context}")]
    Integer { text: String, reason: NumberError, context: String, at: usize },
    #[error("metric name not set while parsing: {context}")]
    NoName { context: String, at: usize },
    #[error("metric name already set while parsing: {context}")]
    TwoNames { context: String, at: usize },
    #[error("invalid UTF-8 label value: {text}")]
    LabelValue { text: String, at: usize },
    #[error("invalid UTF-8 in the name {text}")]
    Name { text: String, at: usize },
    #[error("help text {text} is not a valid utf8 string")]
    Help { text: String, at: usize },
    #[error("invalid metric type {text}")]
    Type { text: String, at: usize },
    #[error("expected text in {what}")]
    NoText { what: &'static str, at: usize },
    #[error("unit {unit} not a suffix of metric {name}")]
    Unit { unit: String, name: String, at: usize },
    #[error("invalid {what} {value}")]
    Timestamp { what: &'static str, value: &'static str, at: usize },
    #[error("data does not end with # EOF")]
    NoEof { at: usize },
    #[error("unexpected data after # EOF")]
    AfterEof { at: usize },
    #[error("cannot read the metric families: {source}")]
    Protobuf { source: WireError },
    /// A rule of OpenMetrics that [`crate::openmetrics::check`] keeps; `line` counts from 1.
    #[error("line {line}: {what}")]
    Rule { line: usize, what: String },
    /// A rule of the protobuf format.
    #[error("{what}")]
    Family { what: String, at: usize },
}

impl ParseError {
    /// The place of the fault: bytes from the body's start. `None` for [`ParseError::Rule`], which names a line.
    pub fn at(&self) -> Option<usize> {
        match self {
            Self::Unexpected { at, .. }
            | Self::Number { at, .. }
            | Self::Character { at, .. }
            | Self::Integer { at, .. }
            | Self::NoName { at, .. }
            | Self::TwoNames { at, .. }
            | Self::LabelValue { at, .. }
            | Self::Name { at, .. }
            | Self::Help { at, .. }
            | Self::Type { at, .. }
            | Self::NoText { at, .. }
            | Self::Unit { at, .. }
            | Self::Timestamp { at, .. }
            | Self::NoEof { at }
            | Self::AfterEof { at }
            | Self::Family { at, .. } => Some(*at),
            Self::Protobuf { source } => Some(source.at()),
            Self::Rule { .. } => None,
        }
    }
}
