//! What a line says, why it could not be read, and what a reader must be told.

use jiff::tz::TimeZone;
use model::{Attributes, SpanId, Timestamp, TraceId, Value};

use crate::Format;

/// What the caller knows and a line may leave out.
#[derive(Clone, Debug)]
pub struct Options {
    /// When the line was received: the year of a line that names none is the latest that does not put it after tomorrow.
    pub now: Timestamp,
    /// Where the emitter's clock hangs, for times without an offset.
    pub zone: TimeZone,
}

impl Options {
    /// Times without an offset are UTC.
    pub const fn new(now: Timestamp) -> Self {
        Self { now, zone: TimeZone::UTC }
    }
}

/// A log record without its emitter; the fields mean what they mean in [`model::LogRecord`].
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// When it happened, as the line says.
    pub at: Option<Timestamp>,
    /// OpenTelemetry's severity number, 1 (trace) to 24 (fatal).
    pub severity: Option<u8>,
    /// The line's own word for the severity; empty when it has none.
    pub severity_text: Box<str>,
    /// The message; [`Value::Empty`] when the line has a place for one and leaves it blank.
    pub body: Value,
    /// Keys are unique. Syslog's `host.name` and `service.name` are here too: they say who emitted, so the caller may lift them to the resource.
    pub attributes: Attributes,
    pub trace_id: Option<TraceId>,
    pub span_id: Option<SpanId>,
}

impl Parsed {
    pub(crate) fn new(body: Value) -> Self {
        Self {
            at: None,
            severity: None,
            severity_text: Box::default(),
            body,
            attributes: Attributes::new(),
            trace_id: None,
            span_id: None,
        }
    }

    /// Sets the severity from the line's own word for it.
    pub(crate) fn level(&mut self, word: &str) {
        self.severity = crate::severity::from_word(word);
        self.severity_text = word.into();
    }

    /// Adds an attribute; the caller sees to it that no key comes twice.
    pub(crate) fn put(&mut self, key: &str, value: Value) {
        self.attributes.push((key.into(), value));
    }

    pub(crate) fn put_text(&mut self, key: &str, text: &str) {
        self.put(key, Value::string(text));
    }

    /// Adds a header of a request, which OpenTelemetry has as a list of values.
    pub(crate) fn put_header(&mut self, key: &str, text: &str) {
        self.put(key, Value::Array(vec![Value::string(text)]));
    }

    /// Adds an integer, as text when it is too large for one.
    pub(crate) fn put_int(&mut self, key: &str, digits: &str) {
        self.put(key, digits.parse().map_or_else(|_| Value::string(digits), Value::Int));
    }
}

/// Why a line is not of its format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a line of the format `{format}`: {what} at byte column {column}")]
pub struct ParseError {
    pub format: Format,
    /// What was expected, or what is wrong.
    pub what: &'static str,
    /// Counts bytes of the line from 1.
    pub column: usize,
}
